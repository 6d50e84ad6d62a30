"""Participants' claims and the documents of a case at the console. Every look at claims leaves an audit row."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, request

from app.cases import claims, documents, queries
from app.cases.documents_api import DownloadQuery, MakeDocumentBody, ReviseDocumentBody
from app.cases.imports import ImportKind
from app.cases.ledger_schemas import FindClaimsBody, ReasonBody, VerifyClaimsBody
from app.console import forms
from app.console.blueprint import pages
from app.console.case_imports import hand_in
from app.console.downloads import attachment
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import case_documents as document_views
from app.console.views import case_ledger as views
from app.files import word_as_pdf
from app.foundation.database import transaction
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission

_A_PAGE: Final = 50
_TYPES: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}


@pages.get("/cases/<uuid:case_id>/claims")
@page(permission=Permission.CASE_READ)
def list_claims(actor: Actor, case_id: UUID) -> str:
    """Claims of a case by number, persons masked."""
    asked = {name: request.args[name] for name in ("state", "after") if request.args.get(name)}
    query = load(FindClaimsBody(only=("state", "after")), asked)
    return _claims_page(actor, case_id, wanted=claims.ClaimFilter(state=query["state"]), after=query["after"])


@pages.post("/cases/<uuid:case_id>/claims/search")
@page(permission=Permission.CASE_READ)  # a form because a number of a person belongs in no address; nothing is kept
def find_claims(actor: Actor, case_id: UUID) -> str:
    """The claim of a number, or of a person by the whole identity number or telephone."""
    on_refusal_show(_claims_page, actor, case_id)
    wanted = views.typed_filter()
    load(FindClaimsBody(), {name: getattr(wanted, name) for name in ("state", "claim_no", "id_number", "phone")})
    return _claims_page(actor, case_id, wanted=wanted)


def _claims_page(
    actor: Actor,
    case_id: UUID,
    *,
    wanted: claims.ClaimFilter | None = None,
    after: str | None = None,
    opened: dict[str, Any] | None = None,
    problem: dict[str, Any] | None = None,
) -> str:
    wanted = wanted or claims.ClaimFilter()
    case = queries.case_for(actor, case_id)
    found = claims.claims_page(actor, case_id, wanted, after, _A_PAGE)
    view = views.claims_view(actor, case, found, _A_PAGE, wanted, problem)
    page_ = rendered("console/cases/claims.html", actor, **view, opened=opened)
    with transaction():
        claims.note_view(actor, case_id, len(found[:_A_PAGE]), wanted.told())
    return page_


@pages.post("/cases/<uuid:case_id>/claims/verification")
@page(permission=Permission.SELF_USE, changes=True)
def verify_claims(actor: Actor, case_id: UUID) -> Response:
    """Say what of claims holds; never by whoever entered them."""
    on_refusal_show(_claims_page, actor, case_id)
    if request.form.get("action") == "verify_all":
        told = f"已按申报金额核定 {claims.verify_as_claimed(actor, case_id):,} 笔债权。"
    else:
        one = forms.typed_fields("claim_no", "reason") | {"verified_yuan": views.amount("verified_yuan")}
        claims.verify_claims(actor, case_id, load(VerifyClaimsBody(), {"claims": [one]})["claims"])
        told = "债权已核定。"
    return done(told, "console.list_claims", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/claims/person")
@page(permission=Permission.SELF_USE)  # two transactions: the opening with its audit row, then the page with its own
def open_participant(actor: Actor, case_id: UUID) -> str:
    """Who claims, in clear, on this answer only; the reason goes to the auditor."""
    on_refusal_show(_claims_page, actor, case_id)
    typed = forms.typed_fields("claim_no", "reason")
    number = load(FindClaimsBody(only=("claim_no",)), {"claim_no": typed.get("claim_no") or ""})["claim_no"]
    body = load(ReasonBody(), {name: typed[name] for name in ("reason",) if name in typed})
    with transaction():
        person = claims.open_person(actor, case_id, number, body["reason"])
    opened = views.opened_person(person, number, actor)
    return _claims_page(actor, case_id, wanted=claims.ClaimFilter(claim_no=number), opened=opened)


@pages.post("/cases/<uuid:case_id>/claims/imports")
@page(permission=Permission.SELF_USE, changes=False)  # the bytes come first, then one transaction
def hand_in_claims(actor: Actor, case_id: UUID) -> Response:
    """Hand in a list of participants; it is checked and started like every import."""
    on_refusal_show(_claims_page, actor, case_id)
    queries.case_for(actor, case_id)
    return hand_in(actor, ImportKind.CLAIMS, case_id)


@pages.get("/cases/<uuid:case_id>/documents")
@page(permission=Permission.CASE_READ)
def list_case_documents(actor: Actor, case_id: UUID) -> str:
    """The documents of a case with every version."""
    return _documents_page(actor, case_id)


def _documents_page(actor: Actor, case_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    case = queries.case_for(actor, case_id)
    return rendered("console/cases/documents.html", actor, **document_views.documents_view(actor, case, problem))


@pages.post("/cases/<uuid:case_id>/documents")
@page(permission=Permission.SELF_USE, changes=True)
def make_case_document(actor: Actor, case_id: UUID) -> Response:
    """Make a document under the next number of the own unit and year."""
    on_refusal_show(_documents_page, actor, case_id)
    documents.make_document(actor, case_id, load(MakeDocumentBody(), document_views.typed_document()))
    return done("文书已制作。", "console.list_case_documents", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/documents/<uuid:document_id>/versions")
@page(permission=Permission.SELF_USE, changes=True)
def revise_case_document(actor: Actor, case_id: UUID, document_id: UUID) -> Response:
    """Make a further version under the same number; the earlier ones stay."""
    on_refusal_show(_documents_page, actor, case_id)
    body = load(ReviseDocumentBody(), document_views.typed_document())
    reason = body.pop("reason")
    row = documents.revise_document(actor, case_id, document_id, body, reason)
    return done(f"第 {row.version} 版已制作。", "console.list_case_documents", case_id=case_id)


@pages.get("/cases/<uuid:case_id>/documents/<uuid:document_id>")
@page(permission=Permission.CASE_READ)
def download_case_document(actor: Actor, case_id: UUID, document_id: UUID) -> Response:
    """The document itself, as Word or as a PDF to be sealed."""
    asked = {"format": request.args["format"]} if request.args.get("format") else {}
    row, ending = documents.document_of(actor, case_id, document_id), load(DownloadQuery(), asked)["format"]
    content = row.docx if ending == "docx" else word_as_pdf.as_pdf(row.docx, row.title)
    with transaction():
        documents.note_download(actor, row, ending)
    return attachment(content, _TYPES[ending], f"{row.title}〔{row.year}〕{row.number}号.{ending}")
