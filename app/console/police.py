"""A tip on its way to the police: proposed, sent with its documents, answered; and the letter that goes along."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from app.audit import service as audit
from app.console import forms, queries
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done
from app.console.tips import tip_page
from app.console.views.police import documents_sent
from app.files import service as files
from app.files.http import download_response
from app.foundation.database import transaction
from app.foundation.errors import NotFound
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.tips import letters
from app.tips.office_api import DOCX
from app.workflow import police
from app.workflow.schemas import ActOnPoliceTransferBody, ProposePoliceTransferBody
from app.workflow.states import POLICE_ACTION_TEXTS, PoliceAction


@pages.post("/tips/<uuid:tip_id>/police")
@page(permission=Permission.SELF_USE, changes=True)
def propose_police_transfer(actor: Actor, tip_id: UUID) -> Response:
    """Propose that a tip goes to the police; the leader decides with the tip's own action, or declines."""
    on_refusal_show(tip_page, actor, tip_id)
    typed = forms.typed_fields("officers", "reason")
    named = [line.strip() for line in typed.get("officers", "").splitlines() if line.strip()]
    body = load(ProposePoliceTransferBody(), typed | {"officers": named})
    police.propose(actor, tip_id, body["officers"], body["reason"])
    return done("已提请移送公安机关，等待市级负责人决定。", "console.show_tip", tip_id=tip_id)


@pages.post("/tips/<uuid:tip_id>/police/<uuid:transfer_id>")
@page(permission=Permission.SELF_USE, changes=False)  # the bytes come first, then one transaction
def act_on_police_transfer(actor: Actor, tip_id: UUID, transfer_id: UUID) -> Response:
    """Take one step; files of the form are the documents that go along."""
    on_refusal_show(tip_page, actor, tip_id)
    body = forms.action_body(
        ActOnPoliceTransferBody(exclude=["documents"]), action=lambda typed: typed.removeprefix("police_")
    )
    action, version = body.pop("action"), body.pop("expected_version")
    received = {code: forms.receive_files(actor, name) for code, name in documents_sent().items()}
    with transaction():
        documents = {code: files.register(one).id for code, (one, *_) in received.items()}
        police.act(actor, transfer_id, action, version, body | {"documents": documents})
    return done(f"“{POLICE_ACTION_TEXTS[PoliceAction(action)]}”已办理。", "console.show_tip", tip_id=tip_id)


@pages.get("/tips/<uuid:tip_id>/letter")
@page(permission=Permission.EVIDENCE_READ)
def download_letter(actor: Actor, tip_id: UUID) -> Response:
    """The letter of the tip's transfer, as a Word file without anything of the reporter."""
    with transaction():
        content = letters.letter_of(actor, tip_id)
    return Response(content, mimetype=DOCX, headers={"Content-Disposition": "attachment; filename=letter.docx"})


@pages.get("/tips/<uuid:tip_id>/police/<uuid:transfer_id>/files/<uuid:file_id>")
@page(permission=Permission.EVIDENCE_READ)
def download_police_document(actor: Actor, tip_id: UUID, transfer_id: UUID, file_id: UUID) -> Response:
    """One document that went to the police, for whoever sees the tip."""
    way = next((one for one in police.transfers_of(actor, tip_id) if one.id == transfer_id), None)
    if way is None or str(file_id) not in way.documents.values():
        raise NotFound("未找到该文件")
    answer = download_response(queries.files_by_id([file_id])[0])
    with transaction():
        audit.record(actor, "files.download", "file", file_id, tip_id=str(tip_id))
    return answer
