"""The auditor's end point."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from app.audit import queries, schemas
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission

office_api = APIBlueprint("office_audit", __name__, url_prefix="/api/v1/office")


@office_api.get("/audit")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.AUDIT_READ,
    query=schemas.ListAuditEventsQuery(),
    answer=schemas.AuditEventPage(),
    changes=False,
)
def list_events(_actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """The audit log, newest first; for auditors alone."""
    before, limit = query.pop("cursor"), query.pop("limit")
    rows = queries.event_page(queries.EventFilter(**query), before, limit)
    shown = rows[:limit]
    return {"items": shown, "next_cursor": shown[-1].id if len(rows) > len(shown) else None}
