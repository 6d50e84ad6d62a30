"""Clean copies of images and of the pages of a PDF: what an officer looks at.

The original stays sealed, byte for byte, as evidence. A copy is drawn anew from its pixels: no position, no camera, no
hidden second picture, nothing that a viewer could run. It is upright as the camera meant it, and a JPEG whatever came.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.files import service
from app.files.drawing import pictures_of
from app.files.formats import FileKind
from app.files.models import CopySize, FileCopy, StoredFile
from app.files.vault import Place
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import NotFound

_MEDIA_TYPE: Final = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One copy whose bytes are kept and which has no row yet."""

    size_name: CopySize
    place: Place
    size: int
    sha256: str
    page: int


def draw(stored: StoredFile) -> list[Drawn]:
    """Draw and keep the copies of an image or a PDF, outside any transaction; nothing for what cannot be drawn.

    Raises:
        StorageFault: the storage does not answer.
    """
    if stored.kind not in {FileKind.PDF, FileKind.IMAGE}:
        return []
    return [
        _laid_down(stored.id, CopySize.VIEW if page else CopySize.THUMBNAIL, picture, page or 1)
        for page, picture in enumerate(pictures_of(stored.kind, service.vault().stream(stored.place)))
    ]


def register(file_id: UUID, drawn: list[Drawn]) -> None:
    """Write the rows of copies; a file that has its copies already keeps those."""
    for one in drawn:
        row = {
            "file_id": file_id,
            "size_name": one.size_name,
            "page": one.page,
            "media_type": _MEDIA_TYPE,
            "size": one.size,
            "sha256": one.sha256,
            "storage_key": one.place.storage_key,
            "sealed_key": one.place.sealed_key,
            "made_at": clock.now(),
        }
        db.session.execute(insert(FileCopy).values(row).on_conflict_do_nothing())


def has_copies(file_id: UUID) -> bool:
    """Whether the copies of a file are there."""
    return db.session.scalar(select(FileCopy.file_id).where(FileCopy.file_id == file_id).limit(1)) is not None


def pages_of(file_id: UUID) -> int:
    """How many pages of a file can be looked at; 0 where no copy was made (yet), 1 for an image."""
    views = select(func.count()).where(FileCopy.file_id == file_id, FileCopy.size_name == CopySize.VIEW)
    return db.session.scalar(views) or 0


def copy_of(file_id: UUID, size_name: CopySize, page: int = 1) -> FileCopy:
    """One copy; raise ``NotFound`` where there is none (yet)."""
    copy = db.session.get(FileCopy, (file_id, size_name, page))
    if copy is None:
        raise NotFound("该文件没有可供查看的副本，请下载原件")
    return copy


def _laid_down(file_id: UUID, size_name: CopySize, content: bytes, page: int) -> Drawn:
    place = service.vault().put(file_id, [content])
    return Drawn(size_name, place, len(content), hashlib.sha256(content).hexdigest(), page)
