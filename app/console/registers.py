"""Registers of what needs a watchful eye: supervisions, tips on their way to the police, disputes that wait."""

from __future__ import annotations

from typing import Any, Final

from flask import request, url_for
from marshmallow import Schema, fields, validate

from app.console import queries
from app.console.blueprint import pages
from app.console.shell import rendered
from app.console.views import registers
from app.console.views.tip_list import paging
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.workflow.queries import police_page, supervision_page

_A_PAGE: Final = 20


class ListRegisterQuery(Schema):
    """What still runs, or also what has ended; and where the page begins."""

    all = fields.Boolean(load_default=False)
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


@pages.get("/supervisions")
@page(permission=Permission.TIP_READ)
def list_supervisions(actor: Actor) -> str:
    """Tips that are urged, listed, or under the leader's eyes; each with its own record."""
    query = _asked()
    found = supervision_page(actor, ended=query["all"], after=from_cursor(query["cursor"]), limit=_A_PAGE)
    lines = registers.supervision_lines(actor, found[:_A_PAGE])
    return _register(actor, "supervisions", query, found, lines, lambda row: (row.opened_at, row.id))


@pages.get("/police")
@page(permission=Permission.TIP_READ)
def list_police_transfers(actor: Actor) -> str:
    """Tips on their way to the police, with the term of the present step."""
    query = _asked()
    found = police_page(actor, ended=query["all"], after=from_cursor(query["cursor"]), limit=_A_PAGE)
    lines = registers.police_lines(actor, found[:_A_PAGE])
    return _register(actor, "police", query, found, lines, lambda row: (row.proposed_at, row.id))


def _asked() -> dict[str, Any]:
    query: dict[str, Any] = load(ListRegisterQuery(), {name: value for name, value in request.args.items() if value})
    return query


def _register(actor: Actor, kind: str, query: dict[str, Any], found: Any, lines: Any, key: Any) -> str:
    following = to_cursor(*key(found[_A_PAGE - 1])) if len(found) > _A_PAGE else None
    words = registers.WORDS[kind]
    wanted = {"all": "true"} if query["all"] else {}
    return rendered(
        "console/register.html",
        actor,
        **words,
        tabs=registers.tabs(words["endpoint"], everything=query["all"]),
        lines=lines,
        page=paging(words["endpoint"], wanted, query["cursor"], following, None),
    )


@pages.get("/disputes")
@page(permission=Permission.TIP_TRIAGE)
def list_disputes(actor: Actor) -> str:
    """Tips whose district has to be decided before they leave: evidence, rule and precedents side by side."""
    query = _asked()
    found = queries.waiting_disputes(actor, from_cursor(query["cursor"]), registers.DISPUTES_A_PAGE)
    shown = found[: registers.DISPUTES_A_PAGE]
    last = shown[-1][1] if len(found) > len(shown) else None
    following = to_cursor(last.registered_at, last.tip_id) if last else None
    return rendered(
        "console/disputes.html",
        actor,
        cards=registers.dispute_cards(actor, shown),
        precedents_url=url_for("console.list_geo_knowledge", kind="precedents"),
        page=paging("console.list_disputes", {}, query["cursor"], following, None),
    )
