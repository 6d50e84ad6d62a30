"""Counting again what runs by a calendar that has changed (domain rule 9): each changed limit leaves a step.

A clock is a day and a number of working days after it, so its end follows from the calendar alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select

from app.foundation.database import db
from app.foundation.errors import DeadlineBeyondCalendar
from app.foundation.permissions import Actor
from app.workflow import clocks, service
from app.workflow.calendar import follows_import, region_calendar
from app.workflow.deadlines import WorkingCalendar
from app.workflow.models import Handling, Reassignment
from app.workflow.states import OPEN_REASSIGNMENTS, OPEN_STATUSES, ReassignmentStatus

_Clock = tuple[date, int, date | None]


@dataclass(frozen=True, slots=True)
class _Clocks:
    """One kind of clock: a day, a number of working days after it and its end, in the rows where it runs."""

    model: type[Handling | Reassignment]
    columns: tuple[Any, Any, Any]
    running: tuple[ColumnElement[bool], ...]


_OF_HANDLINGS: Final = _Clocks(
    Handling,
    (Handling.clock_from, Handling.clock_days, Handling.due_on),
    (Handling.status.in_(sorted(OPEN_STATUSES)), Handling.clock_from.is_not(None), ~Handling.clock_natural),
)
_OF_REQUESTS: Final = _Clocks(
    Reassignment,
    (Reassignment.clock_from, Reassignment.clock_days, Reassignment.due_on),
    (Reassignment.status.in_(sorted(OPEN_REASSIGNMENTS)), Reassignment.clock_from.is_not(None)),
)
_OF_VIEWS: Final = _Clocks(
    Reassignment,
    (Reassignment.view_asked_on, Reassignment.view_days, Reassignment.view_due_on),
    (
        Reassignment.status == ReassignmentStatus.APPLIED.value,
        Reassignment.view_asked_on.is_not(None),
        Reassignment.view_given_at.is_(None),
    ),
)


@follows_import
def count_again(actor: Actor) -> int:
    """Give every open clock the end that the present calendar says; return how many ends moved. Twice moves none."""
    calendar = region_calendar()
    count = 0
    for handling, before, due in _moved(calendar, _OF_HANDLINGS):
        handling.due_on = due
        clocks.set_next_mark(handling)
        told = {"due_on": {"from": before.isoformat() if before else None, "to": due.isoformat()}}
        service.note_recount(actor, handling, told)
        count += 1
    for request, _, due in _moved(calendar, _OF_REQUESTS):
        request.due_on = due
        count += 1
    for request, _, due in _moved(calendar, _OF_VIEWS):
        request.view_due_on = due
        count += 1
    db.session.flush()
    return count


@dataclass(frozen=True, slots=True)
class Moved:
    """How many limits would end on another day."""

    before: date | None
    after: date
    count: int


def effect_of(calendar: WorkingCalendar) -> list[Moved]:
    """What counting again by another calendar would move, by the days before and after; nothing is written."""
    found: Counter[tuple[date | None, date]] = Counter()
    for clocks_of in (_OF_HANDLINGS, _OF_REQUESTS, _OF_VIEWS):
        running = select(*clocks_of.columns, func.count()).where(*clocks_of.running)
        for start, days, before, count in db.session.execute(running.group_by(*clocks_of.columns)):
            after = _end(calendar, start, days)
            if after is not None and after != before:
                found[(before, after)] += count
    return [Moved(before, after, count) for (before, after), count in sorted(found.items(), key=lambda one: one[0][1])]


def _end(calendar: WorkingCalendar, start: date | None, days: int | None) -> date | None:
    if start is None or days is None:
        return None
    try:
        return calendar.add(start, days)
    except DeadlineBeyondCalendar:
        return None


def _moved(calendar: WorkingCalendar, kind: _Clocks) -> Iterator[tuple[Any, date | None, date]]:
    """The rows, locked, whose clock of this kind ends on another day by this calendar, with the days before and after.

    One that ends beyond the calendar keeps what it had.
    """
    db.session.flush()  # the rows are read anew: what another kind of clock has changed in them must be there
    found: dict[_Clock, date] = {}
    for start, days, before in db.session.execute(select(*kind.columns).where(*kind.running).distinct()).all():
        due = _end(calendar, start, days)
        if due is not None and due != before:
            found[start, days, before] = due
    for clock, due in found.items():
        for row in db.session.scalars(_of_clock(kind, clock)):
            yield row, clock[2], due


def _of_clock(kind: _Clocks, clock: _Clock) -> Select[Any]:
    start, days, due = kind.columns
    same = (start == clock[0], days == clock[1], due.is_not_distinct_from(clock[2]))
    rows = select(kind.model).where(*kind.running, *same).order_by(*kind.model.__table__.primary_key)
    return rows.with_for_update().execution_options(populate_existing=True)
