"""Uploads in parts, for a network that breaks: create → parts in order → complete.

Each part is sealed and kept at once like any other bytes, so that a killed server or a reloaded page loses at most the
part under way. Completing sends the parts through :func:`app.files.service.receive`: the same measuring, sniffing and
sealing as an upload in one piece, in a stream; afterwards the parts go. Whoever knows the random id may go on with an
upload, nobody else; it says nothing about who that is.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from app.files import service
from app.files.formats import cleaned_name
from app.files.models import PartialUpload, StoredFile, UploadPart
from app.files.service import LARGEST_FILE_BYTES, TOO_LARGE, UNCLAIMED_FOR, ReceivedFile, vault
from app.files.sniffing import HEAD_BYTES, sniff_head
from app.files.storage import ObjectMissing, StorageFault
from app.files.vault import Place
from app.foundation import clock
from app.foundation.crypto import CannotOpen
from app.foundation.database import db
from app.foundation.errors import Conflict, InvalidInput, NotFound, PayloadTooLarge, ServiceUnavailable

logger = logging.getLogger(__name__)

PART_BYTES: Final = 1024 * 1024
"""What a client is advised to send at once: eight seconds at one megabit."""
LARGEST_PART_BYTES: Final = 8 * 1024 * 1024
_GONE: Final = "上传已过期，请重新选择文件上传"
_ELSEWHERE: Final = "请从已收到的位置继续上传"
_INCOMPLETE: Final = "文件还没有传完，请继续上传"
_PART_TOO_LARGE: Final = f"每次最多上传 {LARGEST_PART_BYTES // 1024 // 1024} MB"
_TOO_MUCH: Final = "收到的内容超过文件原来的大小"
_EMPTY_PART: Final = "没有收到内容"


def begin(size: int, filename: str, declared_type: str) -> PartialUpload:
    """Begin an upload of ``size`` bytes; raise ``PayloadTooLarge`` over 100 MB."""
    if size > LARGEST_FILE_BYTES:
        raise PayloadTooLarge(TOO_LARGE)
    upload_id = uuid.uuid4()
    upload = PartialUpload(
        id=upload_id,
        size=size,
        received=0,
        sealed_name=service.sealed_name(upload_id, cleaned_name(filename)),
        declared_type=declared_type,
        created_at=clock.now(),
    )
    db.session.add(upload)
    db.session.flush()
    return upload


def found(upload_id: UUID) -> PartialUpload:
    """An upload that has not expired; raise ``NotFound``."""
    upload = db.session.get(PartialUpload, upload_id)
    if upload is None or upload.created_at <= clock.now() - UNCLAIMED_FOR:
        raise NotFound(_GONE)
    return upload


def refuse_elsewhere(upload: PartialUpload, at: int) -> None:
    """Refuse a part that does not begin where the last one ended; the answer says where to go on."""
    if upload.file_id is not None or at != upload.received:
        raise Conflict(_ELSEWHERE, code="upload_offset", extra={"received": upload.received})


def keep_part(upload: PartialUpload, at: int, pieces: Iterable[bytes]) -> UploadPart:
    """Seal and keep the bytes of one part, outside any transaction; it has no row yet (see :func:`register_part`).

    Raises:
        PayloadTooLarge: over 8 MB, or over the size that was announced. InvalidInput: empty.
        UnsupportedFile: the first part does not begin like a file that is taken.
        ServiceUnavailable: the storage failed.
    """
    if at == 0:
        head, pieces = service.head_of(pieces)
        if len(head) >= min(HEAD_BYTES, upload.size):  # a shorter beginning is judged with the whole
            sniff_head(head)
    part_id, counted = uuid.uuid4(), _Counted(pieces, min(LARGEST_PART_BYTES, upload.size - at))
    try:
        place = vault().put(part_id, counted)
    except StorageFault as fault:
        logger.exception("a part could not be stored")
        raise ServiceUnavailable(service.NOT_KEPT) from fault
    if not counted.size:
        vault().drop(place.storage_key)
        raise InvalidInput(_EMPTY_PART)
    return UploadPart(
        id=part_id,
        upload_id=upload.id,
        at=at,
        size=counted.size,
        storage_key=place.storage_key,
        sealed_key=place.sealed_key,
    )


def register_part(part: UploadPart) -> PartialUpload:
    """Write the row of a kept part. Of two that bring the same part at once the second is told where to go on."""
    upload = _locked(part.upload_id)
    refuse_elsewhere(upload, part.at)
    upload.received += part.size
    db.session.add(part)
    db.session.flush()
    return upload


def finished_file(upload: PartialUpload) -> StoredFile | None:
    """The file that an upload has become, if it has; raise ``Conflict`` while bytes are missing."""
    if upload.file_id is not None:
        return db.session.get(StoredFile, upload.file_id)
    if upload.received != upload.size:
        raise Conflict(_INCOMPLETE, code="upload_incomplete", extra={"received": upload.received})
    return None


@dataclass(frozen=True, slots=True)
class Whole:
    """What an upload will be, as it was read: another call may complete it and take its rows away meanwhile."""

    name: str = field(repr=False)
    declared_type: str
    places: list[Place]


def whole_of(upload: PartialUpload) -> Whole:
    """The parts in order; raise ``Conflict`` where they are not the whole (another call has completed it)."""
    ordered = select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.at)
    parts = list(db.session.scalars(ordered))
    if sum(part.size for part in parts) != upload.size:
        raise Conflict(_INCOMPLETE, code="upload_incomplete", extra={"received": upload.received})
    places = [Place(part.id, part.storage_key, part.sealed_key) for part in parts]
    return Whole(service.original_name(upload), upload.declared_type, places)


def completed_meanwhile(upload_id: UUID) -> StoredFile | None:
    """The file that another call has made of an upload in the meantime."""
    upload = db.session.get(PartialUpload, upload_id, populate_existing=True)
    return db.session.get(StoredFile, upload.file_id) if upload and upload.file_id else None


def assemble(whole: Whole) -> ReceivedFile:
    """Receive the whole from its parts, outside any transaction; raises as :func:`app.files.service.receive`."""
    content = chain.from_iterable(map(vault().stream, whole.places))
    try:
        return service.receive(content, whole.name, whole.declared_type, "public")
    except (CannotOpen, ObjectMissing) as fault:  # missing also where another call completes the upload meanwhile
        logger.warning("a part of an upload cannot be read", exc_info=True)
        raise ServiceUnavailable(service.NOT_KEPT) from fault


def register_whole(upload_id: UUID, received: ReceivedFile) -> tuple[StoredFile, list[str]]:
    """Write the row of the whole, and forget the parts.

    Returns:
        the file, and the storage keys that nobody needs any more: those of the parts, or of ``received`` itself when
        another call has completed the upload meanwhile.
    """
    upload = _locked(upload_id)
    if upload.file_id is not None and (done := db.session.get(StoredFile, upload.file_id)) is not None:
        return done, [received.place.storage_key]
    stored = service.register(received)
    upload.file_id = stored.id
    return stored, forget_parts(upload_id)


def forget(upload_id: UUID) -> list[str]:
    """Delete an upload whose content was refused, unless it is completed; return the storage keys of its parts."""
    if _locked(upload_id).file_id is not None:
        return []
    keys = forget_parts(upload_id)
    db.session.execute(delete(PartialUpload).where(PartialUpload.id == upload_id))
    return keys


def forget_parts(upload_id: UUID) -> list[str]:
    """Delete the rows of the parts; return their storage keys."""
    gone = delete(UploadPart).where(UploadPart.upload_id == upload_id).returning(UploadPart.storage_key)
    return list(db.session.scalars(gone))


def drop_bytes(storage_keys: Iterable[str]) -> None:
    """Remove bytes that no row names; what the storage refuses is left to the sweep of orphans."""
    for key in storage_keys:
        try:
            vault().drop(key)
        except StorageFault:
            logger.warning("bytes of a part are left to the sweep of orphans")


def _locked(upload_id: UUID) -> PartialUpload:
    upload = db.session.get(PartialUpload, upload_id, with_for_update=True, populate_existing=True)
    if upload is None:
        raise NotFound(_GONE)
    return upload


class _Counted:
    """Passes pieces on up to a limit, and knows afterwards how many bytes they were."""

    def __init__(self, pieces: Iterable[bytes], most: int) -> None:
        self._pieces = pieces
        self._most = most
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            if self.size > self._most:
                raise PayloadTooLarge(_PART_TOO_LARGE if self._most == LARGEST_PART_BYTES else _TOO_MUCH)
            yield piece
