"""Addresses and what the office knows about them: try one, keep zones, local names and precedents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import geo_knowledge as knowledge
from app.console.views.actions import refused_form
from app.console.views.geo_match import answer_view, question
from app.console.views.problems import problem_views
from app.console.views.tip_list import paging
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.geo import maintenance, queries, service
from app.geo.policy import can_maintain
from app.geo.schemas import ListKnowledgeQuery, MatchAddressBody, WithdrawBody
from app.workflow.states import Status

_A_PAGE = 20


@pages.get("/geo")
@page(permission=Permission.GEO_READ)
def ask_for_address(actor: Actor) -> str:
    """An empty form for an address."""
    return _match_page(actor)


@pages.post("/geo")
@page(permission=Permission.GEO_READ)  # a form because an address can be a home and belongs in no log; nothing is kept
def try_address(actor: Actor) -> str:
    """What an address says, drawn on its text, with the office's own knowledge."""
    on_refusal_show(_match_page, actor)
    typed = forms.typed_fields("address", "uscc", "own_city")
    hint = service.region_code() if typed.get("own_city") else None
    given = {name: text.strip() for name, text in typed.items() if name == "address"}
    address = load(MatchAddressBody(only=["address"]), given)["address"]
    reading, citation = service.read_address(actor, address, hint, typed.get("uscc"))
    return _match_page(actor, answer=answer_view(address, reading, citation))


def _match_page(actor: Actor, *, answer: Any = None, problem: dict[str, Any] | None = None) -> str:
    errors = problem.get("errors", {}) if problem else {}
    return rendered(
        "console/geo/match.html",
        actor,
        tabs=_tabs(""),
        action_url=url_for("console.try_address"),
        fields=question(errors),
        answer=answer,
        **problem_views(problem, [], [], Status),
    )


@pages.get("/geo/zones", defaults={"kind": "zones"})
@pages.get("/geo/aliases", defaults={"kind": "aliases"})
@pages.get("/geo/precedents", defaults={"kind": "precedents"})
@page(permission=Permission.GEO_READ)
def list_geo_knowledge(actor: Actor, kind: str) -> str:
    """Zones, local names or precedents in force, with the forms to change them."""
    return _knowledge_page(actor, kind)


def _knowledge_page(actor: Actor, kind: str, *, problem: dict[str, Any] | None = None) -> str:
    query = load(ListKnowledgeQuery(), {name: value for name, value in request.args.items() if value})
    found = queries.page(actor, knowledge.MODELS[kind], query["q"], from_cursor(query["cursor"]), _A_PAGE)
    shown, last = found[:_A_PAGE], found[_A_PAGE - 1] if len(found) > _A_PAGE else None
    following = to_cursor(last.created_at, last.id) if last else None
    wanted = {"kind": kind} | ({"q": query["q"]} if query["q"] else {})
    refused, errors = refused_form(problem)
    forms_of = knowledge.Forms(kind, can_maintain(actor), refused, errors)
    adding = forms_of.adding()
    return rendered(
        "console/geo/knowledge.html",
        actor,
        tabs=_tabs(kind),
        q=query["q"],
        list_url=url_for("console.list_geo_knowledge", kind=kind),
        rows=[forms_of.line(row) for row in shown],
        adding=adding,
        page=paging("console.list_geo_knowledge", wanted, query["cursor"], following, None),
        **knowledge.WORDS[kind],
        **problem_views(problem, adding, [], Status),
    )


def _tabs(kind: str) -> list[dict[str, Any]]:
    tabs = [("试查地址", "", url_for("console.ask_for_address"))]
    tabs += [
        (knowledge.WORDS[one]["title"], one, url_for("console.list_geo_knowledge", kind=one)) for one in knowledge.WORDS
    ]
    return [{"label": label, "href": href, "number": None, "active": one == kind} for label, one, href in tabs]


@pages.post("/geo/zones", defaults={"kind": "zones"})
@pages.post("/geo/aliases", defaults={"kind": "aliases"})
@pages.post("/geo/precedents", defaults={"kind": "precedents"})
@page(permission=Permission.GEO_MAINTAIN, changes=True)
def add_geo_knowledge(actor: Actor, kind: str) -> Response:
    """Note a zone, a local name or a precedent."""
    on_refusal_show(_knowledge_page, actor, kind)
    knowledge.add(actor, kind)
    return done("已登记，数秒后用于研判。", "console.list_geo_knowledge", kind=kind)


@pages.post("/geo/zones/<uuid:row_id>")
@page(permission=Permission.GEO_MAINTAIN, changes=True)
def change_geo_zone(actor: Actor, row_id: UUID) -> Response:
    """Change who takes a zone, or its names."""
    on_refusal_show(_knowledge_page, actor, "zones")
    maintenance.change_zone(actor, row_id, forms.seen_version(), knowledge.typed("zones"))
    return done("已修改，数秒后用于研判。", "console.list_geo_knowledge", kind="zones")


@pages.post("/geo/zones/<uuid:row_id>/withdraw", defaults={"kind": "zones"})
@pages.post("/geo/aliases/<uuid:row_id>/withdraw", defaults={"kind": "aliases"})
@pages.post("/geo/precedents/<uuid:row_id>/withdraw", defaults={"kind": "precedents"})
@page(permission=Permission.GEO_MAINTAIN, changes=True)
def withdraw_geo_knowledge(actor: Actor, kind: str, row_id: UUID) -> Response:
    """Withdraw what no longer holds; it stays on record."""
    on_refusal_show(_knowledge_page, actor, kind)
    body = load(WithdrawBody(only=["reason"]), forms.typed_fields("reason"))
    maintenance.withdraw(actor, knowledge.SINGULAR[kind], row_id, forms.seen_version(), body["reason"])
    return done("已撤销，数秒后不再用于研判。", "console.list_geo_knowledge", kind=kind)
