"""The queue of tips, and assigning several of them at once."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from flask import Response, request, url_for
from marshmallow import Schema, fields

from app.console import forms, list_exports, queries, saved_views
from app.console.blueprint import pages
from app.console.shell import rendered
from app.console.views import bulk, queue_address, tip_list
from app.console.views import clusters as cluster_views
from app.console.views.addresses import addresses
from app.foundation.database import transaction
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText
from app.tips import clusters, exports
from app.tips.lines import TipLine
from app.tips.policy import can_export
from app.tips.queries import COUNTED_UP_TO, queue_count, queue_key, queue_page
from app.workflow.disclosure import reads_statement

_A_PAGE: Final = 20


@pages.get("/tips")
@page(permission=Permission.TIP_READ)
def list_tips(actor: Actor) -> str:
    """The queue within this person's sight; its filters live in the address."""
    return rendered("console/tips/list.html", actor, **_queue(actor, queue_address.asked(request.args)))


def _queue(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    order, wanted = query["order"], queue_address.in_address(query)
    lines, total = queue_page(actor, queue_address.wanted_of(query), from_cursor(query["cursor"]), _A_PAGE, order)
    shown = lines[:_A_PAGE]
    following = to_cursor(*queue_key(shown[-1], order)) if len(lines) > len(shown) else None
    present = queue_address.address_of(wanted)
    return {
        "filters": wanted,
        "choices": tip_list.choices(actor, queries.handling_units()),
        "orders": tip_list.ORDER_TEXTS,
        "order": order,
        "chips": tip_list.chips(wanted),
        "columns": tip_list.columns(),
        "quick": tip_list.quick_filters(actor, wanted),
        "views": saved_views.as_links(actor, present),
        "save_view": {"url": url_for("console.save_view"), "query": present},
        "list_url": url_for("console.list_tips"),
        "export_url": url_for("console.export_tips") if can_export(actor) else None,
        "exports_url": url_for("console.list_list_exports"),
        "bulk_url": url_for("console.preview_bulk_assignment") if tip_list.may_assign(actor) else None,
        "tips": _lines(actor, shown),
        "surges": cluster_views.lines(clusters.surges(actor)),
        "clusters_url": url_for("console.list_clusters") if reads_statement(actor) else None,
        "page": tip_list.paging("console.list_tips", wanted, query["cursor"], following, total),
    }


def _lines(actor: Actor, shown: Sequence[TipLine]) -> list[dict[str, Any]]:
    ids = [tip.tip_id for tip in shown]
    moving, marks = queries.tips_under_reassignment(actor, ids), cluster_views.marks(clusters.marks_of(actor, ids))
    address = addresses("console.show_tip", "tip_id")
    return [
        tip_list.tip_line(tip, under_reassignment=tip.tip_id in moving)
        | {"href": address(tip.tip_id), "cluster": marks.get(tip.tip_id)}
        for tip in shown
    ]


class ExportBody(Schema):
    """The list as it stands in the address, and the kind of file."""

    query = PlainText(2000, load_default="")
    format = fields.Enum(exports.Format, by_value=True, required=True)


@pages.post("/tips/export")
@page(permission=Permission.EVIDENCE_READ, changes=False)  # the file is written beside its audit row
def export_tips(actor: Actor) -> Response:
    """The list within this person's sight as a file that says who took it; audited. A long one is left to a job."""
    body = load(ExportBody(), forms.typed_fields("query", "format"))
    address = queue_address.read_address(body["query"] or "")
    query = queue_address.asked(address)
    if queue_count(actor, queue_address.wanted_of(query)) >= COUNTED_UP_TO:
        return list_exports.begin(actor, address, body["format"])
    content = io.BytesIO()
    with transaction():
        exports.export_list(actor, queue_address.wanted_of(query), query["order"], body["format"], content)
    headers = {"Content-Disposition": f"attachment; filename=tips.{body['format']}", "Cache-Control": "no-store"}
    return Response(content.getvalue(), content_type=exports.MEDIA_TYPES[body["format"]], headers=headers)


@pages.post("/tips/bulk")
@page(permission=Permission.TIP_TRIAGE)  # a form because a selection is longer than an address; nothing changes
def preview_bulk_assignment(actor: Actor) -> str:
    """What would happen to the chosen tips: to whom each would go, and which cannot go."""
    chosen = bulk.chosen(request.form.getlist("tip"))
    return rendered(
        "console/tips/bulk.html",
        actor,
        lines=bulk.preview(actor, chosen, queries.handling_units()),
        assign_url=url_for("console.assign_in_bulk"),
        list_url=url_for("console.list_tips"),
    )


@pages.post("/tips/bulk/assign")
@page(permission=Permission.TIP_TRIAGE, changes=False)  # each tip has a transaction of its own
def assign_in_bulk(actor: Actor) -> str:
    """Assign the chosen tips one by one, and say of each what became of it. Sent twice, the second finds them gone."""
    chosen = bulk.chosen(request.form.getlist("tip"))
    targets = {tip_id: request.form.get(f"division-{tip_id}", "") for tip_id in chosen}
    return rendered(
        "console/tips/bulk_done.html",
        actor,
        deed="交办",
        lines=bulk.assign(actor, chosen, targets, forms.typed_fields("reason").get("reason", "")),
        list_url=url_for("console.list_tips"),
        recall_url=url_for("console.recall_in_bulk"),
    )


@pages.post("/tips/bulk/recall")
@page(permission=Permission.TIP_TRIAGE, changes=False)  # each tip has a transaction of its own
def recall_in_bulk(actor: Actor) -> str:
    """Take a bulk assignment back, tip by tip, and say of each that stays with its unit why."""
    assigned = bulk.chosen(request.form.getlist("tip"))
    return rendered(
        "console/tips/bulk_done.html",
        actor,
        deed="收回",
        lines=bulk.recall(actor, assigned, forms.typed_fields("reason").get("reason", "")),
        list_url=url_for("console.list_tips"),
        recall_url=None,
    )
