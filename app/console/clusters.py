"""Tips about one subject: the list of clusters, and an officer's correction of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, render_template, request, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered, see_other
from app.console.tips import tip_page
from app.console.views import clusters as views
from app.console.views.tip_list import paging
from app.foundation.errors import InvalidInput
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.tips import cluster_merging, clusters
from app.tips.clusters_api import DetachTipBody, ListClustersQuery
from app.tips.queries import tip_of_receipt

_A_PAGE = 20


@pages.get("/clusters")
@page(permission=Permission.STATEMENT_READ)
def list_clusters(actor: Actor) -> str:
    """Subjects that more than one tip in sight is about, the most recently reported first."""
    query = load(ListClustersQuery(), {name: value for name, value in request.args.items() if value})
    found = clusters.cluster_page(actor, from_cursor(query["cursor"]), _A_PAGE)
    shown = found[:_A_PAGE]
    following = to_cursor(shown[-1].last_at, shown[-1].id) if len(found) > len(shown) else None
    turning = paging("console.list_clusters", {}, query["cursor"], following, None)
    queue = url_for("console.list_tips")
    return rendered(
        "console/tips/clusters.html",
        actor,
        clusters=views.lines(shown, merging=cluster_merging.can_merge(actor)),
        page=turning,
        list_url=queue,
    )


@pages.get("/clusters/<uuid:cluster_id>/merge")
@page(permission=Permission.TIP_TRIAGE)
def preview_cluster_merge(actor: Actor, cluster_id: UUID) -> str:
    """What merging the waiting tips of a cluster into its main one would do."""
    return merge_page(actor, cluster_id)


def merge_page(actor: Actor, cluster_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    """The preview; after a refusal with the problem."""
    return rendered(
        "console/tips/cluster_merge.html",
        actor,
        **views.merge_preview(cluster_merging.preview(actor, cluster_id)),
        problem=problem,
        order_url=url_for("console.merge_cluster", cluster_id=cluster_id),
        list_url=url_for("console.list_clusters"),
    )


@pages.post("/clusters/<uuid:cluster_id>/merge")
@page(permission=Permission.TIP_TRIAGE, changes=True)
def merge_cluster(actor: Actor, cluster_id: UUID) -> Response:
    """Have them merged in the background."""
    on_refusal_show(merge_page, actor, cluster_id)
    row = cluster_merging.order(actor, cluster_id)
    return see_other(url_for("console.show_cluster_merge", merge_id=row.id))


@pages.get("/clusters/merges/<uuid:merge_id>")
@page(permission=Permission.TIP_TRIAGE)
def show_cluster_merge(actor: Actor, merge_id: UUID) -> str:
    """How far a merger is; asked by the running page itself, the moving part alone."""
    shown = views.merge_state(cluster_merging.merge_of(actor, merge_id))
    if "HX-Request" in request.headers:
        return render_template("console/tips/cluster_merge_state.html", **shown)
    return rendered("console/tips/cluster_merge_done.html", actor, **shown, list_url=url_for("console.list_clusters"))


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
