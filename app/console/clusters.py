"""Tips about one subject: the list of clusters, and an officer's correction of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.tips import tip_page
from app.console.views import clusters as views
from app.console.views.tip_list import paging
from app.foundation.errors import InvalidInput
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.tips import clusters
from app.tips.clusters_api import DetachTipBody, ListClustersQuery
from app.tips.queries import tip_of_receipt

_A_PAGE = 20


@pages.get("/clusters")
@page(permission=Permission.TIP_READ)
def list_clusters(actor: Actor) -> str:
    """Subjects that more than one tip in sight is about, the most recently reported first."""
    query = load(ListClustersQuery(), {name: value for name, value in request.args.items() if value})
    found = clusters.cluster_page(actor, from_cursor(query["cursor"]), _A_PAGE)
    shown = found[:_A_PAGE]
    following = to_cursor(shown[-1].last_at, shown[-1].id) if len(found) > len(shown) else None
    turning = paging("console.list_clusters", {}, query["cursor"], following, None)
    queue = url_for("console.list_tips")
    return rendered("console/tips/clusters.html", actor, clusters=views.lines(shown), page=turning, list_url=queue)


@pages.post("/tips/<uuid:tip_id>/detach")
@page(permission=Permission.TIP_TRIAGE, changes=True)
def detach_tip(actor: Actor, tip_id: UUID) -> Response:
    """Take a tip out of its cluster, with a reason."""
    on_refusal_show(tip_page, actor, tip_id)
    body = load(DetachTipBody(), forms.typed_fields("reason"))
    clusters.detach(actor, tip_id, body["reason"])
    return done("已移出，系统不再自动归并本件。", "console.show_tip", tip_id=tip_id)


@pages.post("/tips/<uuid:tip_id>/attach")
@page(permission=Permission.TIP_TRIAGE, changes=True)
def attach_tip(actor: Actor, tip_id: UUID) -> Response:
    """Put a tip into the cluster of the one with this receipt number."""
    on_refusal_show(tip_page, actor, tip_id)
    given: dict[str, Any] = forms.typed_fields("reason", "receipt_number")
    other = tip_of_receipt(actor, given.pop("receipt_number", ""))
    if other is None:
        raise InvalidInput(errors={"receipt_number": ["没有这个受理编号的线索"]})
    clusters.attach(actor, tip_id, other, load(DetachTipBody(), given)["reason"])
    return done("已归入同一组。", "console.show_tip", tip_id=tip_id)
