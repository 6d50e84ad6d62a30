"""Reporting: the guided statement, the proposal of the district, and the receipt."""

from __future__ import annotations

from uuid import uuid4

from flask import Response, g

from app.files import service as files
from app.files.forms import ReceivedForm, receive_form
from app.foundation.database import transaction
from app.foundation.errors import DomainError, InvalidInput
from app.foundation.http import Audience, load, page
from app.foundation.permissions import Actor, Permission
from app.geo.divisions import divisions
from app.geo.service import region_code
from app.public_pages.blueprint import pages
from app.public_pages.shell import rendered
from app.public_pages.statement_form import StatementForm, body_of, choices, preview_body_of
from app.tips import schemas, service
from app.tips.doors import admit

PREVIEW = "preview"


@pages.get("/new")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def new_statement(_actor: Actor) -> str:
    """The empty form."""
    return form_page(StatementForm.empty())


@pages.post("/new")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE)
def file_statement(_actor: Actor) -> str | tuple[str, int]:
    """Take the form: show the proposal of the district when that was asked for, file the tip otherwise."""
    received = receive_form("public", lambda: admit("uploads"))
    with transaction():
        form = _kept(received)
    g.public_form = form
    if PREVIEW in form.values:
        form.preview = service.preview(load(schemas.PreviewJurisdictionBody(), preview_body_of(form.values)))
        return form_page(form)
    if received.refused:
        raise InvalidInput("有文件没有收下，请查看原因；其余内容已保留，可直接提交")
    return _filed(form), 201


def _kept(received: ReceivedForm) -> StatementForm:
    """The form with the files that have just come, which the next sending need not bring again."""
    for file in received.files:
        received.fields.add("evidence", str(files.register(file).id))
    return StatementForm(received.fields, refused_files=received.refused)


def _filed(form: StatementForm) -> str:
    if "truthful" not in form.values:
        raise InvalidInput(errors={"truthful": ["请确认您反映的情况属实，并已阅读隐私说明"]})
    body = load(schemas.SubmitTipBody(), body_of(form.values))
    admit("tips", proof=form.values.get("proof"))
    with transaction():
        receipt = service.submit_tip(body, None, channel="web")
    return rendered("receipt.html", receipt=receipt, real_name=body["reporter"] is not None)


def form_page(form: StatementForm) -> str:
    """The form as it stands."""
    districts = [(division.code, division.name) for division in divisions().children(region_code())]
    return rendered(
        "statement.html", form=form, choices=choices(), districts=districts, most_files=schemas.MOST_EVIDENCE
    )


def form_again(form: StatementForm, refusal: DomainError) -> Response:
    """The form with what is wrong with it; everything typed and uploaded is still there."""
    form.errors, form.problem = refusal.errors, refusal.detail or refusal.title
    if refusal.code == "request_id_reused":
        form.values["client_request_id"] = str(uuid4())
    if ticket := refusal.extra.get("waiting_ticket"):
        form.ticket, form.wait_seconds = ticket, refusal.extra["wait_seconds"]
        form.problem = f"现在提交的人较多，请等 {form.wait_seconds} 秒后再点一次“提交举报”，填写的内容都在"
    return Response(form_page(form), mimetype="text/html")
