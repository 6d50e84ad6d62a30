"""Documents of a case over the office API: made from templates, in versions, as Word or as a PDF to be sealed."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from marshmallow import Schema, fields, validate

from app.cases import documents, own_templates
from app.cases.document_kinds import KIND_TEXTS, PLACES
from app.cases.schemas import BELIEVABLE_DAY
from app.files import service as files
from app.files import word_as_pdf
from app.files.http import receive_upload
from app.files.schemas import UploadForm
from app.foundation.database import transaction
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText, RequiredText

office_api = APIBlueprint("office_case_documents", __name__, url_prefix="/api/v1/office/cases/<uuid:case_id>/documents")
_TYPES: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}


class WriteDocumentBody(Schema):
    """What is written into a document beside the facts of the case."""

    recipient = PlainText(200, load_default=None, allow_none=True)
    text = PlainText(5000, load_default=None, allow_none=True)
    month = fields.Date(load_default=None, allow_none=True, validate=BELIEVABLE_DAY)


class MakeDocumentBody(WriteDocumentBody):
    """A new document."""

    kind = fields.String(required=True, validate=validate.OneOf(list(KIND_TEXTS), error="不在可选范围内"))


class ReviseDocumentBody(WriteDocumentBody):
    """A further version of a document, and why there is one."""

    reason = RequiredText(500)


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
    template_version = fields.Integer(allow_none=True)
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
    content = row.docx if ending == "docx" else word_as_pdf.as_pdf(row.docx, row.title)
    with transaction():
        documents.note_download(actor, row, ending)
    answer = Response(content, mimetype=_TYPES[ending])
    name = quote(f"{row.title}〔{row.year}〕{row.number}号.{ending}")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"document.{ending}\"; filename*=UTF-8''{name}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


# The office's own templates -------------------------------------------------------------------------------------------

templates_api = APIBlueprint("office_document_templates", __name__, url_prefix="/api/v1/office/case-document-templates")


class TemplateNoteQuery(Schema):
    """Why a template is set."""

    note = RequiredText(200)


class TemplateNoteBody(TemplateNoteQuery):
    """Why a template is taken out of use."""


class TemplateVersionQuery(Schema):
    """Which version; none: what is in force."""

    version = fields.Integer(load_default=None, validate=validate.Range(1, 10**6))


class DocumentTemplateView(Schema):
    """One version of the office's own template."""

    kind = fields.String()
    version = fields.Integer()
    in_use = fields.Boolean()
    note = fields.String()
    set_by = fields.String(attribute="set_by_name")
    set_at = fields.AwareDateTime(format="iso")


class DocumentTemplateListView(Schema):
    """Every version, and the places that each kind has."""

    items = fields.List(fields.Nested(DocumentTemplateView))
    places = fields.Dict()


@templates_api.get("")
@endpoint(audience=Audience.OFFICER, permission=Permission.CASE_READ, answer=DocumentTemplateListView(), changes=False)
def list_document_templates(_actor: Actor) -> dict[str, Any]:
    """The office's own templates with every version, and the places of each kind."""
    return {"items": own_templates.versions(), "places": PLACES}


@templates_api.post("/<kind>")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    query=TemplateNoteQuery(),
    form=UploadForm(),
    answer=DocumentTemplateView(),
    status=201,
    changes=False,
)
def set_document_template(actor: Actor, kind: str, query: dict[str, str]) -> Any:
    """Let documents of a kind be made from this Word file; it opens its own transaction after the bytes are in."""
    received = receive_upload("office", actor.account_id)
    content = files.content_received(received)
    with transaction():
        return own_templates.set_template(actor, kind, content, query["note"])


@templates_api.post("/<kind>/withdrawal")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=TemplateNoteBody(),
    answer=DocumentTemplateView(),
)
def withdraw_document_template(actor: Actor, kind: str, body: dict[str, str]) -> Any:
    """Go back to the template that the program brings along."""
    return own_templates.withdraw(actor, kind, body["note"])


@templates_api.get("/<kind>/file")
@endpoint(audience=Audience.OFFICER, permission=Permission.CASE_READ, query=TemplateVersionQuery(), changes=False)
def fetch_document_template(_actor: Actor, kind: str, query: dict[str, Any]) -> Response:
    """The Word file of a version, or of what is in force."""
    answer = Response(own_templates.content(kind, query["version"]), mimetype=_TYPES["docx"])
    answer.headers["Content-Disposition"] = 'attachment; filename="template.docx"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
