"""Leaving messages, and running the jobs that answer them.

A message is written in the transaction of the deed. The relay hands its id to RQ; the job locks the row, produces its
effect and marks the row done in one transaction. So a lost queue or a killed worker loses nothing (the relay hands the
id over again when the lease ends) and doubles nothing (a row that is done is not run again).

A handler that calls another server runs outside any transaction and says itself, in the transaction that records the
answer, whether the message is done (:func:`finish`) or wanted again (:func:`postpone`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import and_, func, select, update

from app.foundation import clock
from app.foundation.database import OPEN_WALL, Row, db, insert_rows, transaction
from app.outbox.models import OutboxMessage

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
"""How long a message belongs to one hand-over before the relay offers it again."""
MOST_ATTEMPTS: Final = 12
"""How often a message may fail. How often it was leased says nothing: workers may have been away."""
MOST_UNFINISHED: Final = 3
"""How many runs in a row may end with their worker, once a message is watched."""
LONGEST_WAIT: Final = timedelta(hours=1)

Handler = Callable[[dict[str, Any]], None]
NetworkHandler = Callable[[int, dict[str, Any]], None]
_handlers: dict[str, Handler] = {}
_network_handlers: dict[str, NetworkHandler] = {}


def handles(topic: str) -> Callable[[Handler], Handler]:
    """Register the handler of ``topic``; it runs in the transaction that marks the message done."""

    def register(handler: Handler) -> Handler:
        _refuse_second_handler(topic)
        _handlers[topic] = handler
        return handler

    return register


def handles_over_network(topic: str) -> Callable[[NetworkHandler], NetworkHandler]:
    """Register a handler that calls another server: it gets message id and payload, and opens its own transactions.

    It must be safe to run twice at any point, and end each run with :func:`finish`, :func:`postpone` or an exception.
    """

    def register(handler: NetworkHandler) -> NetworkHandler:
        _refuse_second_handler(topic)
        _network_handlers[topic] = handler
        return handler

    return register


def _refuse_second_handler(topic: str) -> None:
    if topic in _handlers or topic in _network_handlers:
        raise RuntimeError(f"two handlers for {topic}")


def leave(topic: str, *, delay: timedelta = timedelta(0), **payload: Any) -> None:
    """Leave a message in the present transaction. The payload holds ids and codes only, never personal data."""
    insert_rows([message_row(topic, delay=delay, **payload)])


def message_row(topic: str, *, delay: timedelta = timedelta(0), **payload: Any) -> Row:
    """The row of a message, for a caller that inserts it together with its own (see :func:`leave`)."""
    moment = clock.now()
    return Row(
        OutboxMessage,
        {"topic": topic, "payload": payload, "created_at": moment, "available_at": moment + delay},
    )


def claim_due(limit: int) -> dict[int, int]:
    """Lease up to ``limit`` due messages to this relay; their ids, oldest first, with how often each was leased."""
    due = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.done_at.is_(None),
            OutboxMessage.given_up_at.is_(None),
            OutboxMessage.available_at <= clock.now(),
        )
        .order_by(OutboxMessage.available_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # asked once; a subquery may be asked again for each row, and pass over what is leased by then
    )
    leased = (
        update(OutboxMessage)
        .where(OutboxMessage.id == due.c.id)
        .values(available_at=clock.now() + LEASE, attempts=OutboxMessage.attempts + 1)
        .returning(OutboxMessage.id, OutboxMessage.attempts)
    )
    return dict(sorted(db.session.execute(leased)))


def run_message(message_id: int) -> None:
    """Produce the effect of one message. Running it twice, also at once, has one effect."""
    try:
        calling_out = _run_in_transaction(message_id)
        if calling_out is not None:
            topic, payload = calling_out
            _network_handlers[topic](message_id, payload)
    except Exception as fault:  # noqa: BLE001  # whatever failed stays visible in the row and is tried again
        logger.warning(
            "outbox message failed", extra={"fields": {"message_id": message_id, "fault": type(fault).__name__}}
        )
        _remember_failure(message_id, fault)


def run_watched(message_id: int) -> None:
    """Run a message that was leased more often than one is tried: its runs may not end because their worker dies of it.

    Nobody is left to write such an end down, so the beginning is.
    """
    with transaction(OPEN_WALL):
        message = _locked(message_id)
        if message is None or message.given_up_at is not None:
            return
        if message.unfinished >= MOST_UNFINISHED:
            message.given_up_at = clock.now()
            logger.error("outbox message given up, it ends its worker", extra={"fields": {"message_id": message_id}})
            return
        message.unfinished += 1
    run_message(message_id)


def _locked(message_id: int) -> OutboxMessage | None:
    """A message that is not done; whoever runs it meanwhile is waited for."""
    return db.session.scalar(
        select(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _run_in_transaction(message_id: int) -> tuple[str, dict[str, Any]] | None:
    """Run the handler and mark the message done in one transaction; return topic and payload of a network message."""
    with transaction(OPEN_WALL):
        message = _locked(message_id)
        if message is None:
            return None
        if message.topic in _network_handlers:
            return message.topic, message.payload
        _handlers[message.topic](message.payload)
        finish(message_id)
        return None


def finish(message_id: int) -> None:
    """Mark a message done, in the present transaction: the one that writes its effect."""
    db.session.execute(
        update(OutboxMessage).where(OutboxMessage.id == message_id).values(done_at=clock.now(), last_error=None)
    )


def postpone(message_id: int, wait: timedelta, reason: str | None = None) -> None:
    """Want a message again after ``wait``, in the present transaction.

    ``reason`` is the code of a failure, never personal data; without one all is well, and counting begins anew.
    """
    wanted = clock.now() + wait
    counted = {"failures": OutboxMessage.failures + 1} if reason else {"failures": 0, "attempts": 0}
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None))
        .values(available_at=wanted, wanted_at=wanted, last_error=reason, unfinished=0, **counted)
    )


def _remember_failure(message_id: int, fault: Exception) -> None:
    with transaction(OPEN_WALL):
        message = _locked(message_id)
        if message is None:
            return
        # The class alone: the text of an exception may quote personal data.
        message.last_error = type(fault).__name__
        message.failures += 1
        message.unfinished = 0
        message.available_at = clock.now() + back_off(message.failures)
        if message.failures >= MOST_ATTEMPTS:
            message.given_up_at = clock.now()


def back_off(attempts: int) -> timedelta:
    """Wait 2, 4, 8 … seconds, an hour at most."""
    return min(timedelta(seconds=2 ** min(attempts, 12)), LONGEST_WAIT)


def given_up() -> int:
    """How many messages were tried as often as one is tried and are offered no more."""
    return db.session.scalar(select(func.count()).where(_GIVEN_UP)) or 0


def offer_again() -> int:
    """Offer what was given up once more, as if it were new, in the present transaction; return how many."""
    offered = update(OutboxMessage).where(_GIVEN_UP).returning(OutboxMessage.id)
    moment = clock.now()
    counted = {"attempts": 0, "failures": 0, "unfinished": 0}
    fresh = counted | {"given_up_at": None, "last_error": None, "available_at": moment, "wanted_at": moment}
    return len(db.session.scalars(offered.values(fresh)).all())


_GIVEN_UP: Final = and_(OutboxMessage.given_up_at.is_not(None), OutboxMessage.done_at.is_(None))


def oldest_waiting() -> float:
    """For how many seconds the oldest undelivered message is overdue; what waits on purpose is not."""
    wanted = func.coalesce(OutboxMessage.wanted_at, OutboxMessage.created_at)
    oldest = db.session.scalar(
        select(func.min(wanted)).where(OutboxMessage.done_at.is_(None), OutboxMessage.given_up_at.is_(None))
    )
    return max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
