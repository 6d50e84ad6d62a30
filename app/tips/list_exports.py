"""Long lists written out by a job: asked for, followed, fetched within some days, then removed. Services only flush.

queued → running → done | failed; one at a time for each person. The file is kept sealed like every file, it bears the
mark of whoever asked, and its audit row is written with it (``exports``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from flask import current_app
from redis.exceptions import RedisError
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
from app.tips import policy
from app.tips.export_models import ListExport
from app.tips.exports import Format

EXPORT_LIST: Final = "tips.export_list"
EXPORT_ENDED: Final = "notifications.export_ended"
KEPT: Final = timedelta(days=7)
"""How long a file can be fetched: whoever needs it later takes a fresh one."""
GIVEN_UP_AFTER: Final = timedelta(minutes=10)
"""A run that began so long ago was killed; another one may begin."""
_PROGRESS_KEPT_SECONDS: Final = 3600
_AT_ONCE: Final = 200


class ExportState(StrEnum):
    """How far an export is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


UNDER_WAY: Final = frozenset({ExportState.QUEUED, ExportState.RUNNING})


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
        "state": ExportState.QUEUED.value,
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
    return db.session.scalars(policy.own_exports(actor).order_by(ListExport.asked_at.desc()).limit(limit)).all()


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
    if row.state != ExportState.RUNNING:
        return row.rows
    try:
        return int(current_app.extensions["shudi_redis"].get(_progress_key(row.id)) or 0)
    except RedisError:
        return 0


def note_progress(export_id: UUID, done: int) -> None:
    """Tell how many rows are written; without Redis nobody is told."""
    try:
        current_app.extensions["shudi_redis"].set(_progress_key(export_id), done, ex=_PROGRESS_KEPT_SECONDS)
    except RedisError:
        return


def _progress_key(export_id: UUID) -> str:
    return f"list-export:{export_id}:done"


# The job's side -------------------------------------------------------------------------------------------------------


def claim(export_id: UUID) -> ListExport | None:
    """The export to run now, marked as running; ``None`` where another run has it or it is over."""
    row = db.session.get(ListExport, export_id, with_for_update=True, populate_existing=True)
    if row is None or row.state not in UNDER_WAY:
        return None
    if row.state == ExportState.RUNNING and (row.started_at or clock.now()) > clock.now() - GIVEN_UP_AFTER:
        return None
    row.state, row.started_at = ExportState.RUNNING.value, clock.now()
    db.session.flush()
    return row


def note_whole(export_id: UUID, whole: int) -> None:
    """Keep how many tips there will be."""
    db.session.get_one(ListExport, export_id).whole = whole
    db.session.flush()


def is_running(export_id: UUID) -> bool:
    """Whether another run has it."""
    row = db.session.get(ListExport, export_id, populate_existing=True)
    return row is not None and row.state == ExportState.RUNNING


def finish(export_id: UUID, rows: int, received: ReceivedFile) -> None:
    """Keep the file and tell whoever waits for it."""
    stored = files.register(received)
    files.claim([stored.id], "office", received.uploaded_by)
    _end(export_id, ExportState.DONE, rows=rows, file_id=stored.id)


def fail(export_id: UUID, problem: str) -> None:
    """End an export that could not be run; ``problem`` is a Chinese sentence for the officer."""
    _end(export_id, ExportState.FAILED, problem=problem)


def _end(export_id: UUID, state: ExportState, **found: Any) -> None:
    row = db.session.get_one(ListExport, export_id, with_for_update=True, populate_existing=True)
    row.state, row.ended_at = state.value, clock.now()
    for name, value in found.items():
        setattr(row, name, value)
    outbox.leave(EXPORT_ENDED, export_id=str(export_id))
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
