"""Limits as a person reads them: what is left, and how pressing it is (half left, a fifth left, over)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from app.foundation import clock
from app.foundation.errors import DeadlineBeyondCalendar
from app.tips.lines import TipLine
from app.workflow.calendar import region_calendar
from app.workflow.deadlines import end_of_day
from app.workflow.models import Handling, Reassignment
from app.workflow.states import (
    ADJUST_WORKING_DAYS,
    EVIDENCE_WORKING_DAYS,
    LIMITS,
    OVERALL_DAYS,
    REVIEW_WORKING_DAYS,
    ReassignmentStatus,
    Status,
)

_HALF, _FIFTH = 0.5, 0.2
_REQUEST_LIMITS: Final = {
    ReassignmentStatus.APPLIED: ("审核期限", REVIEW_WORKING_DAYS),
    ReassignmentStatus.APPROVED: ("调整期限", ADJUST_WORKING_DAYS),
    ReassignmentStatus.RETURNED_FOR_EVIDENCE: ("补证期限", EVIDENCE_WORKING_DAYS),
}


class Clock(NamedTuple):
    """A limit that runs: its last moment, the days left of it (negative: over), and how pressing that is."""

    label: str
    due_at: datetime
    days_left: int
    level: str
    paused: bool
    unit: str = "工作日"


def running_clock(handling: Handling | TipLine) -> Clock | None:
    """The limit of the present status; none where there is none, or where the calendar does not reach."""
    limit = LIMITS.get(Status(handling.status))
    if limit is None or handling.due_on is None:
        return None
    left = working_days_between(handling.paused_on or clock.today(), handling.due_on)
    days = handling.clock_days or limit.working_days
    return _clock(f"{limit.name}期限", handling.due_on, left, days, paused=handling.paused_on is not None)


def clocks_of(handling: Handling) -> list[Clock]:
    """The running limit and the overall one, which stands outside every pause."""
    overall = None
    if handling.overall_due_on and handling.reply is None:
        left = (handling.overall_due_on - clock.today()).days
        overall = _clock("总期限", handling.overall_due_on, left, OVERALL_DAYS)
        overall = overall and overall._replace(unit="日")
    return [one for one in (running_clock(handling), overall) if one]


def request_clock(request: Reassignment) -> Clock | None:
    """The limit of the present step of a request."""
    name, days = _REQUEST_LIMITS.get(ReassignmentStatus(request.status), ("", 0))
    if not days or request.due_on is None:
        return None
    return _clock(name, request.due_on, working_days_between(clock.today(), request.due_on), days)


def working_days_between(start: date, end: date) -> int | None:
    """Working days after ``start`` up to ``end``, negative backwards; none beyond the loaded calendar."""
    try:
        return region_calendar().count(start, end)
    except DeadlineBeyondCalendar:
        return None


def working_days_used(since: datetime, until: datetime) -> int | None:
    """Working days between two moments."""
    return working_days_between(clock.beijing(since).date(), clock.beijing(until).date())


def _clock(label: str, due_on: date, left: int | None, whole: int, *, paused: bool = False) -> Clock | None:
    if left is None:
        return None
    return Clock(label, end_of_day(due_on), left, _level(left, whole), paused)


def _level(left: int, whole: int) -> str:
    if left < 0:
        return "red"
    if left <= whole * _FIFTH:
        return "orange"
    return "yellow" if left <= whole * _HALF else "none"
