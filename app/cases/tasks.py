"""Long work on a case that somebody asked for and a job does: a round over many claims, its batch, the bank's list.

queued → running → done | failed. Whoever asks must be allowed to do the same at once; the job asks again, as that
person. A round or a batch and the mark that it was made are one transaction. The list is kept sealed like every file,
for as long as the office says (``retention``), and every look at it leaves an audit row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from app.audit import service as audit
from app.cases import bank_file, funds, ledger, payments
from app.cases.ledger_models import CaseClaim, CaseTask, ClaimShare, DistributionRound, PaymentBatch
from app.files import service as files
from app.files.models import StoredFile
from app.files.service import ReceivedFile
from app.foundation import clock
from app.foundation.database import Row, db, insert_rows, new_id
from app.foundation.errors import Conflict, NotFound
from app.foundation.permissions import Actor
from app.outbox import service as outbox
from app.outbox import single_run
from app.outbox.tasks import TaskState

RUN_CASE_TASK: Final = "cases.run_task"
LARGE: Final = 20_000
"""Beyond so many claims or payments a job does it: a page lets one do it, the API refuses and names the way."""
_SHOWN: Final = 10


class TaskKind(StrEnum):
    """What is done."""

    ROUND = "round"
    BATCH = "batch"
    BANK_FILE = "bank_file"


def is_large(case_id: UUID) -> bool:
    """Whether a round over the claims of a case, and a batch that pays it, is left to a job."""
    some = select(CaseClaim.id).where(CaseClaim.case_id == case_id).limit(LARGE + 1).subquery()
    return (db.session.scalar(select(func.count()).select_from(some)) or 0) > LARGE


def distribute_at_once(actor: Actor, case_id: UUID, total_yuan: Decimal, source: str) -> DistributionRound:
    """A round within the request; raise as :func:`ledger.distribute_round`, and ``Conflict`` where a job must do it."""
    if is_large(case_id):
        ledger.shareable(actor, case_id, total_yuan, source)
        raise _too_large(case_id)
    return ledger.distribute_round(actor, case_id, total_yuan, source)


def make_batch_at_once(actor: Actor, case_id: UUID, round_number: int, reason: str) -> PaymentBatch:
    """A batch within the request; raise as :func:`payments.make_batch`, and ``Conflict`` where a job must do it."""
    if is_large(case_id):
        payments.payable(actor, case_id)
        raise _too_large(case_id)
    return payments.make_batch(actor, case_id, round_number, reason)


def is_long(batch: PaymentBatch) -> bool:
    """Whether the list of a batch is left to a job."""
    return batch.sent > LARGE


def bank_file_at_once(actor: Actor, case_id: UUID, number: int, file_format: str, reason: str) -> bytes:
    """A list within the request.

    Raises as :func:`payments.batch_to_list`, and ``Conflict`` where a job must write it.
    """
    batch = payments.batch_to_list(actor, case_id, number)
    if is_long(batch):
        raise _too_large(case_id)
    return written_list(actor, batch, file_format, reason)


def written_list(actor: Actor, batch: PaymentBatch, file_format: str, reason: str) -> bytes:
    """The list of a batch that is not long (:func:`payments.batch_to_list`), audited with its reason."""
    payments.note_export(actor, batch, file_format, reason)
    return bank_file.bank_file(batch, file_format)


def _too_large(case_id: UUID) -> Conflict:
    way = f"POST /api/v1/office/cases/{case_id}/tasks"
    return Conflict(f"该案件的债权超过 {LARGE:,} 笔，不能即时办理，请改用 {way} 交后台办理", code="needs_task")


def ask_for_round(actor: Actor, case_id: UUID, total_yuan: Decimal, source: str) -> UUID:
    """Let a job compute a round; raise as :func:`ledger.shareable`, and ``Conflict`` while a task is under way."""
    case = ledger.shareable(actor, case_id, total_yuan, source)
    claims = db.session.scalar(select(func.count()).where(CaseClaim.case_id == case_id)) or 0
    return _ask(actor, case.id, TaskKind.ROUND, claims, {"total_yuan": str(total_yuan), "source": source})


def ask_for_batch(actor: Actor, case_id: UUID, round_number: int, reason: str) -> UUID:
    """Let a job make a batch of a round; raise as :func:`payments.payable`, ``NotFound``, ``Conflict``."""
    case = payments.payable(actor, case_id)
    round_ = funds.round_of(case_id, round_number)
    shares = db.session.scalar(select(func.count()).where(ClaimShare.round_id == round_.id)) or 0
    return _ask(actor, case.id, TaskKind.BATCH, shares, {"round": round_number, "reason": reason})


def ask_for_bank_file(actor: Actor, case_id: UUID, number: int, reason: str) -> UUID:
    """Let a job write the list of a batch as CSV; raise as :func:`payments.batch_to_list`, and ``Conflict``."""
    batch = payments.batch_to_list(actor, case_id, number)
    payments.note_export(actor, batch, "csv", reason)
    return _ask(actor, case_id, TaskKind.BANK_FILE, batch.sent, {"batch": number})


def _ask(actor: Actor, case_id: UUID, kind: TaskKind, whole: int, given: Mapping[str, Any]) -> UUID:
    task_id = new_id()
    row = {
        "id": task_id, "case_id": case_id, "kind": kind.value, "given": dict(given), "state": TaskState.QUEUED.value,
        "asked_by": actor.account_id, "asked_by_name": actor.name, "asked_at": clock.now(), "whole": whole,
    }  # fmt: skip
    if not insert_rows([Row(CaseTask, row)], unless_known=True):
        raise Conflict("该案件有一项计算正在进行，请等待完成", code="task_under_way")
    audit.record(actor, "cases.ask_task", "case", case_id, kind=kind.value, whole=whole)
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
    return single_run.progress(row.id)


# The job's side -------------------------------------------------------------------------------------------------------


def compute(actor: Actor, task_id: UUID) -> None:
    """Compute the round or make the batch that was asked for, and end the task, in the caller's transaction."""
    row = _locked(task_id)
    if row.state != TaskState.RUNNING:
        return
    given = row.given
    if row.kind == TaskKind.ROUND:
        round_ = ledger.distribute_round(actor, row.case_id, Decimal(given["total_yuan"]), given["source"])
        row.given = {**given, "round": round_.number}
    else:
        batch = payments.make_batch(actor, row.case_id, given["round"], given["reason"])
        row.given, row.whole = {**given, "batch": batch.number}, batch.count
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
    single_run.tell_of_end(row)
    db.session.flush()


def _locked(task_id: UUID) -> CaseTask:
    return db.session.get_one(CaseTask, task_id, with_for_update=True, populate_existing=True)
