"""The workbook that an import gives back: the rows as they came, cells at fault in red, and the reasons in words.

Every cell is written as the value it had; text stays text whatever it begins with, so that no formula comes to life in
the officer's program. Written in memory: a table of claims holds personal data, and no plain copy may lie on a disk.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import xlsxwriter
from xlsxwriter.workbook import Workbook as OutputBook
from xlsxwriter.worksheet import Worksheet

from app.cases.sheet_columns import Headings
from app.cases.sheet_engine import Fault, Outcome
from app.files.sheets import Cell, SheetRow, Workbook

MOST_CELLS: Final = 400_000
"""Up to this size the whole table comes back; of a larger one the rows at fault alone."""
LONGEST_CELL: Final = 32_000
_WIDTH: Final = 16


def marked(book: Workbook, headings: Headings, outcome: Outcome) -> bytes:
    """The table with what is wrong with it."""
    faults: dict[int, list[Fault]] = defaultdict(list)
    for fault in outcome.faults:
        faults[fault.row].append(fault)
    last_column = max((heading.index for heading in headings.columns), default=0)
    whole = outcome.rows * (last_column + 1) <= MOST_CELLS
    target = io.BytesIO()
    with xlsxwriter.Workbook(
        target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as out:
        page = out.add_worksheet("导入结果")
        page.set_column(0, last_column, _WIDTH)
        page.set_column(last_column + 1, last_column + 2, 40)
        styles = _Styles(out)
        at = 0
        for row in book.rows(headings.sheet):
            if row.number <= headings.last_row or row.number in faults or (whole and not row.blank):
                _write_row(page, at, row, faults.get(row.number, []), styles)
                _explain(page, at, row.number, last_column + 1, headings, faults.get(row.number, []), styles)
                at += 1
        page.freeze_panes(headings.last_row, 0)
    return target.getvalue()


class _Styles:
    """The formats of the workbook."""

    def __init__(self, out: OutputBook) -> None:
        self.day = out.add_format({"num_format": "yyyy-mm-dd"})
        self.fault = out.add_format({"bg_color": "#FFC7CE", "font_color": "#9C0006"})
        self.day_at_fault = out.add_format({"bg_color": "#FFC7CE", "num_format": "yyyy-mm-dd"})
        self.note = out.add_format({"bg_color": "#FFEB9C"})
        self.words = out.add_format({"text_wrap": True})


def _write_row(page: Worksheet, at: int, row: SheetRow, faults: Sequence[Fault], styles: _Styles) -> None:
    wrong = {fault.column: fault for fault in faults}
    for column, cell in enumerate(row.cells):
        fault = wrong.get(column)
        style = None if fault is None else styles.note if fault.note else styles.fault
        write_cell(page, at, column, cell, style, styles.day_at_fault if fault else styles.day)
    for column, fault in wrong.items():
        page.write_comment(at, column, fault.reason)


def write_cell(page: Worksheet, at: int, column: int, cell: Cell, style: Any, day_style: Any) -> None:
    """One cell with the value it had; never a formula."""
    if cell is None or cell == "":
        page.write_blank(at, column, None, style)
    elif isinstance(cell, bool):
        page.write_boolean(at, column, cell, style)
    elif isinstance(cell, int | float):
        page.write_number(at, column, cell, style)
    elif isinstance(cell, date | datetime):
        page.write_datetime(at, column, cell, day_style)
    elif isinstance(cell, time | timedelta):
        page.write_string(at, column, str(cell), style)
    else:
        page.write_string(at, column, cell[:LONGEST_CELL], style)


def _explain(
    page: Worksheet, at: int, number: int, column: int, headings: Headings, faults: Sequence[Fault], styles: _Styles
) -> None:
    if number == headings.last_row:
        page.write_row(at, column, ["导入结果", "原行号"])
    elif number > headings.last_row:
        told = "；".join(f"{fault.cell}{fault.heading and f'（{fault.heading}）'}：{fault.reason}" for fault in faults)
        page.write_string(at, column, told[:LONGEST_CELL] or "无误", styles.words)
        page.write_number(at, column + 1, number)
