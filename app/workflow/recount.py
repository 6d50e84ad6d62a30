"""Counting again what runs by a calendar that has changed (domain rule 9): each changed limit leaves a step.

A clock is a day and a number of working days after it, so its end follows from the calendar alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Select, func, select, tuple_

from app.foundation.database import db
from app.foundation.errors import DeadlineBeyondCalendar
from app.foundation.permissions import Actor
from app.workflow import clocks, service
from app.workflow.calendar import follows_import, region_calendar
from app.workflow.deadlines import WorkingCalendar
from app.workflow.models import Handling, Reassignment
from app.workflow.states import OPEN_REASSIGNMENTS, OPEN_STATUSES

_OPEN: Final = sorted(OPEN_STATUSES)
_Clock = tuple[date, int, date | None]


@follows_import
def count_again(actor: Actor) -> int:
    """Give every open clock the end that the present calendar says; return how many ends moved. Twice moves none."""
    calendar = region_calendar()
    moved = _moved(
        calendar,
        select(Handling.clock_from, Handling.clock_days, Handling.due_on).where(
            Handling.status.in_(_OPEN), Handling.clock_from.is_not(None), ~Handling.clock_natural
        ),
    )
    handlings = select(Handling).where(Handling.status.in_(_OPEN), ~Handling.clock_natural).order_by(Handling.tip_id)
    count = 0
    for (start, days, before), due in moved.items():
        for handling in db.session.scalars(_of_clock(handlings, Handling, start, days, before).with_for_update()):
            handling.due_on = due
            clocks.set_next_mark(handling)
            told = {"due_on": {"from": before.isoformat() if before else None, "to": due.isoformat()}}
            service.note_recount(actor, handling, told)
            count += 1
    return count + _count_requests_again(calendar)


@dataclass(frozen=True, slots=True)
class Moved:
    """How many limits would end on another day."""

    before: date | None
    after: date
    count: int


def effect_of(calendar: WorkingCalendar) -> list[Moved]:
    """What counting again by another calendar would move, by the days before and after; nothing is written."""
    found: Counter[tuple[date | None, date]] = Counter()
    for model, statuses in ((Handling, _OPEN), (Reassignment, sorted(OPEN_REASSIGNMENTS))):
        clocks_of = select(model.clock_from, model.clock_days, model.due_on, func.count())
        running = [model.status.in_(statuses), model.clock_from.is_not(None)]
        natural = [~Handling.clock_natural] if model is Handling else []
        rows = db.session.execute(
            clocks_of.where(*running, *natural).group_by(model.clock_from, model.clock_days, model.due_on)
        )
        for start, days, before, count in rows:
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


def _count_requests_again(calendar: WorkingCalendar) -> int:
    statuses = sorted(OPEN_REASSIGNMENTS)
    columns = select(Reassignment.clock_from, Reassignment.clock_days, Reassignment.due_on)
    moved = _moved(calendar, columns.where(Reassignment.status.in_(statuses), Reassignment.clock_from.is_not(None)))
    requests = select(Reassignment).where(Reassignment.status.in_(statuses)).order_by(Reassignment.id)
    count = 0
    for (start, days, before), due in moved.items():
        for request in db.session.scalars(_of_clock(requests, Reassignment, start, days, before).with_for_update()):
            request.due_on = due
            count += 1
    db.session.flush()
    return count


def _moved(calendar: WorkingCalendar, clocks_of: Select[date | None, int | None, date | None]) -> dict[_Clock, date]:
    """The distinct clocks whose end is another one by this calendar; one that ends beyond it keeps what it had."""
    found: dict[_Clock, date] = {}
    for row in db.session.execute(clocks_of.distinct()):
        start, days, before = row
        due = _end(calendar, start, days)
        if start is not None and days is not None and due is not None and due != before:
            found[(start, days, before)] = due
    return found


def _of_clock(
    rows: Select[Any], model: type[Handling | Reassignment], start: date, days: int, before: date | None
) -> Select[Any]:
    same = tuple_(model.clock_from, model.clock_days) == tuple_(start, days)
    return rows.where(same, model.due_on.is_not_distinct_from(before)).execution_options(populate_existing=True)
