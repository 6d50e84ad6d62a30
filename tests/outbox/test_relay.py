"""From the table to the queue and back: leases, a lost queue, two at once. Real commits, real Redis, real RQ."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from rq import Queue, SimpleWorker
from rq.timeouts import TimerDeathPenalty

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
                taken = service.claim_due(20)
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
