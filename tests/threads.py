"""Several people at the same moment: each call runs in a thread, an application context and a session of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import Flask

from app.foundation import clock
from app.foundation.database import db

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
