"""The office's spreadsheets as rows of cells: XLSX, XLS and CSV (UTF-8, GB18030). Pure: no Flask, no database.

Rows come one after the other, so that a table of 100,000 rows is never held as Python objects. A merged block says in
each of its cells what its first cell says. A formula counts with the value that the office program kept for it; one
that failed says so (``#REF!``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias

import python_calamine as calamine

from app.files.formula_faults import failed_cells

Cell: TypeAlias = str | float | int | bool | date | datetime | time | timedelta | None

_SIGNATURES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_LONGEST_CSV_CELL: Final = 16 * 1024 * 1024
_LETTERS: Final = 26
_DELIMITERS: Final = (",", "\t", ";")

csv.field_size_limit(_LONGEST_CSV_CELL)  # a cell that is too long is told by its address, not by a broken file


class UnreadableSheet(Exception):
    """The file is no table that can be read; the text says why, for the office."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number as the office program shows it (from 1), and its cells from column A on."""

    number: int
    cells: list[Cell]

    @property
    def blank(self) -> bool:
        """Whether nothing stands in it."""
        return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in self.cells)


class Workbook:
    """The tables of one file; each can be read again from its first row."""

    def __init__(self, content: bytes) -> None:
        """Raise :class:`UnreadableSheet` for anything but a readable table."""
        self._text: str | None = None
        self._book: calamine.CalamineWorkbook | None = None
        self._read: tuple[str, calamine.CalamineSheet, Mapping[tuple[int, int], str]] | None = None
        self._content = content
        if content.startswith(_SIGNATURES):
            try:
                self._book = calamine.load_workbook(io.BytesIO(content))
            except calamine.CalamineError as fault:
                raise UnreadableSheet("表格文件已损坏或设有密码，请另存为新的 Excel 文件后再试") from fault
        else:
            self._text = _decoded(content)

    @property
    def sheet_names(self) -> list[str]:
        """The names of the visible sheets; a CSV file is one sheet."""
        if self._book is None:
            return ["CSV"]
        shown = [
            sheet.name for sheet in self._book.sheets_metadata if sheet.visible == calamine.SheetVisibleEnum.Visible
        ]
        return shown or list(self._book.sheet_names)

    def rows(self, sheet_name: str) -> Iterator[SheetRow]:
        """The rows of a sheet, blank ones included."""
        if self._book is None:
            yield from _csv_rows(self._text or "")
            return
        sheet, failed = self._sheet(self._book, sheet_name)
        if sheet.start is None:
            return
        yield from _with_merged(_plain_rows(sheet, failed), sheet.merged_cell_ranges or [])

    def height(self, sheet_name: str) -> int:
        """How many rows there are down to the last one in use."""
        if self._book is None:
            return (self._text or "").count("\n") + 1
        end = self._sheet(self._book, sheet_name)[0].end
        return end[0] + 1 if end else 0

    def _sheet(
        self, book: calamine.CalamineWorkbook, name: str
    ) -> tuple[calamine.CalamineSheet, Mapping[tuple[int, int], str]]:
        """A sheet and its failed formulas; the latest is kept, because taking a large one apart takes seconds."""
        if self._read is None or self._read[0] != name:
            self._read = name, book.get_sheet_by_name(name), failed_cells(self._content, name)
        return self._read[1:]


def address(row_number: int, column: int) -> str:
    """The address of a cell: ``address(12, 2)`` is ``C12``; columns count from 0."""
    return f"{letters(column)}{row_number}"


def letters(column: int) -> str:
    """The letters of a column that counts from 0."""
    name = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, _LETTERS)
        name = chr(ord("A") + rest) + name
    return name


def _decoded(content: bytes) -> str:
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableSheet("不是 Excel 或 CSV 表格")
    encodings = ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableSheet("CSV 文件的编码无法识别，请另存为 UTF-8 或 GB18030 编码")


def _csv_rows(text: str) -> Iterator[SheetRow]:
    head = text[:4096].partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader, 1):
            yield SheetRow(number, list(cells))
    except csv.Error as fault:
        raise UnreadableSheet("CSV 文件的格式有误，请检查引号是否成对") from fault


def _plain_rows(sheet: calamine.CalamineSheet, failed: Mapping[tuple[int, int], str]) -> Iterator[SheetRow]:
    left: list[Cell] = [None] * (sheet.start[1] if sheet.start else 0)
    for number, cells in enumerate(sheet.iter_rows(), 1):
        row: list[Cell] = [*left, *cells]
        if failed:
            row = [failed.get((number, column), cell) for column, cell in enumerate(row)]
        yield SheetRow(number, row)


def _with_merged(rows: Iterator[SheetRow], ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> Iterator[SheetRow]:
    """Let every cell of a merged block say what its first cell says."""
    starting = sorted(ranges)
    active: list[tuple[tuple[int, int], tuple[int, int], Cell]] = []
    at = 0
    for row in rows:
        index = row.number - 1
        while at < len(starting) and starting[at][0][0] <= index:
            first, last = starting[at]
            at += 1
            active.append((first, last, row.cells[first[1]] if first[1] < len(row.cells) else None))
        active = [block for block in active if block[1][0] >= index]
        for first, last, value in active:
            for column in range(first[1], min(last[1] + 1, len(row.cells))):
                row.cells[column] = value
        yield row
