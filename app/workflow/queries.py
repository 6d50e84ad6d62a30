"""Read-only selects of the workflow room."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_

from app.foundation.database import db
from app.foundation.errors import OutOfScope
from app.foundation.permissions import Actor
from app.workflow import exclusions, policy
from app.workflow.models import (
    Handling,
    HandlingEvent,
    PoliceTransfer,
    Reassignment,
    ReassignmentEvent,
    Supervision,
)
from app.workflow.states import PAUSING_REASSIGNMENTS, POLICE_ENDED, Action, ReassignmentStatus


def handling_for(actor: Actor, tip_id: UUID) -> Handling:
    """The handling of a tip within sight of ``actor``; raise ``OutOfScope``."""
    handling = db.session.scalar(policy.visible_handlings(actor).where(Handling.tip_id == tip_id))
    if handling is None:
        raise OutOfScope("未找到该线索", extra={"audit_object": ("tip", str(tip_id))})
    return handling


def history_of(tip_id: UUID) -> Sequence[HandlingEvent]:
    """The steps of a tip, oldest first."""
    return db.session.scalars(
        select(HandlingEvent).where(HandlingEvent.tip_id == tip_id).order_by(HandlingEvent.version, HandlingEvent.at)
    ).all()


def reassignment_for(actor: Actor, request_id: UUID) -> Reassignment:
    """A request within sight of ``actor``.

    Raises:
        OutOfScope: none within sight. Forbidden: the officer stands aside from its tip (domain rule 13).
    """
    request = db.session.scalar(policy.visible_reassignments(actor).where(Reassignment.id == request_id))
    if request is None:
        raise OutOfScope("未找到该调整申请", extra={"audit_object": ("reassignment", str(request_id))})
    exclusions.refuse_excluded(actor, request.tip_id)
    return request


def reassignments_of(actor: Actor, tip_id: UUID) -> Sequence[Reassignment]:
    """The requests of a tip that ``actor`` may see, oldest first: the chain of moves."""
    return db.session.scalars(
        policy.visible_reassignments(actor)
        .where(Reassignment.tip_id == tip_id)
        .order_by(Reassignment.applied_at, Reassignment.id)
    ).all()


def moves_of(tip_id: UUID) -> int:
    """How often a tip has changed its unit; 0 where the tip itself is behind the wall."""
    return db.session.scalar(select(Handling.moves).where(Handling.tip_id == tip_id)) or 0


def dispatched_automatically(since: datetime, until: datetime) -> int:
    """How many assignments of a span of time were the program's own."""
    counted = select(func.count()).where(
        HandlingEvent.action == Action.ASSIGN.value,
        HandlingEvent.actor_id.is_(None),
        HandlingEvent.at >= since,
        HandlingEvent.at < until,
    )
    return db.session.scalar(counted) or 0


@dataclass(frozen=True, slots=True)
class Bounces:
    """How requests from one unit towards one division ended."""

    from_unit_id: int
    to_division: str
    asked: int
    moved: int
    refused: int
    running: int


def bounces(actor: Actor, since: datetime, until: datetime) -> list[Bounces]:
    """Requests within sight that were made in a span of time, by pair of places, the most frequent first."""
    asked = policy.visible_reassignments(actor).where(Reassignment.applied_at >= since, Reassignment.applied_at < until)
    grouped = (Reassignment.from_unit_id, Reassignment.to_division, Reassignment.status)
    pairs: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for from_unit_id, to_division, status, number in db.session.execute(
        asked.with_only_columns(*grouped, func.count()).group_by(*grouped)
    ):
        pairs[from_unit_id, to_division][_ENDS.get(status, "")] += number
    found = [
        Bounces(*pair, ended.total(), ended["moved"], ended["refused"], ended["running"])
        for pair, ended in pairs.items()
    ]
    return sorted(found, key=lambda one: (-one.asked, one.from_unit_id, one.to_division))


_ENDS: Final[Mapping[str, str]] = {
    ReassignmentStatus.ADJUSTED: "moved",
    ReassignmentStatus.CONFIRMED: "moved",
    ReassignmentStatus.REJECTED: "refused",
    **dict.fromkeys(PAUSING_REASSIGNMENTS, "running"),
}


def supervision_page(
    actor: Actor, *, ended: bool, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Supervision]:
    """Supervisions of tips within sight, newest first, by keyset; those that ended only where asked for."""
    statement = policy.visible_handlings(actor).join(Supervision, Supervision.tip_id == Handling.tip_id)
    if not ended:
        statement = statement.where(Supervision.closed_at.is_(None))
    if after:
        statement = statement.where(tuple_(Supervision.opened_at, Supervision.id) < tuple_(*after))
    statement = statement.order_by(Supervision.opened_at.desc(), Supervision.id.desc()).limit(limit + 1)
    return db.session.scalars(statement.with_only_columns(Supervision)).all()


def police_page(
    actor: Actor, *, ended: bool, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[PoliceTransfer]:
    """Tips within sight on their way to the police, newest first, by keyset; those at an end only where asked for."""
    statement = policy.visible_handlings(actor).join(PoliceTransfer, PoliceTransfer.tip_id == Handling.tip_id)
    if not ended:
        statement = statement.where(PoliceTransfer.state.not_in([one.value for one in POLICE_ENDED]))
    if after:
        statement = statement.where(tuple_(PoliceTransfer.proposed_at, PoliceTransfer.id) < tuple_(*after))
    statement = statement.order_by(PoliceTransfer.proposed_at.desc(), PoliceTransfer.id.desc()).limit(limit + 1)
    return db.session.scalars(statement.with_only_columns(PoliceTransfer)).all()


def reassignment_history(request_id: UUID) -> Sequence[ReassignmentEvent]:
    """The steps of a request, oldest first."""
    return db.session.scalars(
        select(ReassignmentEvent)
        .where(ReassignmentEvent.reassignment_id == request_id)
        .order_by(ReassignmentEvent.version, ReassignmentEvent.at)
    ).all()


def reassignment_page(
    actor: Actor,
    *,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    only: ColumnElement[bool] | None = None,
) -> Sequence[Reassignment]:
    """Requests within sight, newest first, by keyset; one row more than ``limit`` tells that there is a next page."""
    statement = policy.visible_reassignments(actor)
    if only is not None:
        statement = statement.where(only)
    if status:
        statement = statement.where(Reassignment.status == status)
    if after:
        statement = statement.where(tuple_(Reassignment.applied_at, Reassignment.id) < tuple_(*after))
    statement = statement.order_by(Reassignment.applied_at.desc(), Reassignment.id.desc()).limit(limit + 1)
    return db.session.scalars(statement).all()
