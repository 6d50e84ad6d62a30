from __future__ import annotations

import io
import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from app.files.sealing import FRAME_BYTES, MARK, FrameCipher, SealedReader
from app.foundation.crypto import CannotOpen, InternationalSuite, NationalSuite, Suite

SUITES = [InternationalSuite(), NationalSuite()]
SEALED = FRAME_BYTES + 16
KEY = bytes(range(32))

near_borders = st.builds(
    lambda frames, offset: max(0, frames * FRAME_BYTES + offset), st.integers(0, 3), st.integers(-20, 20)
)


def cipher(suite: Suite = SUITES[0], bound_to: bytes = b"file-1") -> FrameCipher:
    return FrameCipher(suite, KEY, bound_to)


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def sealed_bytes(content: bytes, **kind: object) -> bytes:
    return b"".join(cipher(**kind).seal([content]))  # type: ignore[arg-type]


def opened(sealed: bytes, piece: int = 100_000) -> bytes:
    return b"".join(cipher().open(pieces(sealed, piece)))


def frames_of(sealed: bytes) -> list[bytes]:
    return pieces(sealed[len(MARK) :], SEALED)


@settings(max_examples=40, deadline=None)
@given(
    size=near_borders | st.integers(0, 3 * FRAME_BYTES),
    written_in=st.integers(1_000, 2 * FRAME_BYTES),
    read_in=st.integers(1_000, 2 * FRAME_BYTES),
    suite=st.sampled_from(SUITES),
)
def test_what_goes_in_comes_out(size: int, written_in: int, read_in: int, suite: Suite) -> None:
    content = os.urandom(size)
    one = cipher(suite)
    sealed = b"".join(one.seal(pieces(content, written_in)))
    assert b"".join(one.open(pieces(sealed, read_in))) == content
    frames = max(1, -(-size // FRAME_BYTES))
    assert len(sealed) == len(MARK) + size + 16 * frames


@settings(max_examples=30, deadline=None)
@given(size=near_borders.filter(bool), data=st.data())
def test_reads_from_any_position(size: int, data: st.DataObject) -> None:
    content = os.urandom(size)
    sealed = sealed_bytes(content)
    reader = io.BufferedReader(SealedReader(cipher(), size, lambda start, length: sealed[start : start + length]))
    for _ in range(5):
        at = data.draw(st.integers(0, size))
        length = data.draw(st.integers(0, FRAME_BYTES + 100))
        reader.seek(at)
        assert reader.read(length) == content[at : at + length]
    reader.seek(-1, io.SEEK_END)
    assert reader.read() == content[-1:]


def test_a_known_frame_is_the_stream_construction() -> None:
    sealed = sealed_bytes(b"evidence", bound_to=b"x")
    expected = AESGCM(KEY).encrypt(bytes(11) + b"\x01", b"evidence", MARK + b"x")
    assert sealed == MARK + expected


@pytest.mark.parametrize("frame", range(4))
@pytest.mark.parametrize("where", ["first byte", "last byte", "tag"])
def test_each_frame_is_protected(frame: int, where: str) -> None:
    frames = frames_of(sealed_bytes(os.urandom(3 * FRAME_BYTES + 50)))
    assert len(frames) == 4
    at = {"first byte": 0, "last byte": len(frames[frame]) - 17, "tag": len(frames[frame]) - 1}[where]
    altered = bytearray(frames[frame])
    altered[at] ^= 1
    frames[frame] = bytes(altered)
    received = bytearray()

    def read_all() -> None:
        for piece in cipher().open([MARK, *frames]):
            received.extend(piece)

    with pytest.raises(CannotOpen):
        read_all()
    assert len(received) == frame * FRAME_BYTES  # nothing of the altered frame came out


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_cut_between_frames(kept: int) -> None:
    frames = frames_of(sealed_bytes(os.urandom(3 * FRAME_BYTES)))
    with pytest.raises(CannotOpen):
        opened(MARK + b"".join(frames[:kept]))


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 2 * SEALED + 40))
def test_cut_anywhere(cut: int) -> None:
    sealed = sealed_bytes(bytes(2 * FRAME_BYTES + 100))
    with pytest.raises(CannotOpen):
        opened(sealed[:cut])


def test_frames_exchanged_repeated_dropped_appended() -> None:
    first, second, third, last = frames_of(sealed_bytes(os.urandom(3 * FRAME_BYTES + 7)))
    for order in (
        [second, first, third, last],
        [first, first, third, last],
        [first, third, last],
        [first, second, third, last, last],
        [first, second, third, last, third],
        [last],
    ):
        with pytest.raises(CannotOpen):
            opened(MARK + b"".join(order))


def test_frames_of_another_file_and_other_keys() -> None:
    content = os.urandom(FRAME_BYTES + 7)
    sealed = sealed_bytes(content)
    with pytest.raises(CannotOpen):
        b"".join(cipher(bound_to=b"file-2").open([sealed]))
    with pytest.raises(CannotOpen):
        b"".join(FrameCipher(SUITES[0], bytes(32), b"file-1").open([sealed]))
    other = sealed_bytes(content, bound_to=b"file-2")
    with pytest.raises(CannotOpen):
        opened(MARK + frames_of(sealed)[0] + frames_of(other)[1])


def test_a_changed_mark_and_no_bytes_at_all() -> None:
    sealed = sealed_bytes(b"evidence")
    with pytest.raises(CannotOpen):
        opened(b"SHUDIF2\n" + sealed[len(MARK) :])
    with pytest.raises(CannotOpen):
        list(cipher().open([]))


@pytest.mark.parametrize("claimed", [FRAME_BYTES - 1, FRAME_BYTES + 1, 3 * FRAME_BYTES])
def test_reader_believes_no_wrong_size(claimed: int) -> None:
    sealed = sealed_bytes(os.urandom(2 * FRAME_BYTES - 5))
    reader = io.BufferedReader(SealedReader(cipher(), claimed, lambda start, length: sealed[start : start + length]))
    with pytest.raises(CannotOpen):
        reader.read()


def test_memory_holds_a_frame_not_the_file() -> None:
    source = (bytes(FRAME_BYTES) for _ in range(64))
    seen = [len(piece) for piece in cipher().open(cipher().seal(source))]
    assert max(seen) == FRAME_BYTES
    assert sum(seen) == 64 * FRAME_BYTES
