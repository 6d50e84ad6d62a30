"""What RQ runs. Arguments are ids only."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app

from app.outbox import service


def run_messages(message_ids: list[int]) -> None:
    """Run a batch, one message after the other. Twice is safe: a message that is done is skipped."""
    for message_id in message_ids:
        service.run_message(message_id)


def run_watched(message_id: int) -> None:
    """Run one message whose runs so far did not end. Twice is safe: a message that is done is skipped."""
    service.run_watched(message_id)


def run_periodic(name: str) -> None:
    """Run the periodic job ``name``. Each says itself why running it twice is safe."""
    jobs: dict[str, Callable[[], None]] = current_app.extensions["shudi_periodic_jobs"]
    jobs[name]()
