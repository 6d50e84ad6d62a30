"""The office API on tips."""

from __future__ import annotations

import io
from typing import Any, Final
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from app.files import http as file_http
from app.files import service as files
from app.files.schemas import UploadForm, UploadView
from app.foundation.database import transaction
from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.tips import clusters, exports, letters, office_schemas, office_views, queries, service
from app.workflow import service as workflow

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

office_api = APIBlueprint("office_tips", __name__, url_prefix="/api/v1/office")


@office_api.get("/tips")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.TIP_READ,
    query=office_schemas.ListTipsQuery(),
    answer=office_schemas.TipPage(),
    changes=False,
)
def list_tips(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """The queue within this person's sight."""
    wanted = queries.QueueFilter(**{name: query[name] for name in queries.FILTERS})
    order = query["order"]
    rows, total = queries.queue_page(actor, wanted, from_cursor(query["cursor"]), query["limit"], order)
    shown = rows[: query["limit"]]
    last = shown[-1] if len(rows) > len(shown) else None
    marks = clusters.marks_of(actor, [one.tip_id for one in shown])
    return {
        "items": [office_views.line(one) | {"cluster": marks.get(one.tip_id)} for one in shown],
        "next_cursor": to_cursor(*queries.queue_key(last, order)) if last else None,
        "total_estimate": total,
    }


@office_api.get("/tips/export")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.EVIDENCE_READ,
    query=office_schemas.ExportTipsQuery(),
    changes=False,
)
def export_tips(actor: Actor, query: dict[str, Any]) -> Response:
    """The queue within this person's sight as a file, marked and audited."""
    kind, order, content = query.pop("format"), query.pop("order"), io.BytesIO()
    with transaction():
        exports.export_list(actor, queries.QueueFilter(**query), order, kind, content)
    headers = {"Content-Disposition": f"attachment; filename=tips.{kind}", "Cache-Control": "no-store"}
    return Response(content.getvalue(), content_type=exports.MEDIA_TYPES[kind], headers=headers)


@office_api.get("/tips/<uuid:tip_id>")
@endpoint(audience=Audience.OFFICER, permission=Permission.TIP_READ, answer=office_schemas.TipView(), changes=False)
def show_tip(actor: Actor, tip_id: UUID) -> dict[str, Any]:
    """One tip, with what can be done to it now."""
    return office_views.of_tip(actor, tip_id)


@office_api.post("/tips/<uuid:tip_id>/actions")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=office_schemas.ActOnTipBody(),
    answer=office_schemas.TipView(),
)
def act_on_tip(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Do one action of the transition table; its row says who may."""
    action, version = body.pop("action"), body.pop("expected_version")
    workflow.act(actor, tip_id, action, version, body)
    return after_action(actor, tip_id)


@office_api.post("/tips/<uuid:tip_id>/identity")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.IDENTITY_OPEN,
    body=office_schemas.OpenIdentityBody(),
    answer=office_schemas.IdentityView(),
)
def open_identity(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Open the reporter's identity for a reason; always audited."""
    return service.open_identity(actor, tip_id, body["reason"] or "")


@office_api.get("/tips/<uuid:tip_id>/letter")
@endpoint(audience=Audience.OFFICER, permission=Permission.EVIDENCE_READ, changes=False)
def download_letter(actor: Actor, tip_id: UUID) -> Response:
    """The letter of a tip's transfer, as a Word file without anything of the reporter."""
    with transaction():
        content = letters.letter_of(actor, tip_id)
    headers = {"Content-Disposition": "attachment; filename=letter.docx", "Cache-Control": "no-store"}
    return Response(content, mimetype=DOCX, headers=headers)


@office_api.post("/uploads")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.EVIDENCE_ADD,
    form=UploadForm(),
    answer=UploadView(),
    status=201,
    changes=False,
)
def upload(actor: Actor) -> Any:
    """Take one file of an officer (evidence of a request)."""
    received = file_http.receive_upload("office", uploaded_by=actor.account_id)
    with transaction():
        return files.register(received)


def after_action(actor: Actor, tip_id: UUID) -> dict[str, Any]:
    """The tip as the actor sees it after an action."""
    return office_views.of_tip(actor, tip_id)
