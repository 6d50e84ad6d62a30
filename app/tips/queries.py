"""Read-only selects of intake: the reporter's view, the office's queue, one tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from app.files.models import StoredFile
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import OutOfScope
from app.foundation.permissions import Actor
from app.tips import receipts
from app.tips.models import Reporter, Tip, TipEvidence, TipJurisdiction, TipSubject
from app.tips.policy import visible_tips
from app.workflow.models import Handling
from app.workflow.states import Status

_ESTIMATE_UP_TO = 1000


def own_tips(openid_index: bytes, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Any]:
    """The reporter's own real-name tips, newest first; one row more than ``limit`` tells of a next page."""
    statement = (
        select(Tip, Handling.status, TipSubject.name)
        .join(Reporter, Reporter.tip_id == Tip.id)
        .join(Handling, Handling.tip_id == Tip.id)
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .where(Reporter.openid_index == openid_index)
        .order_by(Tip.registered_at.desc(), Tip.id.desc())
        .limit(limit + 1)
    )
    if after:
        statement = statement.where(tuple_(Tip.registered_at, Tip.id) < tuple_(*after))
    return db.session.execute(statement).all()


def own_line(tip: Tip, status: str, subject_name: str | None) -> dict[str, Any]:
    """One line of the reporter's own list."""
    return {
        "receipt_number": tip.receipt_number,
        "registered_at": tip.registered_at,
        "status": status,
        "status_text": Status(status).public_text,
        "subject_name": subject_name,
    }


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What a person looks for in the queue."""

    status: str | None = None
    division: str | None = None
    q: str | None = None
    overdue: bool | None = None
    dispute: bool | None = None


def queue_page(
    actor: Actor, wanted: QueueFilter, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[Sequence[Any], int]:
    """Tips within sight, newest first, by keyset: (rows of tip, handling, subject; estimate of the total)."""
    statement = visible_tips(actor).add_columns(TipSubject).join(TipSubject, TipSubject.tip_id == Tip.id)
    statement = statement.where(*_conditions(wanted))
    total = db.session.scalar(
        select(func.count()).select_from(statement.with_only_columns(Tip.id).limit(_ESTIMATE_UP_TO).subquery())
    )
    if after:
        statement = statement.where(tuple_(Handling.registered_at, Handling.tip_id) < tuple_(*after))
    statement = statement.order_by(Handling.registered_at.desc(), Handling.tip_id.desc()).limit(limit + 1)
    return db.session.execute(statement).all(), total or 0


def _conditions(wanted: QueueFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.status:
        found.append(Handling.status == wanted.status)
    if wanted.division:
        found.append(Handling.division_code == wanted.division)
    if wanted.dispute is not None:
        found.append(Handling.dispute == wanted.dispute)
    if wanted.overdue is not None:
        late = and_(Handling.due_on.is_not(None), Handling.due_on < clock.today(), Handling.paused_on.is_(None))
        found.append(late if wanted.overdue else ~late)
    if wanted.q:
        found.append(_search(wanted.q))
    return found


def _search(words: str) -> ColumnElement[bool]:
    number = receipts.normalised(words)
    if number.isdecimal() and len(number) == receipts.RECEIPT_DIGITS:
        return Tip.receipt_number == number
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return or_(
        Tip.receipt_number.like(number + "%") if number.isdecimal() else TipSubject.name.ilike(pattern),
        TipSubject.name.ilike(pattern),
        TipSubject.registered_address.ilike(pattern),
        TipSubject.operating_address.ilike(pattern),
        Tip.description.ilike(pattern),
    )


@dataclass(frozen=True, slots=True)
class WholeTip:
    """One tip with everything an officer may see of it; of the reporter only whether there is one."""

    tip: Tip
    subject: TipSubject
    handling: Handling
    jurisdiction: TipJurisdiction
    evidence: Sequence[StoredFile]


def whole_tip(actor: Actor, tip_id: UUID) -> WholeTip:
    """One tip within sight of ``actor``; raise ``OutOfScope``."""
    statement: Select[Any] = (
        visible_tips(actor)
        .add_columns(TipSubject)
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .where(Tip.id == tip_id)
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        raise OutOfScope("未找到该线索", extra={"audit_object": ("tip", str(tip_id))})
    tip, handling, subject = row
    return WholeTip(tip, subject, handling, latest_jurisdiction(tip_id), evidence_of(tip_id))


NEWEST_FIRST: Final = (TipJurisdiction.decided_at.desc(), TipJurisdiction.id.desc())
"""Order of decisions on one tip: the program may decide twice in one moment."""


def latest_jurisdiction(tip_id: UUID) -> TipJurisdiction:
    """The decision on a tip that holds now; there is one from the moment of filing on."""
    decisions = select(TipJurisdiction).where(TipJurisdiction.tip_id == tip_id).order_by(*NEWEST_FIRST)
    return db.session.scalars(decisions.limit(1)).one()


def evidence_of(tip_id: UUID) -> Sequence[StoredFile]:
    """The files of a tip, in the reporter's order."""
    return db.session.scalars(
        select(StoredFile)
        .join(TipEvidence, TipEvidence.file_id == StoredFile.id)
        .where(TipEvidence.tip_id == tip_id)
        .order_by(TipEvidence.added_at, TipEvidence.position)
    ).all()
