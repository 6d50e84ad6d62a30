"""Sound and pictures in motion, by their structure: ISO base media (ISO/IEC 14496-12), MP3, WAV, AMR (RFC 4867)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from app.files.formats import HEIC, M4A, MOV, MP4, Format
from app.foundation.errors import UnsupportedFile

INCOMPLETE: Final = "录音或视频文件不完整，无法播放，请重新选择原文件上传"
UNKNOWN_CONTAINER: Final = "不支持这种录音、视频或图片格式，请转换为 MP4、M4A 或 JPG 后上传"

_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_MP4_BRANDS: Final = frozenset(
    {b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VP", b"M4A ", b"M4B ", b"MSNV", b"dash", b"isom"}
    | {b"iso" + bytes([digit]) for digit in b"23456789"}
)
_QUICKTIME: Final = b"qt  "
_LONGEST_FTYP: Final = 1024
_MOST_BOXES: Final = 20_000
_MOST_INNER_BOXES: Final = 200


class Box(NamedTuple):
    """One box: its type and where its content begins and ends."""

    type: bytes
    start: int
    end: int


def iso_media_format(reader: io.BufferedReader, size: int) -> Format:
    """HEIC, M4A, MP4 or MOV; raise ``UnsupportedFile``."""
    brands = _brands(reader, size)
    if brands & _HEIC_BRANDS:
        if _find(reader, 0, size, b"meta") is None:
            raise UnsupportedFile("HEIC 图片已损坏，请重新选择原图上传")
        return HEIC
    if not brands & (_MP4_BRANDS | {_QUICKTIME}):
        raise UnsupportedFile(UNKNOWN_CONTAINER)
    handlers = _track_handlers(reader, size)
    if b"vide" in handlers:
        return MOV if _QUICKTIME in brands else MP4
    if b"soun" in handlers:
        return M4A
    raise UnsupportedFile(INCOMPLETE)


def _brands(reader: io.BufferedReader, size: int) -> set[bytes]:
    ftyp = next(_boxes(reader, 0, size), None)
    if ftyp is None or ftyp.type != b"ftyp" or ftyp.end - ftyp.start > _LONGEST_FTYP:
        raise UnsupportedFile(UNKNOWN_CONTAINER)
    reader.seek(ftyp.start)
    content = reader.read(ftyp.end - ftyp.start)
    return {content[at : at + 4] for at in (0, *range(8, len(content) - 3, 4))}


def _track_handlers(reader: io.BufferedReader, size: int) -> set[bytes]:
    movie = _find(reader, 0, size, b"moov")
    handlers: set[bytes] = set()
    for track in _boxes(reader, movie.start, movie.end, _MOST_INNER_BOXES) if movie else ():
        media = _find(reader, track.start, track.end, b"mdia", _MOST_INNER_BOXES) if track.type == b"trak" else None
        handler = _find(reader, media.start, media.end, b"hdlr", _MOST_INNER_BOXES) if media else None
        if handler:
            reader.seek(handler.start + 8)
            handlers.add(reader.read(4))
    return handlers


def _find(reader: io.BufferedReader, start: int, end: int, type_: bytes, most: int = _MOST_BOXES) -> Box | None:
    return next((box for box in _boxes(reader, start, end, most) if box.type == type_), None)


def _boxes(reader: io.BufferedReader, start: int, end: int, most: int = _MOST_BOXES) -> Iterator[Box]:
    """The boxes from ``start`` to ``end``; raise ``UnsupportedFile`` when one reaches beyond, as in a cut file."""
    at = start
    for _ in range(most):
        if end - at < 8:  # noqa: PLR2004  # QuickTime ends some lists with four zero bytes
            return
        reader.seek(at)
        header = reader.read(16)
        length, type_ = struct.unpack_from(">I4s", header)
        head = 8
        if length == 1 and len(header) == 16:  # noqa: PLR2004
            length, head = struct.unpack_from(">Q", header, 8)[0], 16
        elif length == 0:
            length = end - at
        if length < head or at + length > end:
            raise UnsupportedFile(INCOMPLETE)
        yield Box(type_, at + head, at + length)
        at += length
    raise UnsupportedFile(INCOMPLETE)


# MP3 ---------------------------------------------------------------------------------------------------------------

_SEARCHED_FOR_SOUND: Final = 64 * 1024
_BITRATES_V1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_V2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def is_mp3(reader: io.BufferedReader) -> bool:
    """Whether two frames of layer III follow each other, at the start or behind an ID3v2 tag."""
    reader.seek(0)
    tag = reader.read(10)
    begin, window = 0, 1
    if tag[:3] == b"ID3":
        if any(byte & 0x80 for byte in tag[6:10]):
            return False
        begin = 10 + (tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9])
        window = _SEARCHED_FOR_SOUND  # taggers pad, and some count wrongly
    reader.seek(begin)
    content = reader.read(window + 4096)
    return any(_two_frames(content, at) for at in range(min(window, len(content))) if content[at] == 0xFF)  # noqa: PLR2004


def _two_frames(content: bytes, at: int) -> bool:
    length = _frame_length(content[at : at + 4])
    return bool(length) and bool(_frame_length(content[at + length : at + length + 4]))


def _frame_length(header: bytes) -> int:
    """Bytes of a layer III frame, 0 when ``header`` is none (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:  # noqa: PLR2004
        return 0
    version, bitrate_index, rate_index = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or not 0 < bitrate_index < 15 or rate_index == 3:  # noqa: PLR2004
        return 0
    full = version == 3  # noqa: PLR2004
    bitrate = (_BITRATES_V1 if full else _BITRATES_V2)[bitrate_index] * 1000
    return (144 if full else 72) * bitrate // _SAMPLE_RATES[version][rate_index] + (header[2] >> 1 & 1)


# WAV and AMR -------------------------------------------------------------------------------------------------------

_MOST_CHUNKS: Final = 100
_AMR_FRAMES: Final = {0: 13, 1: 14, 2: 16, 3: 18, 4: 20, 5: 21, 6: 27, 7: 32, 8: 6, 15: 1}
_AMR_WB_FRAMES: Final = {0: 18, 1: 24, 2: 33, 3: 37, 4: 41, 5: 47, 6: 51, 7: 59, 8: 61, 9: 6, 14: 1, 15: 1}
_FRAMES_LOOKED_AT: Final = 20


def is_wav(reader: io.BufferedReader, size: int) -> bool:
    """Whether a RIFF/WAVE file has a format chunk and then a data chunk."""
    at, has_format = 12, False
    for _ in range(_MOST_CHUNKS):
        if at + 8 > size:
            return False
        reader.seek(at)
        type_, length = struct.unpack("<4sI", reader.read(8))
        if type_ == b"data":
            return has_format
        has_format = has_format or (type_ == b"fmt " and length >= 16)  # noqa: PLR2004
        at += 8 + length + length % 2
    return False


def is_amr(reader: io.BufferedReader) -> bool:
    """Whether frames of known sizes follow the magic line, narrow or wide band."""
    reader.seek(0)
    content = reader.read(2048)
    for magic, sizes in ((b"#!AMR\n", _AMR_FRAMES), (b"#!AMR-WB\n", _AMR_WB_FRAMES)):
        if content.startswith(magic):
            return _amr_frames(content[len(magic) :], sizes)
    return False


def _amr_frames(content: bytes, sizes: dict[int, int]) -> bool:
    at, frames = 0, 0
    while at < len(content) and frames < _FRAMES_LOOKED_AT:
        header = content[at]
        if header & 0x83 or header >> 3 & 0xF not in sizes:
            return False
        at += sizes[header >> 3 & 0xF]
        frames += 1
    return frames > 0
