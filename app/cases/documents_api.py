"""Documents of a case over the office API: made from templates, in versions, as Word or as a PDF to be sealed."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from marshmallow import Schema, fields, validate

from app.cases import documents
from app.files import word
from app.foundation.database import transaction
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission

office_api = APIBlueprint("office_case_documents", __name__, url_prefix="/api/v1/office/cases/<uuid:case_id>/documents")
_TYPES: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}


class WriteDocumentBody(Schema):
    """What is written into a document beside the facts of the case."""

    recipient = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 200))
    text = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 5000))
    month = fields.Date(load_default=None, allow_none=True)


class MakeDocumentBody(WriteDocumentBody):
    """A new document."""

    kind = fields.String(required=True, validate=validate.OneOf(list(documents.KIND_TEXTS), error="不在可选范围内"))


class ReviseDocumentBody(WriteDocumentBody):
    """A further version of a document, and why there is one."""

    reason = fields.String(required=True, validate=validate.Length(1, 500, error="请填写 1 至 500 字"))


class DownloadQuery(Schema):
    """In which format."""

    format = fields.String(load_default="docx", validate=validate.OneOf(list(_TYPES), error="应为 docx 或 pdf"))


class DocumentView(Schema):
    """One version of a document."""

    id = fields.UUID()
    kind = fields.String()
    title = fields.String()
    year = fields.Integer()
    number = fields.Integer()
    version = fields.Integer()
    reason = fields.String()
    made_by = fields.String(attribute="made_by_name")
    made_at = fields.AwareDateTime(format="iso")


class DocumentListView(Schema):
    """Every version of every document of a case, newest first."""

    items = fields.List(fields.Nested(DocumentView))


@office_api.get("")
@endpoint(audience=Audience.OFFICER, permission=Permission.CASE_READ, answer=DocumentListView(), changes=False)
def list_documents(actor: Actor, case_id: UUID) -> dict[str, Any]:
    """The documents of a case."""
    return {"items": documents.documents_of(actor, case_id)}


@office_api.post("")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=MakeDocumentBody(),
    answer=DocumentView(),
    status=201,
)
def make_document(actor: Actor, case_id: UUID, body: dict[str, Any]) -> Any:
    """Make a document under the next number of the own unit and year."""
    return documents.make_document(actor, case_id, body)


@office_api.post("/<uuid:document_id>/versions")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=ReviseDocumentBody(),
    answer=DocumentView(),
    status=201,
)
def revise_document(actor: Actor, case_id: UUID, document_id: UUID, body: dict[str, Any]) -> Any:
    """Make a further version under the same number."""
    reason = body.pop("reason")
    return documents.revise_document(actor, case_id, document_id, body, reason)


@office_api.get("/<uuid:document_id>/file")
@endpoint(audience=Audience.OFFICER, permission=Permission.CASE_READ, query=DownloadQuery(), changes=False)
def download_document(actor: Actor, case_id: UUID, document_id: UUID, query: dict[str, str]) -> Response:
    """The document itself, as an attachment."""
    row, ending = documents.document_of(actor, case_id, document_id), query["format"]
    content = row.docx if ending == "docx" else word.as_pdf(row.docx, row.title)
    with transaction():
        documents.note_download(actor, row, ending)
    answer = Response(content, mimetype=_TYPES[ending])
    name = quote(f"{row.title}〔{row.year}〕{row.number}号.{ending}")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"document.{ending}\"; filename*=UTF-8''{name}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
