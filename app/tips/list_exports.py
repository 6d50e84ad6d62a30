"""Long lists written out by a job: asked for, followed, fetched within some days, then removed. Services only flush.

queued → running → done | failed; one at a time for each person. The file is kept sealed like every file, it bears the
mark of whoever asked, and its audit row is written with it (``exports``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.files import service as files
from app.files.models import StoredFile
from app.files.service import ReceivedFile
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, OutOfScope
from app.foundation.permissions import PROGRAM, Actor
from app.outbox import service as outbox
from app.outbox import single_run
from app.outbox.tasks import TaskState
from app.tips import policy
from app.tips.export_models import ListExport
from app.tips.exports import Format

EXPORT_LIST: Final = "tips.export_list"
KEPT: Final = timedelta(days=7)
"""How long a file can be fetched: whoever needs it later takes a fresh one."""
_AT_ONCE: Final = 200


def ask(actor: Actor, wanted: Mapping[str, str], kind: Format) -> UUID:
    """Let a job write out the list of ``wanted`` (filters and order as in an address).

    Raises:
        Forbidden: a person who only looks on. Conflict: one's own export is under way.
    """
    if not policy.can_export(actor):
        raise Forbidden("您无权导出线索清单", extra={"audit_object": ("list", "tips")})
    values = {
        "id": new_id(),
        "account_id": actor.account_id,
        "unit_id": actor.unit_id,
        "asked_at": clock.now(),
        "wanted": dict(wanted),
        "format": kind.value,
        "state": TaskState.QUEUED.value,
    }
    made: UUID | None = db.session.scalar(
        insert(ListExport).values(values).on_conflict_do_nothing().returning(ListExport.id)
    )
    if made is None:
        raise Conflict("您有一份清单正在导出，请等待完成", code="export_under_way")
    outbox.leave(EXPORT_LIST, export_id=str(made))
    return made


def export_for(actor: Actor, export_id: UUID) -> ListExport:
    """An export of one's own; raise ``OutOfScope``."""
    row = db.session.scalar(policy.own_exports(actor).where(ListExport.id == export_id))
    if row is None:
        raise OutOfScope("未找到该导出", extra={"audit_object": ("list_export", str(export_id))})
    return row


def exports_of(actor: Actor, limit: int = 20) -> Sequence[ListExport]:
    """The newest exports of this person."""
    newest_first = (ListExport.asked_at.desc(), ListExport.id.desc())
    return db.session.scalars(policy.own_exports(actor).order_by(*newest_first).limit(limit)).all()


def file_of(actor: Actor, export_id: UUID) -> StoredFile:
    """The file of an export of one's own, with an audit row; raise ``OutOfScope`` where there is none (any more)."""
    row = export_for(actor, export_id)
    stored = db.session.get(StoredFile, row.file_id) if row.file_id else None
    if stored is None:
        raise OutOfScope("该清单没有可下载的文件", extra={"audit_object": ("list_export", str(export_id))})
    audit.record(actor, "tips.fetch_export", "list_export", export_id, rows=row.rows)
    return stored


def rows_done(row: ListExport) -> int:
    """How many rows are written."""
    if row.state != TaskState.RUNNING:
        return row.rows
    return single_run.progress(row.id)


# The job's side -------------------------------------------------------------------------------------------------------


def note_whole(export_id: UUID, whole: int) -> None:
    """Keep how many tips there will be."""
    db.session.get_one(ListExport, export_id).whole = whole
    db.session.flush()


def finish(export_id: UUID, rows: int, received: ReceivedFile) -> None:
    """Keep the file and tell whoever waits for it."""
    stored = files.register(received)
    files.claim([stored.id], "office", received.uploaded_by)
    _end(export_id, TaskState.DONE, rows=rows, file_id=stored.id)


def fail(export_id: UUID, problem: str) -> None:
    """End an export that could not be run; ``problem`` is a Chinese sentence for the officer."""
    _end(export_id, TaskState.FAILED, problem=problem)


def _end(export_id: UUID, state: TaskState, **found: Any) -> None:
    row = db.session.get_one(ListExport, export_id, with_for_update=True, populate_existing=True)
    row.state, row.ended_at = state.value, clock.now()
    for name, value in found.items():
        setattr(row, name, value)
    single_run.tell_of_end(row)
    db.session.flush()


def remove_old_files() -> int:
    """Remove files whose days are over; return of how many exports."""
    old = db.session.scalars(
        select(ListExport)
        .where(ListExport.file_id.is_not(None), ListExport.ended_at < clock.now() - KEPT)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    removed = [row.file_id for row in old if row.file_id]
    for row in old:
        row.file_id = None
        audit.record(PROGRAM, "tips.remove_export", "list_export", row.id)
    db.session.flush()
    files.forget(removed)
    return len(old)
