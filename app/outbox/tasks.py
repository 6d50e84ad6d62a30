"""Long work that somebody asks for at a page: one at a time of a kind, in pieces, its progress in a row.

queued → running → done | failed. A message carries the id; the job works for some seconds, leaves what it has in the
row and wants to go on. So a killed worker costs one piece, and neither the lease nor RQ's time limit is in the way.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, new_id, transaction
from app.foundation.errors import Conflict
from app.foundation.long_work import Piece, Work
from app.outbox import service
from app.outbox.models import OfficeTask

logger = logging.getLogger(__name__)

RUN_TASK: Final = "outbox.run_task"
AT_ONCE_SECONDS: Final = 20.0
"""How long one hand-over works before it lets others have the worker; less than the lease of its message."""
GIVEN_UP_AFTER: Final = timedelta(minutes=2)
"""A run that has left nothing for so long was killed; another one may go on from its last piece."""


class TaskState(StrEnum):
    """How far a task is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def text(self) -> str:
        """The state as the office says it."""
        return {"queued": "排队中", "running": "进行中", "done": "已完成", "failed": "未完成"}[self.value]


UNDER_WAY: Final = frozenset({TaskState.QUEUED, TaskState.RUNNING})


def start(kind: str, asked_by: UUID | None) -> UUID:
    """Queue one task of ``kind``; the caller writes the audit row. Raise ``Conflict`` while one is under way."""
    work_of(kind)
    task_id = new_id()
    values = {"id": task_id, "kind": kind, "state": TaskState.QUEUED.value, "asked_by": asked_by, "memory": {}}
    made = db.session.execute(
        insert(OfficeTask).values(**values, asked_at=clock.now()).on_conflict_do_nothing().returning(OfficeTask.id)
    ).one_or_none()
    if made is None:
        raise Conflict("同一项任务正在进行，请等待完成", code="task_under_way")
    service.leave(RUN_TASK, task_id=str(task_id))
    return task_id


def work_of(kind: str) -> Work:
    """The work of a kind, as the rooms offered it when the application was made."""
    offered: dict[str, Work] = current_app.extensions["shudi_tasks"]
    return offered[kind]


def latest(kind: str, *, state: TaskState | None = None) -> OfficeTask | None:
    """The newest task of a kind, or the newest in one state."""
    wanted = select(OfficeTask).where(OfficeTask.kind == kind)
    if state is not None:
        wanted = wanted.where(OfficeTask.state == state.value)
    return db.session.scalar(wanted.order_by(OfficeTask.asked_at.desc(), OfficeTask.id.desc()).limit(1))


@service.handles_over_network(RUN_TASK)
def run_task(message_id: int, payload: dict[str, Any]) -> None:
    """Do some pieces. Twice is safe: one run has the task at a time, and each piece may be done again."""
    task_id = UUID(payload["task_id"])
    with transaction(OPEN_WALL):
        task = _locked(task_id)
        moment = clock.now()
        if task.state not in UNDER_WAY:
            service.finish(message_id)
            return
        if task.beat_at is not None and task.beat_at > moment - GIVEN_UP_AFTER:
            service.postpone(message_id, timedelta(seconds=30))
            return
        task.state, task.beat_at = TaskState.RUNNING.value, moment
        work, memory = work_of(task.kind), dict(task.memory)
    try:
        _work_on(task_id, message_id, work, memory)
    except Exception as fault:  # noqa: BLE001  # whatever failed is told at the page, and not tried for ever
        logger.warning("task failed", extra={"fields": {"fault": type(fault).__name__}})
        with transaction(OPEN_WALL):
            _end(_locked(task_id), TaskState.FAILED, fault=type(fault).__name__)
            service.finish(message_id)


def _work_on(task_id: UUID, message_id: int, work: Work, memory: dict[str, Any]) -> None:
    until = time.monotonic() + AT_ONCE_SECONDS
    while True:
        piece = work(memory)
        memory, pausing = piece.memory, time.monotonic() > until
        with transaction(OPEN_WALL):
            _keep(_locked(task_id), piece, None if pausing else clock.now())
            if piece.finished:
                service.finish(message_id)
                return
            if pausing:
                service.postpone(message_id, timedelta(0))
                return


def _keep(task: OfficeTask, piece: Piece, beat_at: datetime | None) -> None:
    task.memory, task.done, task.whole, task.beat_at = piece.memory, piece.done, piece.whole, beat_at
    if piece.finished:
        _end(task, TaskState.DONE)
    db.session.flush()


def _end(task: OfficeTask, state: TaskState, fault: str | None = None) -> None:
    task.state, task.fault, task.beat_at, task.finished_at = state.value, fault, None, clock.now()
    db.session.flush()


def _locked(task_id: UUID) -> OfficeTask:
    wanted = select(OfficeTask).where(OfficeTask.id == task_id).with_for_update()
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()
