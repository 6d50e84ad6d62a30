"""What the periodic clock and the outbox run here."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from app.cases import bank_file, import_result, imports, payments, reminders, retention, tasks
from app.cases.imports import ImportState
from app.cases.ledger_models import CaseTask
from app.cases.models import SheetImport
from app.cases.sheet_columns import Headings
from app.cases.sheet_engine import NothingKept, Outcome, take_in
from app.cases.tasks import TaskKind
from app.files import service as files
from app.files.sheets import UnreadableSheet, Workbook
from app.foundation.database import OPEN_WALL, end_reading, transaction
from app.foundation.errors import DomainError
from app.foundation.permissions import Actor
from app.identity import service as identity
from app.outbox import service as outbox
from app.outbox import single_run

logger = logging.getLogger(__name__)
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@outbox.handles_over_network(imports.IMPORT_SHEET)
def import_sheet(message_id: int, payload: dict[str, Any]) -> None:
    """Take a spreadsheet in. Twice is safe: one run has it at a time, and what is known already changes nothing.

    A run that is killed before its rows were kept is done again (``single_run.GIVEN_UP_AFTER``); with its rows it ends.
    """
    single_run.run(
        message_id,
        SheetImport,
        UUID(payload["import_id"]),
        _run,
        imports.fail,
        broken="程序处理该文件时出错，请联系系统管理员",
        told=(DomainError, UnreadableSheet),
    )


def _run(row: SheetImport) -> None:
    with transaction(OPEN_WALL):
        actor = identity.actor_of_account(row.uploaded_by)
    assert row.file_id is not None  # noqa: S101  # only what is over loses its file
    _, pieces = files.open_file(row.file_id)
    book, headings = Workbook(b"".join(pieces)), imports.headings_of(row)
    end_reading()
    try:
        outcome = _kept(actor, row, book, headings)
    except NothingKept as nothing:
        _end_without_rows(row, nothing.outcome, _result(row, book, headings, nothing.outcome))
        return
    if (result := _result(row, book, headings, outcome)) is not None:
        with transaction(OPEN_WALL):
            imports.attach_result(row.id, result)


def _kept(actor: Actor, row: SheetImport, book: Workbook, headings: Headings) -> Outcome:
    """The rows and the end of the import, behind the wall of whoever handed the sheet in, in one transaction.

    What comes after it, such as a workbook that cannot be stored, does not make of it an import that kept nothing.
    """

    def progress(done: int) -> None:
        single_run.note_progress(row.id, done)

    with transaction(actor.wall):
        target = imports.target_of(actor, row.kind, row.case_id, row.batch_id)
        outcome = take_in(book, headings, target, by_row=row.by_row, dry_run=row.dry_run, progress=progress)
        if not imports.note_kept(actor, row.id, outcome):
            raise NothingKept(outcome)
    return outcome


def _end_without_rows(row: SheetImport, outcome: Outcome, result: files.ReceivedFile | None) -> None:
    state = ImportState.DONE if row.dry_run else ImportState.REFUSED
    with transaction(OPEN_WALL):
        if imports.finish(row.id, state, outcome) and result is not None:
            imports.attach_result(row.id, result)


def _result(row: SheetImport, book: Workbook, headings: Headings, outcome: Outcome) -> files.ReceivedFile | None:
    """The marked workbook, kept sealed like every file; none where nothing is at fault."""
    if not outcome.faults:
        return None
    content = import_result.marked(book, headings, outcome)
    return files.receive([content], "导入结果.xlsx", XLSX_TYPE, "office", row.uploaded_by)


@outbox.handles_over_network(tasks.RUN_CASE_TASK)
def run_case_task(message_id: int, payload: dict[str, Any]) -> None:
    """Do long work on a case. Twice is safe: one run has it at a time, and its effect ends it in one transaction."""
    single_run.run(
        message_id, CaseTask, UUID(payload["task_id"]), _do, tasks.fail, broken="程序计算时出错，请联系系统管理员"
    )


def _do(row: CaseTask) -> None:
    with transaction(OPEN_WALL):
        actor = identity.actor_of_account(row.asked_by)
    if row.kind == TaskKind.BANK_FILE:
        _write_bank_file(actor, row)
        return
    with transaction(actor.wall):
        tasks.compute(actor, row.id)


def _write_bank_file(actor: Actor, row: CaseTask) -> None:
    with transaction(actor.wall):
        batch = payments.batch_to_list(actor, row.case_id, row.given["batch"])

    def progress(done: int) -> None:
        single_run.note_progress(row.id, done)

    pieces = bank_file.csv_pieces(batch.id, lambda: transaction(actor.wall), progress)
    received = files.receive(
        pieces, f"银行代发清单第{batch.number}批.csv", "text/csv", "office", row.asked_by, tables=True
    )
    with transaction(OPEN_WALL):
        tasks.keep_bank_file(row.id, received)


def sweep_cases() -> None:
    """Remind of what is due, supervise what was missed, remove files after their time.

    Twice is safe: a reminder exists once for its due date, a file that is removed is not found again.
    """
    with transaction(OPEN_WALL):
        reminders.sweep()
    with transaction(OPEN_WALL):
        retention.remove_old_files()
