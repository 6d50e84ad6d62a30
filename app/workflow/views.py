"""Reassignments put into the shape of the office API and of the console."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.foundation.permissions import Actor
from app.identity import queries as people
from app.identity.models import Unit
from app.workflow import policy, queries
from app.workflow.deadlines import end_of_day
from app.workflow.models import Reassignment


def units_of(requests: Iterable[Reassignment]) -> dict[int, Unit]:
    """The units that these requests name."""
    return people.units_by_id([unit_id for r in requests for unit_id in (r.from_unit_id, r.to_unit_id) if unit_id])


def line(request: Reassignment, units: dict[int, Unit]) -> dict[str, Any]:
    """One request in a list."""
    return {
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


def whole(actor: Actor, request: Reassignment) -> dict[str, Any]:
    """One request with everything."""
    return line(request, units_of([request])) | {
        "moves": queries.moves_of(request.tip_id),
        "view": {"due_on": request.view_due_on, "agrees": request.view_agrees, "text": request.view_text},
        "evidence": request.evidence,
        "history": queries.reassignment_history(request.id),
        "available_actions": [row.action for row in policy.available_reassignment_actions(actor, request)],
    }
