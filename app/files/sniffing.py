"""What a file is, told by its content alone; what its name and its sender say about it is only compared."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import Final

import filetype

from app.files import formats
from app.files.formats import NOT_ALLOWED, Format
from app.files.media_containers import is_amr, is_mp3, is_wav, iso_media_format
from app.files.office_documents import (
    COMPOUND_SIGNATURE,
    ZIP_SIGNATURE,
    compound_format,
    ends_as_zip,
    package_format,
)
from app.foundation.errors import UnsupportedFile

HEAD_BYTES: Final = 8192
"""What is looked at before anything is written; enough to refuse nearly everything that is not allowed."""
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_TAIL_BYTES: Final = 66 * 1024
_MOST_JPEG_SEGMENTS: Final = 2000

# A browser that looks for itself reads the first 1,445 bytes (WHATWG MIME sniffing); we look further.
_MARKUP: Final = re.compile(
    rb"<(?:!doctype\s+html|html|body|script|svg|iframe)[\s>/]|<\?php|javascript:", re.IGNORECASE
)

EMPTY: Final = "文件是空的，请重新选择"
TABLES_ALONE: Final = "请上传 Excel（xlsx、xls）或 CSV 表格"
MARKUP_INSIDE: Final = "文件中夹带网页代码，不能上传"
ARCHIVE_INSIDE: Final = "文件尾部夹带压缩包，不能上传"
DAMAGED: Final = "文件已损坏或不完整，请重新选择原文件上传"


def sniff_head(head: bytes, *, tables: bool = False) -> None:
    """Refuse by the first :data:`HEAD_BYTES` what cannot be allowed; raise ``UnsupportedFile``.

    ``tables``: a door where the office hands in tables, and nothing but Excel and CSV.
    """
    if not head:
        raise UnsupportedFile(EMPTY)
    if tables and not _is_table(head):
        raise UnsupportedFile(TABLES_ALONE)
    if not tables and _sniffer(head) is None:
        raise UnsupportedFile(NOT_ALLOWED)
    if _MARKUP.search(head):
        raise UnsupportedFile(MARKUP_INSIDE)


def _is_table(head: bytes) -> bool:
    """An office file, or text: what kind of text is told by reading it whole."""
    return head.startswith((ZIP_SIGNATURE, COMPOUND_SIGNATURE, *_UTF_16)) or b"\0" not in head


def sniff(reader: io.BufferedReader, size: int, *, tables: bool = False) -> Format:
    """The format of the whole file, which was read to its end and has ``size`` bytes; raise ``UnsupportedFile``."""
    head = reader.read(HEAD_BYTES)
    sniff_head(head, tables=tables)
    sniffer = _sniffer(head)
    if sniffer is None:  # only text at the door for tables has none
        return formats.CSV
    try:
        format_ = sniffer(reader, size)
    except (struct.error, IndexError) as fault:
        raise UnsupportedFile(DAMAGED) from fault
    if sniffer is not package_format:
        reader.seek(max(0, size - _TAIL_BYTES))
        if ends_as_zip(reader.read()):
            raise UnsupportedFile(ARCHIVE_INSIDE)
    if tables and format_.kind is not formats.FileKind.EXCEL:
        raise UnsupportedFile(TABLES_ALONE)
    return format_


def refuse_contradiction(format_: Format, name: str, declared_type: str) -> None:
    """Refuse a file whose name or declared type says something else than its content; raise ``UnsupportedFile``."""
    if formats.contradicts(format_, name, declared_type):
        raise UnsupportedFile("文件内容与文件名或声明的类型不符，请不要改动文件名后缀，上传原文件")


Sniffer = Callable[[io.BufferedReader, int], Format]


def _sniffer(head: bytes) -> Sniffer | None:
    """The check for what the first bytes look like, or nothing when that is not on the allow-list."""
    if head.startswith(ZIP_SIGNATURE):
        return package_format
    if head.startswith(COMPOUND_SIGNATURE):
        return compound_format
    if head[4:8] == b"ftyp":
        return iso_media_format
    if head.startswith(b"#!AMR-WB\n"):  # the library knows narrow band only
        return _amr
    guess = filetype.guess(head)
    return _SNIFFERS.get(guess.mime) if guess is not None else (_mp3 if head.startswith(b"\xff") else None)


def _accept_if(fine: bool, format_: Format) -> Format:
    if not fine:
        raise UnsupportedFile(DAMAGED)
    return format_


def _jpeg(reader: io.BufferedReader, size: int) -> Format:  # noqa: ARG001
    """Segments up to the start of scan, with a frame header before it (ITU-T T.81, annex B)."""
    at, has_frame = 2, False
    for _ in range(_MOST_JPEG_SEGMENTS):
        reader.seek(at)
        mark, kind, length = struct.unpack(">BBH", reader.read(4))
        if mark == 0xFF and kind == 0xFF:  # noqa: PLR2004  # fill byte
            at += 1
            continue
        if mark != 0xFF or length < 2:  # noqa: PLR2004
            break
        if kind == 0xDA:  # noqa: PLR2004
            return _accept_if(has_frame, formats.JPEG)
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004
            _, _, width = struct.unpack(">BHH", reader.read(5))
            has_frame = width > 0
        at += 2 + length
    raise UnsupportedFile(DAMAGED)


def _png(reader: io.BufferedReader, size: int) -> Format:  # noqa: ARG001
    reader.seek(0)
    signature, length, type_, width, height, _, crc = struct.unpack(">8sI4sII5sI", reader.read(33))
    reader.seek(12)
    fine = signature == b"\x89PNG\r\n\x1a\n" and (length, type_) == (13, b"IHDR") and width > 0 and height > 0
    return _accept_if(fine and crc == zlib.crc32(reader.read(17)), formats.PNG)


def _webp(reader: io.BufferedReader, size: int) -> Format:
    reader.seek(0)
    riff, length, webp, chunk = struct.unpack("<4sI4s4s", reader.read(16))
    fine = riff == b"RIFF" and webp == b"WEBP" and chunk in {b"VP8 ", b"VP8L", b"VP8X"}
    return _accept_if(fine and length + 8 <= size, formats.WEBP)


def _pdf(reader: io.BufferedReader, size: int) -> Format:
    """A header in the very first byte and an end mark near the end (ISO 32000-1, 7.5)."""
    reader.seek(0)
    begins = re.match(rb"%PDF-[12]\.\d", reader.read(8))
    reader.seek(max(0, size - 16 * 1024))
    return _accept_if(bool(begins) and b"%%EOF" in reader.read(), formats.PDF)


def _mp3(reader: io.BufferedReader, size: int) -> Format:  # noqa: ARG001
    return _accept_if(is_mp3(reader), formats.MP3)


def _wav(reader: io.BufferedReader, size: int) -> Format:
    return _accept_if(is_wav(reader, size), formats.WAV)


def _amr(reader: io.BufferedReader, size: int) -> Format:  # noqa: ARG001
    return _accept_if(is_amr(reader), formats.AMR)


_SNIFFERS: Final[dict[str, Sniffer]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/apng": _png,
    "image/webp": _webp,
    "application/pdf": _pdf,
    "audio/mpeg": _mp3,
    "audio/x-wav": _wav,
    "audio/amr": _amr,
}
