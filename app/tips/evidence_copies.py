"""Clean copies of the images and PDFs of a tip: wanted in the transaction that takes them, drawn afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from app.files import copies
from app.files.formats import FileKind
from app.files.models import StoredFile
from app.foundation.database import OPEN_WALL, db, transaction
from app.outbox import service as outbox

COPIES_WANTED: Final = "tips.copies_wanted"


def want_copies(files: Iterable[StoredFile]) -> None:
    """Leave a message for every image and every PDF."""
    for file in files:
        if file.kind in {FileKind.IMAGE, FileKind.PDF}:
            outbox.leave(COPIES_WANTED, file_id=str(file.id))


def make_copies(message_id: int, file_id: UUID) -> None:
    """Read → draw and keep, outside any transaction → write the rows with the mark that it is done."""
    with transaction(OPEN_WALL):
        stored = db.session.get_one(StoredFile, file_id)
        there = copies.has_copies(file_id)
    drawn = [] if there else copies.draw(stored)
    with transaction(OPEN_WALL):
        copies.register(file_id, drawn)
        outbox.finish(message_id)
