"""Clean copies of images and of the pages of a PDF: what an officer looks at.

The original stays sealed, byte for byte, as evidence. A copy is drawn anew from its pixels: no position, no camera, no
hidden second picture, nothing that a viewer could run. It is upright as the camera meant it, and a JPEG whatever came.
"""

from __future__ import annotations

import hashlib
import io
import logging
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import UUID

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.files import service
from app.files.documents import pictures_of
from app.files.formats import FileKind
from app.files.models import CopySize, FileCopy, StoredFile
from app.files.vault import Place
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import NotFound

logger = logging.getLogger(__name__)

MOST_PIXELS: Final = 120_000_000
"""Twice the largest telephone camera; a header that claims more is a bomb, and no copy is made."""
THUMBNAIL_SIDE: Final = 320
_QUALITY: Final = {CopySize.VIEW: 85, CopySize.THUMBNAIL: 75}
_MEDIA_TYPE: Final = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One copy whose bytes are kept and which has no row yet."""

    size_name: CopySize
    place: Place
    size: int
    sha256: str
    page: int = 1


def draw(stored: StoredFile) -> list[Drawn]:
    """Draw and keep the copies of an image or a PDF, outside any transaction; nothing for what cannot be drawn.

    Raises:
        StorageFault: the storage does not answer.
    """
    if stored.kind is FileKind.PDF:
        return _pages(stored)
    if stored.kind is not FileKind.IMAGE:
        return []
    try:
        picture = _upright(stored)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as fault:
        logger.warning("no copy of file %s: %s", stored.id, type(fault).__name__)
        return []
    view = _kept(stored.id, CopySize.VIEW, picture)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return [view, _kept(stored.id, CopySize.THUMBNAIL, picture)]


def _pages(stored: StoredFile) -> list[Drawn]:
    """Every page that could be drawn, and the first one small."""
    drawn: list[Drawn] = []
    for number, picture in enumerate(pictures_of(service.vault().stream(stored.place)), start=1):
        drawn.append(_laid_down(stored.id, CopySize.VIEW, picture, number))
        if number == 1:
            with Image.open(io.BytesIO(picture)) as small:
                small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
                drawn.append(_kept(stored.id, CopySize.THUMBNAIL, small))
    return drawn


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


def _upright(stored: StoredFile) -> Image.Image:
    """The pixels alone, turned as the camera said, on white where they were transparent."""
    _know_heic()
    with Image.open(service.vault().reader(stored.place, stored.size)) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise Image.DecompressionBombError
        turned = ImageOps.exif_transpose(opened)
        if turned.mode in {"RGBA", "LA", "PA"} or "transparency" in turned.info:
            above = turned.convert("RGBA")
            below = Image.new("RGBA", above.size, "white")
            return Image.alpha_composite(below, above).convert("RGB")
        return turned.convert("RGB")


def _kept(file_id: UUID, size_name: CopySize, picture: Image.Image) -> Drawn:
    target = io.BytesIO()
    # Nothing of the original's head goes along: neither Exif nor comments nor colour profile.
    picture.save(target, "JPEG", quality=_QUALITY[size_name], exif=b"", icc_profile=None, comment=b"")
    return _laid_down(file_id, size_name, target.getvalue())


def _laid_down(file_id: UUID, size_name: CopySize, content: bytes, page: int = 1) -> Drawn:
    place = service.vault().put(file_id, [content])
    return Drawn(size_name, place, len(content), hashlib.sha256(content).hexdigest(), page)


@cache
def _know_heic() -> None:
    """Let the library read the pictures of telephones, at the first picture rather than at every start."""
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
