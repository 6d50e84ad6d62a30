"""The figures of tips as a workbook: a sheet for each, marked with who took it, when and for which unit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from app.audit import service as audit
from app.foundation.permissions import Actor
from app.tips.exports import watermark


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; values are texts, whole numbers, or shares between 0 and 1 as ``float``."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]


def statistics_book(actor: Actor, title: str, sheets: Sequence[Sheet]) -> bytes:
    """The workbook, with an audit row that says who took it."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False}) as book:
        formats = {
            "title": book.add_format({"bold": True, "font_size": 14}),
            "head": book.add_format({"bold": True, "bg_color": "#E8F0FB", "border": 1}),
            "share": book.add_format({"num_format": "0.0%"}),
            "number": book.add_format({"num_format": "#,##0"}),
        }
        for one in sheets:
            _write(book.add_worksheet(one.name), f"{title}：{one.name}", watermark(actor), one, formats)
    audit.record(actor, "tips.export_statistics", "list", "statistics", sheets=len(sheets))
    return made.getvalue()


def _write(sheet: Any, title: str, mark: str, table: Sheet, formats: dict[str, Any]) -> None:
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, len(table.heads), 16)
    sheet.write_string(0, 0, title, formats["title"])
    sheet.write_string(1, 0, mark)
    for column, head in enumerate(table.heads):
        sheet.write_string(2, column, head, formats["head"])
    for number, row in enumerate(table.rows, start=3):
        for column, value in enumerate(row):
            if isinstance(value, float):
                sheet.write_number(number, column, value, formats["share"])
            elif isinstance(value, int):
                sheet.write_number(number, column, value, formats["number"])
            elif value is not None:
                sheet.write_string(number, column, str(value))
