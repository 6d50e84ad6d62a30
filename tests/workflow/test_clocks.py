"""Clocks of a handling: start, pause, resume, halve, and counting again by another calendar."""

from __future__ import annotations

import io
from datetime import date, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import DeadlineBeyondCalendar, InvalidInput
from app.foundation.permissions import PROGRAM
from app.tips import conversation
from app.workflow import calendar, clocks, jobs, limits, recount, service
from app.workflow.calendar import region_calendar
from app.workflow.deadlines import WorkingCalendar
from app.workflow.models import Handling, HandlingAlert, HandlingEvent, Reassignment
from app.workflow.queries import history_of
from app.workflow.states import Status
from tests import factories
from tests.moments import MONDAY_MORNING
from tests.workflow import office

MONDAY = MONDAY_MORNING.date()
_SPRING = [date(2026, 3, 2) + timedelta(days=n) for n in range(150)]


def running(start: date, days: int, *, stability: bool = False) -> Handling:
    """A verification clock, not stored."""
    found = Handling(
        tip_id=uuid4(), status=Status.VERIFYING.value, priority="P4", stability_risk=stability, mark=0, version=1,
        overall_due_on=None, accepted_at=None, paused_on=None, kept_days=None, clock_natural=False,
    )  # fmt: skip
    with office.on(start):
        clocks.run(found, days)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(_SPRING), st.integers(1, 30), st.integers(0, 40), st.integers(0, 40))
def test_pausing_and_resuming_adds_exactly_the_pause(
    app: Flask, start: date, days: int, until_pause: int, pause: int
) -> None:
    """What was left in working days when it stopped is left when it goes on."""
    found, working = running(start, days), region_calendar()
    before = found.due_on
    assert before is not None
    paused, resumed = start + timedelta(days=until_pause), start + timedelta(days=until_pause + pause)
    assume(paused < before)
    with office.on(paused):
        clocks.pause(found)
    with office.on(resumed):
        clocks.resume(found)
    assert found.due_on == working.add(resumed, working.count(paused, before))
    assert found.paused_on is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(_SPRING), st.integers(1, 20), st.integers(1, 60))
def test_a_clock_that_was_over_stays_over(app: Flask, start: date, days: int, late: int) -> None:
    found = running(start, days)
    due = found.due_on
    assert due is not None
    with office.on(due + timedelta(days=late)):
        clocks.pause(found)
    with office.on(due + timedelta(days=late + 10)):
        clocks.resume(found)
    assert found.due_on == due


def test_a_clock_paused_on_its_last_day_has_a_day_left(app: Flask) -> None:
    found = running(MONDAY, 5)
    assert found.due_on == date(2026, 3, 9)
    with office.on(date(2026, 3, 9)):
        clocks.pause(found)
    with office.on(date(2026, 3, 20)):
        clocks.resume(found)
    assert found.due_on == date(2026, 3, 23)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(_SPRING[:60]), st.integers(1, 30), st.integers(0, 30))
def test_halving_shortens_and_leaves_a_day_where_one_was(app: Flask, start: date, days: int, used: int) -> None:
    found, working = running(start, days), region_calendar()
    before, moment = found.due_on, start + timedelta(days=used)
    assert before is not None
    with office.on(moment):
        clocks.halve(found)
    assert found.due_on is not None
    assert found.due_on <= before
    if working.count(start, moment) < days:
        assert found.clock_days == max(-(-days // 2), working.count(start, moment) + 1)
        assert found.due_on > moment or not working.is_working(moment)
    else:
        assert found.due_on == before


LIMITS = [
    ("registered", 5, 3), ("need_supplement", 10, 10), ("accepted", 2, 1), ("assigned", 1, 1), ("return_requested", 2, 1),
    ("verifying", 15, 8), ("feedback_submitted", 3, 2), ("rework", 5, 3), ("transferred", 5, 3), ("concluded", 5, 3),
    ("replied", 30, 15),
]  # fmt: skip


@pytest.mark.parametrize(("status", "days", "halved"), LIMITS)
def test_urgent_tips_halve_the_limits(app: Flask, status: str, days: int, halved: int) -> None:
    """All but the reporter's own term: the urgency is the office's."""
    assert limits.days_of(Status(status), urgent=False) == days
    assert limits.days_of(Status(status), urgent=True) == halved


def test_every_status_starts_its_clock(client: FlaskClient) -> None:
    tip_id = office.registered(client)
    assert office.handling(tip_id).due_on == date(2026, 3, 9)  # 5 working days
    assert office.do("city.reviewer", tip_id, "accept").due_on == date(2026, 3, 4)
    assert office.handling(tip_id).overall_due_on == MONDAY + timedelta(days=60)
    assert office.do("city.reviewer", tip_id, "assign", division=factories.XINSHI).due_on == date(2026, 3, 3)
    assert office.do(office.HANDLER, tip_id, "sign_for").due_on == date(2026, 3, 23)
    given = {"outcome": "SUBSTANTIATED", "text": "属实。"}
    assert office.do(office.HANDLER, tip_id, "submit_feedback", **given).due_on == date(2026, 3, 5)
    assert office.do("city.reviewer", tip_id, "rework", reason="不清。").due_on == date(2026, 3, 9)
    office.do(office.HANDLER, tip_id, "submit_feedback", **given)
    assert office.do("city.reviewer", tip_id, "conclude").due_on == date(2026, 3, 9)
    assert office.do(office.HANDLER, tip_id, "reply", text="已办结。").due_on == date(2026, 4, 14)
    assert office.do("city.reviewer", tip_id, "archive").due_on is None
    assert office.handling(tip_id).overall_due_on == MONDAY + timedelta(days=60)


def test_the_acceptance_clock_stands_still_while_a_supplement_is_awaited(client: FlaskClient) -> None:
    tip_id = office.registered(client)
    with office.on(date(2026, 3, 4)):  # two of five days used
        found = office.do("city.reviewer", tip_id, "ask_supplement", text="请补充合同。")
        assert found.due_on == date(2026, 3, 18)
    with office.on(date(2026, 3, 12)):
        assert service.supplement_received(PROGRAM, tip_id)
        assert office.handling(tip_id).due_on == date(2026, 3, 17)  # the three that were left
        assert not service.supplement_received(PROGRAM, tip_id)


def test_what_is_left_of_the_acceptance_stands_still_in_working_days(client: FlaskClient) -> None:
    """Domain rule 9: days off that are added while the reporter is awaited take nothing from the desk."""
    tip_id = office.registered(client)
    with office.on(date(2026, 3, 3)):  # four of five days left
        office.do("city.reviewer", tip_id, "ask_supplement", text="请补充合同。")
        _import("2026-03-05,off,假日,650000,", "2026-03-06,off,假日,650000,")
    with office.on(date(2026, 3, 10)):
        assert service.supplement_received(PROGRAM, tip_id)
        assert office.handling(tip_id).due_on == date(2026, 3, 16)


def test_an_acceptance_that_was_over_stays_over(client: FlaskClient) -> None:
    tip_id = office.registered(client)
    with office.on(date(2026, 3, 11)):
        office.do("city.reviewer", tip_id, "ask_supplement", text="请补充合同。")
    with office.on(date(2026, 3, 13)):
        assert service.supplement_received(PROGRAM, tip_id)
        assert office.handling(tip_id).due_on == date(2026, 3, 9)


def test_a_supplement_that_an_earlier_edition_asked_for_keeps_its_days(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its step in the history knows the day alone."""
    tip_id = office.registered(client)
    monkeypatch.setattr(service, "_stopped_clock", lambda _action, _handling: {"acceptance_due_on": "2026-03-09"})
    office.do("city.reviewer", tip_id, "ask_supplement", text="请补充合同。")
    with office.on(date(2026, 3, 12)):
        assert service.supplement_received(PROGRAM, tip_id)
        assert office.handling(tip_id).due_on == date(2026, 3, 19)


def test_the_supplement_that_a_reporter_was_promised_is_the_one_that_runs(client: FlaskClient) -> None:
    """What the letter says and when the program takes the tip back come from one figure, urgent or not."""
    tip_id = office.registered(client)
    office.do("city.reviewer", tip_id, "mark_urgent", reason="可能聚集。")
    limits.set_value(PROGRAM, "need_supplement", 7, MONDAY)
    found = office.do("city.reviewer", tip_id, "ask_supplement", text="请补充合同。")
    asked = db.session.scalars(select(conversation.TipMessage).where(conversation.TipMessage.tip_id == tip_id)).one()
    assert found.due_on == asked.due_on == date(2026, 3, 11)


def test_urgent_tips_are_told_to_the_leader_at_once(client: FlaskClient) -> None:
    urgent = office.registered(client, conduct=factories.tip_body()["conduct"] | {"amount_yuan": "60000000.00"})
    calm = office.registered(client)
    assert office.handling(urgent).priority == "P1"
    assert office.handling(urgent).due_on == date(2026, 3, 5)
    told = db.session.execute(select(HandlingAlert.tip_id, HandlingAlert.kind)).all()
    assert [tuple(row) for row in told] == [(urgent, "urgent")]
    office.do("city.reviewer", calm, "mark_urgent", reason="可能聚集。")
    assert office.handling(calm).due_on == date(2026, 3, 5)
    assert db.session.scalar(select(HandlingAlert.kind).where(HandlingAlert.tip_id == calm)) == "urgent"


@pytest.mark.parametrize(
    ("amount", "people", "priority"),
    [
        ("50000000", None, "P1"), ("49999999.99", None, "P2"), (None, 5000, "P1"), ("5000000", 1, "P2"), (None, 500, "P2"),
        ("1000000", None, "P3"), (None, 150, "P3"), ("999999", 149, "P4"), (None, None, "P4"),
    ],
)  # fmt: skip
def test_priorities_are_those_of_the_judicial_interpretation(
    client: FlaskClient, amount: str | None, people: int | None, priority: str
) -> None:
    conduct = factories.tip_body()["conduct"] | {"amount_yuan": amount, "participants": people}
    assert office.handling(office.registered(client, conduct=conduct)).priority == priority


class TestConfiguration:
    def test_a_figure_holds_from_its_day_on_and_leaves_running_clocks_alone(self, client: FlaskClient) -> None:
        first = office.registered(client)
        with transaction(OPEN_WALL):
            limits.set_value(PROGRAM, "registered", 3, date(2026, 3, 4))
        assert office.handling(office.registered(client)).due_on == date(2026, 3, 9)
        with office.on(date(2026, 3, 4)):
            assert office.handling(office.registered(client)).due_on == date(2026, 3, 9)  # 3 days from the 4th
            assert limits.value("registered") == 3
        assert office.handling(first).due_on == date(2026, 3, 9)
        assert limits.value("registered") == 5

    def test_the_newest_row_of_a_day_wins(self, app: Flask) -> None:
        for days in (3, 4):
            limits.set_value(PROGRAM, "rework", days, MONDAY)
        assert limits.value("rework") == 4

    @pytest.mark.parametrize(
        ("name", "value", "day"), [("nothing", 3, MONDAY), ("rework", 0, MONDAY), ("rework", 3, date(2026, 3, 1))]
    )
    def test_what_makes_no_sense_is_refused(self, app: Flask, name: str, value: int, day: date) -> None:
        with pytest.raises(InvalidInput):
            limits.set_value(PROGRAM, name, value, day)

    def test_reasons_are_worded_added_and_retired_by_date(self, app: Flask) -> None:
        limits.set_reason(PROGRAM, "rejection", "OTHER_CITY", "属外地", date(2026, 3, 4))
        limits.set_reason(PROGRAM, "rejection", "NO_FACTS", "无具体事实", MONDAY, in_use=False)
        assert "OTHER_CITY" not in limits.reasons("rejection")
        assert "NO_FACTS" not in limits.reasons("rejection")
        with office.on(date(2026, 3, 4)):
            assert limits.reasons("rejection")["OTHER_CITY"] == "属外地"

    def test_a_row_that_another_process_added_is_read(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        assert limits.value("rework") == 5
        monkeypatch.setattr(limits, "forget", lambda: None)
        limits.set_value(PROGRAM, "rework", 9, MONDAY)
        monkeypatch.setattr(limits, "_ASKED_EVERY_SECONDS", 0.0)
        assert limits.value("rework") == 9


def _import(*days: str) -> int:
    return calendar.import_calendar(PROGRAM, io.StringIO("date,kind,holiday,region,note\n" + "\n".join(days)))


class TestCalendar:
    def test_the_regions_own_days_override_the_nations(self, app: Flask) -> None:
        assert region_calendar().add(date(2026, 3, 19), 1) == date(2026, 3, 20)
        _import("2026-03-20,off,肉孜节,650000,")
        assert region_calendar().add(date(2026, 3, 19), 1) == date(2026, 3, 23)
        assert calendar.calendar_of("110000").add(date(2026, 3, 19), 1) == date(2026, 3, 20)

    def test_changing_the_calendar_recomputes_open_deadlines_and_logs_it(self, client: FlaskClient) -> None:
        """Domain rule 9."""
        moved, ended = office.verifying(client), office.registered(client)
        office.do("city.reviewer", ended, "reject", reason_code="NO_FACTS", reason="无事实。", route="信访部门")
        request = office.apply(client, moved)
        assert office.handling(moved).due_on == date(2026, 3, 23)
        version = office.handling(moved).version
        _import("2026-03-03,off,假日,650000,", "2026-03-04,off,假日,650000,")
        found = office.handling(moved)
        assert (found.due_on, found.version) == (date(2026, 3, 25), version + 1)
        assert db.session.get_one(Reassignment, request.id).due_on == date(2026, 3, 5)
        last = history_of(moved)[-1]
        assert (last.action, last.details) == ("recount", {"due_on": {"from": "2026-03-23", "to": "2026-03-25"}})
        logged = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "workflow.import_calendar")).all()[-1]
        assert logged.details["recounted"] == 2
        assert [event.action for event in history_of(ended)][-1] == "reject"
        assert recount.count_again(PROGRAM) == 0

    def test_a_deadline_beyond_the_loaded_years_is_refused_with_a_message_to_the_administrator(
        self, client: FlaskClient
    ) -> None:
        with office.on(date(2026, 12, 21)):
            tip_id = office.assigned(client)
            with pytest.raises(DeadlineBeyondCalendar, match="2027 年，请系统管理员导入"):
                office.do(office.HANDLER, tip_id, "sign_for")
        assert office.handling(tip_id).status == "assigned"

    def test_the_refusal_reaches_the_officer_who_asked(self, client: FlaskClient) -> None:
        tip_id = office.assigned(client)
        with transaction(OPEN_WALL):
            limits.set_value(PROGRAM, "verifying", 400, MONDAY)
        answer = factories.office_act(client, office.HANDLER, tip_id, "sign_for")
        assert (answer.status_code, answer.get_json()["code"]) == (409, "deadline_beyond_calendar")
        assert "系统管理员" in answer.get_json()["detail"]

    def test_no_tip_is_refused_for_it_and_the_next_import_sets_its_day(self, client: FlaskClient) -> None:
        with office.on(date(2026, 12, 29)):
            tip_id = office.registered(client)
            assert office.handling(tip_id).due_on is None
            _import("2027-01-01,off,元旦,CN,")
            assert office.handling(tip_id).due_on == date(2027, 1, 6)

    def test_a_year_without_a_calendar_stops_no_reading_and_no_filing(self, client: FlaskClient) -> None:
        """The administrator is late: officers see what they have, and a tip comes in; what needs a day is refused."""
        with office.on(date(2026, 10, 12)):  # tokens of tests are of the past
            tip_id = office.verifying(client)
            office.apply(client, tip_id)
        known = calendar.region_calendar()
        cut = WorkingCalendar(known.off, known.made_up, frozenset({2025}))
        client.application.extensions["shudi_calendars"] = {"650000": (float("inf"), cut)}
        with office.on(date(2026, 10, 14)):
            for username in ("city.reviewer", office.HANDLER, "city.leader"):
                headers = factories.office_headers(username)
                for path in ("tips", f"tips/{tip_id}", "reassignments"):
                    answer = client.get(f"/api/v1/office/{path}", headers=headers)
                    assert answer.status_code == 200, (username, path, answer.get_json())
            assert office.registered(client)
            assert (
                factories.office_act(client, "city.reviewer", tip_id, "supervise", kind="urge", reason="。").status_code
                == 200
            )
            jobs.sweep_clocks()

    @pytest.mark.parametrize("line", ["2026-13-01,off,,CN,", "2026-01-01,holiday,,CN,", "2026-01-01,off,,,"])
    def test_a_faulty_line_is_named_and_nothing_is_imported(self, app: Flask, line: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            _import("2026-03-20,off,,650000,", line)
        assert next(iter(refused.value.errors)).startswith("第 3 行")
        assert region_calendar().is_working(date(2026, 3, 20))


def test_no_step_is_left_out_of_the_history(client: FlaskClient) -> None:
    """Domain rule 7: who, when, from, to, why."""
    tip_id = office.verifying(client)
    steps = db.session.scalars(
        select(HandlingEvent).where(HandlingEvent.tip_id == tip_id).order_by(HandlingEvent.version)
    )
    assert [(s.version, s.action, s.from_status, s.to_status) for s in steps] == [
        (1, "register", None, "registered"),
        (2, "accept", "registered", "accepted"),
        (3, "assign", "accepted", "assigned"),
        (4, "sign_for", "assigned", "verifying"),
    ]
    assert all(step.at == clock.now() for step in history_of(tip_id))
