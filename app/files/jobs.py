"""Removing what nobody used."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from app.files import antivirus, service
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction

logger = logging.getLogger(__name__)

_KEYS_AT_ONCE: Final = 500
_SHORTEST_WAIT: Final = timedelta(hours=1)
"""Longer than any upload takes: bytes are kept before their row is written."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What one run removed: rows of unused uploads, and objects that no row names."""

    rows: int
    objects: int


def remove_orphans(older_than: timedelta = service.UNCLAIMED_FOR) -> Removed:
    """Remove uploads that nobody used, and bytes that a crash left without a row.

    Twice is safe, also at the same time: a row is deleted only while it is unused, bytes only while no row names them,
    and what is gone already is passed over. A run that is killed in between leaves bytes for the next. Nothing is
    removed from a storage of which the database names nothing at all: it is not, or not yet, the one that goes with it.

    Raises:
        ValueError: ``older_than`` is under an hour, so that bytes of an upload under way could be taken for orphans.
    """
    if older_than < _SHORTEST_WAIT:
        raise ValueError("uploads wait for at least an hour")
    vault, before = service.vault(), clock.now() - older_than
    if _is_foreign(vault.written_before(before)):
        logger.error("orphans are left alone: the database names nothing of what lies in the storage")
        return Removed(0, 0)
    with transaction(OPEN_WALL):
        rows = service.forget_unclaimed(older_than)
    objects = 0
    for keys in _batches(vault.written_before(before)):
        with transaction(OPEN_WALL):
            orphans = service.without_row(keys)
        for key in orphans:
            vault.drop(key)
        objects += len(orphans)
    logger.info("orphans removed", extra={"fields": {"rows": rows, "objects": objects}})
    return Removed(rows, objects)


def _is_foreign(keys: Iterator[str]) -> bool:
    """Whether there is something in the storage and the database names none of it: not restored yet, or another's."""
    batch: list[str] = []
    for batch in _batches(keys):
        with transaction(OPEN_WALL):
            if len(service.without_row(batch)) < len(set(batch)):
                return False
    return bool(batch)


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, _KEYS_AT_ONCE)):
        yield batch


def scan_waiting() -> None:
    """Let the virus scanner see the files that wait for it.

    Twice is safe, also at the same time: a verdict is written only while the file waits. A scanner that does not
    answer leaves everything waiting, and so held.
    """
    antivirus.scan_waiting()
