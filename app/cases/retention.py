"""Files that officers handed in or the program made for them are removed after their time (PIPL Art. 19, 47).

A list of participants holds what the claims keep sealed: it is needed until it was taken in and checked, not for ever.
What came of an import stays: its figures, and the addresses of the cells that were at fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from app.audit import service as audit
from app.cases.imports import ImportState
from app.cases.ledger_models import CaseTask
from app.cases.models import SheetImport
from app.files import service as files
from app.foundation import clock
from app.foundation.database import db
from app.foundation.permissions import PROGRAM
from app.workflow import limits

_AT_ONCE: Final = 200


def remove_old_files() -> int:
    """Remove files of imports that are over or were never started; return of how many."""
    before = clock.now() - timedelta(days=limits.value(limits.CASE_IMPORT_RETENTION))
    old = db.session.scalars(
        select(SheetImport)
        .where(
            SheetImport.file_id.is_not(None),
            SheetImport.uploaded_at < before,
            SheetImport.state.not_in([ImportState.QUEUED, ImportState.RUNNING]),
        )
        .order_by(SheetImport.uploaded_at)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    removed = [file_id for row in old for file_id in (row.file_id, row.result_file_id) if file_id is not None]
    for row in old:
        row.file_id = row.result_file_id = None
        audit.record(PROGRAM, "cases.remove_import_file", "case_import", row.id, kind=row.kind)
    made = _old_lists(before)
    removed += [row.file_id for row in made if row.file_id is not None]
    for task in made:
        task.file_id = None
    db.session.flush()
    files.forget(removed)
    return len(old) + len(made)


def _old_lists(before: datetime) -> Sequence[CaseTask]:
    """Tasks whose list for the bank is over its time."""
    wanted = select(CaseTask).where(CaseTask.file_id.is_not(None), CaseTask.asked_at < before)
    return db.session.scalars(wanted.limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
