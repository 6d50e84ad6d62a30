"""Who acts for whom, who stands aside, and what a leaver hands over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, url_for

from app.console import forms, queries
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import people
from app.console.views.actions import refused_form
from app.console.views.fields import FormState
from app.console.views.problems import problem_views
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import InvalidInput
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.identity import delegation
from app.identity.schemas import DelegateBody
from app.workflow import exclusions, handover
from app.workflow import queries as handling_queries
from app.workflow.schemas import ExcludeBody
from app.workflow.states import Status


def _people_page(
    actor: Actor, kind: str, *, problem: dict[str, Any] | None = None, preview: dict[str, Any] | None = None
) -> str:
    refused, errors = refused_form(problem)
    view = people.VIEWS[kind](actor, FormState(refused=refused, errors=errors))
    return rendered(
        "console/people.html",
        actor,
        preview=preview,
        **view,
        **problem_views(problem, view["forms"], [], Status),
    )


@pages.get("/delegations")
@page(permission=Permission.SELF_USE)
def list_delegations(actor: Actor) -> str:
    """Acting roles that hold now or will, of and for this person; all of them for the security administrator."""
    return _people_page(actor, "delegations")


@pages.post("/delegations")
@page(permission=Permission.SELF_USE, changes=True)
def delegate(actor: Actor) -> Response:
    """Let a colleague act in one's own role for some days."""
    on_refusal_show(_people_page, actor, "delegations")
    body = load(DelegateBody(), forms.typed_fields("from", "to", "starts_on", "ends_on", "reason"))
    delegation.delegate(
        actor, body["from_username"], body["to_username"], body["starts_on"], body["ends_on"], body["reason"]
    )
    return done("委托已登记，到期自动结束。", "console.list_delegations")


@pages.post("/delegations/<uuid:delegation_id>/end")
@page(permission=Permission.SELF_USE, changes=True)
def end_delegation(actor: Actor, delegation_id: UUID) -> Response:
    """End a delegation before its time."""
    on_refusal_show(_people_page, actor, "delegations")
    delegation.end(actor, delegation_id)
    return done("委托已结束。", "console.list_delegations")


@pages.get("/exclusions")
@page(permission=Permission.STATEMENT_READ)
def list_exclusions(actor: Actor) -> str:
    """Who stands aside from what: the own rows; all of them for the leader."""
    return _people_page(actor, "exclusions")


@pages.post("/exclusions")
@page(permission=Permission.SELF_USE, changes=True)
def exclude(actor: Actor) -> Response:
    """Stand aside from a tip or a company; the leader decides it of others."""
    on_refusal_show(_people_page, actor, "exclusions")
    typed = forms.typed_fields("account", "receipt_number", "company", "reason")
    number = typed.pop("receipt_number", None)
    if number:
        typed["tip_id"] = queries.id_of_number(actor, number, "receipt_number")
    body = load(ExcludeBody(), typed)
    if body["tip_id"] is not None:
        handling_queries.handling_for(actor, body["tip_id"])
    exclusions.exclude(actor, body["account"], body["reason"], tip_id=body["tip_id"], company=body["company"])
    return done("回避已登记，此后不能查看和办理有关线索。", "console.list_exclusions")


@pages.post("/exclusions/<uuid:exclusion_id>/end")
@page(permission=Permission.TIP_LEAD, changes=True)
def end_exclusion(actor: Actor, exclusion_id: UUID) -> Response:
    """Let a person act again."""
    on_refusal_show(_people_page, actor, "exclusions")
    exclusions.end(actor, exclusion_id)
    return done("回避已解除。", "console.list_exclusions")


@pages.get("/hand-over")
@page(permission=Permission.ACCOUNT_MANAGE)
def ask_for_hand_over(actor: Actor) -> str:
    """The form for somebody who leaves."""
    return _people_page(actor, "hand_over")


@pages.post("/hand-over/preview")
@page(permission=Permission.ACCOUNT_MANAGE)  # a form like the deed itself; nothing changes
def preview_hand_over(actor: Actor) -> str:
    """What would change hands."""
    on_refusal_show(_people_page, actor, "hand_over")
    leaver, successor = _named()
    with transaction(OPEN_WALL):  # requests of every district are counted for who sees none of them
        given = handover.would_hand_over(actor, leaver, successor)
    shown = {"leaver": leaver, "successor": successor, "given": given, "url": url_for("console.hand_over")}
    return _people_page(actor, "hand_over", preview=shown)


@pages.post("/hand-over")
@page(permission=Permission.ACCOUNT_MANAGE, changes=False)  # moves requests of every district: a wall of its own
def hand_over(actor: Actor) -> Response:
    """Give everything open of a leaver to a colleague, and close the account."""
    on_refusal_show(_people_page, actor, "hand_over")
    leaver, successor = _named()
    with transaction(OPEN_WALL):
        given = handover.hand_over(actor, leaver, successor)
    told = f"已移交属地调整申请 {given.requests} 件，结束委托 {given.delegations} 项；账号 {leaver} 已停用。"
    return done(told, "console.ask_for_hand_over")


def _named() -> tuple[str, str]:
    given = forms.typed_fields("from", "to")
    if lacking := {name: ["此项必填"] for name in ("from", "to") if name not in given}:
        raise InvalidInput(errors=lacking)
    return given["from"].strip(), given["to"].strip()
