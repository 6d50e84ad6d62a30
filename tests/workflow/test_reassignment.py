"""Reassignment (domain §9.2, rules 11 and 12): evidence, three people, one request, one move, and what it does to clocks."""

from __future__ import annotations

import io
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope, StaleVersion, TransitionNotAllowed
from app.foundation.permissions import PROGRAM
from app.workflow import calendar, jobs, policy, queries, reassignment, recount, service
from app.workflow.calendar import region_calendar
from app.workflow.deadlines import WorkingCalendar
from app.workflow.models import HandlingAlert, Reassignment, Supervision, Transfer
from app.workflow.queries import history_of
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.workflow import office
from tests.workflow.office import HANDLER, OTHER

MONDAY = MONDAY_MORNING.date()


def refused(code: str) -> Any:
    """A refusal with this code."""
    return pytest.raises((Conflict, Forbidden), check=lambda error: error.code == code)


class TestApplying:
    def test_rule_11_evidence_is_obligatory(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(InvalidInput) as fault:
            office.apply(client, tip_id, evidence=[])
        assert "evidence" in fault.value.errors
        assert office.handling(tip_id).paused_on is None

    def test_evidence_is_the_applicants_own_and_used_once(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(InvalidInput):
            office.apply(client, tip_id, evidence=[office.evidence(client, OTHER)])
        file = office.evidence(client, HANDLER)
        request = office.apply(client, tip_id, evidence=[file])
        office.step(HANDLER, request, "cancel")
        with pytest.raises(InvalidInput):
            office.apply(client, tip_id, evidence=[file])

    def test_a_tip_has_one_open_request(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.apply(client, tip_id)
        with refused("reassignment_open"):
            office.apply(client, tip_id)

    def test_city_staff_apply_for_a_reporter(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        assert office.apply(client, tip_id, username="city.reviewer").from_unit_id == office.handling(tip_id).unit_id

    @pytest.mark.parametrize("username", [OTHER, "city.leader", "observer.650000", "auditor", "sysadmin"])
    def test_nobody_else_applies(self, client: FlaskClient, username: str) -> None:
        tip_id = office.verifying(client)
        evidence = [office.evidence(client, HANDLER)]
        with pytest.raises((OutOfScope, Forbidden)):
            office.apply(client, tip_id, username=username, evidence=evidence)

    @pytest.mark.parametrize("to", [factories.XINSHI, "650104001", "999999"])
    def test_a_target_that_is_none_is_refused(self, client: FlaskClient, to: str) -> None:
        tip_id = office.verifying(client)
        with pytest.raises(InvalidInput):
            office.apply(client, tip_id, to)

    def test_only_while_a_unit_holds_the_tip(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
        with pytest.raises(TransitionNotAllowed):
            office.apply(client, tip_id)


class TestThreePeople:
    def test_rule_11_the_adjuster_cannot_act_before_approval(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        with pytest.raises(TransitionNotAllowed):
            office.step("city.adjuster", request, "adjust")

    def test_an_applicant_from_the_city_does_not_review(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client), username="city.reviewer")
        with refused("same_person"):
            office.step("city.reviewer", request, "approve")
        assert office.step("city.reviewer2", request, "approve").status == "approved"

    def test_an_applicant_who_is_adjuster_does_not_adjust(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client), username="city.adjuster")
        office.step("city.reviewer", request, "approve")
        with refused("same_person"):
            office.step("city.adjuster", request, "adjust")
        assert office.step("city.adjuster2", request, "adjust").status == "adjusted"

    def test_who_handed_in_more_evidence_is_an_applicant_too(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        request = office.apply(client, tip_id, username="city.reviewer")
        office.step("city.reviewer2", request, "return_for_evidence")
        file = office.evidence(client, "city.reviewer")
        office.step("city.reviewer", request, "resubmit", evidence=[file])
        with refused("same_person"):
            office.step("city.reviewer", request, "approve")
        found = office.step("city.reviewer2", request, "approve")
        assert file in found.evidence

    def test_a_refusal_and_a_return_need_a_reason(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        for action in ("approve", "reject", "return_for_evidence"):
            with pytest.raises(InvalidInput):
                office.step("city.reviewer", request, action, reason="")

    def test_a_district_cannot_review_its_own_request(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        with pytest.raises(Forbidden):
            office.step(HANDLER, request, "approve")


class TestMove:
    def test_rule_12_the_overall_clock_goes_on_and_the_handling_clock_begins_afresh(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        overall = office.handling(tip_id).overall_due_on
        with office.on(date(2026, 3, 16)):
            request = office.apply(client, tip_id)
            assert office.handling(tip_id).paused_on == date(2026, 3, 16)
        with office.on(date(2026, 3, 18)):
            office.step("city.reviewer", request, "approve")
            office.step("city.adjuster", request, "adjust")
            found = office.handling(tip_id)
            assert (found.status, found.due_on, found.paused_on) == ("assigned", date(2026, 3, 19), None)
            office.step(OTHER, request, "confirm")
            found = office.handling(tip_id)
            assert (found.status, found.due_on) == ("verifying", date(2026, 4, 9))
            assert not found.verification_extended
        assert found.overall_due_on == overall == MONDAY + timedelta(days=60)

    def test_the_handling_clock_goes_on_where_it_stopped_when_nothing_moves(self, client: FlaskClient) -> None:
        for ending in ("cancel", "reject"):
            tip_id = office.verifying(client)
            with office.on(date(2026, 3, 4)):
                request = office.apply(client, tip_id)
            with office.on(date(2026, 3, 11)):
                office.step(HANDLER if ending == "cancel" else "city.reviewer", request, ending)
                assert office.handling(tip_id).due_on == date(2026, 3, 30), ending  # 23 March and five days

    def test_a_clock_that_begins_while_a_request_is_open_begins_stopped(self, client: FlaskClient) -> None:
        """Applied for before the signature, signed for on another day, refused on a third."""
        tip_id = office.assigned(client)
        request = office.apply(client, tip_id)
        with office.on(date(2026, 3, 4)):
            office.do(HANDLER, tip_id, "sign_for")
        with office.on(date(2026, 3, 6)):
            office.step("city.reviewer", request, "reject")
            found = office.handling(tip_id)
            assert (found.due_on, found.paused_on) == (date(2026, 3, 27), None)  # fifteen days from the 6th

    def test_the_old_unit_keeps_its_own_records_and_nothing_else(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        request = office.moved(client, tip_id, factories.TIANSHAN, HANDLER)
        old, new = (factories.office_headers(name) for name in (HANDLER, OTHER))
        assert client.get(f"/api/v1/office/tips/{tip_id}", headers=old).status_code == 404
        assert (
            client.post(f"/api/v1/office/tips/{tip_id}/identity", json={"reason": "核实"}, headers=old).status_code
            == 404
        )
        assert client.get(f"/api/v1/office/reassignments/{request.id}", headers=old).status_code == 200
        assert client.get(f"/api/v1/office/tips/{tip_id}", headers=new).status_code == 200

    def test_an_open_request_locks_the_conclusion(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.apply(client, tip_id)
        for username, action, given in (
            (HANDLER, "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "属实。"}),
            (HANDLER, "request_return", {"reason": "不属本区。"}),
            ("city.leader", "extend", {"reason": "复杂。"}),
            ("city.leader", "transfer", {"to": "police", "reason": "涉嫌犯罪。"}),
        ):
            with refused("reassignment_open"):
                office.do(username, tip_id, action, **given)
            person = factories.actor(username)
            shown = policy.available_actions(person, office.handling(tip_id), service.open_reassignment_of(tip_id))
            assert action not in {row.action for row in shown}

    def test_until_the_signature_the_leaders_buttons_agree_with_the_lock(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        request = office.apply(client, tip_id)
        office.step("city.reviewer", request, "approve")
        office.step("city.adjuster", request, "adjust")
        leader = factories.actor("city.leader")
        shown = policy.available_actions(leader, office.handling(tip_id), service.open_reassignment_of(tip_id))
        assert "transfer" not in {row.action for row in shown}
        with refused("reassignment_open"):
            office.do("city.leader", tip_id, "transfer", to="police", reason="涉嫌犯罪。")

    def test_the_whole_chain_is_kept(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.moved(client, tip_id, factories.TIANSHAN, HANDLER)
        office.moved(client, tip_id, factories.SHUIMOGOU, OTHER)
        chain = queries.reassignments_of(factories.actor("city.reviewer"), tip_id)
        assert [one.to_division for one in chain] == [factories.TIANSHAN, factories.SHUIMOGOU]
        assert [one.again for one in chain] == [False, True]
        assert queries.moves_of(tip_id) == 2
        steps = [(event.from_unit_id, event.to_unit_id) for event in history_of(tip_id) if event.action == "reassign"]
        assert steps[0][1] == steps[1][0]


class TestClockThatStops:
    """An open request stops the handling clock: neither without end nor again and again."""

    def test_a_request_that_is_not_proved_in_its_term_ends_and_the_clock_goes_on(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        with office.on(date(2026, 3, 4)):
            request = office.apply(client, tip_id)
        with office.on(date(2026, 3, 5)):
            found = office.step("city.reviewer", request, "return_for_evidence")
            assert found.due_on == date(2026, 3, 12)  # five working days
        with office.on(date(2026, 3, 12)):
            jobs.sweep_clocks()
            assert self.status_of(request) == "returned_for_evidence"
            assert office.handling(tip_id).paused_on == date(2026, 3, 4)
        with office.on(date(2026, 3, 13)):
            jobs.sweep_clocks()
            assert reassignment.end_unproved() == 0, "once"
            assert self.status_of(request) == "cancelled"
            found = office.handling(tip_id)
            assert (found.paused_on, found.due_on) == (None, date(2026, 4, 1))  # the thirteen days that were left
            factories.deliver()
        last = queries.reassignment_history(request.id)[-1]
        assert (last.action, last.actor_name, last.to_status) == ("lapse", PROGRAM.name, "cancelled")
        assert "2026年3月12日" in last.reason
        told = rows.scalar("SELECT count(*) FROM notices WHERE event_id = :id", id=last.id)
        assert told == 3, "the applicant and the city's two reviewers"
        with office.on(date(2026, 3, 16)):
            assert office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实。").feedback

    def test_a_request_returned_before_there_was_a_term_gets_one(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer", request, "return_for_evidence")
        found = db.session.get_one(Reassignment, request.id, populate_existing=True)
        found.due_on = found.clock_from = found.clock_days = None
        db.session.flush()
        with office.on(date(2026, 4, 10)):
            jobs.sweep_clocks()
        found = db.session.get_one(Reassignment, request.id, populate_existing=True)
        assert (found.status, found.due_on) == ("returned_for_evidence", date(2026, 4, 17))

    def test_a_calendar_that_ends_holds_up_no_sweep(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer", request, "return_for_evidence")
        known = region_calendar()
        cut = WorkingCalendar(known.off, known.made_up, frozenset({2025}))
        with office.on(date(2026, 3, 10)):
            client.application.extensions["shudi_calendars"] = {"650000": (float("inf"), cut)}
            jobs.sweep_clocks()
            assert self.status_of(request) == "returned_for_evidence"
            client.application.extensions["shudi_calendars"] = {"650000": (float("inf"), known)}
            jobs.sweep_clocks()
            assert self.status_of(request) == "cancelled"

    def test_the_city_can_refuse_what_it_returned_for_evidence(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        request = office.apply(client, tip_id)
        office.step("city.reviewer", request, "return_for_evidence")
        assert "reject" in {
            row.action for row in policy.available_reassignment_actions(factories.actor("city.reviewer"), request)
        }
        assert office.step("city.reviewer", request, "reject").status == "rejected"
        assert office.handling(tip_id).paused_on is None

    def test_asking_and_withdrawing_again_and_again_moves_the_due_date_once(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        days = [date(2026, 3, day) for day in (3, 4, 5, 6, 9, 10)]
        for asked, withdrawn in pairwise(days):
            with office.on(asked):
                request = office.apply(client, tip_id)
            with office.on(withdrawn):
                office.step(HANDLER, request, "cancel")
        assert office.handling(tip_id).due_on == date(2026, 3, 24), "23 March, and the one day of the first request"

    def test_a_request_that_does_not_stop_the_clock_locks_the_tip_as_well(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.step(HANDLER, office.apply(client, tip_id), "cancel")
        request = office.apply(client, tip_id)
        assert office.handling(tip_id).paused_on is None
        with refused("reassignment_open"):
            office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
        office.step("city.reviewer", request, "reject")
        assert office.handling(tip_id).due_on == date(2026, 3, 23)

    def test_another_unit_has_its_own_stop(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.step(HANDLER, office.apply(client, tip_id), "cancel")
        office.moved(client, tip_id, factories.TIANSHAN, HANDLER)
        office.apply(client, tip_id, factories.XINSHI, OTHER)
        assert office.handling(tip_id).paused_on == MONDAY

    @staticmethod
    def status_of(request: Reassignment) -> str:
        return db.session.get_one(Reassignment, request.id, populate_existing=True).status


class TestCityDecision:
    def test_rule_10_the_new_unit_may_not_return_what_the_city_decided(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.moved(client, tip_id, factories.TIANSHAN, HANDLER)
        with refused("decided_by_city"):
            office.do(OTHER, tip_id, "request_return", reason="不属本区。")

    def test_it_may_ask_the_leader_once(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.moved(client, tip_id, factories.TIANSHAN, HANDLER)
        request = office.apply(client, tip_id, factories.XINSHI, OTHER)
        assert request.again
        with pytest.raises(Forbidden):
            office.step("city.reviewer", request, "approve")
        office.step("city.leader", request, "reject")
        with refused("review_used"):
            office.apply(client, tip_id, factories.XINSHI, OTHER)

    def test_a_refused_request_is_a_decision_and_a_cancelled_one_is_none(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.step(HANDLER, office.apply(client, tip_id), "cancel")
        request = office.apply(client, tip_id)
        assert not request.again
        office.step("city.reviewer", request, "reject")
        assert office.apply(client, tip_id).again

    def test_more_than_two_moves_put_the_tip_under_the_leaders_eyes(self, client: FlaskClient) -> None:
        tip_id = office.verifying(client)
        office.moved(client, tip_id, factories.TIANSHAN, HANDLER)
        office.moved(client, tip_id, factories.SHUIMOGOU, OTHER)
        assert office.handling(tip_id).supervision is None
        office.moved(client, tip_id, factories.XINSHI, "city.reviewer")
        found = office.handling(tip_id)
        assert (found.moves, found.supervision) == (3, "leader")
        assert db.session.scalars(select(Supervision.kind).where(Supervision.tip_id == tip_id)).all() == ["leader"]
        kinds = db.session.scalars(select(HandlingAlert.kind).where(HandlingAlert.tip_id == tip_id)).all()
        assert kinds == ["many_moves"]


class TestOtherView:
    def test_the_other_district_sees_the_request_and_not_the_tip(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        headers = factories.office_headers(OTHER)
        assert client.get(f"/api/v1/office/reassignments/{request.id}", headers=headers).status_code == 404
        office.step("city.reviewer", request, "ask_view")
        shown = client.get(f"/api/v1/office/reassignments/{request.id}", headers=headers)
        assert shown.status_code == 200
        assert shown.get_json()["available_actions"] == ["consent", "object"]
        assert client.get(f"/api/v1/office/tips/{request.tip_id}", headers=headers).status_code == 404

    def test_its_answer_goes_to_the_reviewer_who_decides(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer", request, "ask_view")
        with refused("view_pending"):
            office.step("city.reviewer", request, "approve")
        found = office.step(OTHER, request, "object", reason="登记地仍在新市区。")
        assert (found.view_agrees, found.view_text) == (False, "登记地仍在新市区。")
        with refused("view_over"):
            office.step(OTHER, request, "consent")
        assert office.step("city.reviewer", request, "approve").status == "approved"

    def test_silence_of_one_working_day_is_no_view(self, client: FlaskClient) -> None:
        with office.on(date(2026, 3, 6)):  # a Friday
            request = office.apply(client, office.verifying(client))
            found = office.step("city.reviewer", request, "ask_view")
            assert found.view_due_on == date(2026, 3, 9)
            assert found.due_on == date(2026, 3, 10), "the review's own day begins after it"
        with office.on(date(2026, 3, 9)), refused("view_pending"):
            office.step("city.reviewer", request, "approve")
        with office.on(date(2026, 3, 10)):
            with refused("view_over"):
                office.step(OTHER, request, "consent")
            found = office.step("city.reviewer", request, "approve")
            assert (found.status, found.view_agrees) == ("approved", None)

    def test_a_changed_calendar_moves_the_day_of_silence_too(self, client: FlaskClient) -> None:
        """Domain rule 9: the only day for an answer becomes a day off."""
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer", request, "ask_view")
        listed = "date,kind,holiday,region,note\n2026-03-03,off,假日,650000,\n"
        days = [{"region_code": "650000", "day": date(2026, 3, 3), "kind": "off"}]
        before = {(one.before, one.after): one.count for one in recount.effect_of(calendar.as_if(days))}
        assert before[date(2026, 3, 3), date(2026, 3, 4)] == 1, "as the preview says"
        calendar.import_calendar(PROGRAM, io.StringIO(listed))
        found = db.session.get_one(Reassignment, request.id, populate_existing=True)
        assert (found.view_due_on, found.due_on) == (date(2026, 3, 4), date(2026, 3, 5))
        with office.on(date(2026, 3, 4)):
            with refused("view_pending"):
                office.step("city.reviewer", request, "approve")
            assert office.step(OTHER, request, "object").view_agrees is False

    def test_it_is_asked_once_and_of_a_unit_of_the_city_alone(self, client: FlaskClient) -> None:
        request = office.apply(client, office.verifying(client))
        office.step("city.reviewer", request, "ask_view")
        with refused("view_asked"):
            office.step("city.reviewer", request, "ask_view")
        third = f"district.{factories.SHUIMOGOU}"
        with pytest.raises(OutOfScope):
            office.step(third, request, "consent")


class TestOutsideTheCity:
    @pytest.mark.parametrize(
        ("to", "ground", "destination", "through_region"),
        [
            ("652301", "moved", "other_prefecture", True),
            ("110105", "other_province", "other_province", True),
            (factories.XINSHI, "xpcc", "xpcc", False),
        ],
    )
    def test_the_adjustment_becomes_a_transfer_that_the_leader_approves(
        self, client: FlaskClient, to: str, ground: str, destination: str, through_region: bool
    ) -> None:
        tip_id = office.verifying(client)
        request = office.apply(client, tip_id, to, ground=ground)
        assert (request.transfer_to, request.to_unit_id) == (destination, None)
        with pytest.raises(Forbidden):
            office.step("city.reviewer", request, "approve")
        office.step("city.leader", request, "approve")
        office.step("city.adjuster", request, "adjust")
        found = office.handling(tip_id)
        assert (found.status, found.unit_id, found.due_on) == ("transferred", None, date(2026, 3, 9))
        sent = db.session.scalars(select(Transfer).where(Transfer.tip_id == tip_id)).one()
        assert (sent.destination, sent.through_region) == (destination, through_region)
        office.do("city.reviewer", tip_id, "record_receipt", number="回执1", received_on=clock.today())
        assert office.handling(tip_id).outcome == "TRANSFERRED_OTHER"
        assert db.session.get_one(Reassignment, request.id, populate_existing=True).status == "confirmed"


class TestAtOnce:
    def test_of_two_reviewers_one_wins_and_the_other_learns_what_changed(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        request = office.apply(client, office.verifying(client))
        headers = [factories.office_headers(name) for name in ("city.reviewer", "city.reviewer2")]

        def decide(action: str, who: dict[str, str]) -> Any:
            return committed_app.test_client().post(
                f"/api/v1/office/reassignments/{request.id}/actions",
                json={"action": action, "expected_version": 1, "reason": "理由。"}, headers=who,
            )  # fmt: skip

        answers = at_once(committed_app, [lambda: decide("approve", headers[0]), lambda: decide("reject", headers[1])])
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        loser = next(answer for answer in answers if answer.status_code == 409).get_json()
        winner = next(answer for answer in answers if answer.status_code == 200).get_json()
        assert loser["code"] == "stale_version"
        assert (loser["current_version"], loser["current_status"]) == (2, winner["status"])
        assert loser["last_change"]["by"] == "测试市级审核人"
        assert loser["last_change"]["to_status"] == winner["status"]

    def test_of_two_applications_one_is_kept(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        tip_id = office.verifying(client)
        people = [factories.actor(name) for name in (HANDLER, "city.reviewer")]
        files = [[office.evidence(client, name)] for name in (HANDLER, "city.reviewer")]
        version = office.handling(tip_id).version
        db.session.rollback()

        def ask(number: int) -> str:
            given = {
                "to_division": factories.TIANSHAN,
                "ground": "moved",
                "reason": "已迁。",
                "evidence": files[number],
            }
            try:
                with transaction(OPEN_WALL):
                    reassignment.apply(people[number], tip_id, version, given)
            except (Conflict, StaleVersion) as error:
                return error.code
            return "applied"

        answers = at_once(committed_app, [lambda: ask(0), lambda: ask(1)])
        assert sorted(answers) == ["applied", "reassignment_open"]
        assert rows.scalar("SELECT count(*) FROM reassignments WHERE tip_id = :id", id=tip_id) == 1

    def test_of_an_adjustment_and_a_withdrawal_one_happens(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        tip_id = office.verifying(client)
        request = office.apply(client, tip_id)
        people = {name: factories.actor(name) for name in ("city.reviewer", HANDLER)}
        db.session.rollback()

        def act(username: str, action: str) -> bool:
            try:
                with transaction(OPEN_WALL):
                    reassignment.act(people[username], request.id, action, 1, {"reason": "理由。"})
            except StaleVersion:
                return False
            return True

        done = at_once(committed_app, [lambda: act("city.reviewer", "approve"), lambda: act(HANDLER, "cancel")])
        assert sorted(done) == [False, True]
