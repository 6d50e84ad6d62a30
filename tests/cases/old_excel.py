"""A table of Excel 97–2003 (.xls), made by hand: [MS-XLS] records in one stream of a compound file ([MS-CFB])."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_NONE, _END = 0xFFFFFFFF, 0xFFFFFFFE
_SECTOR, _SMALLEST_STREAM = 512, 4096


def xls(rows: Sequence[Sequence[str | float | None]], sheet: str = "台账") -> bytes:
    """A workbook with one sheet of texts and numbers."""
    name = sheet.encode("utf-16-le")
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    bound = struct.pack("<IBBBB", 0, 0, 0, len(sheet), 1) + name
    globals_end = len(begin) + 4 + len(bound) + 4
    bound = struct.pack("<I", globals_end) + bound[4:]
    stream = begin + _record(0x0085, bound) + _record(0x000A, b"")
    stream += _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    width = max(len(row) for row in rows)
    stream += _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            stream += _cell(number, column, cell)
    return _compound(stream + _record(0x000A, b""))


def _cell(row: int, column: int, cell: str | float | None) -> bytes:
    if cell is None:
        return b""
    where = struct.pack("<HHH", row, column, 0)
    if isinstance(cell, str):
        return _record(0x0204, where + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le"))
    return _record(0x0203, where + struct.pack("<d", cell))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _compound(stream: bytes) -> bytes:
    """One stream named Workbook: table of sectors, directory, then the stream."""
    size = max(len(stream), _SMALLEST_STREAM)
    stream = stream.ljust(-(-size // _SECTOR) * _SECTOR, b"\0")
    count = len(stream) // _SECTOR
    chain = [*range(3, count + 2), _END]
    table = [0xFFFFFFFD, _END, *chain]
    table += [_NONE] * (128 - len(table))
    assert len(table) == 128, "one sector of the table is enough for a test"
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
        + bytes(6)
        + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0)
        + struct.pack("<109I", 0, *([_NONE] * 108))
    )
    directory = _entry("Root Entry", 5, _END, 0, child=1) + _entry("Workbook", 2, 2, size) + bytes(2 * 128)
    return header + struct.pack("<128I", *table) + directory + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = _NONE) -> bytes:
    raw = name.encode("utf-16-le")
    return (
        raw.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(raw) + 2, kind, 1, _NONE, _NONE, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
