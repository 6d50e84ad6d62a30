"""Long lists at the console: how far a job is that writes one out, and the file for some days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import Response, url_for

from app.console.blueprint import pages
from app.console.shell import rendered, see_other
from app.console.views import queue_address, tip_list
from app.files.http import download_response
from app.foundation import clock
from app.foundation.database import transaction
from app.foundation.http import page
from app.foundation.permissions import Actor, Permission
from app.outbox.tasks import UNDER_WAY, TaskState
from app.tips import exports, list_exports
from app.tips.export_models import ListExport
from app.tips.list_exports import KEPT

_TEXTS: Final = {
    TaskState.QUEUED: ("排队中", "wait"),
    TaskState.RUNNING: ("导出中", "run"),
    TaskState.DONE: ("已完成", "done"),
    TaskState.FAILED: ("未能导出", "urgent"),
}


def begin(actor: Actor, wanted: Mapping[str, str], kind: exports.Format) -> Response:
    """Ask for a long list, and lead to where it can be followed; opens its own transaction."""
    with transaction():
        export_id = list_exports.ask(actor, wanted, kind)
    return see_other(url_for("console.show_list_export", export_id=export_id))


@pages.get("/tips/exports")
@page(permission=Permission.EVIDENCE_READ)
def list_list_exports(actor: Actor) -> str:
    """The own exports, newest first."""
    return rendered(
        "console/tips/exports.html",
        actor,
        exports=[_view(row) for row in list_exports.exports_of(actor)],
        list_url=url_for("console.list_tips"),
        days=KEPT.days,
    )


@pages.get("/tips/exports/<uuid:export_id>")
@page(permission=Permission.EVIDENCE_READ)
def show_list_export(actor: Actor, export_id: UUID) -> str:
    """One export: how far it is, or its file."""
    return rendered("console/tips/export.html", actor, **_page(actor, export_id))


def _page(actor: Actor, export_id: UUID) -> dict[str, Any]:
    row = list_exports.export_for(actor, export_id)
    return {"export": _view(row), "list_url": url_for("console.list_list_exports"), "days": KEPT.days}


@pages.get("/tips/exports/<uuid:export_id>/state")
@page(permission=Permission.EVIDENCE_READ)
def follow_list_export(actor: Actor, export_id: UUID) -> Response:
    """How far it is, for the page that asks each second; at its end the page is loaded anew."""
    view = _page(actor, export_id)
    if not view["export"]["under_way"]:
        return Response(status=204, headers={"HX-Refresh": "true"})
    return Response(rendered("console/tips/export_state.html", actor, **view))


@pages.get("/tips/exports/<uuid:export_id>/file")
@page(permission=Permission.EVIDENCE_READ)
def fetch_list_export(actor: Actor, export_id: UUID) -> Response:
    """The file, for whoever asked for it alone; audited."""
    with transaction():
        stored = list_exports.file_of(actor, export_id)
    return download_response(stored)


def _view(row: ListExport) -> dict[str, Any]:
    text, tone = _TEXTS[TaskState(row.state)]
    done = list_exports.rows_done(row)
    return {
        "href": url_for("console.show_list_export", export_id=row.id),
        "state_url": url_for("console.follow_list_export", export_id=row.id),
        "file_url": url_for("console.fetch_list_export", export_id=row.id) if row.file_id else None,
        "asked_at": clock.beijing(row.asked_at),
        "until": clock.beijing(row.ended_at + KEPT) if row.ended_at else None,
        "filters": [f"{chip['label']}：{chip['value']}" for chip in _chips(row)],
        "format": row.format.upper(),
        "state": {"text": text, "tone": tone},
        "under_way": row.state in UNDER_WAY,
        "removed": row.state == TaskState.DONE and row.file_id is None,
        "done": done,
        "whole": row.whole,
        "share": min(done / row.whole, 1) if row.whole else None,
        "rows": row.rows,
        "problem": row.problem,
    }


def _chips(row: ListExport) -> list[dict[str, str]]:
    return tip_list.chips(queue_address.in_address(queue_address.asked(row.wanted)))
