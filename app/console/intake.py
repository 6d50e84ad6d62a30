"""Entering a tip that came by telephone, letter or in person, and the slip that the reporter takes along."""

from __future__ import annotations

from typing import Any, Final

from flask import request, url_for
from marshmallow import Schema, fields, validate

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import rendered
from app.console.views import intake
from app.console.views.tip_list import paging
from app.files import service as files
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.geo.service import region_code
from app.identity import queries as people
from app.tips import assisted_filing
from app.tips.assisted_api import FileForReporterBody
from app.tips.service import Receipt

_A_PAGE: Final = 20


class ListEnteredQuery(Schema):
    """Where the page begins."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


@pages.get("/intake")
@page(permission=Permission.TIP_ENTER)
def ask_for_statement(actor: Actor) -> str:
    """The empty form."""
    return intake_page(actor)


def intake_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    """The form; after a refusal with what was typed and what is wrong with it."""
    errors = (problem or {}).get("errors", {})
    shown = (
        {"title": problem["title"], "text": problem.get("detail"), "fields": intake.labelled(errors)}
        if problem
        else None
    )
    form = intake.form_view(request.form if problem else None, errors)
    return rendered(
        "console/intake/form.html",
        actor,
        form=form,
        problem=shown,
        here=url_for("console.enter_statement"),
        entered_url=url_for("console.list_entered"),
    )


@pages.post("/intake")
@page(permission=Permission.TIP_ENTER, changes=False)  # the bytes come first, then one transaction with an open wall
def enter_statement(actor: Actor) -> str:
    """File the tip and show its codes, on this answer only."""
    on_refusal_show(intake_page, actor)
    body = load(FileForReporterBody(), intake.body_of(request.form))
    received = forms.receive_files(actor, "evidence")
    with transaction(OPEN_WALL):
        body["tip"]["evidence"] = [files.register(one).id for one in received]
        receipt = assisted_filing.file_for_reporter(actor, body)
    return _slip(actor, receipt, body)


@pages.get("/intake/entered")
@page(permission=Permission.TIP_ENTER)
def list_entered(actor: Actor) -> str:
    """What this person entered; the way to a tip only where it is within sight."""
    query = load(ListEnteredQuery(), {name: value for name, value in request.args.items() if value})
    with transaction(OPEN_WALL):
        found = assisted_filing.entered_by(actor, from_cursor(query["cursor"]), _A_PAGE)
    shown = found[:_A_PAGE]
    following = to_cursor(shown[-1].registered_at, shown[-1].id) if len(found) > len(shown) else None
    return rendered(
        "console/intake/entered.html",
        actor,
        lines=intake.entered_lines(actor, shown),
        form_url=url_for("console.ask_for_statement"),
        page=paging("console.list_entered", {}, query["cursor"], following, None),
    )


def _slip(actor: Actor, receipt: Receipt, body: dict[str, Any]) -> str:
    office = people.unit_at(region_code())
    return rendered(
        "console/intake/slip.html",
        actor,
        receipt=receipt,
        registered_at=clock.beijing(receipt.registered_at),
        channel_text=assisted_filing.CHANNELS[body["channel"]],
        phone=office.phone if office else "",
        follow_url=url_for("public_pages.ask_for_codes", _external=True),
        again_url=url_for("console.ask_for_statement"),
    )
