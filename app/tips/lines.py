"""What every list says of a tip: one line each, of tips within the reader's sight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from app.foundation.database import read_rows
from app.foundation.permissions import Actor
from app.tips.models import Tip, TipSubject
from app.workflow import disclosure
from app.workflow.models import Handling
from app.workflow.policy import SIGHT, sight_of

_TIP, _SUBJECT, _HANDLING = Tip.__table__, TipSubject.__table__, Handling.__table__


class TipLine(NamedTuple):
    """One tip as lists know it: a third of its columns, without the words of the statement."""

    tip_id: UUID
    receipt_number: str
    registered_at: datetime
    channel: str
    real_name: bool | None
    conduct_type: str | None
    subject_name: str | None
    uscc: str | None
    status: str
    version: int
    division_code: str | None
    priority: str
    due_on: date | None
    overall_due_on: date | None
    paused_on: date | None
    clock_days: int | None
    dispute: bool
    needs_review: bool
    supervision: str | None
    moves: int

    @classmethod
    def of(cls, tip: Tip, handling: Handling, subject: TipSubject) -> Self:
        """The line of a tip that is at hand whole."""
        held = {_TIP: tip, _SUBJECT: subject, _HANDLING: handling}
        return cls(*(getattr(held[column.table], column.name) for column in _COLUMNS))


_OF_TIP: Final = frozenset({"receipt_number", "registered_at", "channel", "real_name", "conduct_type"})
_OF_SUBJECT: Final = {"subject_name": "name", "uscc": "uscc"}


def _column(name: str) -> Any:
    if name in _OF_SUBJECT:
        return _SUBJECT.c[_OF_SUBJECT[name]]
    return (_TIP if name in _OF_TIP else _HANDLING).c[name]


_COLUMNS: Final = tuple(_column(name) for name in TipLine._fields)
_LINES: Final = (
    select(*_COLUMNS)
    .select_from(_HANDLING.join(_TIP, _TIP.c.id == _HANDLING.c.tip_id).join(_SUBJECT, _SUBJECT.c.tip_id == _TIP.c.id))
    .where(_HANDLING.c.tip_id == any_(bindparam("tip_ids", type_=ARRAY(Uuid))), SIGHT)
)


def lines_of(actor: Actor, tip_ids: Sequence[UUID]) -> list[TipLine]:
    """The lines of these tips as far as they are within sight, in this order."""
    lines = lines_by_id(actor, tip_ids)
    return [lines[tip_id] for tip_id in tip_ids if tip_id in lines]


def lines_by_id(actor: Actor, tip_ids: Iterable[UUID]) -> dict[UUID, TipLine]:
    """The same by the tip."""
    if not (wanted := list(tip_ids)):
        return {}
    rows = (TipLine._make(row) for row in read_rows(_LINES, tip_ids=wanted, **sight_of(actor)))
    return {line.tip_id: line for line in (rows if disclosure.reads_statement(actor) else map(progress_of, rows))}


def progress_of(line: TipLine) -> TipLine:
    """The line with the facts of handling alone, the accused party masked (``workflow.disclosure``)."""
    unknown: dict[str, Any] = dict.fromkeys(set(TipLine._fields) - disclosure.LINE)
    return line._replace(**unknown | {"subject_name": disclosure.HIDDEN})
