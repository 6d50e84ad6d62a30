"""Cells of a workbook (XLSX) whose formula has failed. Pure: no Flask, no database.

The reader of workbooks gives them out as blank, and a blank cell means that nothing is known: an amount of ``#DIV/0!``
would be taken in as none. The parts are only searched, never built up as a tree.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

_PIECE: Final = 1 << 20
_LONGEST_CELL: Final = 1 << 14
"""A formula has at most 8,192 letters."""
_SHEET: Final = re.compile(r"<(?:\w+:)?sheet\s[^<>]*>")
_RELATION: Final = re.compile(r"<(?:\w+:)?Relationship\s[^<>]*>")
_FAILED: Final = re.compile(
    rb'<(?:\w+:)?c\s(?=[^<>]*\st="e")[^<>]*\br="([A-Z]{1,3})(\d{1,7})"[^<>]*>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]{1,20})<',
    re.DOTALL,
)


def failed_cells(content: bytes, sheet_name: str) -> dict[tuple[int, int], str]:
    """(row from 1, column from 0) → what stands there, such as ``#REF!``; nothing for any other kind of file."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            part = _part_of(parts, sheet_name)
            return dict(_found(parts, part)) if part else {}
    except (zipfile.BadZipFile, KeyError):
        return {}


def _part_of(parts: zipfile.ZipFile, sheet_name: str) -> str | None:
    relation = {
        _attribute(tag, "name"): _attribute(tag, "id") for tag in _SHEET.findall(_text(parts, "xl/workbook.xml"))
    }
    related = _RELATION.findall(_text(parts, "xl/_rels/workbook.xml.rels"))
    targets = {_attribute(tag, "Id"): _attribute(tag, "Target") for tag in related}
    target = targets.get(relation.get(sheet_name, ""))
    return f"xl/{target.removeprefix('/xl/')}" if target else None


def _text(parts: zipfile.ZipFile, name: str) -> str:
    return parts.read(name).decode("utf-8", "replace")


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s(?:\w+:)?{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""


def _found(parts: zipfile.ZipFile, name: str) -> Iterator[tuple[tuple[int, int], str]]:
    rest = b""
    with parts.open(name) as part:
        while piece := part.read(_PIECE):
            piece = rest + piece
            if b't="e"' in piece:
                for letters, number, said in _FAILED.findall(piece):
                    yield (int(number), _column(letters)), said.decode("utf-8", "replace")
            rest = piece[-_LONGEST_CELL:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
