"""Where sealed bytes lie. Knows nothing of what is in them; a key names one object and is never used again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

KEY: Final = re.compile(r"[0-9a-f]{32}")
"""What a storage key looks like."""
_UNFINISHED: Final = ".part"
_READ_AT_ONCE: Final = 256 * 1024


class StorageFault(Exception):
    """The storage failed (disk full, no permission, not reachable)."""


class ObjectMissing(StorageFault):
    """No object lies under the key."""


class Storage(Protocol):
    """What every kind of storage can do. All methods raise :class:`StorageFault`."""

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """Keep ``chunks`` under ``key``, durable and whole or not at all; return the number of bytes.

        What ``chunks`` itself raises passes through, and nothing is left behind.
        """
        ...

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes of an object from ``start`` on; raise :class:`ObjectMissing` at once, not at the first byte."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object and what an interrupted write left of it; one that is gone already is no fault."""
        ...

    def exists(self, key: str) -> bool:
        """Whether a whole object lies under ``key``."""
        ...

    def written_before(self, moment: datetime) -> Iterator[str]:
        """The keys of everything, finished or not, that was last written before ``moment``."""
        ...


class LocalStorage:
    """Objects as files under ``root``, in 256 directories by the first byte of the key; readable by us alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __repr__(self) -> str:
        return f"LocalStorage({self._root})"

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """See :class:`Storage`: a temporary name, rename, fsync of file and directory.

        The rename comes before the fsync, so that the file system writes its journal once. What a power cut leaves
        under the key then is named by no row, since a row is written only after this returns; the sweep takes it.
        """
        target = self._path(key)
        draft = target.with_suffix(_UNFINISHED)
        with _told_as_storage_fault(f"cannot write {key}"):
            self._make_directory(target.parent)
        try:
            size = _write_draft(draft, target, chunks)
            with _told_as_storage_fault(f"cannot write {key}"):
                _sync_directory(target.parent)
        except BaseException:
            draft.unlink(missing_ok=True)
            target.unlink(missing_ok=True)
            raise
        return size

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See :class:`Storage`."""
        with _told_as_storage_fault(f"cannot read {key}"):
            try:
                file = self._path(key).open("rb")
            except FileNotFoundError as fault:
                raise ObjectMissing(f"nothing lies under {key}") from fault
            file.seek(start)
        return _bytes_of(file, length)

    def delete(self, key: str) -> None:
        """See :class:`Storage`."""
        target = self._path(key)
        with _told_as_storage_fault(f"cannot delete {key}"):
            target.with_suffix(_UNFINISHED).unlink(missing_ok=True)
            target.unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        """See :class:`Storage`."""
        return self._path(key).is_file()

    def written_before(self, moment: datetime) -> Iterator[str]:
        """See :class:`Storage`."""
        for path in self._root.glob("[0-9a-f][0-9a-f]/*"):
            if not KEY.fullmatch(path.stem) or path.suffix not in {"", _UNFINISHED}:
                continue
            try:
                written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            except FileNotFoundError:  # finished or deleted meanwhile
                continue
            if written_at < moment:
                yield path.stem

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError("a storage key is 32 hexadecimal digits")
        return self._root / key[:2] / key

    def _make_directory(self, directory: Path) -> None:
        """All 256 at the first write: made one by one, each would cost some later write an fsync of its own."""
        if directory.is_dir():
            return
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(256):
            (self._root / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        _sync_directory(self._root)


@contextmanager
def _told_as_storage_fault(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StorageFault(what) from fault


def _bytes_of(file: BinaryIO, length: int | None) -> Iterator[bytes]:
    left = length
    with file:
        while left is None or left > 0:
            with _told_as_storage_fault("cannot read on"):
                chunk = file.read(_READ_AT_ONCE if left is None else min(left, _READ_AT_ONCE))
            if not chunk:
                return
            left = None if left is None else left - len(chunk)
            yield chunk


def _write_draft(draft: Path, target: Path, chunks: Iterable[bytes]) -> int:
    size = 0
    with _told_as_storage_fault("cannot begin a file"):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        for chunk in chunks:  # outside the guard: what the source raises is no fault of the storage
            with _told_as_storage_fault("cannot write on"):
                _write_whole(descriptor, chunk)
            size += len(chunk)
        with _told_as_storage_fault("cannot make a file durable"):
            draft.rename(target)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size


def _write_whole(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
