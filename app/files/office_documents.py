"""Word and Excel, by what is inside: OOXML packages (ECMA-376) and compound files of 97-2003 ([MS-CFB]).

Files with macros and files behind a password are refused: nobody can check the first, nobody can read the second.
Everything read is bounded, whatever the file says about itself.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from app.files.formats import DOC, DOCX, XLS, XLSX, Format
from app.foundation.errors import UnsupportedFile

ZIP_SIGNATURE: Final = b"PK\x03\x04"
COMPOUND_SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

MACROS: Final = "文件含有宏，不能上传。请另存为不含宏的文件，或另存为 PDF 后上传"
PASSWORD: Final = "文件设有打开密码，无法核验。请去掉密码后上传"  # noqa: S105  # a sentence
DAMAGED: Final = "Office 文件已损坏或不完整，请重新保存后上传"
NOT_OFFICE: Final = "不能上传压缩包和其他类型的文件，请解压后逐个上传其中的图片或文档"
BOMB: Final = "文件解压后过大，不能上传"

_END_OF_ZIP: Final = b"PK\x05\x06"
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_END_BYTES: Final = 22
_LONGEST_COMMENT: Final = 65_535
_MOST_MEMBERS: Final = 10_000
_LARGEST_DIRECTORY: Final = 4 * 1024 * 1024
_LARGEST_UNPACKED: Final = 2 * 1024**3
_LARGEST_CONTENT_TYPES: Final = 1024 * 1024
_SUSPICIOUS_UNPACKED: Final = 100 * 1024 * 1024
_SUSPICIOUS_RATIO: Final = 200
_UNREADABLE_ZIP: Final = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error)


def ends_as_zip(tail: bytes) -> bool:
    """Whether the last bytes of a file are the end of a zip archive (also one appended to something else)."""
    return _end_of_zip(tail) >= 0


def package_format(reader: io.BufferedReader, size: int) -> Format:
    """DOCX or XLSX; raise ``UnsupportedFile`` for every other zip archive."""
    _check_directory(reader, size)
    try:
        with zipfile.ZipFile(reader) as package:
            names = _member_names(package, size)
            content_types = _content_types(package, names)
    except _UNREADABLE_ZIP as fault:
        raise UnsupportedFile(DAMAGED) from fault
    if any(name.endswith(("vbaproject.bin", "vbadata.xml")) for name in names) or b"macroenabled" in content_types:
        raise UnsupportedFile(MACROS)
    parts = {name.partition("/")[0] for name in names if "/" in name}
    found = [format_ for folder, format_ in (("word", DOCX), ("xl", XLSX)) if folder in parts]
    marks = {DOCX: b"wordprocessingml", XLSX: b"spreadsheetml"}
    if len(found) != 1 or marks[found[0]] not in content_types:
        raise UnsupportedFile(NOT_OFFICE)
    return found[0]


def _check_directory(reader: io.BufferedReader, size: int) -> None:
    """Bound the central directory before ``zipfile`` reads it whole."""
    start = max(0, size - _END_BYTES - _LONGEST_COMMENT - 20)
    reader.seek(start)
    tail = reader.read()
    end = _end_of_zip(tail)
    if end < 0:
        raise UnsupportedFile(DAMAGED)
    members, length, offset = struct.unpack_from("<HII", tail, end + 10)
    if tail[max(0, end - 20) :].startswith(_ZIP64_LOCATOR):
        raise UnsupportedFile(NOT_OFFICE)  # for archives over 4 GB or 65,535 members: no document
    if members > _MOST_MEMBERS or length > _LARGEST_DIRECTORY:
        raise UnsupportedFile(BOMB)
    if offset + length != start + end:  # something stands before the archive or inside its end
        raise UnsupportedFile(NOT_OFFICE)


def _end_of_zip(tail: bytes) -> int:
    at = tail.rfind(_END_OF_ZIP)
    while at >= 0:
        if len(tail) >= at + _END_BYTES:
            (comment,) = struct.unpack_from("<H", tail, at + 20)
            if at + _END_BYTES + comment == len(tail):
                return at
        at = tail.rfind(_END_OF_ZIP, 0, at)
    return -1


def _member_names(package: zipfile.ZipFile, size: int) -> set[str]:
    names: set[str] = set()
    unpacked = 0
    for member in package.infolist():
        name = member.filename.replace("\\", "/").lower()
        if name.startswith("/") or ".." in name.split("/") or name in names:
            raise UnsupportedFile(NOT_OFFICE)
        names.add(name)
        unpacked += member.file_size
    if unpacked > _LARGEST_UNPACKED or (unpacked > _SUSPICIOUS_UNPACKED and unpacked > size * _SUSPICIOUS_RATIO):
        raise UnsupportedFile(BOMB)
    return names


def _content_types(package: zipfile.ZipFile, names: set[str]) -> bytes:
    if "[content_types].xml" not in names:
        raise UnsupportedFile(NOT_OFFICE)
    (member,) = [found for found in package.infolist() if found.filename.lower() == "[content_types].xml"]
    with package.open(member) as file:
        content = file.read(_LARGEST_CONTENT_TYPES + 1)
    if len(content) > _LARGEST_CONTENT_TYPES:
        raise UnsupportedFile(BOMB)
    return content.lower()


# Compound files ----------------------------------------------------------------------------------------------------

_HEADER_BYTES: Final = 512
_HEADER_DIFAT: Final = 109
_ENTRY_BYTES: Final = 128
_MOST_ENTRIES: Final = 4_000
_LAST_REGULAR_SECTOR: Final = 0xFFFFFFFA
_NO_ENTRY: Final = 0xFFFFFFFF
_MACRO_NAMES: Final = frozenset({"macros", "_vba_project_cur", "_vba_project", "vba"})
_PASSWORD_NAMES: Final = frozenset({"encryptedpackage", "encryptioninfo", "encryptedsummary"})


def compound_format(reader: io.BufferedReader, size: int) -> Format:
    """DOC or XLS by the streams at the root; raise ``UnsupportedFile`` for other compound files (.msi, .ppt, .msg)."""
    try:
        compound = _CompoundFile(reader, size)
        entries = list(compound.entries())
        top = _top_level_names(entries)
    except (struct.error, _Malformed) as fault:
        raise UnsupportedFile(DAMAGED) from fault
    if {name for name, *_ in entries} & _MACRO_NAMES:
        raise UnsupportedFile(MACROS)
    if top & _PASSWORD_NAMES:
        raise UnsupportedFile(PASSWORD)
    if "worddocument" in top:
        return DOC
    if top & {"workbook", "book"}:
        return XLS
    raise UnsupportedFile(NOT_OFFICE)


class _Malformed(Exception):
    """The structure contradicts itself."""


_Entry = tuple[str, int, int, int]  # name in small letters, left sibling, right sibling, child


class _CompoundFile:
    """The directory of a compound file; only what is needed to list the names in it."""

    def __init__(self, reader: io.BufferedReader, size: int) -> None:
        self._reader = reader
        reader.seek(0)
        header = reader.read(_HEADER_BYTES)
        shift, self._first_directory_sector = struct.unpack_from("<H", header, 30)[0], _word(header, 48)
        if shift not in {9, 12}:
            raise _Malformed
        self._sector_bytes = 1 << shift
        self._sectors = size // self._sector_bytes
        self._fat_sectors = list(self._list_fat_sectors(header))

    def entries(self) -> Iterator[_Entry]:
        """Every directory entry, in order of its number."""
        for sector in list(self._chain(self._first_directory_sector)):
            content = self._read_sector(sector)
            for at in range(0, self._sector_bytes, _ENTRY_BYTES):
                yield _entry(content[at : at + _ENTRY_BYTES])

    def _list_fat_sectors(self, header: bytes) -> Iterator[int]:
        yield from (s for s in struct.unpack_from(f"<{_HEADER_DIFAT}I", header, 76) if s <= _LAST_REGULAR_SECTOR)
        sector, left = _word(header, 68), _word(header, 72)
        per_sector = self._sector_bytes // 4 - 1
        while sector <= _LAST_REGULAR_SECTOR and left > 0:
            if left > self._sectors:
                raise _Malformed
            numbers = struct.unpack(f"<{per_sector + 1}I", self._read_sector(sector))
            yield from (s for s in numbers[:per_sector] if s <= _LAST_REGULAR_SECTOR)
            sector, left = numbers[per_sector], left - 1

    def _chain(self, first: int) -> Iterator[int]:
        sector = first
        for _ in range(_MOST_ENTRIES * _ENTRY_BYTES // self._sector_bytes):
            if sector > _LAST_REGULAR_SECTOR:
                return
            yield sector
            sector = self._next(sector)
        raise _Malformed

    def _next(self, sector: int) -> int:
        index, within = divmod(sector, self._sector_bytes // 4)
        if index >= len(self._fat_sectors):
            raise _Malformed
        return _word(self._read_sector(self._fat_sectors[index]), within * 4)

    def _read_sector(self, sector: int) -> bytes:
        self._reader.seek((sector + 1) * self._sector_bytes)
        content = self._reader.read(self._sector_bytes)
        if len(content) != self._sector_bytes:
            raise _Malformed
        return content


def _word(content: bytes, at: int) -> int:
    number: int = struct.unpack_from("<I", content, at)[0]
    return number


def _entry(raw: bytes) -> _Entry:
    length = max(0, min(struct.unpack_from("<H", raw, 64)[0], 64) - 2)
    name = raw[:length].decode("utf-16-le", "replace").lower()
    left, right, child = struct.unpack_from("<III", raw, 68)
    return name, left, right, child


def _top_level_names(entries: list[_Entry]) -> set[str]:
    """Names directly below the root: a workbook embedded in a letter does not make the letter a workbook."""
    names: set[str] = set()
    seen: set[int] = set()
    waiting = [entries[0][3]] if entries else []
    while waiting:
        number = waiting.pop()
        if number == _NO_ENTRY:
            continue
        if number in seen or number >= len(entries):
            raise _Malformed
        seen.add(number)
        name, left, right, _ = entries[number]
        names.add(name)
        waiting += [left, right]
    return names
