"""Several people at the same moment: each call runs in a thread, an application context and a session of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import Flask

from app.foundation import clock
from app.foundation.database import db, transaction
from app.foundation.errors import Conflict

Answer = TypeVar("Answer")


def at_once(app: Flask, calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Start all ``calls`` behind one barrier and return their answers in order; what one raises is raised here."""
    barrier = threading.Barrier(len(calls))
    moment = clock.now()

    def run(call: Callable[[], Answer]) -> Answer:
        with clock.stopped_at(moment), app.app_context():
            try:
                barrier.wait(timeout=30)
                return call()
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


def twice_at_once(app: Flask, wall: str, command: Callable[[], object]) -> list[str]:
    """What comes of a form that was sent twice: both transactions hold what they wrote for a while before they end."""

    def send() -> str:
        try:
            with transaction(wall):
                command()
                time.sleep(0.3)
        except Conflict:
            return "refused"
        return "done"

    return sorted(at_once(app, [send] * 2))
