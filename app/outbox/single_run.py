"""Long work in one go that somebody asked for, in a row of the room's own table: one run at a time.

queued → running → done | failed, and whatever else the room has. The row has ``state`` and ``started_at``; its end is
written by the room, with its effect. How far a run is stands in Redis: nothing rests on it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import current_app
from redis.exceptions import RedisError

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, new_id, transaction
from app.foundation.errors import DomainError
from app.outbox import service
from app.outbox.tasks import UNDER_WAY, TaskState

Model = TypeVar("Model")

RUN_ENDED: Final = "notifications.run_ended"
GIVEN_UP_AFTER: Final = timedelta(minutes=10)
"""A run that has not ended after so long was killed; another one may begin."""
_PROGRESS_KEPT_SECONDS: Final = 3600


def run(
    message_id: int,
    model: type[Model],
    row_id: UUID,
    work: Callable[[Model], None],
    fail: Callable[[UUID, str], None],
    *,
    broken: str,
    told: tuple[type[Exception], ...] = (DomainError,),
) -> None:
    """Do the work of a message's row, or leave it to the run that has it.

    Args:
        message_id: the message that asked; it is finished, or postponed while another run has the row.
        model: the table of the row.
        row_id: the row.
        work: gets the row, outside a transaction, and writes its end.
        fail: ends a row in a transaction, with a Chinese sentence for whoever asked; not called for one that is over.
        broken: that sentence for an exception that nobody expects, which is raised on.
        told: exceptions whose text is that sentence.
    """
    with transaction(OPEN_WALL):
        row = claim(model, row_id)
        if row is None:
            _leave_to_the_other(message_id, model, row_id)
            return
    try:
        work(row)
    except told as fault:
        with transaction(OPEN_WALL):
            _end_unless_over(model, row_id, fail, str(fault))
    except Exception:
        with transaction(OPEN_WALL):
            _end_unless_over(model, row_id, fail, broken)
        raise
    with transaction(OPEN_WALL):
        service.finish(message_id)


def _end_unless_over(model: type[Any], row_id: UUID, fail: Callable[[UUID, str], None], problem: str) -> None:
    """An exception does not say that nothing was written: the answer to a commit may be lost, and the row be done."""
    row = db.session.get_one(model, row_id, with_for_update=True, populate_existing=True)
    if row.state in UNDER_WAY:
        fail(row_id, problem)


def claim(model: type[Model], row_id: UUID) -> Model | None:
    """The row to work on, marked as running; ``None`` where another run has it or it is over."""
    row: Any = db.session.get(model, row_id, with_for_update=True, populate_existing=True)
    if row is None or row.state not in UNDER_WAY:
        return None
    if row.state == TaskState.RUNNING and (row.started_at or clock.now()) > clock.now() - GIVEN_UP_AFTER:
        return None
    row.state, row.started_at = TaskState.RUNNING.value, clock.now()
    db.session.flush()
    claimed: Model = row
    return claimed


def _leave_to_the_other(message_id: int, model: type[Any], row_id: UUID) -> None:
    row = db.session.get(model, row_id, populate_existing=True)
    if row is not None and row.state == TaskState.RUNNING:
        service.postpone(message_id, timedelta(minutes=1))
    else:
        service.finish(message_id)


def tell_of_end(row: Any) -> None:
    """Leave a word for whoever asked, in the transaction that ends a row; each end of a row is an event of its own."""
    service.leave(RUN_ENDED, table=row.__tablename__, row_id=str(row.id), event_id=str(new_id()))


def progress(row_id: UUID) -> int:
    """How much of a running row is done, in whatever its room counts."""
    try:
        return int(current_app.extensions["shudi_redis"].get(_key(row_id)) or 0)
    except RedisError:
        return 0


def note_progress(row_id: UUID, done: int) -> None:
    """Tell how much is done; without Redis nobody is told."""
    try:
        current_app.extensions["shudi_redis"].set(_key(row_id), done, ex=_PROGRESS_KEPT_SECONDS)
    except RedisError:
        return


def _key(row_id: UUID) -> str:
    return f"single-run:{row_id}:done"
