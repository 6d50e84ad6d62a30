"""Sheets of cases for people: the register with all columns (汇总统计表), and the monthly classification table.

Amounts are written in 万元 as the form says; the exact yuan stand in the register beside them nowhere, because a sheet
is for reading and the program keeps the figures. Every text is written as text: a name that begins with ``=`` is no
formula.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import xlsxwriter

from app.cases.statistics import COLUMN_TEXTS, Figures
from app.foundation import clock
from app.foundation.permissions import Actor
from app.tips.exports import DAY_FORMAT

Line = tuple[str, int, Figures]
"""Wording, how deep it is indented, figures."""
_WAN: Final = Decimal(10_000)
_WIDEST: Final = 40


def register_book(actor: Actor, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The register as a sheet; amounts come as ``Decimal`` yuan, days as dates, everything else as text or whole."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"constant_memory": True, "in_memory": True}) as book:
        sheet = book.add_worksheet("案件台账")
        head = book.add_format({"bold": True, "bg_color": "#E8F0FB", "border": 1, "text_wrap": True})
        money, day = (book.add_format({"num_format": told}) for told in ("#,##0.00", DAY_FORMAT))
        sheet.set_column(0, len(headings) - 1, 16)
        sheet.set_column(1, 1, _WIDEST)
        sheet.write_string(0, 0, _mark(actor))
        for column, heading in enumerate(headings):
            sheet.write_string(1, column, heading, head)
        sheet.freeze_panes(2, 2)
        for number, values in enumerate(rows, start=2):
            for column, value in enumerate(values):
                _write(sheet, number, column, value, money, day)
    return made.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any, money: Any, day: Any) -> None:
    if isinstance(value, Decimal):
        sheet.write_number(row, column, float(value / _WAN), money)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, day)
    elif isinstance(value, int) and not isinstance(value, bool):
        sheet.write_number(row, column, value)
    elif value is not None:
        sheet.write_string(row, column, str(value))


def _mark(actor: Actor) -> str:
    """Who took the sheet, and when: it goes with every copy."""
    return f"导出：{actor.unit_name} {actor.name} {clock.moment_text(clock.now())}；金额单位：万元"


def classification_book(actor: Actor, title: str, lines: Sequence[Line]) -> bytes:
    """涉嫌非法集资新发案件分类情况统计表 as a sheet for printing, landscape on A4."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("分类情况")
        formats = _formats(book)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, len(COLUMN_TEXTS), 14)
        sheet.merge_range(0, 0, 0, len(COLUMN_TEXTS), title, formats["title"])
        sheet.merge_range(1, 0, 1, len(COLUMN_TEXTS), "单位：件、万元、人", formats["unit"])
        for column, heading in enumerate(("业务类别", *COLUMN_TEXTS.values())):
            sheet.write_string(2, column, heading, formats["head"])
        for number, (label, depth, figures) in enumerate(lines, start=3):
            _write_line(sheet, number, label, depth, figures, formats)
        sheet.write_string(len(lines) + 4, 0, _mark(actor))
    return made.getvalue()


def classification_word(actor: Actor, title: str, lines: Sequence[Line]) -> bytes:
    """The same form as a Word file, landscape on A4, to be signed and sent."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm

    document = Document()
    page = document.sections[0]
    page.orientation, page.page_width, page.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    document.add_heading(title, level=1).alignment = WD_ALIGN_PARAGRAPH.CENTER
    document.add_paragraph("单位：件、万元、人").alignment = WD_ALIGN_PARAGRAPH.RIGHT
    table = document.add_table(rows=1, cols=len(COLUMN_TEXTS) + 1, style="Table Grid")
    for cell, heading in zip(table.rows[0].cells, ("业务类别", *COLUMN_TEXTS.values()), strict=True):
        cell.paragraphs[0].add_run(heading).bold = True
    for label, depth, figures in lines:
        cells = table.add_row().cells
        cells[0].paragraphs[0].add_run("\u3000" * depth + label).bold = not depth
        for cell, name in zip(cells[1:], COLUMN_TEXTS, strict=True):
            cell.text = _told(getattr(figures, name))
            cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph()
    document.add_paragraph("填报人：　　　　　　审核人：　　　　　　单位负责人：　　　　　　（盖章）")
    document.add_paragraph(_mark(actor))
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _told(value: Any) -> str:
    return f"{value / _WAN:,.2f}" if isinstance(value, Decimal) else f"{value:,}"


def _write_line(sheet: Any, row: int, label: str, depth: int, figures: Figures, formats: Mapping[str, Any]) -> None:
    kind = "child" if depth else "parent"
    sheet.write_string(row, 0, label, formats[kind])
    for column, name in enumerate(COLUMN_TEXTS, start=1):
        value = getattr(figures, name)
        if isinstance(value, Decimal):
            sheet.write_number(row, column, float(value / _WAN), formats["money"])
        else:
            sheet.write_number(row, column, value, formats["number"])


def _formats(book: Any) -> dict[str, Any]:
    return {
        "title": book.add_format({"bold": True, "font_size": 16, "align": "center"}),
        "unit": book.add_format({"align": "right"}),
        "head": book.add_format({"bold": True, "border": 1, "align": "center", "bg_color": "#E8F0FB"}),
        "parent": book.add_format({"bold": True, "border": 1}),
        "child": book.add_format({"border": 1, "indent": 1}),
        "number": book.add_format({"border": 1, "num_format": "#,##0"}),
        "money": book.add_format({"border": 1, "num_format": "#,##0.00"}),
    }
