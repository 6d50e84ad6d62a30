"""The office's units as a tree, and which unit takes which functional zone."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import units as views
from app.console.views.actions import refused_form
from app.console.views.fields import FormState
from app.console.views.problems import problem_views
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.identity import queries, units
from app.identity.schemas import AddUnitBody, ChangeUnitBody, GiveReasonBody
from app.identity.service import UnitLine
from app.workflow.states import Status

_FIELDS: Final = ("division", "name", "parent", "phone", "email")


@pages.get("/units")
@page(permission=Permission.SELF_USE)
def list_units(actor: Actor) -> str:
    """The tree with its telephone numbers; with a form for who keeps it."""
    return _tree_page(actor)


def _tree_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    refused, errors = refused_form(problem)
    adding = views.adding(actor, FormState(refused=refused, errors=errors))
    return rendered(
        "console/units/list.html",
        actor,
        rows=views.lines(queries.unit_tree()),
        zones=views.zones(),
        zones_url=url_for("console.list_geo_knowledge", kind="zones") if actor.may(Permission.GEO_READ) else None,
        forms=adding,
        **problem_views(problem, adding, [], Status),
    )


@pages.post("/units")
@page(permission=Permission.UNIT_MANAGE, changes=True)
def add_unit(actor: Actor) -> Response:
    """Add one unit."""
    on_refusal_show(_tree_page, actor)
    body = load(AddUnitBody(), forms.typed_fields("kind", *_FIELDS))
    unit = units.add_unit(actor, _line(body, body["kind"]), body["parent"])
    return done(f"已新增{unit.name}。", "console.show_unit", unit_id=unit.id)


def _line(body: dict[str, Any], kind: str = "") -> UnitLine:
    return UnitLine(body["division"], body["name"].strip(), kind, body["phone"].strip(), body["email"].strip())


@pages.get("/units/<int:unit_id>")
@page(permission=Permission.SELF_USE)
def show_unit(actor: Actor, unit_id: int) -> str:
    """One unit: how it is reached, what hangs on it, what was changed."""
    return _unit_page(actor, unit_id)


def _unit_page(actor: Actor, unit_id: int, *, problem: dict[str, Any] | None = None) -> str:
    refused, errors = refused_form(problem)
    unit, keeps = units.unit_by_id(unit_id), actor.may(Permission.UNIT_MANAGE)
    with transaction(OPEN_WALL):  # who keeps units sees no tip, but must know how many hang on one
        held = units.open_items(unit_id) if keeps else {}
    view = views.detail(unit, held, FormState(refused=refused, errors=errors), keeps=keeps)
    return rendered(
        "console/units/detail.html",
        actor,
        list_url=url_for("console.list_units"),
        **view,
        **problem_views(problem, view["forms"], [], Status),
    )


@pages.post("/units/<int:unit_id>/change")
@page(permission=Permission.UNIT_MANAGE, changes=True)
def change_unit(actor: Actor, unit_id: int) -> Response:
    """Change how a unit is called, where it stands, how it is reached."""
    on_refusal_show(_unit_page, actor, unit_id)
    body = load(ChangeUnitBody(), forms.typed_fields(*_FIELDS, "reason"))
    units.change_unit(actor, unit_id, forms.seen_version(), _line(body), body["parent"], body["reason"])
    return done("已保存。", "console.show_unit", unit_id=unit_id)


@pages.post("/units/<int:unit_id>/deactivate")
@page(permission=Permission.UNIT_MANAGE, changes=False)  # counts what is open behind an open wall
def deactivate_unit(actor: Actor, unit_id: int) -> Response:
    """Take a unit out of use, once nothing open hangs on it."""
    on_refusal_show(_unit_page, actor, unit_id)
    reason = load(GiveReasonBody(), forms.typed_fields("reason"))["reason"]
    with transaction(OPEN_WALL):
        units.deactivate(actor, unit_id, reason)
    return done("单位已停用，其区划由上级单位承办。", "console.show_unit", unit_id=unit_id)


@pages.post("/units/<int:unit_id>/reactivate")
@page(permission=Permission.UNIT_MANAGE, changes=True)
def reactivate_unit(actor: Actor, unit_id: int) -> Response:
    """Put a unit into use again."""
    on_refusal_show(_unit_page, actor, unit_id)
    units.reactivate(actor, unit_id, load(GiveReasonBody(), forms.typed_fields("reason"))["reason"])
    return done("单位已恢复使用。", "console.show_unit", unit_id=unit_id)
