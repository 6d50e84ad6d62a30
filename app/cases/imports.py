"""Spreadsheets that officers hand in: kept sealed, looked at first, then taken in by a job. Services only flush.

preview → queued → running → done | refused | failed. ``refused``: rows are at fault and the file was wanted whole, so
that nothing was kept. A dry run is ``done`` and may be followed by a real one. What came of it stands in the row and,
where cells are at fault, in a workbook with them marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.audit import service as audit
from app.cases.case_columns import CASE_COLUMNS
from app.cases.case_import import CaseTarget
from app.cases.claim_columns import CLAIM_COLUMNS, RESULT_COLUMNS
from app.cases.claim_import import ClaimTarget, ResultTarget
from app.cases.models import SheetImport
from app.cases.sheet_columns import Column, Heading, Headings, find_headings, remapped
from app.cases.sheet_engine import Outcome, Target
from app.files import service as files
from app.files.models import StoredFile
from app.files.service import ReceivedFile
from app.files.sheets import UnreadableSheet, Workbook
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, InvalidInput, OutOfScope
from app.foundation.permissions import Actor
from app.outbox import service as outbox
from app.outbox import single_run

IMPORT_SHEET: Final = "cases.import_sheet"
_FAULTS_SHOWN: Final = 200
_SAMPLE_ROWS: Final = 5


class ImportKind(StrEnum):
    """What the rows of a sheet are."""

    CASES = "cases"
    CLAIMS = "claims"
    PAYMENT_RESULTS = "payment_results"


class ImportState(StrEnum):
    """How far an import is."""

    PREVIEW = "preview"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    ImportKind.CASES: CASE_COLUMNS,
    ImportKind.CLAIMS: CLAIM_COLUMNS,
    ImportKind.PAYMENT_RESULTS: RESULT_COLUMNS,
}


def target_of(actor: Actor, kind: str, case_id: UUID | None, batch_id: UUID | None) -> Target:
    """What rows of this kind become for this person; raise as each target does."""
    if kind == ImportKind.CASES:
        return CaseTarget(actor)
    assert case_id is not None  # noqa: S101  # the other kinds belong to a case
    if kind == ImportKind.CLAIMS:
        return ClaimTarget(actor, case_id)
    assert batch_id is not None  # noqa: S101  # and the bank's answers to a batch
    return ResultTarget(actor, case_id, batch_id)


# Handing in and looking -----------------------------------------------------------------------------------------------


def keep(
    actor: Actor,
    kind: str,
    received: ReceivedFile,
    table: tuple[Workbook, Headings],
    case_id: UUID | None = None,
    batch_id: UUID | None = None,
) -> SheetImport:
    """Keep a file with what its columns are taken for; nothing is taken in yet."""
    stored = files.register(received)
    files.claim([stored.id], "office", actor.account_id)
    assert actor.account_id is not None  # noqa: S101  # officers' files carry their account
    assert actor.unit_id is not None  # noqa: S101  # and officers belong to a unit
    row = SheetImport(
        id=new_id(),
        kind=kind,
        case_id=case_id,
        batch_id=batch_id,
        unit_id=actor.unit_id,
        file_id=stored.id,
        uploaded_by=actor.account_id,
        uploaded_at=clock.now(),
        state=ImportState.PREVIEW.value,
        **_shape(*table),
    )
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "cases.hand_in_sheet", "case_import", row.id, kind=kind, rows=row.rows)
    return row


def _shape(book: Workbook, headings: Headings) -> dict[str, Any]:
    return {
        "sheet": headings.sheet,
        "last_heading_row": headings.last_row,
        "columns": [_stored(heading) for heading in headings.columns],
        "rows": max(book.height(headings.sheet) - headings.last_row, 0),
    }


def _stored(heading: Heading) -> dict[str, Any]:
    return {
        "column": heading.letters,
        "index": heading.index,
        "heading": heading.words,
        "field": heading.field,
        "unit_yuan": str(heading.unit),
        "ignored": heading.ignored,
    }


def opened(content: bytes, kind: str) -> tuple[Workbook, Headings]:
    """A file and what its columns are taken for; raise ``InvalidInput`` for one that is no such table."""
    try:
        book = Workbook(content)
        return book, find_headings(book, COLUMNS[kind])
    except UnreadableSheet as fault:
        raise InvalidInput(str(fault), errors={"file": [str(fault)]}) from fault


def samples(book: Workbook, headings: Headings) -> list[list[str]]:
    """The first rows below the headings, as text, column by column of the preview."""
    shown: list[list[str]] = []
    for row in book.rows(headings.sheet):
        if row.number <= headings.last_row or row.blank:
            continue
        cells = [row.cells[one.index] if one.index < len(row.cells) else "" for one in headings.columns]
        shown.append(["" if cell is None else str(cell)[:60] for cell in cells])
        if len(shown) == _SAMPLE_ROWS:
            break
    return shown


def headings_of(row: SheetImport) -> Headings:
    """The headings as they were kept."""
    return _headings(row.sheet, row.last_heading_row, row.columns)


def _headings(sheet: str, last_row: int, columns: list[dict[str, Any]]) -> Headings:
    found = [
        Heading(one["index"], one["heading"], one["field"], Decimal(one["unit_yuan"]), one["ignored"])
        for one in columns
    ]
    return Headings(sheet, last_row, tuple(found))


# Starting and following -----------------------------------------------------------------------------------------------


def import_for(actor: Actor, import_id: UUID) -> SheetImport:
    """An import of one's own; raise ``OutOfScope``."""
    row = db.session.scalar(select(SheetImport).where(SheetImport.id == import_id, _mine(actor)))
    if row is None:
        raise OutOfScope("未找到该导入", extra={"audit_object": ("case_import", str(import_id))})
    return row


def imports_of(actor: Actor, limit: int = 50) -> list[SheetImport]:
    """The newest imports of this person."""
    newest_first = (SheetImport.uploaded_at.desc(), SheetImport.id.desc())
    return list(db.session.scalars(select(SheetImport).where(_mine(actor)).order_by(*newest_first).limit(limit)))


def _mine(actor: Actor) -> ColumnElement[bool]:
    return SheetImport.uploaded_by == actor.account_id


def start(
    actor: Actor, import_id: UUID, chosen: Mapping[str, str | None], *, by_row: bool, dry_run: bool
) -> SheetImport:
    """Let a job take the sheet in, with what the office says of its columns.

    Raises:
        OutOfScope: not one's own. Conflict: it is under way, or was taken in. InvalidInput: an unknown column or field,
        or one that every row needs is missing.
    """
    row = import_for(actor, import_id)
    db.session.refresh(row, with_for_update=True)
    if row.file_id is None:
        raise Conflict("该文件已超过保存期限并清除，请重新上传", code="import_file_removed")
    if row.state in {ImportState.QUEUED, ImportState.RUNNING} or (row.state == ImportState.DONE and not row.dry_run):
        raise Conflict("该文件正在导入或已导入", code="import_under_way")
    headings = remapped(headings_of(row), chosen)
    _check(headings, chosen, row.kind)
    row.columns = [_stored(heading) for heading in headings.columns]
    row.by_row, row.dry_run, row.state = by_row, dry_run, ImportState.QUEUED.value
    row.created = row.updated = row.unchanged = row.refused = 0
    row.faults, row.problem, row.started_at, row.ended_at, row.result_file_id = [], "", None, None, None
    outbox.leave(IMPORT_SHEET, import_id=str(row.id))
    db.session.flush()
    return row


def _check(headings: Headings, chosen: Mapping[str, str | None], kind: str) -> None:
    columns = {heading.letters for heading in headings.columns}
    fields = {column.field for column in COLUMNS[kind]}
    wrong = [f"没有 {letter} 列" for letter in chosen if letter not in columns]
    wrong += [f"{letter} 列：没有“{name}”这一栏目" for letter, name in chosen.items() if name and name not in fields]
    taken = [heading.field for heading in headings.columns if heading.field]
    wrong += [f"有两列对应同一栏目“{name}”" for name in {name for name in taken if taken.count(name) > 1}]
    wrong += [f"缺少“{text}”一列" for text in headings.missing(COLUMNS[kind])]
    if wrong:
        raise InvalidInput(errors={"columns": wrong})


def rows_done(row: SheetImport) -> int:
    """How many rows the running job has gone through."""
    if row.state != ImportState.RUNNING:
        return 0 if row.state in {ImportState.PREVIEW, ImportState.QUEUED} else row.rows
    return single_run.progress(row.id)


# The job's side -------------------------------------------------------------------------------------------------------


def note_kept(actor: Actor, import_id: UUID, outcome: Outcome) -> bool:
    """End an import with what was kept, in the transaction that keeps it.

    Returns ``False`` where another run has ended it: what this one would keep must be rolled back.
    """
    if not finish(import_id, ImportState.DONE, outcome):
        return False
    audit.record(
        actor, "cases.import", "case_import", import_id,
        created=outcome.created, updated=outcome.updated, refused=outcome.refused,
    )  # fmt: skip
    return True


def finish(import_id: UUID, state: ImportState, outcome: Outcome) -> bool:
    """End a running import with what came of it; ``False`` where another run has ended it."""
    row = _locked(import_id)
    if row.state != ImportState.RUNNING:
        return False
    row.rows, row.refused = outcome.rows, outcome.refused
    row.faults = [
        {"cell": one.cell, "heading": one.heading, "reason": one.reason, "note": one.note}
        for one in outcome.faults[:_FAULTS_SHOWN]
    ]
    if state == ImportState.DONE:
        row.created, row.updated, row.unchanged = outcome.created, outcome.updated, outcome.unchanged
    _end(row, state)
    return True


def attach_result(import_id: UUID, received: ReceivedFile) -> None:
    """Keep the marked workbook of an import."""
    row = _locked(import_id)
    stored = files.register(received)
    files.claim([stored.id], "office", row.uploaded_by)
    row.result_file_id = stored.id
    db.session.flush()


def fail(import_id: UUID, problem: str) -> None:
    """End an import that could not be run; ``problem`` is a Chinese sentence for the officer."""
    row = _locked(import_id)
    row.problem = problem
    _end(row, ImportState.FAILED)


def _end(row: SheetImport, state: ImportState) -> None:
    row.state, row.ended_at = state.value, clock.now()
    single_run.tell_of_end(row)
    db.session.flush()


def _locked(import_id: UUID) -> SheetImport:
    return db.session.get_one(SheetImport, import_id, with_for_update=True, populate_existing=True)


def lacks_result(row: SheetImport) -> bool:
    """Whether cells are at fault and no workbook marks them: it follows the end of an import that kept rows."""
    return bool(row.faults) and row.result_file_id is None and row.file_id is not None


def result_file(actor: Actor, import_id: UUID) -> StoredFile:
    """The workbook with the faults marked; raise ``OutOfScope``."""
    row = import_for(actor, import_id)
    stored = db.session.get(StoredFile, row.result_file_id) if row.result_file_id else None
    if stored is None:
        raise OutOfScope("该导入没有结果文件", extra={"audit_object": ("case_import", str(import_id))})
    audit.record(actor, "cases.download_import_result", "case_import", import_id)
    return stored
