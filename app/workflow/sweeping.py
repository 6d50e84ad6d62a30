"""The sweep over clocks: yellow at half, orange at a fifth left, red when over; who is concerned hears of each once.

A tip names the day on which it has to be looked at (``next_mark_on``). What was missed while the program stood still is
due at the next run; two runs at once skip each other's rows.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import DeadlineBeyondCalendar
from app.foundation.permissions import PROGRAM
from app.workflow import clocks, police, service, supervision
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling
from app.workflow.states import Action, AlertKind, Status

_A_BATCH: Final = 200
MARKS: Final = (None, AlertKind.YELLOW, AlertKind.ORANGE, AlertKind.RED)
"""The meaning of ``Handling.mark``."""


def sweep_some() -> int:
    """Look at the tips whose day has come, a batch of them; return how many. Twice marks and warns once."""
    due = (
        select(Handling)
        .where(Handling.next_mark_on <= clock.today())
        .order_by(Handling.next_mark_on, Handling.tip_id)
        .limit(_A_BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    handlings = db.session.scalars(due).all()
    for handling in handlings:
        _look_at(handling)
    db.session.flush()
    return len(handlings)


def warn_of_undecided() -> int:
    """Tell the head of proposals for the police that wait beyond their three days. Twice warns once."""
    late = police.undecided_since(clock.today())
    return sum(supervision.alert(row.tip_id, AlertKind.RED, row.decide_by) for row in late)


def _look_at(handling: Handling) -> None:
    if handling.status == Status.REPLIED and handling.due_on and handling.due_on < clock.today():
        service.act(PROGRAM, handling.tip_id, Action.ARCHIVE, handling.version, {})
        return
    try:
        status_mark, overall_mark, ahead = clocks.marks(handling, region_calendar())
    except DeadlineBeyondCalendar:  # the calendar's next import counts it again; the others are swept meanwhile
        handling.next_mark_on = clock.today() + timedelta(days=1)
        return
    _warn(handling, status_mark, handling.due_on)
    _warn(handling, overall_mark, handling.overall_due_on)
    handling.mark = max(status_mark, overall_mark)
    handling.next_mark_on = min(ahead, default=None)


def _warn(handling: Handling, mark: int, due_on: date | None) -> None:
    kind = MARKS[mark]
    if kind is not None:
        supervision.alert(handling.tip_id, kind, due_on)
