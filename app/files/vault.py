"""Sealing and storage together: bytes go in plain and come out plain, and lie sealed in between."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

from app.files.sealing import FrameCipher, SealedReader
from app.files.storage import LocalStorage, Storage
from app.foundation.config import Settings
from app.foundation.crypto import DATA_KEY_BYTES, Crypto


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of one file lie and what opens them: the part of its row that the vault needs."""

    file_id: UUID
    storage_key: str
    sealed_key: bytes = field(repr=False)

    @property
    def bound_to(self) -> bytes:
        """Binds key and bytes to this row: exchanged between two rows they no longer open."""
        return b"stored_files/" + self.file_id.bytes + self.storage_key.encode()


class Vault:
    """Keeps sealed files. Made once from the settings."""

    def __init__(self, storage: Storage, crypto: Crypto) -> None:
        self._storage = storage
        self._crypto = crypto

    def __repr__(self) -> str:
        return f"Vault({self._storage!r}, {self._crypto!r})"

    def put(self, file_id: UUID, chunks: Iterable[bytes]) -> Place:
        """Seal and store ``chunks`` as the file ``file_id``; raise ``StorageFault`` or what ``chunks`` raises."""
        data_key = os.urandom(DATA_KEY_BYTES)
        blank = Place(file_id, uuid.uuid4().hex, b"")
        place = Place(file_id, blank.storage_key, self._crypto.seal(data_key, bound_to=blank.bound_to))
        self._storage.write(place.storage_key, FrameCipher(self._crypto.suite, data_key, place.bound_to).seal(chunks))
        return place

    def stream(self, place: Place) -> Iterator[bytes]:
        """The plain bytes from the beginning; raise ``StorageFault``, ``CannotOpen``."""
        return self._cipher(place).open(self._storage.read(place.storage_key))

    def reader(self, place: Place, size: int) -> io.BufferedReader:
        """The plain bytes with random access; raises ``StorageFault``, ``CannotOpen`` when read."""

        def fetch(start: int, length: int) -> bytes:
            return b"".join(self._storage.read(place.storage_key, start, length))

        return io.BufferedReader(SealedReader(self._cipher(place), size, fetch))

    def drop(self, storage_key: str) -> None:
        """Remove the bytes; raise ``StorageFault``."""
        self._storage.delete(storage_key)

    def written_before(self, moment: datetime) -> Iterator[str]:
        """The storage keys of everything last written before ``moment``."""
        return self._storage.written_before(moment)

    def _cipher(self, place: Place) -> FrameCipher:
        data_key = self._crypto.open(place.sealed_key, bound_to=place.bound_to)
        return FrameCipher(self._crypto.suite, data_key, place.bound_to)


def make_vault(settings: Settings, crypto: Crypto) -> Vault:
    """The vault that the settings ask for; raise ``ValueError`` when ``FILES_URL`` is not served."""
    return Vault(make_storage(settings.files_url), crypto)


def make_storage(files_url: str) -> Storage:
    """The storage that ``FILES_URL`` names; raise ``ValueError`` for a scheme that is not served."""
    parts = urlsplit(files_url)
    if parts.scheme == "s3":
        from app.files.s3 import make_s3_storage  # its client costs every start something

        return make_s3_storage(files_url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise ValueError("FILES_URL must be file:///absolute/path or s3://bucket/prefix")
    return LocalStorage(Path(unquote(parts.path)))
