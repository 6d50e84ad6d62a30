"""Long work in pieces: one at a time, gone on with after a kill, its failure told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import Conflict
from app.foundation.long_work import Piece
from app.outbox import service, tasks
from app.outbox.tasks import TaskState
from tests import factories

DID: list[int] = []


def count_to_three(memory: dict[str, Any]) -> Piece:
    number = memory.get("number", 0) + 1
    DID.append(number)
    if number == memory.get("breaks_at"):
        raise RuntimeError("broken")
    return Piece({**memory, "number": number}, number, 3, number == 3)


@pytest.fixture(autouse=True)
def _offered(app: Flask) -> Iterator[None]:
    DID.clear()
    app.extensions["shudi_tasks"]["test-count"] = count_to_three
    yield
    del app.extensions["shudi_tasks"]["test-count"]


def start() -> None:
    with transaction(OPEN_WALL):
        tasks.start("test-count", None)


def state() -> tuple[str, int, dict[str, Any]]:
    task = tasks.latest("test-count")
    assert task is not None
    return task.state, task.done, task.memory


def test_work_goes_on_piece_by_piece_to_its_end() -> None:
    start()
    with pytest.raises(Conflict):
        start()
    factories.deliver()
    assert state() == (TaskState.DONE, 3, {"number": 3})
    assert DID == [1, 2, 3]
    start()
    factories.deliver()
    assert DID == [1, 2, 3, 1, 2, 3]


def test_long_work_lets_others_have_the_worker_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE_SECONDS", -1.0)
    start()
    with transaction(OPEN_WALL):
        [message] = service.claim_due(10)
    service.run_message(message)
    assert state() == (TaskState.RUNNING, 1, {"number": 1})
    factories.deliver()
    assert state() == (TaskState.DONE, 3, {"number": 3})
    service.run_message(message)
    assert DID == [1, 2, 3], "what is done is not done again"


def test_one_run_has_a_task_and_a_killed_one_is_followed() -> None:
    start()
    with transaction(OPEN_WALL) as session:
        task = tasks.latest("test-count")
        assert task is not None
        task.state, task.beat_at, task.memory = TaskState.RUNNING.value, clock.now(), {"number": 1}
        session.flush()
    with transaction(OPEN_WALL):
        [message] = service.claim_due(10)
    service.run_message(message)
    assert DID == [], "somebody else has it"
    with clock.stopped_at(clock.now() + timedelta(minutes=5)):
        factories.deliver()
    assert DID == [2, 3], "it goes on where the killed run left it"


def test_a_failure_is_told_and_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    start()
    with transaction(OPEN_WALL) as session:
        task = tasks.latest("test-count")
        assert task is not None
        task.memory = {"breaks_at": 2, "number": 0}
        session.flush()
    factories.deliver()
    task = tasks.latest("test-count")
    assert task is not None
    assert (task.state, task.fault, task.done) == (TaskState.FAILED.value, "RuntimeError", 1)
    factories.deliver()
    assert DID == [1, 2]
