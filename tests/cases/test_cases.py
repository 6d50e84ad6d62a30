"""A case through the office API: entered, corrected, moved on three tracks, closed by the leader, behind the wall."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.foundation import clock
from app.foundation.database import db, enter_wall
from tests import factories, rows
from tests.cases import office
from tests.threads import at_once


class TestEntering:
    def test_a_district_enters_its_own_case_and_the_engine_says_where_it_belongs(self, client: FlaskClient) -> None:
        answer = office.register(client)
        case = answer.get_json()
        assert answer.status_code == 201
        assert (case["status"], case["version"], case["division"]) == ("open", 1, factories.XINSHI)
        assert case["jurisdiction"]["lead"] == factories.XINSHI
        assert factories.TIANSHAN in case["jurisdiction"]["cooperating"]
        assert case["jurisdiction"]["dispute_reasons"] == ["registered_and_operating_differ"]
        assert {case[track] for track in ("admin_stage", "judicial_stage", "restitution_stage")} == {"none"}
        assert case["facts"]["parties"] == office.FACTS["parties"]
        assert case["history"][0]["action"] == "register"

    def test_the_city_enters_an_old_case_where_it_stands(self, client: FlaskClient) -> None:
        stages = {"admin_stage": "police_transferred", "judicial_stage": "trial", "restitution_stage": "registering"}
        case = office.register(client, office.REVIEWER, stages=stages).get_json()
        assert case["division"] == factories.XINSHI
        assert {track: case[track] for track in stages} == stages

    def test_the_city_names_the_district_where_no_place_is_known(self, client: FlaskClient) -> None:
        refused = office.register(client, office.REVIEWER, facts={})
        assert refused.status_code == 422
        assert "division" in refused.get_json()["errors"]
        named = office.register(client, office.REVIEWER, facts={}, division=factories.TIANSHAN)
        assert named.get_json()["division"] == factories.TIANSHAN

    def test_a_district_claims_no_stages(self, client: FlaskClient) -> None:
        assert office.register(client, stages={"judicial_stage": "concluded"}).status_code == 403

    def test_nobody_types_that_money_cannot_be_returned(self, client: FlaskClient) -> None:
        answer = office.register(client, office.REVIEWER, stages={"restitution_stage": "impossible"})
        assert answer.status_code == 422

    @pytest.mark.parametrize("field", ["occurred_on", "target_on"])
    @pytest.mark.parametrize("day", ["0001-01-01", "1949-12-31", "2100-01-01", "9999-12-31"])
    def test_a_day_beyond_belief_is_refused_as_in_a_sheet(self, client: FlaskClient, field: str, day: str) -> None:
        answer = office.register(client, facts=office.FACTS | {field: day})
        assert (answer.status_code, answer.get_json()["errors"]) == (
            422,
            {f"facts.{field}": ["年份不在 1950 至 2099 之间"]},
        )

    @pytest.mark.parametrize("month", ["0001-01-01", "9999-12-01"])
    def test_the_list_is_asked_for_believable_months(self, client: FlaskClient, month: str) -> None:
        answer = client.get(
            f"{office.CASES}?not_reported_in={month}", headers=factories.office_headers(office.REVIEWER)
        )
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["not_reported_in"])

    @pytest.mark.parametrize("code", ["６５０１０４", "999999", "650104\n", "65010"])
    def test_places_are_divisions_of_today(self, client: FlaskClient, code: str) -> None:
        for field, value, at in (
            ("lead_place", code, "facts.lead_place"),
            ("cooperating_places", ["620100", code], "facts.cooperating_places.1"),
        ):
            answer = office.register(client, facts=office.FACTS | {field: value})
            assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [at])

    @pytest.mark.parametrize("field", ["case_no", "name"])
    def test_a_blank_is_neither_number_nor_name(self, client: FlaskClient, field: str) -> None:
        answer = office.register(client, **{field: " "})
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])

    def test_a_number_is_used_once(self, client: FlaskClient) -> None:
        office.case(client)
        again = office.register(client, office.REVIEWER)
        assert (again.status_code, again.get_json()["code"]) == (409, "case_no_taken")

    @pytest.mark.parametrize("username", ["city.adjuster", office.LEADER, office.OBSERVER, "auditor", "sysadmin"])
    def test_nobody_else_enters_cases(self, client: FlaskClient, username: str) -> None:
        assert office.register(client, username).status_code == 403

    @pytest.mark.parametrize(
        ("field", "value"),
        [("involved_yuan", "-1"), ("involved_yuan", "1.005"), ("industry", "Z1"), ("method", "x"), ("participants", -1),
         ("returned_ratio", "0.5"), ("parties", [{"kind": "organization", "role": "boss", "name": "甲"}])],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_by_field(self, client: FlaskClient, field: str, value: Any) -> None:
        answer = office.register(client, facts=office.FACTS | {field: value})
        assert answer.status_code == 422
        assert any(field in name for name in answer.get_json()["errors"])


class TestCorrecting:
    @staticmethod
    def change(
        client: FlaskClient, case_id: str, username: str = office.HANDLER, version: int = 1, **facts: Any
    ) -> Any:
        body = {"expected_version": version, "facts": facts}
        return client.patch(f"{office.CASES}/{case_id}", json=body, headers=factories.office_headers(username))

    def test_the_history_keeps_what_was(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        answer = self.change(client, case_id, returned_yuan="3000000.00", court="天山区人民法院", industry="J69")
        case = answer.get_json()
        assert (case["version"], case["returned_yuan"], case["returned_ratio"]) == (2, "3000000.00", "0.2500")
        assert case["history"][-1]["details"]["changed"] == {
            "returned_yuan": [None, "3000000.00"],
            "court": [None, "天山区人民法院"],
        }

    def test_another_place_asks_the_engine_again_and_moves_nothing(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        place = {"registered_place": "新疆乌鲁木齐市水磨沟区南湖路1号", "occurrence_place": None}
        case = self.change(client, case_id, **place).get_json()
        assert case["jurisdiction"]["lead"] == factories.SHUIMOGOU
        assert case["division"] == factories.XINSHI

    def test_nobody_gets_back_more_than_was_owed(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        answer = self.change(client, case_id, returned_yuan="12000000.01")
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["returned_yuan"])
        assert self.change(client, case_id, returned_yuan="12000000.00").get_json()["returned_ratio"] == "1.0000"

    def test_a_number_that_another_district_has_is_refused_and_nothing_more_is_told(self, client: FlaskClient) -> None:
        office.case(client, case_no="乌非集〔2021〕8号", username=office.OTHER)
        case_id = office.case(client)
        body = {"expected_version": 1, "facts": {}, "case_no": "乌非集〔2021〕8号"}
        answer = client.patch(f"{office.CASES}/{case_id}", json=body, headers=factories.office_headers(office.HANDLER))
        assert (answer.status_code, answer.get_json()["code"]) == (409, "case_no_taken")
        assert answer.get_json()["detail"] == "该案件编号已登记"
        assert office.shown(client, case_id)["case_no"] == "乌非集〔2021〕7号"

    def test_two_that_take_one_number_at_once(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        cases = [office.case(client, case_no=f"甲{number}") for number in range(4)]
        headers = factories.office_headers(office.HANDLER)

        def take(case_id: str) -> int:
            body = {"expected_version": 1, "facts": {}, "case_no": "同号"}
            answer = committed_app.test_client().patch(f"{office.CASES}/{case_id}", json=body, headers=headers)
            return answer.status_code

        answers = at_once(committed_app, [lambda c=case_id: take(c) for case_id in cases])
        assert sorted(answers) == [200, 409, 409, 409]

    def test_who_comes_late_is_told(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        self.change(client, case_id, court="天山区人民法院")
        late = self.change(client, case_id, office.REVIEWER, court="高新区人民法院")
        assert (late.status_code, late.get_json()["code"]) == (409, "stale_version")
        assert office.shown(client, case_id)["facts"]["court"] == "天山区人民法院"

    def test_the_leader_and_the_observer_correct_nothing(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        for username in (office.LEADER, office.OBSERVER):
            assert self.change(client, case_id, username, court="法院").status_code == 403


class TestTracks:
    def test_the_district_enters_a_stage_and_the_city_confirms_it(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        given = {"track": "judicial_stage", "stage": "police_accepted", "on": "2025-05-20"}
        entered = office.act(client, office.HANDLER, case_id, "propose_stage", **given).get_json()
        assert entered["judicial_stage"] == "none"
        assert [(p["to_stage"], p["on"]) for p in entered["proposals"]] == [("police_accepted", "2025-05-20")]
        confirmed = office.act(client, office.REVIEWER, case_id, "confirm_stage", track="judicial_stage").get_json()
        assert (confirmed["judicial_stage"], confirmed["proposals"]) == ("police_accepted", [])
        assert confirmed["stage_dates"] == {"judicial_stage": {"police_accepted": "2025-05-20"}}
        last = confirmed["history"][-1]
        assert (last["track"], last["from_stage"], last["to_stage"]) == ("judicial_stage", "none", "police_accepted")
        assert last["role"] == "city_reviewer"

    def test_the_city_refuses_with_a_reason_and_the_track_stays(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        office.act(
            client,
            office.HANDLER,
            case_id,
            "propose_stage",
            track="admin_stage",
            stage="admin_accepted",
            on="2025-06-01",
        )
        bare = office.act(client, office.REVIEWER, case_id, "refuse_stage", track="admin_stage")
        assert list(bare.get_json()["errors"]) == ["reason"]
        refused = office.act(client, office.REVIEWER, case_id, "refuse_stage", track="admin_stage", reason="缺少文书。")
        assert (refused.get_json()["admin_stage"], refused.get_json()["proposals"]) == ("none", [])
        office.move(client, case_id, "admin_stage", "admin_accepted")

    def test_one_change_waits_on_each_track(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        given = {"track": "admin_stage", "stage": "admin_accepted", "on": "2025-06-01"}
        assert office.act(client, office.HANDLER, case_id, "propose_stage", **given).status_code == 200
        again = office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        assert (again.status_code, again.get_json()["code"]) == (409, "stage_change_open")

    def test_a_step_that_the_table_does_not_know_is_refused(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        given = {"track": "judicial_stage", "stage": "trial", "on": "2025-06-01"}
        answer = office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "transition_not_allowed")

    def test_a_move_back_needs_a_reason(self, client: FlaskClient) -> None:
        case_id = office.case(client, username=office.REVIEWER, stages={"judicial_stage": "prosecuting"})
        given = {"track": "judicial_stage", "stage": "investigating", "on": "2025-06-01"}
        bare = office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        assert (bare.status_code, list(bare.get_json()["errors"])) == (422, ["reason"])
        office.move(client, case_id, "judicial_stage", "investigating", reason="退回补充侦查。")
        assert office.shown(client, case_id)["history"][-1]["reason"] == "退回补充侦查。"

    def test_nothing_was_reached_in_the_future(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        given = {"track": "admin_stage", "stage": "admin_accepted", "on": str(clock.today() + timedelta(days=1))}
        answer = office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        assert list(answer.get_json()["errors"]) == ["on"]

    def test_a_stage_of_another_track_is_no_stage(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        given = {"track": "admin_stage", "stage": "trial", "on": "2025-06-01"}
        assert office.act(client, office.HANDLER, case_id, "propose_stage", **given).status_code == 422

    def test_nobody_confirms_the_own_entry_or_enters_for_another(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        given = {"track": "admin_stage", "stage": "admin_accepted", "on": "2025-06-01"}
        assert office.act(client, office.REVIEWER, case_id, "propose_stage", **given).status_code == 403
        office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        for username in (office.HANDLER, office.LEADER, office.OBSERVER):
            answer = office.act(client, username, case_id, "confirm_stage", track="admin_stage")
            assert answer.status_code == 403, username

    def test_only_the_leader_declares_that_money_cannot_be_returned(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        given = {
            "track": "restitution_stage",
            "stage": "impossible",
            "on": "2025-06-01",
            "reason": "无可供处置的资产。",
        }
        assert office.act(client, office.HANDLER, case_id, "propose_stage", **given).status_code == 200
        city = office.act(client, office.REVIEWER, case_id, "confirm_stage", track="restitution_stage")
        assert city.status_code == 403
        leader = office.act(client, office.LEADER, case_id, "confirm_stage", track="restitution_stage")
        assert leader.get_json()["restitution_stage"] == "impossible"


class TestClosing:
    STAGES: ClassVar = {"judicial_stage": "enforcing", "restitution_stage": "returning"}

    def test_a_case_closes_when_the_courts_and_the_money_are_done(self, client: FlaskClient) -> None:
        case_id = office.case(client, username=office.REVIEWER, stages=self.STAGES)
        assert len(office.shown(client, case_id)["missing_for_closing"]) == 2
        for track, stage in (("judicial_stage", "concluded"), ("restitution_stage", "completed")):
            early = office.act(client, office.LEADER, case_id, "close", reason="结案。")
            assert (early.status_code, early.get_json()["code"]) == (409, "closing_rule"), track
            office.move(client, case_id, track, stage)
        assert office.act(client, office.REVIEWER, case_id, "close", reason="结案。").status_code == 403
        closed = office.act(client, office.LEADER, case_id, "close", reason="审结并清退完毕。").get_json()
        assert closed["status"] == "closed"
        assert closed["closed_at"]
        assert closed["available_actions"] == ["reopen"]

    def test_a_change_that_waits_keeps_the_case_open(self, client: FlaskClient) -> None:
        stages = {"judicial_stage": "concluded", "restitution_stage": "completed"}
        case_id = office.case(client, username=office.REVIEWER, stages=stages)
        given = {"track": "judicial_stage", "stage": "trial", "on": "2025-06-01", "reason": "再审。"}
        office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        assert office.act(client, office.LEADER, case_id, "close", reason="结案。").get_json()["code"] == "closing_rule"

    def test_a_closed_case_rests_until_the_leader_reopens_it_with_a_reason(self, client: FlaskClient) -> None:
        stages = {"admin_stage": "admin_handled", "restitution_stage": "completed"}
        case_id = office.case(client, username=office.REVIEWER, stages=stages)
        office.act(client, office.LEADER, case_id, "close", reason="结案。")
        given = {"track": "restitution_stage", "stage": "disposing", "on": "2025-06-01", "reason": "发现新资产。"}
        resting = office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        assert resting.get_json()["code"] == "transition_not_allowed"
        assert TestCorrecting.change(client, case_id, version=2, court="法院").status_code == 409
        assert office.act(client, office.LEADER, case_id, "reopen").status_code == 422
        reopened = office.act(client, office.LEADER, case_id, "reopen", reason="发现新资产。").get_json()
        assert (reopened["status"], reopened["closed_at"]) == ("open", None)
        office.move(client, case_id, "restitution_stage", "disposing", reason="发现新资产。")

    def test_a_concluded_case_is_watched_until_its_money_is_returned(self, client: FlaskClient) -> None:
        case_id = office.case(client, username=office.REVIEWER, stages=self.STAGES)
        assert office.act(client, office.REVIEWER, case_id, "monitor").status_code == 409
        office.move(client, case_id, "judicial_stage", "concluded")
        assert office.act(client, office.REVIEWER, case_id, "monitor").get_json()["status"] == "monitoring"


class TestTips:
    @staticmethod
    def link(client: FlaskClient, username: str, case_id: str, tip_id: UUID) -> Any:
        body = {"tip_id": str(tip_id), "expected_version": office.shown(client, case_id)["version"]}
        return client.post(f"{office.CASES}/{case_id}/tips", json=body, headers=factories.office_headers(username))

    def test_many_tips_belong_to_one_case_and_a_tip_to_one(self, client: FlaskClient) -> None:
        case_id, other = office.case(client), office.case(client, case_no="乌非集〔2021〕8号")
        tips = [factories.verifying_tip(client) for _ in range(2)]
        for tip_id in tips:
            assert self.link(client, office.HANDLER, case_id, tip_id).status_code == 200
        assert [tip["id"] for tip in office.shown(client, case_id)["tips"]] == [str(tip_id) for tip_id in tips]
        again = self.link(client, office.REVIEWER, other, tips[0])
        assert (again.status_code, again.get_json()["code"]) == (409, "tip_already_linked")

    def test_a_district_links_only_what_it_sees(self, client: FlaskClient) -> None:
        case_id, tip_id = office.case(client), factories.verifying_tip(client, factories.TIANSHAN)
        assert self.link(client, office.HANDLER, case_id, tip_id).status_code == 404

    def test_a_tip_of_another_district_stays_behind_its_wall(self, client: FlaskClient) -> None:
        case_id, tip_id = office.case(client), factories.verifying_tip(client, factories.TIANSHAN)
        assert self.link(client, office.REVIEWER, case_id, tip_id).status_code == 200
        assert len(office.shown(client, case_id)["tips"]) == 1
        assert office.shown(client, case_id, office.HANDLER)["tips"] == []

    def test_a_case_tells_nothing_of_who_reported(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        receipt = factories.file_tip(client, reporter=factories.REPORTER)
        self.link(client, office.REVIEWER, case_id, factories.tip_id_of(receipt["receipt_number"]))
        told = json.dumps(office.shown(client, case_id), ensure_ascii=False)
        assert not any(factories.REPORTER[name] in told for name in ("name", "phone", "id_number"))


class TestRegister:
    @staticmethod
    def page(client: FlaskClient, username: str = office.REVIEWER, **query: Any) -> Any:
        answer = client.get(office.CASES, query_string=query, headers=factories.office_headers(username))
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    def test_pages_show_every_case_once(self, client: FlaskClient) -> None:
        entered = [office.case(client, case_no=f"乌非集〔2021〕{n}号") for n in range(5)]
        found, cursor = [], None
        while True:
            page = self.page(client, limit=2, **({"cursor": cursor} if cursor else {}))
            found += [item["id"] for item in page["items"]]
            assert page["total_estimate"] == 5
            if (cursor := page["next_cursor"]) is None:
                break
        assert found == entered[::-1]

    def test_filters_find_and_leave_out(self, client: FlaskClient) -> None:
        old = office.case(
            client, username=office.REVIEWER, case_no="旧案1", stages={"judicial_stage": "trial"},
            facts=office.FACTS | {"legacy": True},
        )  # fmt: skip
        new = office.case(client, case_no="新案2", name="另一案", facts={"cross_province": True})
        for query, expected in (
            ({"judicial_stage": "trial"}, [old]), ({"legacy": "true"}, [old]), ({"cross_province": "true"}, [new]),
            ({"q": "旧案"}, [old]), ({"q": "瑞丰源投资"}, [old]), ({"q": "另一"}, [new]), ({"q": "%"}, []),
            ({"status": "closed"}, []), ({"division": factories.TIANSHAN}, []), ({"status": "open"}, [new, old]),
        ):  # fmt: skip
            assert [item["id"] for item in self.page(client, **query)["items"]] == expected, query


class TestWall:
    def test_another_district_sees_nothing_and_can_do_nothing(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        headers = factories.office_headers(office.OTHER)
        assert TestRegister.page(client, office.OTHER)["items"] == []
        assert client.get(f"{office.CASES}/{case_id}", headers=headers).status_code == 404
        assert office.act(client, office.OTHER, case_id, "propose_stage").status_code == 404
        assert TestCorrecting.change(client, case_id, office.OTHER, court="法院").status_code == 404
        assert [item["id"] for item in TestRegister.page(client, office.HANDLER)["items"]] == [case_id]

    def test_the_database_itself_hides_a_district_s_case(self, client: FlaskClient, session: Session) -> None:
        case_id = office.case(client)
        TestTips.link(client, office.HANDLER, case_id, factories.verifying_tip(client))
        given = {"track": "admin_stage", "stage": "admin_accepted", "on": "2025-06-01"}
        office.act(client, office.HANDLER, case_id, "propose_stage", **given)
        office.write_plan(client, case_id)
        office.report(client, case_id)
        tables = (
            "fundraising_cases", "case_events", "case_stage_proposals", "case_tips", "case_plans", "case_progress",
        )  # fmt: skip
        units = {
            code: rows.scalar("SELECT id FROM units WHERE division_code = :code", code=code)
            for code in (factories.XINSHI, factories.TIANSHAN)
        }
        for wall, visible in (
            (str(units[factories.XINSHI]), True),
            (str(units[factories.TIANSHAN]), False),
            ("", False),
        ):
            db.session.remove()
            enter_wall(wall)
            seen = [bool(db.session.scalar(text(f"SELECT count(*) FROM {table}"))) for table in tables]
            assert seen == [visible] * len(tables), wall

    def test_the_observer_reads_without_names(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        TestCorrecting.change(client, case_id, responsible_phone="0991-1112223")
        told = json.dumps(
            [office.shown(client, case_id, office.OBSERVER), TestRegister.page(client, office.OBSERVER)],
            ensure_ascii=False,
        )
        assert not any(word in told for word in ("瑞丰源", "阿卜杜拉", "负责人测试", "0991", "长春中路", "解放北路"))
        assert TestRegister.page(client, office.OBSERVER, q="瑞丰源")["items"] == []
        assert office.shown(client, case_id, office.OBSERVER)["available_actions"] == []

    @pytest.mark.parametrize("username", ["auditor", "sysadmin", "secadmin"])
    def test_administrators_see_no_case(self, client: FlaskClient, username: str) -> None:
        headers = factories.office_headers(username)
        for path in (office.CASES, f"{office.CASES}/{office.case(client)}"):
            assert client.get(path, headers=headers).status_code == 403


def test_the_audit_log_names_steps_and_no_business(client: FlaskClient) -> None:
    case_id = office.case(client)
    TestCorrecting.change(client, case_id, court="天山区人民法院")
    events = list(
        db.session.execute(text("SELECT action, details FROM audit_events WHERE object_type = 'case' ORDER BY id"))
    )
    assert [action for action, _ in events] == ["cases.register", "cases.change"]
    told = json.dumps([details for _, details in events], ensure_ascii=False)
    assert not any(word in told for word in ("瑞丰源", "法院", "0991"))


def test_buttons_are_exactly_what_the_service_carries_out(client: FlaskClient) -> None:
    """Through a whole life: an action is offered if and only if it would not be refused."""
    case_id = office.case(client, username=office.REVIEWER, stages={"admin_stage": "determining"})
    given = {"propose_stage": {"track": "admin_stage", "stage": "admin_handled", "on": "2025-06-01"}}
    confirm = {"track": "admin_stage", "reason": "理由。"}
    path = [
        (office.HANDLER, "propose_stage"), (office.REVIEWER, "confirm_stage"), (office.REVIEWER, "monitor"),
        (office.LEADER, "close"), (office.LEADER, "reopen"),
    ]  # fmt: skip
    for number, (username, action) in enumerate(path):
        if action == "close":
            office.move(client, case_id, "restitution_stage", "impossible", office.LEADER)
        for viewer in (office.HANDLER, office.REVIEWER, office.LEADER, office.OBSERVER):
            offered = action in office.shown(client, case_id, viewer)["available_actions"]
            assert offered is (viewer == username), (number, viewer, action)
        answer = office.act(client, username, case_id, action, **given.get(action, confirm))
        assert answer.status_code == 200, answer.get_json()
