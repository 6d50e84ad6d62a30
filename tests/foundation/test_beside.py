"""Work beside the caller: in its context, one piece at a time, never after the caller has gone on."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar

import pytest

from app.foundation.beside import Beside

_said: ContextVar[str] = ContextVar("said", default="nothing")


def test_work_runs_in_another_thread_and_in_the_callers_context() -> None:
    found: list[object] = []
    token = _said.set("mine")
    with Beside() as beside:
        beside.start(lambda: found.extend([_said.get(), threading.get_ident() != threading.main_thread().ident]))
        beside.settle()
    _said.reset(token)
    assert found == ["mine", True]


def test_what_it_raises_is_raised_where_the_caller_settles_and_once() -> None:
    def fail() -> None:
        raise LookupError("lost")

    with Beside() as beside:
        beside.start(fail)
        with pytest.raises(LookupError, match="lost"):
            beside.settle()
        beside.settle()


def test_nothing_runs_any_more_when_the_caller_has_failed() -> None:
    done: list[bool] = []

    def work() -> None:
        time.sleep(0.2)
        done.append(True)

    with pytest.raises(ValueError, match="fault"), Beside() as beside:
        beside.start(work)
        raise ValueError("fault")
    assert done == [True]
