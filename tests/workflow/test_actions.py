"""Each action of a tip and its refusals: return, extension, transfer, supervision, rejection, reopening, at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope, TransitionNotAllowed
from app.notifications.models import Notice
from app.tips.models import TipMessage
from app.workflow import policy, service
from app.workflow.models import ReturnRequest, Supervision, Transfer
from app.workflow.queries import history_of
from app.workflow.states import Action
from tests import factories
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.tips import reporters
from tests.workflow import office, test_police
from tests.workflow.office import HANDLER, OTHER

MONDAY = MONDAY_MORNING.date()
FEEDBACK = {"outcome": "SUBSTANTIATED", "text": "经查属实。"}


def refused(code: str) -> Any:
    return pytest.raises((Conflict, Forbidden), check=lambda error: error.code == code)


def buttons(username: str, tip_id: Any) -> set[str]:
    person = factories.actor(username)
    found = office.handling(tip_id)
    return {row.action for row in policy.available_actions(person, found, service.open_reassignment_of(tip_id))}


class TestReturn:
    def test_rule_10_only_within_five_working_days_and_with_a_reason(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with office.on(date(2026, 3, 9)):  # the fifth
            with pytest.raises(InvalidInput):
                office.do(HANDLER, tip_id, "request_return", reason="")
            assert "request_return" in buttons(HANDLER, tip_id)
        with office.on(date(2026, 3, 10)):
            with refused("return_window_over"):
                office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
            assert "request_return" not in buttons(HANDLER, tip_id)
        with office.on(date(2026, 3, 9)):
            assert office.do(HANDLER, tip_id, "request_return", reason="不属本区。").due_on == date(2026, 3, 11)

    def test_rule_10_after_a_refusal_no_second_return(self, client: FlaskClient) -> None:
        tip_id = office.assigned(client)
        office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
        found = office.do("city.reviewer", tip_id, "decide_return", agree=False, reason="登记地在该区。")
        assert (found.status, found.decided_by_city) == ("assigned", True)
        with refused("decided_by_city"):
            office.do(HANDLER, tip_id, "request_return", reason="仍不属本区。")
        assert "request_return" not in buttons(HANDLER, tip_id)

    def test_an_agreed_return_goes_back_to_the_desk_and_out_of_the_districts_sight(self, client: FlaskClient) -> None:
        tip_id = office.assigned(client)
        office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
        found = office.do("city.reviewer", tip_id, "decide_return", agree=True, reason="同意。")
        assert (found.status, found.unit_id) == ("accepted", None)
        with pytest.raises(OutOfScope):
            office.do(HANDLER, tip_id, "sign_for")
        office.do("city.reviewer", tip_id, "assign", division=factories.TIANSHAN)
        assert "request_return" in buttons(OTHER, tip_id), "the next unit has not been heard yet"

    def test_what_comes_back_to_a_unit_that_returned_it_stays_there(self, client: FlaskClient) -> None:
        tip_id = office.assigned(client)
        office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
        office.do("city.reviewer", tip_id, "decide_return", agree=True, reason="再查。")
        office.do("city.reviewer", tip_id, "assign", division=factories.XINSHI)
        with refused("decided_by_city"):
            office.do(HANDLER, tip_id, "request_return", reason="仍不属本区。")

    def test_a_refused_return_gives_back_what_was_left_of_the_verification(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with office.on(date(2026, 3, 5)):  # three of fifteen days used
            office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
        with office.on(date(2026, 3, 9)):
            office.do("city.reviewer", tip_id, "decide_return", agree=False, reason="属该区。")
            assert office.do(HANDLER, tip_id, "sign_for").due_on == date(2026, 3, 25)
        asked = db.session.scalars(select(ReturnRequest).where(ReturnRequest.tip_id == tip_id)).one()
        assert (asked.agreed, asked.decision, asked.days_left) == (False, "属该区。", 12)

    @pytest.mark.parametrize("username", [HANDLER, "city.leader", "city.adjuster"])
    def test_the_citys_reviewer_decides(self, client: FlaskClient, username: str) -> None:
        tip_id = office.assigned(client)
        office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
        with pytest.raises(Forbidden):
            office.do(username, tip_id, "decide_return", agree=True, reason="同意。")


class TestRecall:
    def test_the_tip_lies_with_the_desk_again_with_its_place_and_what_was_left_of_the_limit(
        self, client: FlaskClient
    ) -> None:
        tip_id = office.registered(client, subject=factories.clear_subject())
        place = office.handling(tip_id).division_code
        assert office.do("city.reviewer", tip_id, "accept").due_on == date(2026, 3, 4)
        with office.on(date(2026, 3, 3)):  # one of two days used
            office.do("city.reviewer", tip_id, "assign", division=factories.TIANSHAN)
        with office.on(date(2026, 3, 5)):
            with pytest.raises(InvalidInput):
                office.do("city.reviewer", tip_id, "recall", reason="")
            found = office.do("city.reviewer", tip_id, "recall", reason="交办有误。")
            assert (found.status, found.unit_id, found.division_code) == ("accepted", None, place)
            assert found.due_on == date(2026, 3, 6), "no new limit for the desk"
            with pytest.raises(OutOfScope):
                office.do(OTHER, tip_id, "sign_for")
            office.do("city.reviewer", tip_id, "assign", division=factories.XINSHI)
            assert office.do(HANDLER, tip_id, "sign_for").due_on == date(2026, 3, 26), "the unit has its whole limit"
        step = history_of(tip_id)[3]
        assert (step.action, step.reason, step.to_unit_id) == ("recall", "交办有误。", None)
        assert step.from_unit_id == factories.actor(OTHER).unit_id

    def test_what_is_signed_for_or_asked_about_stays(self, client: FlaskClient) -> None:
        signed, asked = (
            office.verifying(client, subject=factories.clear_subject()),
            office.assigned(client, subject=factories.clear_subject()),
        )
        with pytest.raises(TransitionNotAllowed):
            office.do("city.reviewer", signed, "recall", reason="交办有误。")
        office.apply(client, asked)
        with refused("reassignment_open"):
            office.do("city.reviewer", asked, "recall", reason="交办有误。")
        assert "recall" not in buttons("city.reviewer", asked)

    def test_a_decision_of_the_city_changes_by_reassignment_alone(self, client: FlaskClient) -> None:
        disputed = office.assigned(client)
        returned = office.assigned(client, subject=factories.clear_subject())
        office.do(HANDLER, returned, "request_return", reason="不属本区。")
        office.do("city.reviewer", returned, "decide_return", agree=False, reason="登记地在该区。")
        for tip_id in (disputed, returned):
            with refused("decided_by_city"):
                office.do("city.reviewer", tip_id, "recall", reason="交办有误。")
            assert "recall" not in buttons("city.reviewer", tip_id)

    @pytest.mark.parametrize("username", [HANDLER, "city.leader", "city.adjuster"])
    def test_whoever_assigns_recalls(self, client: FlaskClient, username: str) -> None:
        tip_id = office.assigned(client, subject=factories.clear_subject())
        with pytest.raises(Forbidden):
            office.do(username, tip_id, "recall", reason="交办有误。")

    def test_the_unit_hears_that_it_is_gone(self, client: FlaskClient) -> None:
        tip_id = office.assigned(client, subject=factories.clear_subject())
        office.do("city.reviewer", tip_id, "recall", reason="交办有误。")
        factories.deliver()
        told = select(Notice.title).where(
            Notice.tip_id == tip_id, Notice.account_id == factories.actor(HANDLER).account_id
        )
        assert any("交办已收回" in title for title in db.session.scalars(told))


class TestExtension:
    def test_rule_12_each_clock_once_by_the_leader_with_a_reason(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(InvalidInput):
            office.do("city.leader", tip_id, "extend", reason="")
        assert office.do("city.leader", tip_id, "extend", reason="取证。").due_on == date(2026, 4, 14)  # 15 more
        found = office.do("city.leader", tip_id, "extend", reason="案情复杂。")
        assert found.overall_due_on == MONDAY + timedelta(days=90)
        for which in (None, "verification", "overall"):
            with refused("already_extended"):
                office.do("city.leader", tip_id, "extend", reason="再延。", clock=which)
        assert "extend" not in buttons("city.leader", tip_id)

    def test_rule_12_the_reporter_is_told_why_the_whole_takes_longer(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        said = select(TipMessage.text).where(TipMessage.tip_id == tip_id)
        office.do("city.leader", tip_id, "extend", reason="取证。", clock="verification")
        assert db.session.scalars(said).all() == []
        office.do("city.leader", tip_id, "extend", reason="案情复杂。", clock="overall")
        assert db.session.scalars(said).all() == ["办理期限延长至 2026年5月31日，原因：案情复杂。"]

    @pytest.mark.parametrize("username", [HANDLER, "city.reviewer", "city.adjuster"])
    def test_nobody_but_the_leader(self, client: FlaskClient, username: str) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(Forbidden):
            office.do(username, tip_id, "extend", reason="取证。")

    def test_an_urgent_tip_gets_half(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        assert office.do("city.reviewer", tip_id, "mark_urgent", reason="可能聚集。").due_on == date(2026, 3, 12)
        assert office.do("city.leader", tip_id, "extend", reason="取证。").due_on == date(2026, 3, 24)

    def test_an_unknown_clock_is_refused(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(InvalidInput):
            office.do("city.leader", tip_id, "extend", reason="取证。", clock="reply")


class TestOwnWork:
    def test_rule_13_the_handler_cannot_conclude_the_own_work(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.do(HANDLER, tip_id, "submit_feedback", **FEEDBACK)
        for action in ("conclude", "rework"):
            with pytest.raises(Forbidden):
                office.do(HANDLER, tip_id, action, reason="。")
        assert office.do("city.reviewer", tip_id, "conclude").status == "concluded"

    def test_an_unknown_outcome_is_refused(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(InvalidInput):
            office.do(HANDLER, tip_id, "submit_feedback", outcome="PERHAPS", text="。")


class TestTransfer:
    def test_to_the_police_within_24_hours_and_a_receipt_ends_it(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(Forbidden):
            office.do("city.reviewer", tip_id, "transfer", to="police", reason="涉嫌犯罪。")
        way = test_police.approved(tip_id)
        found = office.handling(tip_id)
        assert (found.status, found.due_on) == ("transferred", MONDAY + timedelta(days=1))
        papers = test_police.documents(client, "letter", "report", "items")
        test_police.step("city.reviewer", way, "send", documents=papers)
        for day in (MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)):
            with pytest.raises(InvalidInput):
                office.do("city.reviewer", tip_id, "record_receipt", number="1", received_on=day)
        found = office.do("city.reviewer", tip_id, "record_receipt", number="公经移1", received_on=MONDAY)
        assert (found.status, found.outcome) == ("concluded", "TRANSFERRED_POLICE")
        sent = db.session.scalars(select(Transfer).where(Transfer.tip_id == tip_id)).one()
        assert (sent.receipt_number, sent.received_on) == ("公经移1", MONDAY)

    def test_the_24_hours_do_not_stop_for_a_weekend(self, client: FlaskClient) -> None:
        with office.on(date(2026, 3, 6)):
            way = test_police.approved(office.verifying(client))
            assert office.handling(way.tip_id).due_on == date(2026, 3, 7)

    @pytest.mark.parametrize("to", ["xpcc", "other_prefecture", "other_province", "other_authority"])
    def test_to_others_within_five_working_days(self, client: FlaskClient, to: str) -> None:
        tip_id = office.verifying(client)
        assert office.do("city.leader", tip_id, "transfer", to=to, reason="属其管辖。").due_on == date(2026, 3, 9)

    def test_to_nobody_known(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(InvalidInput):
            office.do("city.leader", tip_id, "transfer", to="court", reason="。")


class TestSupervision:
    def test_each_supervision_has_its_record_until_the_tip_is_settled(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        assert office.do("city.reviewer", tip_id, "supervise", kind="urge", reason="请抓紧。").supervision == "urge"
        assert (
            office.do("city.reviewer", tip_id, "supervise", kind="listed", reason="多人举报。").supervision == "listed"
        )
        assert office.do("city.reviewer", tip_id, "supervise", kind="urge", reason="再催。").supervision == "listed"
        with refused("already_listed"):
            office.do("city.reviewer", tip_id, "supervise", kind="listed", reason="。")
        with pytest.raises(InvalidInput):
            office.do("city.reviewer", tip_id, "supervise", kind="leader", reason="。")
        office.do(HANDLER, tip_id, "submit_feedback", **FEEDBACK)
        assert office.do("city.reviewer", tip_id, "conclude").supervision is None
        found = db.session.execute(select(Supervision.kind, Supervision.closed_at).where(Supervision.tip_id == tip_id))
        assert sorted((kind, closed is not None) for kind, closed in found) == [
            ("listed", True),
            ("urge", True),
            ("urge", True),
        ]

    def test_what_a_refused_return_gives_back_is_halved_as_well(self, client: FlaskClient) -> None:
        """Marked while the return is decided, or between the refusal and the signature."""
        for marked_first in (True, False):
            tip_id = office.verifying(client)
            office.do(HANDLER, tip_id, "request_return", reason="不属本区。")
            steps = [
                ("mark_urgent", {"reason": "可能聚集。"}),
                ("decide_return", {"agree": False, "reason": "属本区。"}),
            ]
            for action, given in steps if marked_first else reversed(steps):
                office.do("city.reviewer", tip_id, action, **given)
            found = office.do(HANDLER, tip_id, "sign_for")
            assert (found.clock_days, found.due_on) == (8, date(2026, 3, 12)), marked_first

    def test_a_tip_is_marked_urgent_once(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.do("city.reviewer", tip_id, "mark_urgent", reason="可能聚集。")
        with refused("already_urgent"):
            office.do("city.reviewer", tip_id, "mark_urgent", reason="可能聚集。")


class TestEnds:
    def test_rule_8_a_refusal_needs_a_listed_reason_and_the_right_route(self, client: FlaskClient) -> None:
        tip_id = office.registered(client)
        whole = {"reason_code": "NOT_IN_REMIT", "reason": "属消费纠纷。", "route": "12315 市场监管投诉"}
        for missing in whole:
            with pytest.raises(InvalidInput) as fault:
                office.do("city.reviewer", tip_id, "reject", **(whole | {missing: ""}))
            assert list(fault.value.errors) == [missing]
        with pytest.raises(InvalidInput):
            office.do("city.reviewer", tip_id, "reject", **(whole | {"reason_code": "NO_TIME"}))
        assert office.do("city.reviewer", tip_id, "reject", **whole).status == "rejected"
        assert history_of(tip_id)[-1].details == {"reason_code": "NOT_IN_REMIT", "route": "12315 市场监管投诉"}

    def test_rule_8_the_reporter_reads_why_and_where_to_turn(self, client: FlaskClient) -> None:
        receipt = factories.file_tip(client)
        given = {"reason_code": "NOT_IN_REMIT", "reason": "属消费纠纷。", "route": "请拨打 12315。"}
        office.do("city.reviewer", factories.tip_id_of(receipt["receipt_number"]), "reject", **given)
        (message,) = reporters.progress(client, receipt)["messages"]
        assert message["text"] == ("您的举报不予受理。理由：不属于职责范围。属消费纠纷。\n其他反映渠道：请拨打 12315。")
        page = client.post("/report/follow", data=reporters.codes_of(receipt))
        assert "请拨打 12315。" in page.get_data(as_text=True)

    def test_reopening_begins_afresh_and_forgets_nothing(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.do(HANDLER, tip_id, "submit_feedback", **FEEDBACK)
        office.do("city.reviewer", tip_id, "conclude")
        office.do(HANDLER, tip_id, "reply", text="已办结。")
        office.do("city.reviewer", tip_id, "archive")
        with office.on(date(2026, 6, 1)):
            found = office.do("city.reviewer", tip_id, "reopen", reason="发现新事实。")
        assert (found.status, found.unit_id, found.outcome, found.reply) == ("accepted", None, None, None)
        assert found.overall_due_on == date(2026, 7, 31)
        assert history_of(tip_id)[-1].details["before"] == {
            "outcome": "SUBSTANTIATED", "feedback": "经查属实。", "reply": "已办结。",
        }  # fmt: skip

    @pytest.mark.parametrize("division", ["650000", "650100", "652301", "110105"])
    def test_a_tip_is_assigned_to_a_unit_of_the_city_alone(self, client: FlaskClient, division: str) -> None:
        tip_id = office.registered(client)
        office.do("city.reviewer", tip_id, "accept")
        with pytest.raises(InvalidInput):
            office.do("city.reviewer", tip_id, "assign", division=division)

    def test_a_step_that_the_status_does_not_allow_says_so(self, client: FlaskClient) -> None:
        tip_id = office.registered(client)
        with pytest.raises(TransitionNotAllowed, match=r"待受理.*交办"):
            office.do("city.reviewer", tip_id, "assign", division=factories.XINSHI)

    @pytest.mark.parametrize("action", ["reassign", "supplement_received", "recount"])
    def test_nobody_asks_for_the_programs_own_moves(self, client: FlaskClient, action: str) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(Forbidden):
            office.do("city.reviewer", tip_id, action)
        assert factories.office_act(client, "city.reviewer", tip_id, action).status_code == 422


class TestAtOnce:
    def test_of_two_people_one_wins_and_the_other_learns_what_changed(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        tip_id = office.registered(client)
        people = [factories.office_headers(name) for name in ("city.reviewer", "city.reviewer2")]

        def accept(headers: dict[str, str]) -> Any:
            body = {"action": Action.ACCEPT, "expected_version": 1}
            return committed_app.test_client().post(f"/api/v1/office/tips/{tip_id}/actions", json=body, headers=headers)

        answers = at_once(committed_app, [lambda: accept(people[0]), lambda: accept(people[1])])
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        late = next(answer for answer in answers if answer.status_code == 409).get_json()
        assert (late["code"], late["current_version"], late["current_status"]) == ("stale_version", 2, "accepted")
        assert late["last_change"] | {"at": ""} == {
            "at": "", "by": "测试市级审核人", "action": "accept", "to_status": "accepted",
        }  # fmt: skip
        with clock.stopped_at(MONDAY_MORNING):
            assert [event.action for event in history_of(tip_id)] == ["register", "accept"]
