"""The clocks of a handling: start, pause, resume, lengthen, and the day on which somebody has to be warned.

``due_on`` always follows from ``clock_from``, ``clock_days`` and the calendar, so that a changed calendar can count
every open clock again. A pause moves ``clock_from``: what was used stays used, what was left is left.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from app.foundation import clock
from app.foundation.errors import DeadlineBeyondCalendar
from app.workflow import limits
from app.workflow.calendar import region_calendar
from app.workflow.deadlines import WorkingCalendar, days_back, warning_days
from app.workflow.models import Handling
from app.workflow.states import REPORTERS_TERMS, Status

_DAY: Final = timedelta(days=1)
_GOES_ON: Final = frozenset({Status.ACCEPTED, Status.VERIFYING})
"""Where a tip may come back with what was left of the limit: after a recall, after a refused return."""
_OVERALL_STOPS: Final = frozenset({Status.CONCLUDED, Status.REPLIED, Status.ARCHIVED, Status.REJECTED, Status.MERGED})


def first_columns(priority: str) -> dict[str, Any]:
    """The clock of a tip that was just filed; empty where the calendar ends too early: no tip is refused for it."""
    days = limits.days_of(Status.REGISTERED, urgent=priority == "P1") or 0
    today, calendar = clock.today(), region_calendar()
    try:
        warned = warning_days(calendar, today, days)
    except DeadlineBeyondCalendar:
        return {"due_on": None, "clock_from": today, "clock_days": days, "next_mark_on": None}
    return {"due_on": warned[2] - _DAY, "clock_from": today, "clock_days": days, "next_mark_on": warned[0]}


def is_urgent(handling: Handling) -> bool:
    """P1, or marked as a risk to stability by an officer: limits are halved and the leader is told."""
    return handling.priority == "P1" or handling.stability_risk


def enter(handling: Handling, status: Status) -> None:
    """Start the clock of a status that the tip has just come to."""
    days = limits.days_of(status, urgent=is_urgent(handling))
    if status in _GOES_ON and handling.kept_days is not None:
        days, handling.kept_days = handling.kept_days, None
    handling.mark = 0
    if days is None:
        handling.clock_from = handling.clock_days = handling.due_on = None
        set_next_mark(handling)
    else:
        run(handling, days)


def run(handling: Handling, days: int, *, natural: bool = False) -> None:
    """Let the clock run for ``days`` from today; raise ``DeadlineBeyondCalendar``."""
    handling.clock_from, handling.clock_days, handling.clock_natural = clock.today(), days, natural
    handling.due_on = None
    if handling.paused_on:  # signed for while a request is open: the new clock begins stopped
        handling.paused_on = clock.today()
    try:
        handling.due_on = due_on(region_calendar(), handling)
    except DeadlineBeyondCalendar:
        if handling.status != Status.REPLIED:  # nobody waits for the archive: the calendar's next import sets its day
            raise
    set_next_mark(handling)


def due_on(calendar: WorkingCalendar, handling: Handling) -> date | None:
    """The day on which the present clock ends, by ``calendar``."""
    if handling.clock_from is None or not handling.clock_days:
        return handling.due_on
    if handling.clock_natural:
        return handling.clock_from + timedelta(days=handling.clock_days)
    return calendar.add(handling.clock_from, handling.clock_days)


def pause(handling: Handling) -> None:
    """Stop the clock of the present status; the overall one runs on."""
    handling.paused_on = clock.today()
    set_next_mark(handling)


def resume(handling: Handling) -> None:
    """Let a stopped clock go on with what was left, a day at least; one that was over stays over."""
    paused_on, handling.paused_on = handling.paused_on, None
    if paused_on and handling.clock_from and handling.clock_days and not handling.clock_natural:
        calendar = region_calendar()
        used = calendar.count(handling.clock_from, paused_on)
        if handling.due_on is None or paused_on <= handling.due_on:
            handling.clock_from = days_back(calendar, clock.today(), min(used, handling.clock_days - 1))
            handling.due_on = due_on(calendar, handling)
    set_next_mark(handling)


def days_left(handling: Handling) -> int:
    """Working days left of the present clock, one at least: what a refused request gives back."""
    if handling.due_on is None:
        return 1
    return max(region_calendar().count(clock.today(), handling.due_on), 1)


def left_to_show(handling: Handling) -> int | None:
    """Working days left as a page shows them, negative when over; none where no clock runs or the calendar ends."""
    if handling.due_on is None:
        return None
    try:
        return region_calendar().count(handling.paused_on or clock.today(), handling.due_on)
    except DeadlineBeyondCalendar:
        return None


def lengthen(handling: Handling, days: int) -> None:
    """Add ``days`` to the present clock; raise ``DeadlineBeyondCalendar``."""
    handling.clock_days = (handling.clock_days or 0) + days
    handling.due_on = due_on(region_calendar(), handling)
    set_next_mark(handling)


def halve(handling: Handling) -> None:
    """Shorten the running clock of a tip that has become urgent; a day is left where less would be."""
    untouched = handling.clock_natural or handling.status in REPORTERS_TERMS
    if handling.clock_from is None or not handling.clock_days or untouched:
        return
    calendar = region_calendar()
    used = calendar.count(handling.clock_from, handling.paused_on or clock.today())
    if used < handling.clock_days:
        handling.clock_days = max(limits.shortened(handling.clock_days, urgent=True), used + 1)
        handling.due_on = due_on(calendar, handling)
    set_next_mark(handling)


# Warnings -----------------------------------------------------------------------------------------------------------


def marks(handling: Handling, calendar: WorkingCalendar) -> tuple[int, int, list[date]]:
    """How pressing the status clock and the overall clock are today (0 to 3), and the days on which that changes."""
    today = clock.today()
    status_days, overall_days = _status_days(handling, calendar), _overall_days(handling)
    ahead = [day for day in (*status_days, *overall_days) if day > today]
    return sum(day <= today for day in status_days), sum(day <= today for day in overall_days), ahead


def _status_days(handling: Handling, calendar: WorkingCalendar) -> tuple[date, ...]:
    if handling.paused_on or handling.due_on is None or handling.status in REPORTERS_TERMS:
        return ()
    if handling.status == Status.REPLIED:
        return (handling.due_on + _DAY,)
    if handling.clock_from is None or not handling.clock_days or handling.clock_natural:
        return (handling.due_on, handling.due_on, handling.due_on + _DAY)
    return warning_days(calendar, handling.clock_from, handling.clock_days)


def _overall_days(handling: Handling) -> tuple[date, ...]:
    if handling.overall_due_on is None or handling.accepted_at is None or handling.status in _OVERALL_STOPS:
        return ()
    start = clock.beijing(handling.accepted_at).date()
    whole = (handling.overall_due_on - start).days
    return (
        start + timedelta(days=-(-whole // 2)),
        start + timedelta(days=whole - whole // 5),
        handling.overall_due_on + _DAY,
    )


def set_next_mark(handling: Handling) -> None:
    """Note on which day the sweep must look at the tip: today when it is more pressing than it is marked."""
    status_mark, overall_mark, ahead = marks(handling, region_calendar())
    pressing = max(status_mark, overall_mark)
    handling.mark = min(handling.mark or 0, pressing)
    handling.next_mark_on = clock.today() if pressing > handling.mark else min(ahead, default=None)
