"""Removal of identities over HTTP: the proposals, and a person's decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from marshmallow import Schema, fields, validate

from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import RequiredText
from app.tips import retention

office_api = APIBlueprint("office_retention", __name__, url_prefix="/api/v1/office")


class ListRemovalsQuery(Schema):
    """A page of the proposals."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class RemovalView(Schema):
    """One proposal."""

    id = fields.UUID()
    tip_id = fields.UUID()
    receipt_number = fields.String()
    status = fields.String()
    basis = fields.String()
    proposed_at = fields.AwareDateTime(format="iso")


class RemovalPage(Schema):
    """One page."""

    items = fields.List(fields.Nested(RemovalView))
    next_cursor = fields.String(allow_none=True)


class DecideRemovalBody(Schema):
    """What is decided, and why."""

    decision = fields.String(required=True, validate=validate.OneOf(["remove", "keep"], error="应为 remove 或 keep"))
    reason = RequiredText(500)


class DecidedView(Schema):
    """What was decided."""

    id = fields.UUID()
    tip_id = fields.UUID()
    decision = fields.String()
    decided_at = fields.AwareDateTime(format="iso")


@office_api.get("/identity-removals")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.STATEMENT_READ,
    query=ListRemovalsQuery(),
    answer=RemovalPage(),
    changes=False,
)
def list_removals(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Identities whose term is over."""
    limit = query["limit"]
    rows = retention.removal_page(actor, from_cursor(query["cursor"]), limit)
    last = rows[limit - 1][0] if len(rows) > limit else None
    return {
        "items": [retention.removal_line(*row) for row in rows[:limit]],
        "next_cursor": to_cursor(last.proposed_at, last.id) if last else None,
    }


@office_api.post("/identity-removals/<uuid:removal_id>/decision")
@endpoint(audience=Audience.OFFICER, permission=Permission.TIP_LEAD, body=DecideRemovalBody(), answer=DecidedView())
def decide_removal(actor: Actor, removal_id: UUID, body: dict[str, Any]) -> Any:
    """Remove the identity or keep it."""
    return retention.decide_removal(actor, removal_id, body["decision"], body["reason"])
