"""Statements that PostgreSQL works on while the program computes: one thread beside the caller's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Self


class Beside:
    """One piece of work at a time in another thread, in the caller's context: so in its session and transaction.

    Until :meth:`settle` the caller leaves the session alone.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._under_way: Future[None] | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin a piece of work; the one before must be settled."""
        self._under_way = self._thread.submit(copy_context().run, work)

    def settle(self) -> None:
        """Wait for what is under way, if anything is, and raise what it raised."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        """Whatever happened, nothing runs in the transaction when it is rolled back or goes on."""
        self._thread.shutdown()
