"""A list of tips as a file, for whoever sees the list: marked with who took it, when and for which unit, and audited.

It tells nothing of reporters, not even whether there is one. Words are text: no spreadsheet takes a name for a formula.
Days are days: a sheet, which people read, writes 2026年3月2日 and still sorts by them; a CSV file, which is made for
other programs, writes them by ISO 8601.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from typing import IO, Any, Final

import xlsxwriter

from app.audit import service as audit
from app.foundation import clock
from app.foundation.errors import Conflict, Forbidden
from app.foundation.permissions import Actor
from app.geo.divisions import divisions
from app.tips import dictionaries, policy, queries
from app.tips.lines import TipLine
from app.tips.queries import Order, QueueFilter
from app.workflow import limits
from app.workflow.states import Status

MOST_ROWS: Final = 50_000
"""More than anybody reads, and less than a spreadsheet holds."""
_COLUMNS: Final = {
    "受理编号": 20,
    "被举报对象": 36,
    "统一社会信用代码": 22,
    "行为类型": 24,
    "属地": 14,
    "状态": 12,
    "优先级": 8,
    "登记时间": 22,
    "办理期限": 16,
    "总期限": 16,
    "属地争议": 10,
}
"""Heading and width of each column."""
HEADINGS: Final = tuple(_COLUMNS)
_TOLD_EVERY: Final = 500
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


Cell = str | date | None
"""Words, or a day, or a moment of Beijing without its offset."""
DAY_FORMAT: Final = 'yyyy"年"m"月"d"日"'
MOMENT_FORMAT: Final = f"{DAY_FORMAT} hh:mm"


class Format(StrEnum):
    """What kind of file."""

    XLSX = "xlsx"
    CSV = "csv"


def export_list(
    actor: Actor,
    wanted: QueueFilter,
    order: Order,
    kind: Format,
    target: IO[bytes],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the list within this person's sight to ``target`` and an audit row with it; return how many tips.

    Args:
        progress: told every few hundred rows how many are written.

    Raises:
        Forbidden: a person who only looks on. Conflict: more tips than one file may hold.
    """
    if not policy.can_export(actor):
        raise Forbidden("您无权导出线索清单", extra={"audit_object": ("list", "tips")})
    mark = watermark(actor)
    rows = _Counted(_cells(queries.queue_lines(actor, wanted, order, MOST_ROWS + 1)), progress)
    _WRITERS[kind](target, mark, rows)
    if rows.number > MOST_ROWS:
        raise Conflict(f"一次最多导出 {MOST_ROWS} 件，请缩小筛选范围", code="too_many_rows")
    used = sorted(name for name, value in asdict(wanted).items() if value is not None)
    audit.record(actor, "tips.export", "list", "tips", rows=rows.number, format=kind.value, filters=used, mark=mark)
    return rows.number


def watermark(actor: Actor) -> str:
    """Who takes a copy, for which unit, and when, in Beijing."""
    return f"{actor.unit_name} {actor.name} 于 {clock.moment_text(clock.now())} 导出，内部资料，不得外传"


class _Counted:
    """Rows that pass by, and how many have."""

    def __init__(self, rows: Iterable[Sequence[Cell]], progress: Callable[[int], None] | None) -> None:
        self._rows, self._progress = rows, progress
        self.number = 0

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        for row in self._rows:
            self.number += 1
            if self._progress and not self.number % _TOLD_EVERY:
                self._progress(self.number)
            yield row


def _cells(lines: Iterable[TipLine]) -> Iterator[Sequence[Cell]]:
    kinds = limits.wordings(dictionaries.CONDUCT)
    for tip in lines:
        yield (
            tip.receipt_number,
            tip.subject_name or "",
            tip.uscc or "",
            kinds.get(tip.conduct_type or "", ""),
            divisions().name(tip.division_code) if tip.division_code else "",
            Status(tip.status).text,
            tip.priority,
            clock.beijing(tip.registered_at).replace(second=0, microsecond=0, tzinfo=None),
            tip.due_on,
            tip.overall_due_on,
            "是" if tip.dispute else "",
        )


def _write_xlsx(target: IO[bytes], mark: str, rows: Iterable[Sequence[Cell]]) -> None:
    """The mark stands in the first line, and in head and foot of every printed page."""
    book = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet("线索清单")
    told = mark.replace("&", "&&")  # the sign begins a code in head and foot
    sheet.set_header(f"&C{told}")
    sheet.set_footer(f"&L{told}&R第 &P 页，共 &N 页")
    sheet.set_landscape()
    sheet.repeat_rows(0, 1)
    for column, width in enumerate(_COLUMNS.values()):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, mark)
    bold = book.add_format({"bold": True})
    for column, heading in enumerate(HEADINGS):
        sheet.write_string(1, column, heading, bold)
    sheet.freeze_panes(2, 1)
    day, moment = (book.add_format({"num_format": told, "align": "left"}) for told in (DAY_FORMAT, MOMENT_FORMAT))
    for number, row in enumerate(rows, start=2):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(number, column, cell, moment if isinstance(cell, datetime) else day)
            elif cell:
                sheet.write_string(number, column, cell)
    book.close()


def _write_csv(target: IO[bytes], mark: str, rows: Iterable[Sequence[Cell]]) -> None:
    """The mark is the first line; with a byte order mark, because Excel takes UTF-8 for something else otherwise."""
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([mark])
    writer.writerow(HEADINGS)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    text.detach()


def _plain(cell: Cell) -> str:
    """No formula, and days by ISO 8601."""
    if isinstance(cell, date):
        return cell.isoformat(" ", "minutes") if isinstance(cell, datetime) else cell.isoformat()
    return f"'{cell}" if cell and cell.startswith(_FORMULA_STARTS) else cell or ""


_WRITERS: Final[dict[Format, Callable[[IO[bytes], str, Iterable[Sequence[Cell]]], Any]]] = {
    Format.XLSX: _write_xlsx,
    Format.CSV: _write_csv,
}
MEDIA_TYPES: Final = {
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv; charset=utf-8",
}
