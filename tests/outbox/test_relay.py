"""From the table to the queue and back: leases, a lost queue, two at once. Real commits, real Redis, real RQ."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from rq import Queue, SimpleWorker
from rq.timeouts import TimerDeathPenalty

from app.console import checks_inside
from app.console.findings import State
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, enter_wall, transaction
from app.outbox import jobs, relay, service
from tests.outbox.test_service import claim, effects, later, leave, row


class _Worker(SimpleWorker):  # type: ignore[misc]
    """Runs jobs in this process; a timer instead of the alarm signal, which the test run uses itself."""

    death_penalty_class = TimerDeathPenalty


def work(queue: Queue) -> None:
    _Worker([queue], connection=queue.connection).work(burst=True, logging_level="ERROR")


@pytest.fixture
def queue(committed_app: Flask) -> Queue:
    return Queue(relay.QUEUE_NAME, connection=committed_app.extensions["shudi_redis"])


def test_messages_travel_through_the_queue(queue: Queue) -> None:
    ids = [leave("tests.note", number=number) for number in range(relay.BATCH + 5)]
    assert relay.relay_once(queue) == len(ids)
    assert queue.count == 2
    work(queue)
    assert effects() == list(range(len(ids)))
    assert all(row(message_id).done_at for message_id in ids)


def test_jobs_carry_ids_alone(queue: Queue) -> None:
    message_id = leave("tests.note", number=42)
    relay.relay_once(queue)
    [job] = queue.jobs
    assert job.args == ([message_id],)
    assert job.kwargs == {}


def test_a_lost_queue_loses_nothing(queue: Queue) -> None:
    leave("tests.note", number=1)
    assert relay.relay_once(queue) == 1
    queue.connection.flushdb()
    assert relay.relay_once(queue) == 0  # leased: it might still be under way
    work(queue)
    assert effects() == []
    with later(seconds=service.LEASE.total_seconds() + 1):
        assert relay.relay_once(queue) == 1
    work(queue)
    assert effects() == [1]


def test_handed_over_twice_has_one_effect(queue: Queue) -> None:
    leave("tests.note", number=1)
    relay.relay_once(queue)
    with later(seconds=service.LEASE.total_seconds() + 1):
        relay.relay_once(queue)
    assert queue.count == 2
    work(queue)
    assert effects() == [1]


def test_run_at_once_by_many_has_one_effect(committed_app: Flask) -> None:
    message_id = leave("tests.note_slowly", number=1)

    def run(_: int) -> None:
        with committed_app.app_context():
            jobs.run_messages([message_id])
            db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert effects() == [1]
    assert row(message_id).last_error is None


def test_two_relays_never_lease_the_same_message(committed_app: Flask) -> None:
    ids = [leave("tests.note", number=number) for number in range(60)]
    both_ready = threading.Barrier(3)

    def lease(_: int) -> list[int]:
        with committed_app.app_context():
            enter_wall(OPEN_WALL)
            with transaction(OPEN_WALL):
                both_ready.wait(10)
                taken = list(service.claim_due(20))
                both_ready.wait(10)  # every lease is taken before the first commits
            db.session.remove()
            return taken

    with ThreadPoolExecutor(3) as pool:
        taken = [message_id for lot in pool.map(lease, range(3)) for message_id in lot]
    assert sorted(taken) == ids


def test_one_failing_message_does_not_hold_up_its_batch(queue: Queue) -> None:
    failing = leave("tests.note_then_fail", number=1)
    leave("tests.note", number=2)
    relay.relay_once(queue)
    work(queue)
    assert effects() == [2]
    assert row(failing).last_error == "ValueError"


class _WorkerDied(BaseException):
    """What nobody catches and nobody writes down, as a kill by the kernel."""


@service.handles_over_network("tests.kill")
def _kill(_message_id: int, _payload: dict[str, Any]) -> None:
    raise _WorkerDied


def _run_as_dying_workers(queue: Queue) -> None:
    """Run what is queued; a job that ends its worker is lost with it, and what stood behind it in the job too."""
    for job in queue.jobs:
        with contextlib.suppress(_WorkerDied):
            job.perform()
    queue.empty()


def test_a_message_that_kills_its_worker_holds_up_no_other_for_long_and_is_given_up(queue: Queue) -> None:
    deadly = leave("tests.kill")
    behind = leave("tests.note", number=1)
    handed_over = done_after = 0
    with ExitStack() as days:
        while row(deadly).given_up_at is None:
            assert handed_over < 20
            handed_over += 1
            days.enter_context(later(seconds=61))
            relay.relay_once(queue)
            _run_as_dying_workers(queue)
            done_after = done_after or (handed_over if row(behind).done_at else 0)
        assert (done_after, handed_over) == (
            relay.ALONE_FROM,
            service.MOST_ATTEMPTS + service.MOST_UNFINISHED + 1,
        )
        assert effects() == [1]
        assert service.given_up() == 1
        days.enter_context(later(days=30))
        assert relay.relay_once(queue) == 0


def test_an_outage_of_the_workers_gives_nothing_up(queue: Queue) -> None:
    """Leased again and again without ever being begun, a message is run like any other when a worker is back."""
    message_id = leave("tests.note", number=1)
    with ExitStack() as days:
        for _ in range(3 * service.MOST_ATTEMPTS):
            days.enter_context(later(seconds=61))
            assert relay.relay_once(queue) == 1
            queue.empty()
        days.enter_context(later(seconds=61))
        relay.relay_once(queue)
        work(queue)
    assert effects() == [1]
    assert (row(message_id).last_error, row(message_id).given_up_at) == (None, None)


def test_what_was_given_up_is_offered_again_when_told(committed_app: Flask, queue: Queue) -> None:
    message_id = leave("tests.kill")
    for _ in range(service.MOST_UNFINISHED + 1):
        with contextlib.suppress(_WorkerDied):
            service.run_watched(message_id)
    assert service.given_up() == 1
    assert checks_inside.delivery().state is State.BAD
    told = committed_app.test_cli_runner().invoke(args=["outbox", "retry"])
    assert told.output == "已重新安排 1 条后台任务\n"
    assert (service.given_up(), relay.relay_once(queue)) == (0, 1)
    assert "没有" in committed_app.test_cli_runner().invoke(args=["outbox", "retry"]).output


def test_a_full_queue_is_given_no_more(queue: Queue) -> None:
    message_id = leave("tests.note", number=1)
    for _ in range(relay.MOST_BATCHES_QUEUED):
        queue.enqueue(jobs.run_messages, [])
    assert relay.relay_once(queue) == 0
    assert row(message_id).attempts == 0
    queue.empty()
    assert relay.relay_once(queue) == 1


def test_a_killed_relay_costs_one_lease(committed_app: Flask, queue: Queue) -> None:
    leave("tests.note", number=1)
    assert len(claim()) == 1  # and then the relay died before it handed anything over
    assert relay.relay_once(queue) == 0
    with clock.stopped_at(clock.now() + service.LEASE + timedelta(seconds=1)):
        assert relay.relay_once(queue) == 1
    work(queue)
    assert effects() == [1]


class TestPeriodicClock:
    def test_enqueues_when_due_and_never_twice(self, queue: Queue) -> None:
        periodic = relay.PeriodicClock({"audit-seal": 10.0})
        for moment in (0.0, 5.0, 10.0, 20.0):
            periodic.tick(queue, moment)
        assert queue.job_ids == ["periodic-audit-seal"]  # it still waits, so it is not enqueued again
        work(queue)
        assert queue.count == 0
        periodic.tick(queue, 29.0)
        assert queue.count == 0
        periodic.tick(queue, 30.0)
        assert queue.count == 1
