"""Clusters over HTTP: the list, and an officer's correction of a link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from marshmallow import Schema, fields, validate

from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import RequiredText
from app.tips import clusters, office_schemas
from app.tips.office_api import after_action

office_api = APIBlueprint("office_clusters", __name__, url_prefix="/api/v1/office")


class ListClustersQuery(Schema):
    """A page of clusters."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100, error="每页 1 至 100 条"))


class ClusterView(Schema):
    """One cluster: numbers are those within sight."""

    id = fields.UUID()
    subject_name = fields.String(allow_none=True)
    tips = fields.Integer()
    first_at = fields.AwareDateTime(format="iso")
    last_at = fields.AwareDateTime(format="iso")
    last_hour = fields.Integer()


class ClusterPage(Schema):
    """One page, the most recently fed first."""

    items = fields.List(fields.Nested(ClusterView))
    next_cursor = fields.String(allow_none=True)


class DetachTipBody(Schema):
    """Why a tip is about something else."""

    reason = RequiredText(500)


class AttachTipBody(DetachTipBody):
    """A tip about the same subject, and why it is."""

    to = fields.UUID(required=True)


@office_api.get("/clusters")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.STATEMENT_READ,
    query=ListClustersQuery(),
    answer=ClusterPage(),
    changes=False,
)
def list_clusters(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Subjects that more than one tip in sight is about; the tips of one: ``GET /office/tips?cluster=``."""
    limit = query["limit"]
    lines = clusters.cluster_page(actor, from_cursor(query["cursor"]), limit)
    last = lines[limit - 1] if len(lines) > limit else None
    return {"items": lines[:limit], "next_cursor": to_cursor(last.last_at, last.id) if last else None}


@office_api.post("/tips/<uuid:tip_id>/detach")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.TIP_TRIAGE,
    body=DetachTipBody(),
    answer=office_schemas.TipView(),
)
def detach_tip(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Take a tip out of its cluster, with a reason."""
    clusters.detach(actor, tip_id, body["reason"])
    return after_action(actor, tip_id)


@office_api.post("/tips/<uuid:tip_id>/attach")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.TIP_TRIAGE,
    body=AttachTipBody(),
    answer=office_schemas.TipView(),
)
def attach_tip(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Put a tip into the cluster of another, with a reason."""
    clusters.attach(actor, tip_id, body["to"], body["reason"])
    return after_action(actor, tip_id)
