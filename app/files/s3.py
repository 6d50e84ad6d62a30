"""Sealed bytes in a bucket that speaks S3 (Ceph, MinIO, the clouds of the government network).

``FILES_URL=s3://bucket/prefix?endpoint=https://host&region=name``; the credentials are the usual variables
``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``. A long object goes up in parts and appears only when it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.files.storage import KEY, ObjectMissing, StorageFault

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Config

_READ_AT_ONCE: Final = 256 * 1024
_PART: Final = 8 * 1024 * 1024


class S3Storage:
    """Objects under ``prefix`` in one bucket."""

    def __init__(self, store: S3Store, name: str) -> None:
        self._store = store
        self._name = name

    def __repr__(self) -> str:
        return f"S3Storage({self._name})"

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """See :class:`app.files.storage.Storage`: an upload in parts is given up when ``chunks`` raises."""
        counted = _Counted(chunks)
        path = _path(key)
        with _told_as_storage_fault(f"cannot write {key}"):
            obstore.put(self._store, path, counted, chunk_size=_PART, max_concurrency=2)
        return counted.size

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See :class:`app.files.storage.Storage`."""
        path = _path(key)
        if length == 0:
            return iter(())
        options: GetOptions = {"range": {"offset": start} if length is None else (start, start + length)}
        with _told_as_storage_fault(f"cannot read {key}"):
            answer = obstore.get(self._store, path, options=options)
        return _bytes_of(answer)

    def delete(self, key: str) -> None:
        """See :class:`app.files.storage.Storage`."""
        with _told_as_storage_fault(f"cannot delete {key}"):
            obstore.delete(self._store, _path(key))

    def exists(self, key: str) -> bool:
        """See :class:`app.files.storage.Storage`."""
        try:
            with _told_as_storage_fault(f"cannot look for {key}"):
                obstore.head(self._store, _path(key))
        except ObjectMissing:
            return False
        return True

    def written_before(self, moment: datetime) -> Iterator[str]:
        """See :class:`app.files.storage.Storage`. Parts of a broken upload are the bucket's own rule to remove."""
        with _told_as_storage_fault("cannot list the bucket"):
            for batch in obstore.list(self._store):
                for one in batch:
                    key = one["path"].rpartition("/")[2]
                    if KEY.fullmatch(key) and one["last_modified"] < moment:
                        yield key


def make_s3_storage(files_url: str) -> S3Storage:
    """The storage of an ``s3://`` address; raise ``ValueError`` for one without a bucket."""
    parts = urlsplit(files_url)
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc):
        raise ValueError("FILES_URL must be s3://bucket/prefix?endpoint=…&region=…")
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    endpoint = given.get("endpoint", "")
    config: S3Config = {"region": given.get("region", "us-east-1")}
    if endpoint:
        config["endpoint"] = endpoint
    store = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/"),
        config=config,
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "60s"},
    )
    return S3Storage(store, parts.netloc + parts.path)


class _Counted:
    """Passes chunks on and counts their bytes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.size = 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self.size += len(chunk)
        return chunk


def _path(key: str) -> str:
    if not KEY.fullmatch(key):
        raise ValueError("a storage key is 32 hexadecimal digits")
    return f"{key[:2]}/{key}"


def _bytes_of(answer: obstore.GetResult) -> Iterator[bytes]:
    with _told_as_storage_fault("cannot read on"):
        for chunk in answer.stream(min_chunk_size=_READ_AT_ONCE):
            yield bytes(chunk)


@contextmanager
def _told_as_storage_fault(what: str) -> Iterator[None]:
    """Faults of the bucket and of the line; what the source of a write raises passes through."""
    try:
        yield
    except FileNotFoundError as fault:
        raise ObjectMissing(what) from fault
    except BaseError as fault:
        raise StorageFault(what) from fault
