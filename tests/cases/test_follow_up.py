"""The plan of a case with its versions, and the entry of progress of each month."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from tests import factories
from tests.cases import office
from tests.moments import MONDAY_MORNING


@pytest.fixture
def case_id(client: FlaskClient) -> Iterator[str]:
    with clock.stopped_at(MONDAY_MORNING):
        yield office.case(client)


class TestPlan:
    def test_versions_say_who_and_why_and_the_leader_approves(self, client: FlaskClient, case_id: str) -> None:
        written = office.write_plan(client, case_id)
        assert written.status_code == 201, written.get_json()
        assert written.get_json()["plans"][0]["approved"] is None
        approved = office.decide_plan(client, case_id, 1)
        assert approved.get_json()["plans"][0]["approved"] is True
        done = [office.PLAN["measures"][0] | {"done_on": "2025-03-01"}]
        second = office.write_plan(client, case_id, reason="补充资产处置措施。", measures=done).get_json()
        assert [(plan["number"], plan["reason"], plan["approved"]) for plan in second["plans"]] == [
            (1, "首次制定。", True),
            (2, "补充资产处置措施。", None),
        ]
        assert second["plans"][1]["measures"] == done
        assert [step["action"] for step in second["history"]][1:] == ["write_plan", "decide_plan", "write_plan"]

    def test_one_version_waits_at_a_time(self, client: FlaskClient, case_id: str) -> None:
        office.write_plan(client, case_id)
        again = office.write_plan(client, case_id)
        assert (again.status_code, again.get_json()["code"]) == (409, "plan_waits")

    def test_a_refusal_has_a_reason_and_makes_room_for_another_version(self, client: FlaskClient, case_id: str) -> None:
        office.write_plan(client, case_id)
        assert office.decide_plan(client, case_id, 1, approved=False).status_code == 422
        refused = office.decide_plan(client, case_id, 1, approved=False, reason="措施没有时限。").get_json()
        assert (refused["plans"][0]["approved"], refused["plans"][0]["decision"]) == (False, "措施没有时限。")
        assert office.write_plan(client, case_id).status_code == 201

    def test_a_version_is_decided_on_once(self, client: FlaskClient, case_id: str) -> None:
        office.write_plan(client, case_id)
        office.decide_plan(client, case_id, 1)
        again = office.decide_plan(client, case_id, 1, approved=False, reason="反悔。")
        assert (again.status_code, again.get_json()["code"]) == (409, "plan_decided")
        assert office.decide_plan(client, case_id, 2).status_code == 404

    def test_everybody_keeps_to_the_own_part(self, client: FlaskClient, case_id: str) -> None:
        for username in (office.REVIEWER, office.LEADER, office.OBSERVER):
            assert office.write_plan(client, case_id, username).status_code == 403, username
        assert office.write_plan(client, case_id, office.OTHER).status_code == 404
        office.write_plan(client, case_id)
        for username in (office.HANDLER, office.REVIEWER, office.OBSERVER):
            assert office.decide_plan(client, case_id, 1, username).status_code == 403, username
        assert office.decide_plan(client, case_id, 1, office.OTHER).status_code == 404

    @pytest.mark.parametrize("field", ["text", "owner", "unit", "due_on"])
    def test_a_measure_has_an_owner_a_unit_and_a_date(self, client: FlaskClient, case_id: str, field: str) -> None:
        measure = {name: value for name, value in office.PLAN["measures"][0].items() if name != field}
        assert office.write_plan(client, case_id, measures=[measure]).status_code == 422


class TestProgress:
    @staticmethod
    def missing(client: FlaskClient, month: str, username: str = office.REVIEWER) -> list[str]:
        headers = factories.office_headers(username)
        answer = client.get(office.CASES, query_string={"not_reported_in": month}, headers=headers)
        assert answer.status_code == 200, answer.get_json()
        return [item["id"] for item in answer.get_json()["items"]]

    def test_the_register_tells_who_has_not_reported(self, client: FlaskClient, case_id: str) -> None:
        month = str(clock.today().replace(day=1))
        other = office.case(client, case_no="乌非集〔2021〕8号")
        assert self.missing(client, month) == [other, case_id]
        assert office.report(client, case_id).status_code == 201
        assert self.missing(client, month) == [other]
        assert self.missing(client, month, office.OTHER) == []

    def test_a_month_before_the_case_was_known_misses_nothing(self, client: FlaskClient, case_id: str) -> None:
        before = (clock.today().replace(day=1) - timedelta(days=1)).replace(day=1)
        assert self.missing(client, str(before)) == []

    def test_a_closed_case_reports_no_more(self, client: FlaskClient) -> None:
        stages = {"admin_stage": "admin_handled", "restitution_stage": "completed"}
        case_id = office.case(client, username=office.REVIEWER, stages=stages)
        office.act(client, office.LEADER, case_id, "close", reason="结案。")
        assert self.missing(client, str(clock.today().replace(day=1))) == []
        assert office.report(client, case_id).get_json()["code"] == "transition_not_allowed"
        assert office.write_plan(client, case_id).get_json()["code"] == "transition_not_allowed"

    def test_a_correction_is_a_new_entry(self, client: FlaskClient, case_id: str) -> None:
        office.report(client, case_id)
        case = office.report(client, case_id, situation="更正：尚未开庭。").get_json()
        assert [entry["situation"] for entry in case["progress"]] == ["更正：尚未开庭。", "一审已开庭。"]
        assert {entry["month"] for entry in case["progress"]} == {str(clock.today().replace(day=1))}
        assert case["progress"][0]["recovered_yuan"] == "500000.00"

    @pytest.mark.parametrize("shift", [1, 45])
    def test_only_whole_months_that_have_begun(self, client: FlaskClient, case_id: str, shift: int) -> None:
        first = clock.today().replace(day=1)
        day = first + timedelta(days=1) if shift == 1 else (first + timedelta(days=shift)).replace(day=1)
        answer = office.report(client, case_id, month=str(day))
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["month"])

    def test_a_month_before_all_cases_is_refused(self, client: FlaskClient, case_id: str) -> None:
        answer = office.report(client, case_id, month="0001-01-01")
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["month"])

    def test_what_moved_must_be_said(self, client: FlaskClient, case_id: str) -> None:
        answer = office.report(client, case_id, movement="")
        assert list(answer.get_json()["errors"]) == ["movement"]

    def test_only_the_responsible_district_reports(self, client: FlaskClient, case_id: str) -> None:
        expected: dict[str, Any] = {office.REVIEWER: 403, office.LEADER: 403, office.OBSERVER: 403, office.OTHER: 404}
        for username, status in expected.items():
            assert office.report(client, case_id, username).status_code == status, username


def test_the_observer_reads_neither_plans_nor_progress(client: FlaskClient, case_id: str) -> None:
    office.write_plan(client, case_id)
    office.report(client, case_id)
    shown = office.shown(client, case_id, office.OBSERVER)
    assert (shown["plans"], shown["progress"]) == ([], [])
    assert "首次制定" not in json.dumps(shown, ensure_ascii=False)
