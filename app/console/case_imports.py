"""Spreadsheets at the console: hand in, check what the columns are taken for, try, take in, read what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.cases import claims, imports
from app.cases.imports import ImportKind, ImportState
from app.console import forms
from app.console.blueprint import pages
from app.console.cases import tabs
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered, see_other
from app.console.views import case_imports as views
from app.files import service as files
from app.files.http import download_response
from app.foundation.database import transaction
from app.foundation.errors import InvalidInput
from app.foundation.http import page
from app.foundation.permissions import Actor, Permission


@pages.get("/cases/imports")
@page(permission=Permission.SELF_USE)
def list_case_imports(actor: Actor) -> str:
    """Where a register is handed in, and the own imports."""
    return _list_page(actor)


def _list_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    imports.target_of(actor, ImportKind.CASES, None, None)
    errors = (problem or {}).get("errors", {})
    return rendered(
        "console/cases/imports.html",
        actor,
        tabs=tabs(actor, "imports"),
        lines=[views.import_line(row) for row in imports.imports_of(actor)],
        hand_in_url=url_for("console.hand_in_cases"),
        error="；".join(text for texts in errors.values() for text in texts) or (problem or {}).get("detail"),
        refused=problem is not None,
    )


@pages.post("/cases/imports")
@page(permission=Permission.SELF_USE, changes=False)  # the bytes come first, then one transaction
def hand_in_cases(actor: Actor) -> Response:
    """Keep a register and look at it; nothing is taken in yet."""
    on_refusal_show(_list_page, actor)
    return hand_in(actor, ImportKind.CASES)


def hand_in(actor: Actor, kind: str, case_id: UUID | None = None, batch_id: UUID | None = None) -> Response:
    """Keep the table of the present form, and lead to its preview; opens its own transaction."""
    imports.target_of(actor, kind, case_id, batch_id)
    received = forms.receive_files(actor, "file", tables=True)
    if len(received) != 1:
        raise InvalidInput(errors={"file": ["请选择一个 Excel 或者 CSV 文件"]})
    table = imports.opened(files.content_received(received[0]), kind)
    with transaction():
        row = imports.keep(actor, kind, received[0], table, case_id, batch_id)
    return see_other(url_for("console.show_case_import", import_id=row.id))


@pages.get("/cases/imports/<uuid:import_id>")
@page(permission=Permission.SELF_USE)
def show_case_import(actor: Actor, import_id: UUID) -> str:
    """One import: its preview, how far it is, or what came of it."""
    return _import_page(actor, import_id)


def _import_page(actor: Actor, import_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    row = imports.import_for(actor, import_id)
    samples: list[list[str]] = []
    if row.state == ImportState.PREVIEW and row.file_id is not None:
        _, pieces = files.open_file(row.file_id)
        book, headings = imports.opened(b"".join(pieces), row.kind)
        samples = imports.samples(book, headings)
    if samples and row.case_id is not None:
        with transaction():
            claims.note_view(actor, row.case_id, len(samples), "import")
    return rendered("console/cases/import.html", actor, **views.import_view(row, samples, problem))


@pages.get("/cases/imports/<uuid:import_id>/state")
@page(permission=Permission.SELF_USE)
def follow_case_import(actor: Actor, import_id: UUID) -> Response:
    """How far a running import is, for the page that asks each second; at its end the page is loaded anew."""
    row = imports.import_for(actor, import_id)
    if row.state not in views.UNDER_WAY:
        return Response(status=204, headers={"HX-Refresh": "true"})
    return Response(rendered("console/cases/import_state.html", actor, **views.import_view(row, [], None)))


@pages.post("/cases/imports/<uuid:import_id>/start")
@page(permission=Permission.SELF_USE, changes=True)
def start_case_import(actor: Actor, import_id: UUID) -> Response:
    """Let the sheet be tried or taken in, whole or row by row."""
    on_refusal_show(_import_page, actor, import_id)
    chosen = views.typed_columns(imports.import_for(actor, import_id))
    dry = request.form.get("run") != "keep"
    imports.start(actor, import_id, chosen, by_row=request.form.get("by_row") == "true", dry_run=dry)
    return done("已开始试运行。" if dry else "已开始导入。", "console.show_case_import", import_id=import_id)


@pages.get("/cases/imports/<uuid:import_id>/result")
@page(permission=Permission.SELF_USE)
def fetch_import_result(actor: Actor, import_id: UUID) -> Response:
    """The workbook with the cells at fault marked."""
    with transaction():
        stored = imports.result_file(actor, import_id)
    return download_response(stored)
