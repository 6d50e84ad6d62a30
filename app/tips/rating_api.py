"""Rating over HTTP, and the city's list of re-checks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from marshmallow import Schema, fields, validate

from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText, RequiredText
from app.tips import rating
from app.tips.conversation_schemas import SaidView
from app.tips.doors import opened_tip
from app.tips.schemas import QueryTipBody

public_api = APIBlueprint("rating", __name__, url_prefix="/api/v1")
office_api = APIBlueprint("office_rating", __name__, url_prefix="/api/v1/office")


class RateTipBody(QueryTipBody):
    """A score of one to five and, if wanted, why."""

    score = fields.Integer(required=True, strict=True, validate=validate.Range(1, 5, error="评分应为 1 至 5 分"))
    comment = PlainText(1000, load_default=None, allow_none=True)


class ListRechecksQuery(Schema):
    """A page of the re-checks."""

    open = fields.Boolean(load_default=True)
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class RecheckView(Schema):
    """One re-check with the rating that asked for it."""

    id = fields.UUID()
    tip_id = fields.UUID()
    receipt_number = fields.String()
    requested_at = fields.AwareDateTime(format="iso")
    score = fields.Integer()
    comment = fields.String(allow_none=True)
    closed_at = fields.AwareDateTime(format="iso", allow_none=True)
    result = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


class RecheckPage(Schema):
    """One page."""

    items = fields.List(fields.Nested(RecheckView))
    next_cursor = fields.String(allow_none=True)


class CloseRecheckBody(Schema):
    """What the second look came to, and why."""

    result = fields.String(
        required=True, validate=validate.OneOf(list(rating.RESULTS), error="应为 upheld 或 reopened")
    )
    note = RequiredText(2000)


@public_api.post("/tips/rating")
@endpoint(
    audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, body=RateTipBody(), answer=SaidView(), status=201
)
def rate_tip(_actor: Actor, body: dict[str, Any]) -> Any:
    """Rate the handling, once, after the reply; a low score asks the city for an independent re-check."""
    said = rating.rate(opened_tip(body, own=True), body["score"], body["comment"])
    return said, 200 if said.repeated else 201


@office_api.get("/rechecks")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.TIP_READ,
    query=ListRechecksQuery(),
    answer=RecheckPage(),
    changes=False,
)
def list_rechecks(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Re-checks that reporters asked for."""
    limit = query["limit"]
    rows = rating.recheck_page(actor, open_only=query["open"], after=from_cursor(query["cursor"]), limit=limit)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return {
        "items": [rating.recheck_line(actor, request) for request in shown],
        "next_cursor": to_cursor(last.requested_at, last.id) if last else None,
    }


@office_api.post("/rechecks/<uuid:request_id>/close")
@endpoint(audience=Audience.OFFICER, permission=Permission.TIP_REVIEW, body=CloseRecheckBody(), answer=RecheckView())
def close_recheck(actor: Actor, request_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Decide what the second look came to; ``reopened`` reopens the tip."""
    return rating.recheck_line(actor, rating.close_recheck(actor, request_id, body["result"], body["note"]))
