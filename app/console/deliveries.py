"""How far messages to people outside the console got, and sending again what failed or has an unknown fate."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, flash, request, url_for

from app.console.blueprint import pages
from app.console.shell import rendered, see_other
from app.console.views.deliveries import delivery_lines, quick_filters, summary
from app.console.views.tip_list import paging
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.notifications import queries
from app.notifications.resending import resend
from app.notifications.schemas import ListDeliveriesQuery, ResendDeliveriesBody
from app.notifications.states import Channel, DeliveryState

_A_PAGE: Final = 30
_IN_ADDRESS: Final = {"state": "state", "channel": "channel", "from": "since", "to": "until"}


@pages.get("/deliveries")
@page(permission=Permission.DELIVERY_READ)
def list_deliveries(actor: Actor) -> str:
    """The messages, newest first; the filters live in the address."""
    query = load(ListDeliveriesQuery(), {name: value for name, value in request.args.items() if value})
    return rendered("console/deliveries.html", actor, **_list(actor, query))


def _list(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    wanted = queries.DeliveryFilter(query["state"], query["channel"], query["since"], query["until"])
    rows = queries.delivery_page(actor, wanted, after=from_cursor(query["cursor"]), limit=_A_PAGE)
    shown = rows[:_A_PAGE]
    following = to_cursor(shown[-1].created_at, shown[-1].id) if len(rows) > len(shown) else None
    filters = {name: query[field] for name, field in _IN_ADDRESS.items() if query[field]}
    may_resend = actor.may(Permission.DELIVERY_RESEND)
    return {
        "filters": filters,
        "states": list(DeliveryState),
        "channels": list(Channel),
        "quick": quick_filters(filters, queries.deliveries_in_need(actor)),
        "list_url": url_for("console.list_deliveries"),
        "resend_url": url_for("console.resend_deliveries") if may_resend else None,
        "rows": delivery_lines(shown, links=actor.may(Permission.TIP_READ)),
        "page": paging("console.list_deliveries", filters, query["cursor"], following, None),
    }


@pages.post("/deliveries/resend")
@page(permission=Permission.DELIVERY_RESEND, changes=True)
def resend_deliveries(actor: Actor) -> Response:
    """Queue the chosen messages anew, and say which could not be and why."""
    chosen = request.form.getlist("delivery")
    if not chosen:
        flash("请先勾选要重发的消息。", "warning")
        return see_other(url_for("console.list_deliveries"))
    result = resend(actor, load(ResendDeliveriesBody(), {"ids": chosen})["ids"])
    flash(summary(result), "success" if not result.left else "warning")
    return see_other(url_for("console.list_deliveries"))
