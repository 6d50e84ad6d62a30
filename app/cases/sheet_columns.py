"""Headings of a spreadsheet → fields: synonyms, units, one or two heading rows under any title. Pure.

A kind of sheet is a tuple of :class:`Column`. What the program takes a heading for is shown before anything is read
(:func:`find_headings`), and the office may say otherwise for each column (:func:`remapped`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import Final, TypeAlias

from app.cases.cell_values import WAN, YI, YUAN, Reader, amount
from app.files.sheets import Cell, SheetRow, UnreadableSheet, Workbook, letters

HEADINGS_WITHIN: Final = 15
"""Rows in which headings are looked for; above them stand titles and the unit of the table."""
_FEWEST_KNOWN: Final = 2
_LONGEST_HEADING: Final = 60
_IGNORED: Final = frozenset(
    {"序号", "返还比例", "清退比例", "兑付比例", "备注", "填报人", "填报日期", "填报时间", "导入结果", "原行号"}
)
"""Known, and read on purpose by nobody: the ratio is computed, never typed."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a sheet may hold: its name in the office's words, the headings it hides behind, how it is read."""

    field: str
    text: str
    headings: tuple[str, ...]
    read: Reader
    money: bool = False
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """One column of a sheet: its letters and words, and the field it is taken for, if any."""

    index: int
    words: str
    field: str | None
    unit: Decimal = YUAN
    ignored: bool = False

    @property
    def letters(self) -> str:
        """The column as the office program calls it."""
        return letters(self.index)


@dataclass(frozen=True, slots=True)
class Headings:
    """Where the table of a file begins, and what its columns are taken for."""

    sheet: str
    last_row: int
    columns: tuple[Heading, ...]

    def missing(self, known: Sequence[Column]) -> list[str]:
        """Fields without which no row can be taken over, in the office's words."""
        found = {heading.field for heading in self.columns}
        return [column.text for column in known if column.needed and column.field not in found]


def find_headings(book: Workbook, known: Sequence[Column]) -> Headings:
    """The first sheet with headings that are known; raise :class:`UnreadableSheet`."""
    by_words = {_plain(name): column.field for column in known for name in (column.text, *column.headings)}
    for sheet in book.sheet_names:
        first = list(islice(book.rows(sheet), HEADINGS_WITHIN + 1))
        best = max(_candidates(first, by_words), key=lambda found: found[0], default=None)
        if best is not None and best[0] >= _FEWEST_KNOWN:
            _, (first_row, last_row), words = best
            unit = _unit_of("".join(_said(cell) for row in first[: first_row - 1] for cell in row.cells)) or YUAN
            return Headings(sheet, last_row, tuple(_headings(words, by_words, unit)))
    raise UnreadableSheet(f"前 {HEADINGS_WITHIN} 行中没有找到表头，表头中至少要有“{known[0].text}”等两个栏目")


def remapped(headings: Headings, chosen: Mapping[str, str | None]) -> Headings:
    """The headings with what the office says of single columns (letters → field, or nothing to leave it out)."""
    columns = [replace(one, field=chosen.get(one.letters, one.field)) for one in headings.columns]
    return replace(headings, columns=tuple(columns))


def readers(headings: Headings, known: Sequence[Column]) -> list[tuple[int, Column, Reader]]:
    """Which cell is read how: (index, column, reader with the unit of that column); the first of two equal columns."""
    by_field = {column.field: column for column in known}
    found: dict[str, tuple[int, Column, Reader]] = {}
    for heading in headings.columns:
        if heading.field in by_field and heading.field not in found:
            column = by_field[heading.field]
            found[heading.field] = (heading.index, column, amount(heading.unit) if column.money else column.read)
    return list(found.values())


_Candidate: TypeAlias = tuple[int, tuple[int, int], list[list[str]]]


def _candidates(rows: list[SheetRow], by_words: Mapping[str, str]) -> Iterable[_Candidate]:
    """(known headings, first and last heading row, the words above each column) of single rows and of pairs."""
    for at, row in enumerate(rows[:HEADINGS_WITHIN]):
        single = [[_said(cell)] for cell in row.cells]
        yield _known(single, by_words), (row.number, row.number), single
        if at + 1 < len(rows) and _may_be_headings(rows[at + 1]):
            below = [_said(cell) for cell in rows[at + 1].cells]
            pair = [
                [*above, *([under] if under and under not in above else [])]
                for above, under in zip(single, below, strict=False)
            ]
            count = _known(pair, by_words)
            if count > _known(single, by_words):
                yield count, (row.number, row.number + 1), pair


def _known(columns: list[list[str]], by_words: Mapping[str, str]) -> int:
    return len({field for words in columns if (field := _field_of(words, by_words))})


def _may_be_headings(row: SheetRow) -> bool:
    said = [cell for cell in row.cells if cell not in {None, ""}]
    return bool(said) and all(isinstance(cell, str) and not any(map(str.isdigit, cell)) for cell in said)


def _headings(columns: list[list[str]], by_words: Mapping[str, str], unit: Decimal) -> Iterable[Heading]:
    taken: set[str] = set()
    for index, words in enumerate(columns):
        shown = " ".join(filter(None, words))
        if not shown:
            continue
        field = _field_of(words, by_words)
        if field in taken:
            field = None
        taken.update({field} if field else ())
        own = next((found for said in reversed(words) if (found := _unit_of(said))), None)
        yield Heading(index, shown, field, own or unit, _plain(words[-1]) in _IGNORED)


def _field_of(words: list[str], by_words: Mapping[str, str]) -> str | None:
    """By the words of the lowest heading row, by both rows together, then by the upper one alone."""
    plain = [_plain(said) for said in words if said]
    tried = [*reversed(plain[-1:]), "".join(plain), *plain[:1]]
    return next((by_words[said] for said in tried if said in by_words), None)


def _said(cell: Cell) -> str:
    said = str(cell) if isinstance(cell, str) else ""
    return said.strip() if len(said) <= _LONGEST_HEADING else ""


def _plain(said: str) -> str:
    """A heading without width, spaces, marks and what stands in brackets after it."""
    text = re.sub(r"[\s*:：﹡]", "", unicodedata.normalize("NFKC", said)).lower()
    return re.sub(r"\((?:单位[::]?)?(?:人民币)?(?:万元|亿元|元|人|件|%|必填|选填|是/否|年月日)\)", "", text)


def _unit_of(said: str) -> Decimal | None:
    found = re.search(r"[(（:：/、]\s*(?:人民币)?(万元|亿元|元)", said)
    return {"万元": WAN, "亿元": YI, "元": YUAN}[found[1]] if found else None
