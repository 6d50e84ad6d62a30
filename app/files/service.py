"""Receiving, registering, using and opening files. Bytes move outside transactions; rows are only flushed."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from flask import current_app
from sqlalchemy import delete, select, update

from app.files.formats import FileKind, Format, cleaned_name
from app.files.models import FileCopy, PartialUpload, Purpose, PurposeName, Scan, StoredFile, UploadPart
from app.files.sniffing import HEAD_BYTES, refuse_contradiction, sniff, sniff_head
from app.files.storage import StorageFault
from app.files.vault import Place, Vault, make_vault
from app.foundation import clock
from app.foundation.crypto import CannotOpen, Crypto
from app.foundation.database import db
from app.foundation.errors import Conflict, InvalidInput, NotFound, PayloadTooLarge, ServiceUnavailable

logger = logging.getLogger(__name__)

LARGEST_FILE_BYTES: Final = 100 * 1024 * 1024
MOST_FILES_AT_ONCE: Final = 20
UNCLAIMED_FOR: Final = timedelta(hours=24)
"""How long an upload waits to be used; then it is removed."""

TOO_LARGE: Final = f"文件超过 {LARGEST_FILE_BYTES // 1024 // 1024} MB，请压缩、截取或分成几个文件后上传"
_HELD: Final = {
    Scan.WAITING: "文件正在等待病毒查杀，请稍后再试",
    Scan.INFECTED: "查出病毒，文件已封存，不能打开",
    Scan.FAILED: "文件未能完成病毒查杀，已封存，请联系系统管理员",
}
NOT_KEPT: Final = "文件暂时无法保存，请稍后再试"
_NOT_READ: Final = "文件暂时无法读取，请联系系统管理员"


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file whose bytes are kept and checked, and which has no row yet."""

    id: UUID
    sha256: str
    kind: FileKind
    media_type: str
    size: int
    place: Place
    sealed_name: bytes = field(repr=False)
    purpose: Purpose
    uploaded_by: UUID | None


def vault() -> Vault:
    """The vault of the running application, made at its first use."""
    made: Vault | None = current_app.extensions.get("shudi_files")
    if made is None:
        made = make_vault(current_app.extensions["shudi_settings"], _crypto())
        current_app.extensions["shudi_files"] = made
    return made


def receive(
    stream: Iterable[bytes],
    filename: str,
    declared_type: str,
    purpose: PurposeName,
    uploaded_by: UUID | None = None,
    *,
    tables: bool = False,
) -> ReceivedFile:
    """Keep the bytes of ``stream`` sealed, and tell what they are. To be called outside any transaction.

    Args:
        stream: the file in pieces of any size; never held whole in memory.
        filename: as the sender calls it; kept sealed, since names tell about people.
        declared_type: media type as the sender declares it.
        purpose: the door.
        uploaded_by: the officer's account; none for the public.
        tables: take Excel and CSV, and nothing else.

    Raises:
        PayloadTooLarge: more than 100 MB.
        UnsupportedFile: empty, damaged, not on the allow-list, or not what it says it is.
        ServiceUnavailable: the storage failed.
    """
    door = Purpose(purpose)
    if (door is Purpose.PUBLIC) != (uploaded_by is None):
        raise ValueError("officers' files carry their account, files of the public carry nobody's")
    head, whole = head_of(stream)
    sniff_head(head, tables=tables)
    file_id, measured = uuid.uuid4(), _Measured(whole)
    place = _stored(file_id, measured)
    name = cleaned_name(filename)
    format_ = _checked_format(place, measured.size, name, declared_type, tables=tables)
    return ReceivedFile(
        id=file_id,
        sha256=measured.digest.hexdigest(),
        kind=format_.kind,
        media_type=format_.media_type,
        size=measured.size,
        place=place,
        sealed_name=sealed_name(file_id, name),
        purpose=door,
        uploaded_by=uploaded_by,
    )


def _stored(file_id: UUID, measured: _Measured) -> Place:
    try:
        return vault().put(file_id, measured)
    except StorageFault as fault:
        logger.exception("a file could not be stored")
        raise ServiceUnavailable(NOT_KEPT) from fault


def register(received: ReceivedFile) -> StoredFile:
    """Write the row of a received file; it can be used from now on, once, for 24 hours."""
    stored = StoredFile(
        id=received.id,
        sha256=received.sha256,
        kind=received.kind,
        media_type=received.media_type,
        size=received.size,
        storage_key=received.place.storage_key,
        sealed_key=received.place.sealed_key,
        sealed_name=received.sealed_name,
        purpose=received.purpose,
        uploaded_by=received.uploaded_by,
        created_at=clock.now(),
        scan=Scan.WAITING if current_app.extensions["shudi_settings"].clamd_url else Scan.NONE,
    )
    db.session.add(stored)
    db.session.flush()
    return stored


def claim(file_ids: Sequence[UUID], purpose: PurposeName, uploaded_by: UUID | None = None) -> list[StoredFile]:
    """Use uploads as evidence, each exactly once; return their rows in the order of ``file_ids``.

    Two that claim one file at the same time: the first to commit has it, the other is refused. The rows are locked in
    the order of their ids, so that two who claim the same files in different orders do not wait for each other.

    Args:
        file_ids: ids that an upload answered with.
        purpose: the door they must have come through.
        uploaded_by: the officer who claims; where given, the uploads must be his own.

    Raises:
        InvalidInput: naming ``evidence``: an id that is forged, repeated, used, expired or another's. The caller's
            transaction must not be committed then.
    """
    if len(file_ids) > MOST_FILES_AT_ONCE:
        raise _evidence_refused(f"最多提交 {MOST_FILES_AT_ONCE} 个文件")
    if len(set(file_ids)) != len(file_ids):
        raise _evidence_refused("同一个文件只能提交一次")
    if not file_ids:
        return []
    claimed = _claimed(file_ids, Purpose(purpose), uploaded_by)
    missing = [
        f"第 {number} 个文件已失效或已被使用，请重新上传"
        for number, file_id in enumerate(file_ids, start=1)
        if file_id not in claimed
    ]
    if missing:
        raise _evidence_refused(*missing)
    return [claimed[file_id] for file_id in file_ids]


def _claimed(file_ids: Sequence[UUID], purpose: Purpose, uploaded_by: UUID | None) -> dict[UUID, StoredFile]:
    """Those of the files that could be claimed, now claimed."""
    now = clock.now()
    usable = (
        select(StoredFile.id)
        .where(
            StoredFile.id.in_(file_ids),
            StoredFile.claimed_at.is_(None),
            StoredFile.created_at > now - UNCLAIMED_FOR,
            StoredFile.purpose == purpose,
            *([StoredFile.uploaded_by == uploaded_by] if uploaded_by else []),
        )
        .order_by(StoredFile.id)
        .with_for_update()
    )
    return {
        stored.id: stored
        for stored in db.session.scalars(
            update(StoredFile).where(StoredFile.id.in_(usable)).values(claimed_at=now).returning(StoredFile),
            execution_options={"synchronize_session": False, "populate_existing": True},
        )
    }


def original_name(stored: StoredFile | PartialUpload) -> str:
    """The name the sender gave the file, opened; raise ``CannotOpen``. May hold personal data."""
    return _crypto().open(stored.sealed_name, bound_to=_name_bound_to(stored.id)).decode()


def sealed_name(file_id: UUID, name: str) -> bytes:
    """A file's name as its row keeps it: sealed, since names tell about people."""
    return _crypto().seal(name.encode(), bound_to=_name_bound_to(file_id))


def open_file(file_id: UUID) -> tuple[StoredFile, Iterator[bytes]]:
    """The row and the plain bytes of a file; the caller has checked who may see it.

    Raises:
        NotFound: there is no such file.
        ServiceUnavailable: the bytes are missing, altered or not reachable.
    """
    stored = db.session.get(StoredFile, file_id)
    if stored is None:
        raise NotFound
    return stored, content_of(stored)


def content_received(received: ReceivedFile) -> bytes:
    """The plain bytes of a file that has no row yet, whole: for a table that is looked at before it is kept."""
    try:
        return b"".join(vault().stream(received.place))
    except (StorageFault, CannotOpen) as fault:
        logger.exception("a received file cannot be opened")
        raise ServiceUnavailable(_NOT_READ) from fault


def content_of(stored: StoredFile | FileCopy) -> Iterator[bytes]:
    """The plain bytes of a file or of a copy, in pieces; the first is already opened: a refusal precedes the answer.

    The last piece is withheld unless the whole is what was received: size and SHA-256 are those of the row.

    Raises:
        Conflict: the virus scanner has not let it pass.
        ServiceUnavailable: the bytes are missing, altered or not reachable; while reading on, the faults themselves.
    """
    _refuse_held(stored.place.file_id)
    try:
        pieces = vault().stream(stored.place)
        first = next(pieces)
    except (StorageFault, CannotOpen) as fault:
        logger.exception("file %s cannot be opened", stored.place.file_id)
        raise ServiceUnavailable(_NOT_READ) from fault
    return _proved(chain([first], pieces), stored.place.file_id, stored.size, stored.sha256)


def _refuse_held(file_id: UUID) -> None:
    """A copy is held with its original."""
    scan = db.session.scalar(select(StoredFile.scan).where(StoredFile.id == file_id))
    if scan in _HELD:
        raise Conflict(_HELD[scan], code="file_held")


def forget_unclaimed(older_than: timedelta = UNCLAIMED_FOR) -> int:
    """Delete the rows of uploads that nobody used or completed; return how many. Their bytes are then orphans."""
    expired = delete(StoredFile).where(
        StoredFile.claimed_at.is_(None), StoredFile.created_at <= clock.now() - older_than
    )
    db.session.execute(delete(PartialUpload).where(PartialUpload.created_at <= clock.now() - older_than))
    return len(db.session.scalars(expired.returning(StoredFile.id)).all())


def forget(file_ids: Collection[UUID]) -> None:
    """Delete the rows of files whose time is over; their bytes are then orphans. The caller names them nowhere more."""
    db.session.execute(delete(StoredFile).where(StoredFile.id.in_(file_ids)))


def without_row(storage_keys: Collection[str]) -> set[str]:
    """Those of ``storage_keys`` that no row names."""
    originals = select(StoredFile.storage_key).where(StoredFile.storage_key.in_(storage_keys))
    copies = select(FileCopy.storage_key).where(FileCopy.storage_key.in_(storage_keys))
    parts = select(UploadPart.storage_key).where(UploadPart.storage_key.in_(storage_keys))
    return set(storage_keys) - set(db.session.scalars(originals.union(copies, parts)))


class _Measured:
    """Passes pieces on, and knows afterwards how many bytes they were and their SHA-256."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.size = 0
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            if self.size > LARGEST_FILE_BYTES:
                raise PayloadTooLarge(TOO_LARGE)
            self.digest.update(piece)
            yield piece


def head_of(stream: Iterable[bytes]) -> tuple[bytes, Iterable[bytes]]:
    """The first bytes, and the whole again."""
    pieces = iter(stream)
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    return bytes(head[:HEAD_BYTES]), chain([bytes(head)], pieces)


def _checked_format(place: Place, size: int, name: str, declared_type: str, *, tables: bool) -> Format:
    """Tell the format of stored bytes; drop them when they are refused."""
    try:
        format_ = sniff(vault().reader(place, size), size, tables=tables)
        refuse_contradiction(format_, name, declared_type)
    except StorageFault as fault:
        logger.exception("a stored file could not be read back")
        raise ServiceUnavailable(NOT_KEPT) from fault
    except BaseException:
        vault().drop(place.storage_key)
        raise
    return format_


def _proved(pieces: Iterator[bytes], file_id: UUID, size: int, sha256: str) -> Iterator[bytes]:
    digest, seen, waiting = hashlib.sha256(), 0, b""
    for piece in pieces:
        if waiting:
            yield waiting
        digest.update(piece)
        seen += len(piece)
        waiting = piece
    if (seen, digest.hexdigest()) != (size, sha256):
        logger.error("file %s is not what was received", file_id)
        raise CannotOpen("size or digest differ from the row")
    yield waiting


def _crypto() -> Crypto:
    found: Crypto = current_app.extensions["shudi_crypto"]
    return found


def _name_bound_to(file_id: UUID) -> bytes:
    return b"stored_files/name/" + file_id.bytes


def _evidence_refused(*messages: str) -> InvalidInput:
    return InvalidInput("请检查上传的文件", errors={"evidence": list(messages)})
