"""Encryption at rest in frames, so that 100 MB pass through the memory of one frame.

Every file has a data key of its own. A sealed file is a mark of eight bytes, then frames of :data:`FRAME_BYTES` of
plain text, each followed by its tag; the last frame may be shorter. The nonce of a frame is its number and whether it
is the last one (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015): a frame that was altered,
moved, dropped, repeated or appended, and a file that was cut, even between two frames, no longer open. The data key
itself is sealed by :class:`app.foundation.crypto.Crypto` and lies in the row of the file, so that changing the master
key rewrites rows and no bytes, and that bytes without their row are unreadable.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag

from app.foundation.crypto import NONCE_BYTES, TAG_BYTES, CannotOpen, Suite

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FRAME_BYTES: Final = 256 * 1024
"""Part of the format: another size needs another mark."""
MARK: Final = b"SHUDIF1\n"
_SEALED_FRAME_BYTES: Final = FRAME_BYTES + TAG_BYTES


@dataclass(frozen=True, slots=True)
class FrameCipher:
    """Seals and opens the frames of one file. ``bound_to`` says which file it is, and is authenticated with each."""

    suite: Suite
    key: bytes
    bound_to: bytes

    def __repr__(self) -> str:
        return f"FrameCipher(suite={self.suite.name})"

    def seal(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The sealed file, frame by frame."""
        yield MARK
        number, waiting = 0, bytearray()
        for chunk in chunks:
            waiting += chunk
            while len(waiting) > FRAME_BYTES:  # a full frame waits until it is known whether it is the last
                yield self._seal_frame(number, bytes(waiting[:FRAME_BYTES]), last=False)
                del waiting[:FRAME_BYTES]
                number += 1
        yield self._seal_frame(number, bytes(waiting), last=True)

    def open(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The plain bytes, frame by frame, none before it is authenticated; raise ``CannotOpen``."""
        number, waiting, marked = 0, bytearray(), False
        for chunk in chunks:
            waiting += chunk
            if not marked and len(waiting) >= len(MARK):
                marked = _take_mark(waiting)
            while marked and len(waiting) > _SEALED_FRAME_BYTES:
                yield self.open_frame(number, bytes(waiting[:_SEALED_FRAME_BYTES]), last=False)
                del waiting[:_SEALED_FRAME_BYTES]
                number += 1
        if not marked:
            raise CannotOpen("the sealed file is cut")
        yield self.open_frame(number, bytes(waiting), last=True)

    def open_frame(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        """Open one frame; raise ``CannotOpen``."""
        if len(sealed) < TAG_BYTES:
            raise CannotOpen("the sealed file is cut")
        try:
            return self.suite.decrypt(self.key, _nonce(number, last=last), sealed, self._bound())
        except InvalidTag as fault:
            raise CannotOpen(f"frame {number} was altered or belongs elsewhere") from fault

    def _seal_frame(self, number: int, plain: bytes, *, last: bool) -> bytes:
        return self.suite.encrypt(self.key, _nonce(number, last=last), plain, self._bound())

    def _bound(self) -> bytes:
        return MARK + self.bound_to


class SealedReader(io.RawIOBase):
    """A sealed file as a seekable stream of its plain bytes; holds one opened frame at a time.

    Args:
        cipher: the cipher of this file.
        size: number of plain bytes.
        fetch: ``(start, length) → sealed bytes`` of the storage.
    """

    def __init__(self, cipher: FrameCipher, size: int, fetch: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._cipher = cipher
        self._size = size
        self._fetch = fetch
        self._position = 0
        self._frame_number = -1
        self._frame = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, counted in plain bytes."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        """The present position."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill ``buffer`` from the frame under the position; raise ``CannotOpen``."""
        if self._position >= self._size:
            return 0
        number, within = divmod(self._position, FRAME_BYTES)
        view = memoryview(buffer).cast("B")
        part = self._open(number)[within : within + len(view)]
        view[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _open(self, number: int) -> bytes:
        if number != self._frame_number:
            sealed = self._fetch(len(MARK) + number * _SEALED_FRAME_BYTES, _SEALED_FRAME_BYTES)
            last = (number + 1) * FRAME_BYTES >= self._size
            self._frame = self._cipher.open_frame(number, sealed, last=last)
            self._frame_number = number
            if len(self._frame) != min(FRAME_BYTES, self._size - number * FRAME_BYTES):
                raise CannotOpen("the file is longer or shorter than its row says")
        return self._frame


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes([last])


def _take_mark(waiting: bytearray) -> bool:
    if waiting[: len(MARK)] != MARK:
        raise CannotOpen("not a sealed file of this format")
    del waiting[: len(MARK)]
    return True
