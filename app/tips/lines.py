"""What every list says of a tip: one line each, of tips within the reader's sight."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple, Self
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Uuid, any_, bindparam, or_, select

from app.foundation.database import read_rows
from app.foundation.permissions import Actor, Permission
from app.tips.models import Tip, TipSubject
from app.workflow.models import Handling

_TIP, _SUBJECT, _HANDLING = Tip.__table__, TipSubject.__table__, Handling.__table__


class TipLine(NamedTuple):
    """One tip as lists know it: a third of its columns, without the words of the statement."""

    tip_id: UUID
    receipt_number: str
    registered_at: datetime
    channel: str
    real_name: bool
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


_COLUMNS: Final = (
    _HANDLING.c.tip_id,
    *(_TIP.c[name] for name in ("receipt_number", "registered_at", "channel", "real_name", "conduct_type")),
    *(_SUBJECT.c[name] for name in ("name", "uscc")),
    *(_HANDLING.c[name] for name in TipLine._fields[8:]),
)
_LINES: Final = (
    select(*_COLUMNS)
    .select_from(_HANDLING.join(_TIP, _TIP.c.id == _HANDLING.c.tip_id).join(_SUBJECT, _SUBJECT.c.tip_id == _TIP.c.id))
    .where(
        _HANDLING.c.tip_id == any_(bindparam("tip_ids", type_=ARRAY(Uuid))),
        or_(bindparam("city_wide", type_=Boolean), _HANDLING.c.unit_id == bindparam("unit_id")),
    )
)


def lines_of(actor: Actor, tip_ids: Sequence[UUID]) -> list[TipLine]:
    """The lines of these tips as far as they are within sight (``workflow.policy.within_sight``), in this order."""
    if not tip_ids or not actor.may(Permission.TIP_READ):
        return []
    rows = read_rows(_LINES, tip_ids=list(tip_ids), city_wide=actor.city_wide, unit_id=actor.unit_id)
    lines = {row[0]: TipLine._make(row) for row in rows}
    return [lines[tip_id] for tip_id in tip_ids if tip_id in lines]
