"""The relay: takes due messages from the table to RQ, and is the clock of the periodic jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy.exc import OperationalError

from app.foundation.database import OPEN_WALL, db, transaction
from app.outbox import jobs, service

logger = logging.getLogger(__name__)

QUEUE_NAME: Final = "shudi"
CLAIMED_AT_ONCE: Final = 200
BATCH: Final = 20
ALONE_FROM: Final = 4
"""Leased so often, a message goes by itself: one that ends its worker must not hold up those behind it."""
MOST_BATCHES_QUEUED: Final = 50
"""Back-pressure: what waits in the table keeps its order and its lease is not wasted in a long queue."""
PAUSE_SECONDS: Final = 0.25
JOB_TIMEOUT_SECONDS: Final = 300


def batches(ids: Sequence[int], size: int = BATCH) -> Iterator[list[int]]:
    """``ids`` in lists of at most ``size``."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def relay_once(queue: Queue) -> int:
    """Hand over what is due; return the number of messages. A crash between lease and hand-over costs one lease."""
    if queue.count >= MOST_BATCHES_QUEUED:
        return 0
    with transaction(OPEN_WALL):
        leased = service.claim_due(CLAIMED_AT_ONCE)
    for batch in batches([one for one, times in leased.items() if times < ALONE_FROM]):
        _hand_over(queue, jobs.run_messages, batch)
    for one, times in leased.items():
        if times > service.MOST_ATTEMPTS:
            _hand_over(queue, jobs.run_watched, one)
        elif times >= ALONE_FROM:
            _hand_over(queue, jobs.run_messages, [one])
    return len(leased)


def _hand_over(queue: Queue, job: Callable[..., None], given: list[int] | int) -> None:
    queue.enqueue(job, given, job_timeout=JOB_TIMEOUT_SECONDS, result_ttl=0, failure_ttl=86400)


class PeriodicClock:
    """Enqueues each periodic job when its interval has passed, unless it still waits in the queue."""

    def __init__(self, intervals: Mapping[str, float]) -> None:
        self._intervals = intervals
        self._next_at = dict.fromkeys(intervals, 0.0)

    def tick(self, queue: Queue, moment: float) -> None:
        """Enqueue what is due at ``moment`` (seconds of a monotonic clock)."""
        for name, interval in self._intervals.items():
            if moment < self._next_at[name]:
                continue
            self._next_at[name] = moment + interval
            job_id = f"periodic-{name}"
            waiting = queue.fetch_job(job_id)
            if waiting is not None and waiting.get_status() in {"queued", "started"}:
                continue
            if waiting is not None:
                waiting.delete()
            queue.enqueue(
                jobs.run_periodic, name, job_id=job_id, job_timeout=JOB_TIMEOUT_SECONDS, result_ttl=0, failure_ttl=3600
            )


def run(queue: Queue, intervals: Mapping[str, float], stop: threading.Event) -> None:
    """Relay until ``stop`` is set. A database or queue that is away is waited for, not died of."""
    periodic = PeriodicClock(intervals)
    while not stop.is_set():
        handed_over = 0
        try:
            periodic.tick(queue, time.monotonic())
            handed_over = relay_once(queue)
        except (OperationalError, RedisError) as fault:
            logger.warning("relay waits", extra={"fields": {"fault": type(fault).__name__}})
            db.session.remove()
            stop.wait(1.0)
        if handed_over < CLAIMED_AT_ONCE:
            stop.wait(PAUSE_SECONDS)
