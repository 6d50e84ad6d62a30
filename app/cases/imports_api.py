"""Spreadsheets over the office API: hand in and look, start, follow, fetch the marked workbook."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from app.cases import import_schemas as schemas
from app.cases import imports
from app.cases.models import SheetImport
from app.files import http as file_http
from app.files import service as files
from app.files.schemas import UploadForm
from app.foundation.database import transaction
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission

office_api = APIBlueprint("office_case_imports", __name__, url_prefix="/api/v1/office")


@office_api.post("/case-imports")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    form=UploadForm(),
    answer=schemas.ImportPreviewView(),
    status=201,
    changes=False,
)
def hand_in_cases(actor: Actor) -> dict[str, Any]:
    """Hand in a register of cases; answers what its columns are taken for, and takes nothing in yet."""
    return hand_in(actor, imports.ImportKind.CASES)


def hand_in(actor: Actor, kind: str, case_id: UUID | None = None, batch_id: UUID | None = None) -> dict[str, Any]:
    """Keep the table of the present request and look at it; opens its own transaction after the bytes are in."""
    imports.target_of(actor, kind, case_id, batch_id)  # before a large file is taken in for nothing
    received = file_http.receive_upload("office", actor.account_id, tables=True)
    book, headings = imports.opened(files.content_received(received), kind)
    with transaction():
        row = imports.keep(actor, kind, received, (book, headings), case_id, batch_id)
    known = imports.COLUMNS[kind]
    return shown(row) | {
        "samples": imports.samples(book, headings),
        "missing": headings.missing(known),
        "fields_known": known,
    }


@office_api.get("/case-imports")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, answer=schemas.ImportListView(), changes=False)
def list_imports(actor: Actor) -> dict[str, Any]:
    """The newest sheets that this person handed in."""
    return {"items": [shown(row) for row in imports.imports_of(actor)]}


@office_api.get("/case-imports/<uuid:import_id>")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, answer=schemas.ImportView(), changes=False)
def show_import(actor: Actor, import_id: UUID) -> dict[str, Any]:
    """How far a sheet is, and what came of it."""
    return shown(imports.import_for(actor, import_id))


@office_api.post("/case-imports/<uuid:import_id>/start")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.StartImportBody(),
    answer=schemas.ImportView(),
    status=202,
)
def start_import(actor: Actor, import_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Let the sheet be taken in by a job: whole or nothing, or row by row; a dry run keeps nothing."""
    return shown(imports.start(actor, import_id, body["columns"], by_row=body["by_row"], dry_run=body["dry_run"]))


@office_api.get("/case-imports/<uuid:import_id>/result")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, changes=False)
def fetch_result(actor: Actor, import_id: UUID) -> Response:
    """The workbook with the cells at fault marked."""
    with transaction():
        stored = imports.result_file(actor, import_id)
    return file_http.download_response(stored)


def shown(row: SheetImport) -> dict[str, Any]:
    """One import in the shape of the API."""
    names = [name for name in schemas.ImportView().fields if name not in {"rows_done", "has_result"}]
    return {name: getattr(row, name) for name in names} | {
        "rows_done": imports.rows_done(row),
        "has_result": row.result_file_id is not None,
    }
