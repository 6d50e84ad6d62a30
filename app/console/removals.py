"""Identities whose term is over: the program's proposals, what a person chose of them, and the decision."""

from __future__ import annotations

from typing import Any, Final, Literal
from uuid import UUID

from flask import request, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.registers import ListRegisterQuery
from app.console.shell import rendered
from app.console.views import removals as views
from app.console.views.tip_list import paging
from app.foundation.database import transaction
from app.foundation.errors import DomainError, InvalidInput
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.tips import retention
from app.tips.policy import can_decide_removal
from app.tips.retention_api import DecideRemovalBody

_A_PAGE: Final = 50


@pages.get("/removals")
@page(permission=Permission.TIP_LEAD)
def list_removals(actor: Actor) -> str:
    """Proposals that wait, the oldest first; or those decided."""
    query = load(ListRegisterQuery(), {name: value for name, value in request.args.items() if value})
    found = retention.removal_page(actor, from_cursor(query["cursor"]), _A_PAGE, decided=query["all"])
    shown = found[:_A_PAGE]
    following = to_cursor(shown[-1][0].proposed_at, shown[-1][0].id) if len(found) > len(shown) else None
    return rendered(
        "console/tips/removals.html",
        actor,
        tabs=views.tabs(decided=query["all"]),
        lines=views.lines(shown),
        decided=query["all"],
        choose_url=url_for("console.confirm_removals") if can_decide_removal(actor) and not query["all"] else None,
        page=paging("console.list_removals", {"all": "true"} if query["all"] else {}, query["cursor"], following, None),
    )


@pages.post("/removals/confirm")
@page(permission=Permission.TIP_LEAD)  # a form because a selection is longer than an address; nothing changes
def confirm_removals(actor: Actor) -> str:
    """What was chosen, and what would become of it, before anything is removed."""
    decision = _decision()
    return rendered(
        "console/tips/removals_confirm.html",
        actor,
        lines=views.lines(retention.removals_by_id(actor, _chosen())),
        decision=decision,
        decision_text=views.DECISIONS[decision],
        decide_url=url_for("console.decide_removals"),
        list_url=url_for("console.list_removals"),
    )


@pages.post("/removals/decide")
@page(permission=Permission.TIP_LEAD, changes=False)  # each identity has a transaction of its own
def decide_removals(actor: Actor) -> str:
    """Remove or keep the chosen identities one by one, and say of each what became of it."""
    decision, chosen = _decision(), _chosen()
    if decision == "remove" and "sure" not in request.form:
        raise InvalidInput("请先勾选“已核对”，再确认清除")
    reason = load(DecideRemovalBody(), {"decision": decision} | forms.typed_fields("reason"))["reason"]
    told = {one: _decide(actor, one, decision, reason) for one in chosen}
    refused = [text for text in told.values() if text]
    return rendered(
        "console/tips/removals_done.html",
        actor,
        decision_text=views.DECISIONS[decision],
        number=len(told) - len(refused),
        refusals=refused,
        list_url=url_for("console.list_removals"),
    )


def _decide(actor: Actor, removal_id: UUID, decision: Literal["remove", "keep"], reason: str) -> str:
    """Why it was refused; empty when it was done."""
    try:
        with transaction():
            retention.decide_removal(actor, removal_id, decision, reason)
    except DomainError as error:
        return error.detail or error.title
    return ""


def _decision() -> Literal["remove", "keep"]:
    return "keep" if request.form.get("decision") == "keep" else "remove"


def _chosen() -> list[UUID]:
    given: list[Any] = request.form.getlist("removal")
    if not given:
        raise InvalidInput("请先勾选要处理的身份信息")
    try:
        return [UUID(one) for one in given[:_A_PAGE]]
    except ValueError as fault:
        raise InvalidInput("页面内容不完整，请返回列表重新勾选") from fault
