"""Leaving messages and running them: one effect each, whatever is repeated, lost or failing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.outbox import service
from app.outbox.models import OutboxMessage

LONG = timedelta(days=365)

# Handlers of these tests. Their effect is a row of its own: another message, far from being due.


@service.handles("tests.note")
def _note(payload: dict[str, Any]) -> None:
    service.leave("tests.noted", delay=LONG, number=payload["number"])


@service.handles("tests.note_slowly")
def _note_slowly(payload: dict[str, Any]) -> None:
    db.session.execute(text("SELECT pg_sleep(0.3)"))
    _note(payload)


@service.handles("tests.note_then_fail")
def _note_then_fail(payload: dict[str, Any]) -> None:
    _note(payload)
    raise ValueError("阿依古丽 13900001234")


@service.handles_over_network("tests.call")
def _call(message_id: int, payload: dict[str, Any]) -> None:
    assert not db.session().in_transaction()
    with transaction(OPEN_WALL):
        _note(payload)
        service.finish(message_id)


@service.handles_over_network("tests.call_later")
def _call_later(message_id: int, _payload: dict[str, Any]) -> None:
    with transaction(OPEN_WALL):
        service.postpone(message_id, timedelta(minutes=5), "busy")


@service.handles_over_network("tests.call_and_fail")
def _call_and_fail(_message_id: int, _payload: dict[str, Any]) -> None:
    raise ConnectionError("https://api.example/?secret=1")


def leave(topic: str, **payload: Any) -> int:
    with transaction(OPEN_WALL):
        service.leave(topic, **payload)
        return db.session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id.desc())).first() or 0


def _leave_and_be_refused() -> None:
    with transaction(OPEN_WALL):
        service.leave("tests.note", number=1)
        raise ZeroDivisionError


def claim(limit: int = 100) -> list[int]:
    with transaction(OPEN_WALL):
        return list(service.claim_due(limit))


def row(message_id: int) -> OutboxMessage:
    db.session.rollback()
    return db.session.get_one(OutboxMessage, message_id, populate_existing=True)


def effects() -> list[int]:
    db.session.rollback()
    noted = select(OutboxMessage).where(OutboxMessage.topic == "tests.noted").order_by(OutboxMessage.id)
    return [message.payload["number"] for message in db.session.scalars(noted)]


@contextmanager
def later(**by: float) -> Iterator[None]:
    with clock.stopped_at(clock.now() + timedelta(**by)):
        yield


@pytest.fixture(autouse=True)
def _on_a_database(app: Flask) -> Flask:
    return app


class TestClaiming:
    def test_oldest_first_up_to_the_limit(self) -> None:
        ids = [leave("tests.note", number=number) for number in range(3)]
        assert claim(2) == ids[:2]
        assert claim() == ids[2:]

    def test_up_to_the_limit_by_every_plan(self) -> None:
        """A nested loop asked the subquery again for each message, and leased more than were wanted."""
        ids = [leave("tests.note", number=number) for number in range(5)]
        with transaction(OPEN_WALL):
            for other in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "indexscan", "bitmapscan"):
                db.session.execute(text(f"SET LOCAL enable_{other} = off"))
            assert list(service.claim_due(2)) == ids[:2]

    def test_a_leased_message_is_not_offered_until_the_lease_ends(self) -> None:
        message_id = leave("tests.note", number=1)
        assert claim() == [message_id]
        assert claim() == []
        with later(seconds=service.LEASE.total_seconds() - 2):
            assert claim() == []
        with later(seconds=service.LEASE.total_seconds() + 1):
            assert claim() == [message_id]
        assert row(message_id).attempts == 2

    def test_a_delayed_message_waits(self) -> None:
        with transaction(OPEN_WALL):
            service.leave("tests.note", delay=timedelta(hours=1), number=1)
        assert claim() == []
        with later(hours=1, seconds=1):
            assert len(claim()) == 1

    def test_a_refused_deed_leaves_no_message(self) -> None:
        with pytest.raises(ZeroDivisionError):
            _leave_and_be_refused()
        assert claim() == []


class TestRunning:
    def test_marks_done_with_the_effect(self) -> None:
        message_id = leave("tests.note", number=7)
        service.run_message(message_id)
        assert row(message_id).done_at is not None
        assert effects() == [7]
        with later(days=1):
            assert claim() == []

    def test_twice_has_one_effect(self) -> None:
        message_id = leave("tests.note", number=7)
        service.run_message(message_id)
        service.run_message(message_id)
        assert effects() == [7]

    def test_an_unknown_id_is_nothing(self) -> None:
        service.run_message(10**9)
        assert effects() == []


class TestFailing:
    def test_stays_visible_with_back_off_and_without_its_effect(self) -> None:
        message_id = leave("tests.note_then_fail", number=1)
        claim()
        with later(seconds=0):
            service.run_message(message_id)
            failed = row(message_id)
            assert failed.available_at == clock.now() + service.back_off(1)
        assert failed.last_error == "ValueError"  # the class alone: the text may quote a person
        assert failed.done_at is None
        assert failed.given_up_at is None
        assert effects() == []

    def test_given_up_after_the_last_attempt(self) -> None:
        message_id = leave("tests.note_then_fail", number=1)
        for attempt in range(1, service.MOST_ATTEMPTS + 1):
            assert row(message_id).given_up_at is None
            with later(hours=2 * attempt):
                assert claim() == [message_id]
                service.run_message(message_id)
        assert row(message_id).given_up_at is not None
        with later(days=30):
            assert claim() == []

    def test_a_topic_that_nobody_answers_stays_visible(self) -> None:
        message_id = leave("tests.nobody")
        service.run_message(message_id)
        assert row(message_id).last_error == "KeyError"
        assert row(message_id).done_at is None

    def test_waits_double_up_to_an_hour(self) -> None:
        waits = [service.back_off(attempt) for attempt in range(1, 20)]
        assert waits[:3] == [timedelta(seconds=seconds) for seconds in (2, 4, 8)]
        assert waits == sorted(waits)
        assert waits[-1] == service.LONGEST_WAIT


class TestNetworkHandlers:
    def test_run_outside_transactions_and_finish_themselves(self) -> None:
        message_id = leave("tests.call", number=3)
        service.run_message(message_id)
        assert row(message_id).last_error is None
        assert row(message_id).done_at is not None
        assert effects() == [3]
        service.run_message(message_id)
        assert effects() == [3]

    def test_postponed_is_offered_again_after_the_wait(self) -> None:
        message_id = leave("tests.call_later")
        claim()
        service.run_message(message_id)
        assert row(message_id).last_error == "busy"
        with later(minutes=4):
            assert claim() == []
        with later(minutes=6):
            assert claim() == [message_id]

    def test_a_fault_is_remembered_by_its_class(self) -> None:
        message_id = leave("tests.call_and_fail")
        service.run_message(message_id)
        assert row(message_id).last_error == "ConnectionError"
        assert row(message_id).done_at is None

    def test_a_topic_has_one_handler(self) -> None:
        for register in (service.handles, service.handles_over_network):
            for topic in ("tests.note", "tests.call"):
                with pytest.raises(RuntimeError):
                    register(topic)(_note)  # type: ignore[operator]


class TestOldestWaiting:
    def test_is_zero_when_all_is_done_and_the_age_of_the_oldest_otherwise(self) -> None:
        assert service.oldest_waiting() == 0
        message_id = leave("tests.note", number=1)
        with later(seconds=30):
            assert 29 < service.oldest_waiting() < 31
        service.run_message(message_id)
        with transaction(OPEN_WALL):
            service.finish(row_id_of("tests.noted"))
        assert service.oldest_waiting() == 0


def row_id_of(topic: str) -> int:
    return db.session.scalars(select(OutboxMessage.id).where(OutboxMessage.topic == topic)).one()
