"""Re-checks that a low rating asked for: the list, and the decision of somebody who did not conclude the tip."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, request

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.registers import ListRegisterQuery
from app.console.shell import done, rendered
from app.console.views import rechecks as views
from app.console.views.registers import tabs
from app.console.views.tip_list import paging
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.tips import rating
from app.tips.rating_api import CloseRecheckBody

_A_PAGE: Final = 20


@pages.get("/rechecks")
@page(permission=Permission.TIP_READ)
def list_rechecks(actor: Actor) -> str:
    """Re-checks of tips within sight, newest first; those that wait, or all."""
    return rechecks_page(actor)


def rechecks_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    """The list; after a refusal with the problem and what was typed."""
    query = load(ListRegisterQuery(), {name: value for name, value in request.args.items() if value})
    found = rating.recheck_page(actor, open_only=not query["all"], after=from_cursor(query["cursor"]), limit=_A_PAGE)
    shown = found[:_A_PAGE]
    following = to_cursor(shown[-1].requested_at, shown[-1].id) if len(found) > len(shown) else None
    return rendered(
        "console/tips/rechecks.html",
        actor,
        problem=problem,
        tabs=tabs("console.list_rechecks", everything=query["all"]),
        rechecks=views.cards(actor, shown, problem),
        page=paging("console.list_rechecks", {"all": "true"} if query["all"] else {}, query["cursor"], following, None),
    )


@pages.post("/rechecks/<uuid:request_id>")
@page(permission=Permission.TIP_REVIEW, changes=True)
def close_recheck(actor: Actor, request_id: UUID) -> Response:
    """Decide what the second look came to; the reporter is told."""
    on_refusal_show(rechecks_page, actor)
    body = load(CloseRecheckBody(), forms.typed_fields("result", "note"))
    closed = rating.close_recheck(actor, request_id, body["result"], body["note"])
    return done(f"复核已完成：{rating.RESULTS[body['result']]}。", "console.show_tip", tip_id=closed.tip_id)
