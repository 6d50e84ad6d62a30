"""Reassignments put into the shape of the office API and of the console."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.foundation.permissions import Actor
from app.identity import queries as people
from app.identity.models import Unit
from app.workflow import disclosure, policy, queries
from app.workflow.deadlines import end_of_day
from app.workflow.models import PoliceTransfer, Reassignment


def units_of(requests: Iterable[Reassignment]) -> dict[int, Unit]:
    """The units that these requests name."""
    return people.units_by_id([unit_id for r in requests for unit_id in (r.from_unit_id, r.to_unit_id) if unit_id])


def line(actor: Actor, request: Reassignment, units: dict[int, Unit]) -> dict[str, Any]:
    """One request in a list, as this person reads it."""
    whole_line = {
        "id": request.id,
        "tip_id": request.tip_id,
        "status": request.status,
        "version": request.version,
        "from_division": units[request.from_unit_id].division_code,
        "from_unit": units[request.from_unit_id].name,
        "to_division": request.to_division,
        "to_unit": units[request.to_unit_id].name if request.to_unit_id else "",
        "transfer_to": request.transfer_to,
        "again": request.again,
        "ground": request.ground,
        "reason": request.reason,
        "applied_at": request.applied_at,
        "due_at": end_of_day(request.due_on) if request.due_on else None,
    }
    return disclosure.told(actor, whole_line, disclosure.REQUEST)


def whole(actor: Actor, request: Reassignment) -> dict[str, Any]:
    """One request with everything this person may see of it."""
    view = {"due_on": request.view_due_on, "agrees": request.view_agrees, "text": request.view_text}
    more = {
        "moves": queries.moves_of(request.tip_id),
        "evidence": request.evidence,
        "history": disclosure.steps(actor, queries.reassignment_history(request.id)),
        "available_actions": [row.action for row in policy.available_reassignment_actions(actor, request)],
    }
    told = line(actor, request, units_of([request])) | disclosure.told(actor, more, disclosure.REQUEST)
    return told | {"view": disclosure.told(actor, view, disclosure.REQUEST)}


def police_line(actor: Actor, row: PoliceTransfer) -> dict[str, Any]:
    """One transfer to the police, as this person reads it."""
    whole_line = {column.key: getattr(row, column.key) for column in PoliceTransfer.__table__.c}
    return disclosure.told(actor, whole_line, disclosure.POLICE)
