"""Supervision of a tip: urged or listed by a reviewer, or the leader's own after too many moves; with a record each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app.foundation import clock
from app.foundation.database import Row, db, new_id
from app.foundation.errors import Conflict, InvalidInput
from app.foundation.permissions import PROGRAM, Actor
from app.outbox import service as outbox
from app.workflow import clocks, limits, returns
from app.workflow.models import Handling, HandlingAlert, Supervision
from app.workflow.states import SUPERVISION_TEXTS, AlertKind, Done, SupervisionKind

HANDLING_ALERT: Final = "notifications.handling_alert"
"""The outbox topic of a warning; notifications answers it."""
_BY_HAND: Final = (SupervisionKind.URGE, SupervisionKind.LISTED)


def supervise(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    """Urge a tip or list it; raise ``Conflict`` for one that is listed already."""
    if given["kind"] not in _BY_HAND:
        raise InvalidInput(errors={"kind": [f"应为 {'、'.join(_BY_HAND)} 之一"]})
    kind = SupervisionKind(given["kind"])
    if kind is SupervisionKind.LISTED and handling.supervision == SupervisionKind.LISTED:
        raise Conflict("该线索已挂牌督办", code="already_listed")
    open_supervision(actor, handling, kind, given["reason"])
    return Done(details={"kind": kind.value})


def open_supervision(actor: Actor, handling: Handling, kind: SupervisionKind, reason: str) -> None:
    """Write the record; the tip carries the gravest mark it was given."""
    db.session.add(
        Supervision(
            id=new_id(),
            tip_id=handling.tip_id,
            kind=kind.value,
            reason=reason,
            opened_by=actor.account_id,
            opened_at=clock.now(),
        )
    )
    if kind is not SupervisionKind.URGE or handling.supervision is None:
        handling.supervision = kind.value


def close_all(tip_id: UUID) -> None:
    """End every supervision of a tip that is settled; the records stay."""
    db.session.execute(
        update(Supervision)
        .where(Supervision.tip_id == tip_id, Supervision.closed_at.is_(None))
        .values(closed_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def note_move(handling: Handling) -> None:
    """Put a tip under the leader's eyes once it has moved more often than the rules bear."""
    most = limits.value(limits.MOVES_WITHOUT_LEADER)
    if handling.moves <= most or handling.supervision == SupervisionKind.LEADER:
        return
    text = SUPERVISION_TEXTS[SupervisionKind.LEADER]
    open_supervision(PROGRAM, handling, SupervisionKind.LEADER, f"属地调整超过 {most} 次，自动转{text}")
    alert(handling.tip_id, AlertKind.MANY_MOVES)


def alert(tip_id: UUID, kind: AlertKind, due_on: date | None = None) -> bool:
    """Warn the people of a tip once for each kind and due date; return whether this was the first time."""
    alert_id = new_id()
    written = db.session.execute(
        insert(HandlingAlert)
        .values(id=alert_id, tip_id=tip_id, kind=kind.value, due_on=due_on, at=clock.now())
        .on_conflict_do_nothing()
        .returning(HandlingAlert.id)
    ).first()
    if written is not None:
        outbox.leave(HANDLING_ALERT, tip_id=str(tip_id), alert_id=str(alert_id))
    return written is not None


def first_alert(tip_id: UUID, kind: AlertKind) -> list[Row]:
    """The rows of a warning about a tip that is only being filed."""
    alert_id = new_id()
    warning = {"id": alert_id, "tip_id": tip_id, "kind": kind.value, "at": clock.now()}
    return [
        Row(HandlingAlert, warning),
        outbox.message_row(HANDLING_ALERT, tip_id=str(tip_id), alert_id=str(alert_id)),
    ]


def mark_urgent(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> Done:
    """Mark a tip as a risk to stability: limits are halved, and the leader is told at once (信访条例 Art. 25)."""
    if handling.stability_risk:
        raise Conflict("该线索已标记涉稳紧急", code="already_urgent")
    was_urgent = clocks.is_urgent(handling)
    handling.stability_risk = True
    if not was_urgent:
        hurry(handling)
    return Done()


def hurry(handling: Handling) -> None:
    """Halve the running limit of a tip that has just become urgent, and tell the leader."""
    clocks.halve(handling)
    returns.shorten_kept(handling)
    alert(handling.tip_id, AlertKind.URGENT)
