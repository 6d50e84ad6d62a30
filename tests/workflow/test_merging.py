"""Merging tips about one matter, and dispatch without a person."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import Conflict, Forbidden, InvalidInput, StaleVersion
from app.foundation.permissions import PROGRAM
from app.tips import dispatching, jobs, statistics
from app.tips import queries as tip_queries
from app.tips.periods import Period
from app.tips.progress import leading
from app.workflow import exclusions, limits, queries, service
from app.workflow.queries import history_of
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.tips import reporters
from tests.workflow import office
from tests.workflow.test_sweeping import deliver

CLEAR = {
    "subject": factories.tip_body()["subject"]
    | {"operating_address": "新疆乌鲁木齐市新市区长春中路1号", "name": "乌鲁木齐明川商贸有限公司"}
}
"""Registered and operating in one district."""


class TestMerge:
    def test_a_tip_follows_the_main_tip_and_keeps_its_own_row(self, client: FlaskClient) -> None:
        main, later = office.verifying(client), office.registered(client)
        filed = office.handling(later).registered_at
        found = office.do("city.reviewer", later, "merge", into=main)
        assert (found.status, found.merged_into, found.due_on) == ("merged", main, None)
        assert found.registered_at == filed, "the first reporter stays known (domain rule 6)"
        assert history_of(later)[-1].details["into"] == str(main)
        assert leading(later).tip_id == main

    def test_what_was_merged_before_follows_along(self, client: FlaskClient) -> None:
        first, second, third = (office.registered(client) for _ in range(3))
        office.do("city.reviewer", first, "merge", into=second)
        assert office.do("city.reviewer", second, "merge", into=third).merged_into == third
        assert office.handling(first).merged_into == third
        with pytest.raises(InvalidInput):
            office.do("city.reviewer", third, "merge", into=first)

    def test_into_a_merged_tip_is_into_its_main_tip(self, client: FlaskClient) -> None:
        main, second, third = (office.registered(client) for _ in range(3))
        office.do("city.reviewer", second, "merge", into=main)
        assert office.do("city.reviewer", third, "merge", into=second).merged_into == main

    def test_not_into_itself_nothing_or_what_is_settled(self, client: FlaskClient) -> None:
        tip_id, settled = office.registered(client), office.registered(client)
        office.do("city.reviewer", settled, "reject", reason_code="NO_FACTS", reason="无。", route="信访")
        for into in (tip_id, settled, uuid4()):
            with pytest.raises(InvalidInput):
                office.do("city.reviewer", tip_id, "merge", into=into)

    def test_through_the_contract(self, client: FlaskClient) -> None:
        main, later = office.registered(client), office.registered(client)
        assert factories.office_act(client, "city.reviewer", later, "merge").status_code == 422
        answer = factories.office_act(client, "city.reviewer", later, "merge", into=str(main))
        assert (answer.status_code, answer.get_json()["status"]) == (200, "merged")

    @pytest.mark.parametrize("username", ["city.leader", "city.adjuster"])
    def test_the_reviewer_alone(self, client: FlaskClient, username: str) -> None:
        main, later = office.registered(client), office.registered(client)
        with pytest.raises(Forbidden):
            office.do(username, later, "merge", into=main)

    def test_two_tips_merged_into_each_other_at_once_form_no_ring(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        tips = [office.registered(client), office.registered(client)]
        person = factories.actor("city.reviewer")
        db.session.rollback()

        def merge(tip: UUID, into: UUID) -> bool:
            try:
                with transaction(OPEN_WALL):
                    service.act(person, tip, "merge", 1, {"into": into})
            except (Conflict, InvalidInput, StaleVersion):
                return False
            return True

        done = at_once(committed_app, [lambda: merge(tips[0], tips[1]), lambda: merge(tips[1], tips[0])])
        with transaction(OPEN_WALL):
            merged = [office.handling(tip).status == "merged" for tip in tips]
        assert merged == done
        assert sum(done) <= 1


class TestFollowing:
    """A merged tip lies where its main tip lies (domain §9.1), and is no work of its own."""

    def _merged(self, client: FlaskClient, main: UUID) -> tuple[dict[str, Any], UUID]:
        receipt = factories.file_tip(client, reporter=factories.REPORTER)
        later = factories.tip_id_of(receipt["receipt_number"])
        office.do("city.reviewer", later, "merge", into=main)
        return receipt, later

    def _units(self, *tips: UUID) -> list[int | None]:
        return [office.handling(tip).unit_id for tip in tips]

    def test_the_unit_of_the_main_tip_sees_it_and_no_other_does(self, client: FlaskClient) -> None:
        main = office.registered(client)
        early = self._merged(client, main)[1]
        office.do("city.reviewer", main, "accept")
        office.do("city.reviewer", main, "assign", division=factories.XINSHI)
        late = self._merged(client, main)[1]
        own, other = (factories.office_headers(name) for name in (office.HANDLER, office.OTHER))
        for tip in (early, late):
            path = f"/api/v1/office/tips/{tip}"
            seen = client.get(path, headers=own)
            assert (seen.status_code, client.get(path, headers=other).status_code) == (200, 404)
            assert seen.get_json()["statement"]["description"]
            assert seen.get_json()["available_actions"] == []
            assert seen.get_json()["can_write_to_reporter"]
            opened = client.post(f"{path}/identity", json={"reason": "核实情况"}, headers=own)
            assert opened.status_code == 200
        assert (office.handling(early).division_code, office.handling(late).division_code) == (factories.XINSHI,) * 2

    def test_it_goes_wherever_the_main_tip_goes(self, client: FlaskClient) -> None:
        main = office.registered(client, subject=factories.clear_subject())
        later = self._merged(client, main)[1]
        office.do("city.reviewer", main, "accept")
        for action, who, given in (
            ("assign", "city.reviewer", {"division": factories.TIANSHAN}),
            ("recall", "city.reviewer", {"reason": "误选。"}),
            ("assign", "city.reviewer", {"division": factories.XINSHI}),
            ("sign_for", office.HANDLER, {}),
            ("request_return", office.HANDLER, {"reason": "不属本区。"}),
            ("decide_return", "city.reviewer", {"agree": True, "reason": "同意。"}),
            ("assign", "city.reviewer", {"division": factories.SHUIMOGOU}),
        ):
            office.do(who, main, action, **given)
            assert len(set(self._units(main, later))) == 1, action
            assert office.handling(later).division_code == office.handling(main).division_code
        assert self._units(later) != [None]
        assert office.handling(later).version == 2, "its history is that of the main tip"

    def test_it_goes_along_with_a_reassignment(self, client: FlaskClient) -> None:
        main = office.verifying(client)
        later = self._merged(client, main)[1]
        before = self._units(later)
        office.moved(client, main, factories.TIANSHAN, office.HANDLER)
        after = self._units(main, later)
        assert len(set(after)) == 1
        assert after[:1] != before

    def test_what_its_reporter_says_reaches_the_unit(self, client: FlaskClient) -> None:
        main = office.verifying(client)
        receipt, later = self._merged(client, main)
        assert reporters.call(client, "supplement", receipt, text="合同照片见附件。").status_code == 201
        deliver()
        title = f"举报人补充了材料（{receipt['receipt_number']}）"
        told = (
            "SELECT string_agg(a.username, ',') FROM notices n JOIN accounts a ON a.id = n.account_id WHERE title = :t"
        )
        assert rows.scalar(told, t=title) == office.HANDLER
        seen = reporters.office_sees(client, later, office.HANDLER)
        assert [message["text"] for message in seen["messages"]] == ["合同照片见附件。"]

    def test_the_unit_lists_it_where_it_is_looked_for_alone(self, client: FlaskClient) -> None:
        main = office.verifying(client)
        receipt, later = self._merged(client, main)
        handler = factories.actor(office.HANDLER)

        def listed(**wanted: Any) -> list[UUID]:
            with transaction(handler.wall):
                lines, total = tip_queries.queue_page(handler, tip_queries.QueueFilter(**wanted), None, 10)
            assert total == len(lines)
            return [line.tip_id for line in lines]

        assert listed() == listed(division=factories.XINSHI) == [main]
        assert listed(stage="settled") == []
        assert listed(status="merged") == listed(q=receipt["receipt_number"]) == [later]

    def test_who_stands_aside_from_the_main_tip_does_from_it_too(self, client: FlaskClient) -> None:
        main = office.verifying(client)
        later = self._merged(client, main)[1]
        handler = factories.actor(office.HANDLER)
        with transaction(OPEN_WALL):
            exclusions.exclude(handler, None, "与被举报人有亲属关系。", tip_id=main, company=None)
        headers = factories.office_headers(office.HANDLER)
        answer = client.post(f"/api/v1/office/tips/{later}/identity", json={"reason": "核实"}, headers=headers)
        assert answer.status_code == 403

    def test_a_rating_of_its_reporter_is_one_of_the_unit(self, client: FlaskClient) -> None:
        main = office.verifying(client)
        receipt, _ = self._merged(client, main)
        office.do(office.HANDLER, main, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
        office.do("city.reviewer", main, "conclude")
        office.do(office.HANDLER, main, "reply", text="已依法处理。")
        assert reporters.call(client, "rating", receipt, score=1).status_code == 201
        jobs.count_tips()
        handler, today = factories.actor(office.HANDLER), clock.today()
        tally = statistics.tally(handler, Period(today, today))
        assert (tally.tips, tally.of("score")) == (1, {"1": 1})


class TestUrgency:
    """§9.1: what is urgent halves the limits, also where it came with a later report of the matter."""

    CROWD: Final = {"conduct": factories.tip_body()["conduct"] | {"participants": 6000}}

    def test_the_main_tip_becomes_as_pressing_as_what_is_merged_into_it(self, client: FlaskClient) -> None:
        main, later = office.verifying(client), office.registered(client, **self.CROWD)
        assert (office.handling(main).priority, office.handling(main).clock_days) == ("P4", 15)
        office.do("city.reviewer", later, "merge", into=main)
        found = office.handling(main)
        assert (found.priority, found.clock_days, found.stability_risk) == ("P1", 8, False)
        last = history_of(main)[-1]
        assert (last.action, last.version) == ("mark_urgent", found.version)
        assert "提级" in last.reason
        assert rows.scalar("SELECT count(*) FROM handling_alerts WHERE tip_id = :id AND kind = 'urgent'", id=main) == 1

    def test_once(self, client: FlaskClient) -> None:
        main = office.verifying(client)
        for _ in range(2):
            office.do("city.reviewer", office.registered(client, **self.CROWD), "merge", into=main)
        assert office.handling(main).clock_days == 8
        assert [step.action for step in history_of(main)].count("mark_urgent") == 1

    def test_a_risk_to_stability_goes_along(self, client: FlaskClient) -> None:
        main, later = office.verifying(client), office.registered(client)
        office.do("city.reviewer", later, "mark_urgent", reason="拟集体上访。")
        office.do("city.reviewer", later, "merge", into=main)
        assert office.handling(main).stability_risk
        assert office.handling(main).clock_days == 8

    def test_less_than_urgent_shortens_nothing(self, client: FlaskClient) -> None:
        hundreds = {"conduct": factories.tip_body()["conduct"] | {"participants": 600}}
        main, later = office.verifying(client), office.registered(client, **hundreds)
        office.do("city.reviewer", later, "merge", into=main)
        found = office.handling(main)
        assert (found.priority, found.clock_days, history_of(main)[-1].action) == ("P2", 15, "sign_for")


class TestDispatch:
    def _switch(self, on: int, confidence: int = 90) -> None:
        with transaction(OPEN_WALL):
            limits.set_value(PROGRAM, "auto_dispatch", on, clock.today())
            limits.set_value(PROGRAM, "auto_dispatch_confidence", confidence, clock.today())

    def _accepted(self, client: FlaskClient, **changes: Any) -> Any:
        tip_id = office.registered(client, **changes)
        office.do("city.reviewer", tip_id, "accept")
        deliver()
        return office.handling(tip_id)

    def test_off_until_the_office_switches_it_on(self, client: FlaskClient) -> None:
        assert self._accepted(client, **CLEAR).status == "accepted"

    def test_a_clear_case_is_assigned_marked_and_counted(self, client: FlaskClient) -> None:
        self._switch(1)
        found = self._accepted(client, **CLEAR)
        assert (found.status, found.division_code, found.dispatched_automatically) == (
            "assigned",
            factories.XINSHI,
            True,
        )
        last = history_of(found.tip_id)[-1]
        assert (last.actor_id, last.actor_name, last.action) == (None, "系统", "assign")
        assert "自动交办" in last.reason
        assert "置信度" in last.reason
        day = clock.start_of_today()
        assert queries.dispatched_automatically(day, clock.now().replace(hour=23)) == 1
        assert not dispatching.dispatch(found.tip_id), "twice assigns once"

    def test_rule_4_registered_is_not_operating_district(self, client: FlaskClient) -> None:
        self._switch(1, 1)
        found = self._accepted(client)
        assert found.dispute
        assert (found.status, found.dispatched_automatically) == ("accepted", False)

    @pytest.mark.parametrize(
        "subject",
        [
            {"registered_address": "不知道在哪里", "operating_address": None},
            {"registered_address": None, "operating_address": None},
        ],
    )
    def test_nothing_unknown_is_dispatched(self, client: FlaskClient, subject: dict[str, Any]) -> None:
        self._switch(1, 1)
        found = self._accepted(client, subject=CLEAR["subject"] | subject)
        assert (found.status, found.needs_review) == ("accepted", True)

    def test_a_guess_that_contradicts_is_left_to_the_reviewer(self, client: FlaskClient) -> None:
        self._switch(1, 1)
        assert self._accepted(client, **CLEAR, district_guess=factories.SHUIMOGOU).status == "accepted"

    def test_below_the_threshold_nothing_is_dispatched(self, client: FlaskClient) -> None:
        self._switch(1, 100)
        assert self._accepted(client, **CLEAR).status == "accepted"

    @pytest.mark.parametrize(("name", "value"), [("auto_dispatch", 2), ("auto_dispatch_confidence", 101)])
    def test_a_switch_is_on_or_off_and_percent_end_at_hundred(self, app: Flask, name: str, value: int) -> None:
        with pytest.raises(InvalidInput), clock.stopped_at(MONDAY_MORNING):
            limits.set_value(PROGRAM, name, value, clock.today())
