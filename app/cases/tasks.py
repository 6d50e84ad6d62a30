"""Long work on a case that somebody asked for and a job does: a round over many claims, a long list for the bank.

queued → running → done | failed. Whoever asks must be allowed to do the same at once; the job asks again, as that
person. A round and the mark that it was computed are one transaction. The list is kept sealed like every file, for as
long as the office says (``retention``), and every look at it leaves an audit row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import func, select

from app.audit import service as audit
from app.cases import ledger, payments
from app.cases.ledger_models import CaseClaim, CaseTask
from app.cases.models import FundraisingCase
from app.files import service as files
from app.files.models import StoredFile
from app.files.service import ReceivedFile
from app.foundation import clock
from app.foundation.database import Row, db, insert_rows, new_id
from app.foundation.errors import Conflict, NotFound
from app.foundation.permissions import Actor
from app.outbox import service as outbox

RUN_CASE_TASK: Final = "cases.run_task"
LARGE: Final = 20_000
"""From so many claims or payments on, a page lets a job do it."""
GIVEN_UP_AFTER: Final = timedelta(minutes=10)
"""A run that has not ended after so long was killed; another one may begin."""
_SHOWN: Final = 10
_PROGRESS_KEPT_SECONDS: Final = 3600


class TaskKind(StrEnum):
    """What is done."""

    ROUND = "round"
    BANK_FILE = "bank_file"


class TaskState(StrEnum):
    """How far it is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


UNDER_WAY: Final = frozenset({TaskState.QUEUED, TaskState.RUNNING})


def is_large(case_id: UUID) -> bool:
    """Whether a round over the claims of a case is left to a job."""
    some = select(CaseClaim.id).where(CaseClaim.case_id == case_id).limit(LARGE + 1).subquery()
    return (db.session.scalar(select(func.count()).select_from(some)) or 0) > LARGE


def ask_for_round(actor: Actor, case_id: UUID, total_yuan: Decimal, source: str) -> UUID:
    """Let a job compute a round; raise as :func:`ledger.shareable`, and ``Conflict`` while a task is under way."""
    case = ledger.shareable(actor, case_id, total_yuan, source)
    claims = db.session.scalar(select(func.count()).where(CaseClaim.case_id == case_id)) or 0
    return _ask(actor, case, TaskKind.ROUND, claims, {"total_yuan": str(total_yuan), "source": source})


def ask_for_bank_file(actor: Actor, case_id: UUID, number: int, reason: str) -> UUID:
    """Let a job write the list of a batch as CSV; raise as :func:`payments.payable`, ``NotFound``, ``Conflict``."""
    case = payments.payable(actor, case_id)
    batch = payments.batch_of(case_id, number)
    payments.note_export(actor, batch, "csv", reason)
    return _ask(actor, case, TaskKind.BANK_FILE, batch.count, {"batch": number})


def _ask(actor: Actor, case: FundraisingCase, kind: TaskKind, whole: int, given: Mapping[str, Any]) -> UUID:
    task_id = new_id()
    row = {
        "id": task_id, "case_id": case.id, "kind": kind.value, "given": dict(given), "state": TaskState.QUEUED.value,
        "asked_by": actor.account_id, "asked_by_name": actor.name, "asked_at": clock.now(), "whole": whole,
    }  # fmt: skip
    if not insert_rows([Row(CaseTask, row)], unless_known=True):
        raise Conflict("该案件有一项计算正在进行，请等待完成", code="task_under_way")
    audit.record(actor, "cases.ask_task", "case", case.id, kind=kind.value, whole=whole)
    outbox.leave(RUN_CASE_TASK, task_id=str(task_id))
    return task_id


# Following ------------------------------------------------------------------------------------------------------------


def tasks_of(case_id: UUID) -> Sequence[CaseTask]:
    """The newest tasks of a case within sight."""
    newest = select(CaseTask).where(CaseTask.case_id == case_id).order_by(CaseTask.asked_at.desc()).limit(_SHOWN)
    return db.session.scalars(newest).all()


def task_of(case_id: UUID, task_id: UUID) -> CaseTask:
    """One task of a case within sight; raise ``NotFound``."""
    row = db.session.scalar(select(CaseTask).where(CaseTask.case_id == case_id, CaseTask.id == task_id))
    if row is None:
        raise NotFound("该案件没有这项任务")
    return row


def bank_file_of(actor: Actor, case_id: UUID, task_id: UUID) -> StoredFile:
    """The list that a task made, for whoever pays; raise as :func:`payments.payable`, and ``NotFound``."""
    payments.payable(actor, case_id)
    row = task_of(case_id, task_id)
    stored = db.session.get(StoredFile, row.file_id) if row.file_id else None
    if stored is None:
        raise NotFound("清单尚未生成，或已超过保存期限并清除")
    audit.record(actor, "cases.download_bank_file", "case", case_id, batch=row.given["batch"], count=row.whole)
    return stored


def lines_done(row: CaseTask) -> int:
    """How many lines the running job has written."""
    if row.state != TaskState.RUNNING:
        return row.whole if row.state == TaskState.DONE else 0
    try:
        return int(current_app.extensions["shudi_redis"].get(_progress_key(row.id)) or 0)
    except RedisError:
        return 0


def note_lines(task_id: UUID, done: int) -> None:
    """Tell how many lines are written; without Redis nobody is told."""
    try:
        current_app.extensions["shudi_redis"].set(_progress_key(task_id), done, ex=_PROGRESS_KEPT_SECONDS)
    except RedisError:
        return


def _progress_key(task_id: UUID) -> str:
    return f"case-task:{task_id}:done"


# The job's side -------------------------------------------------------------------------------------------------------


def claim(task_id: UUID) -> CaseTask | None:
    """The task to do now, marked as running; ``None`` where another run has it or it is over."""
    row = _locked(task_id)
    if row.state not in UNDER_WAY:
        return None
    if row.state == TaskState.RUNNING and (row.started_at or clock.now()) > clock.now() - GIVEN_UP_AFTER:
        return None
    row.state, row.started_at = TaskState.RUNNING.value, clock.now()
    db.session.flush()
    return row


def is_running(task_id: UUID) -> bool:
    """Whether another run has it."""
    row = db.session.get(CaseTask, task_id, populate_existing=True)
    return row is not None and row.state == TaskState.RUNNING


def compute_round(actor: Actor, task_id: UUID) -> None:
    """Compute the round that was asked for and end the task, in the caller's transaction."""
    row = _locked(task_id)
    if row.state != TaskState.RUNNING:
        return
    made = ledger.distribute_round(actor, row.case_id, Decimal(row.given["total_yuan"]), row.given["source"])
    row.given = {**row.given, "round": made.number}
    _end(row, TaskState.DONE)


def keep_bank_file(task_id: UUID, received: ReceivedFile) -> None:
    """Keep the list that was written, and end the task; a run that comes late leaves its bytes as an orphan."""
    row = _locked(task_id)
    if row.state != TaskState.RUNNING:
        return
    stored = files.register(received)
    files.claim([stored.id], "office", row.asked_by)
    row.file_id = stored.id
    _end(row, TaskState.DONE)


def fail(task_id: UUID, problem: str) -> None:
    """End a task that could not be done; ``problem`` is a Chinese sentence for the officer."""
    row = _locked(task_id)
    row.problem = problem
    _end(row, TaskState.FAILED)


def _end(row: CaseTask, state: TaskState) -> None:
    row.state, row.ended_at = state.value, clock.now()
    db.session.flush()


def _locked(task_id: UUID) -> CaseTask:
    return db.session.get_one(CaseTask, task_id, with_for_update=True, populate_existing=True)
