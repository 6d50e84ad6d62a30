"""The office API on reassignments (申请-审核-调整)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.workflow import exclusions, police, queries, reassignment, schemas, views

office_api = APIBlueprint("office_reassignments", __name__, url_prefix="/api/v1/office")


@office_api.post("/tips/<uuid:tip_id>/reassignments")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REASSIGNMENT_APPLY,
    body=schemas.ApplyReassignmentBody(),
    answer=schemas.ReassignmentView(),
    status=201,
)
def apply(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Ask that a tip be moved to another district."""
    request = reassignment.apply(actor, tip_id, body.pop("expected_version"), body)
    return views.whole(actor, request)


@office_api.get("/tips/<uuid:tip_id>/police-transfers")
@endpoint(audience=Audience.OFFICER, permission=Permission.TIP_READ, answer=schemas.PoliceTransferList(), changes=False)
def list_police_transfers(actor: Actor, tip_id: UUID) -> dict[str, Any]:
    """How far a tip is on its way to the police."""
    return {"items": [views.police_line(actor, one) for one in police.transfers_of(actor, tip_id)]}


@office_api.post("/tips/<uuid:tip_id>/police-transfers")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ProposePoliceTransferBody(),
    answer=schemas.PoliceTransferView(),
    status=201,
)
def propose_police_transfer(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> Any:
    """Propose that a tip goes to the police; the head decides with the action ``transfer``, or declines."""
    return police.propose(actor, tip_id, body["officers"], body["reason"])


@office_api.post("/police-transfers/<uuid:transfer_id>/actions")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ActOnPoliceTransferBody(),
    answer=schemas.PoliceTransferView(),
)
def act_on_police_transfer(actor: Actor, transfer_id: UUID, body: dict[str, Any]) -> Any:
    """Take one step; the table says who may."""
    action, version = body.pop("action"), body.pop("expected_version")
    return police.act(actor, transfer_id, action, version, body)


@office_api.post("/exclusions")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ExcludeBody(),
    answer=schemas.ExclusionView(),
    status=201,
)
def exclude(actor: Actor, body: dict[str, Any]) -> Any:
    """Stand aside from a tip within sight, or from a company; the leader decides it of others."""
    if body["tip_id"] is not None:
        queries.handling_for(actor, body["tip_id"])
    return exclusions.exclude(actor, body["account"], body["reason"], tip_id=body["tip_id"], company=body["company"])


@office_api.post("/exclusions/<uuid:exclusion_id>/end")
@endpoint(audience=Audience.OFFICER, permission=Permission.TIP_LEAD, answer=schemas.ExclusionView())
def end_exclusion(actor: Actor, exclusion_id: UUID) -> Any:
    """Let a person act again."""
    return exclusions.end(actor, exclusion_id)


@office_api.get("/reassignments")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REASSIGNMENT_READ,
    query=schemas.ListReassignmentsQuery(),
    answer=schemas.ReassignmentPage(),
    changes=False,
)
def list_reassignments(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Requests within this person's sight, newest first."""
    limit = query["limit"]
    rows = queries.reassignment_page(actor, status=query["status"], after=from_cursor(query["cursor"]), limit=limit)
    shown = rows[:limit]
    units = views.units_of(shown)
    more = len(rows) > len(shown)
    return {
        "items": [views.line(actor, request, units) for request in shown],
        "next_cursor": to_cursor(shown[-1].applied_at, shown[-1].id) if more else None,
    }


@office_api.get("/reassignments/<uuid:request_id>")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REASSIGNMENT_READ,
    answer=schemas.ReassignmentView(),
    changes=False,
)
def show(actor: Actor, request_id: UUID) -> dict[str, Any]:
    """One request with evidence and history."""
    return views.whole(actor, queries.reassignment_for(actor, request_id))


@office_api.post("/reassignments/<uuid:request_id>/actions")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ActOnReassignmentBody(),
    answer=schemas.ReassignmentView(),
)
def act(actor: Actor, request_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Take one step; the table says who may."""
    action, version = body.pop("action"), body.pop("expected_version")
    return views.whole(actor, reassignment.act(actor, request_id, action, version, body))
