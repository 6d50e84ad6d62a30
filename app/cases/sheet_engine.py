"""A spreadsheet row by row into a target: reading, faults with cell addresses, chunks that are written as they come.

The caller's transaction decides: where one row is at fault and the whole file was wanted or nothing, it is rolled back.
Nothing is held but the present chunk, the keys that were seen and the first :data:`MOST_FAULTS` faults.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

from app.cases.cell_values import CellFault, Reader
from app.cases.sheet_columns import Column, Headings, readers
from app.files.sheets import Cell, SheetRow, Workbook, address
from app.foundation.beside import Beside

CHUNK: Final = 1000
MOST_FAULTS: Final = 20_000
_REMEMBERED: Final = 500
_SHORT: Final = 40
_LONGEST_SPAN: Final = 100
_FOOTERS: Final = ("合计", "总计", "小计", "填报", "制表", "审核", "说明", "注：", "备注：")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell, or with a whole row (``column`` 0); a ``note`` refuses nothing."""

    row: int
    column: int
    heading: str
    reason: str
    note: bool = False

    @property
    def cell(self) -> str:
        """The address of the cell."""
        return address(self.row, self.column)


@dataclass(slots=True)
class ReadRow:
    """One row as fields; blank cells are not among them."""

    number: int
    values: dict[str, Any]
    places: dict[str, tuple[int, str]] = field(repr=False)
    faults: list[Fault] = field(default_factory=list)
    span: int = 1
    """How many rows of the sheet it is."""
    lacking: list[Fault] = field(default_factory=list)
    """What every row needs, and this one has not; further rows of a thing need nothing."""

    @property
    def refused(self) -> bool:
        """Whether a fault keeps the row out."""
        return any(not fault.note for fault in self.faults)

    def refuse(self, field_name: str, reason: str, *, note: bool = False) -> None:
        """Remember what is wrong with a field; a field that the sheet has no column for is told at the first cell."""
        column, heading = self.places.get(field_name, (0, ""))
        self.faults.append(Fault(self.number, column, heading, reason, note))


class Target(Protocol):
    """What rows become."""

    @property
    def columns(self) -> Sequence[Column]:
        """The fields that a row may have."""
        ...

    @property
    def key(self) -> str:
        """The field by which a row is known again."""
        ...

    @property
    def further(self) -> frozenset[str]:
        """Fields that stand once for each of several rows of one thing; they come under ``further`` in its values."""
        ...

    def look_up(self, rows: Sequence[ReadRow]) -> Any:
        """What the database holds of these rows, none of which has a fault."""
        ...

    def judge(self, rows: Sequence[ReadRow], known: Any) -> Any:
        """What is to be written of them; rows that cannot be get faults. Without the database: it is busy meanwhile."""
        ...

    def write(self, judged: Any) -> None:
        """Write it in the present transaction; rows that cannot be written after all get faults."""
        ...

    def counts(self) -> tuple[int, int, int]:
        """How many were created, updated and left unchanged."""
        ...

    def finish(self) -> None:
        """Write down what belongs to the sheet as a whole, once every row is written."""
        ...


@dataclass(slots=True)
class Outcome:
    """What came of a sheet."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    faults: list[Fault] = field(default_factory=list)

    def note(self, rows: Sequence[ReadRow]) -> None:
        """Count a chunk and keep its faults."""
        self.rows += sum(row.span for row in rows)
        self.refused += sum(row.refused for row in rows)
        for row in rows:
            self.faults += row.faults[: MOST_FAULTS - len(self.faults)]


class NothingKept(Exception):
    """Rolls back what was written: a dry run, or a file that was wanted whole and has faults."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("nothing kept")
        self.outcome = outcome


def take_in(
    book: Workbook, headings: Headings, target: Target, *, by_row: bool, dry_run: bool, progress: Callable[[int], None]
) -> Outcome:
    """Write a sheet into ``target``, in the caller's transaction.

    Args:
        book: the file.
        headings: where its table begins, and what its columns are.
        target: what rows become.
        by_row: keep the good rows although others are refused.
        dry_run: find every fault and keep nothing.
        progress: gets the number of rows done.

    Raises:
        NothingKept: with the outcome; the transaction must be rolled back.
    """
    outcome = Outcome()
    with _spared_collector(), Beside() as beside:
        for chunk in _written(_chunks(_rows(book, headings, target)), target, beside):
            outcome.note(chunk)
            progress(outcome.rows)
    outcome.created, outcome.updated, outcome.unchanged = target.counts()
    if dry_run or (outcome.refused and not by_row):
        raise NothingKept(outcome)
    target.finish()
    return outcome


def _written(chunks: Iterator[list[ReadRow]], target: Target, beside: Beside) -> Iterator[list[ReadRow]]:
    """Chunks as they are written: while PostgreSQL works on one, the next is judged and the one after it read."""
    on_the_way: list[ReadRow] = []
    last: list[ReadRow] = []
    judged: Any = None
    for chunk in chunks:
        beside.settle()
        yield on_the_way
        rows = [row for row in chunk if not row.refused]
        known = target.look_up(rows)
        if last:
            beside.start(partial(target.write, judged))
        on_the_way, judged, last = last, target.judge(rows, known), chunk
    beside.settle()
    yield on_the_way
    if last:
        target.write(judged)
    yield last


@contextmanager
def _spared_collector() -> Iterator[None]:
    """Keep the collector from walking over the gazetteer and over rows in use: more than a third of the time.

    There is nothing for it to do: a chunk leaves some thirty objects that hold each other.
    """
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _chunks(rows: Iterator[ReadRow]) -> Iterator[list[ReadRow]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _rows(book: Workbook, headings: Headings, target: Target) -> Iterator[ReadRow]:
    by_place = [(index, column, _remembering(read)) for index, column, read in readers(headings, target.columns)]
    shown = {heading.index: heading.words for heading in headings.columns}
    places = {column.field: (index, shown[index]) for index, column, _ in by_place}
    seen: dict[str, int] = {}
    held: ReadRow | None = None
    for row in book.rows(headings.sheet):
        if row.number <= headings.last_row or row.blank:
            continue
        read = _read(row, by_place, places)
        if held is not None and _goes_on(held, read, target):
            _join(held, read, target.further)
        elif target.key in read.values or not _is_footer(row):
            if held is not None:
                yield held
            read.faults = sorted([*read.faults, *read.lacking], key=lambda fault: fault.column)
            _refuse_twice(read, target.key, seen)
            held = read
    if held is not None:
        yield held


def _goes_on(held: ReadRow, read: ReadRow, target: Target) -> bool:
    """Whether a row only adds to the one above: it says nothing else, or (merged cells) repeats everything else."""
    if (key := read.values.get(target.key)) is not None and key != held.values.get(target.key):
        return False
    more = {name: value for name, value in read.values.items() if name in target.further}
    columns = {read.places[name][0] for name in target.further & read.places.keys()}
    unread = any(fault.column in columns for fault in read.faults)
    if not (more or unread) or held.span >= _LONGEST_SPAN:
        return False
    rest = {name: value for name, value in read.values.items() if name not in target.further}
    above = {name: value for name, value in held.values.items() if name not in {*target.further, "further"}}
    repeats = rest == above and (unread or any(value != held.values.get(name) for name, value in more.items()))
    return repeats or not rest


def _join(held: ReadRow, read: ReadRow, further: frozenset[str]) -> None:
    more = {name: value for name, value in read.values.items() if name in further}
    held.values.setdefault("further", []).append(more)
    held.faults += read.faults
    held.span += 1


def _remembering(read: Reader) -> Reader:
    """The reader with the texts that a column says again and again (districts, categories, days) read once."""
    known: dict[str, Any] = {}

    def look_up(cell: Cell) -> Any:
        if not isinstance(cell, str) or len(cell) > _SHORT:
            return read(cell)
        found = known.get(cell)
        if found is None:
            found = read(cell)
            if len(known) < _REMEMBERED and not isinstance(found, list):
                known[cell] = found
        return found

    return look_up


def _read(row: SheetRow, by_place: Sequence[tuple[int, Column, Any]], places: dict[str, tuple[int, str]]) -> ReadRow:
    read = ReadRow(row.number, {}, places)
    for index, column, reader in by_place:
        cell = row.cells[index] if index < len(row.cells) else None
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            if column.needed:
                read.lacking.append(Fault(row.number, index, places[column.field][1], f"{column.text}不能为空"))
            continue
        try:
            read.values[column.field] = reader(cell)
        except CellFault as fault:
            read.refuse(column.field, str(fault))
    return read


def _is_footer(row: SheetRow) -> bool:
    """A line of totals or of signatures below the table."""
    first = next((cell for cell in row.cells if cell is not None and cell != ""), "")
    return isinstance(first, str) and first.replace(" ", "").replace("\u3000", "").startswith(_FOOTERS)


def _refuse_twice(row: ReadRow, key: str, seen: dict[str, int]) -> None:
    value = row.values.get(key)
    if value is None:
        return
    if (earlier := seen.setdefault(value, row.number)) != row.number:
        row.refuse(key, f"与第 {earlier} 行重复")
