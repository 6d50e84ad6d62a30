"""The audit log as a sheet: marked with who took it, every cell text but for the time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO, Final

import xlsxwriter

from app.audit.models import AuditEvent
from app.console import queries
from app.console.views.audit_log import audit_line
from app.tips.exports import MOMENT_FORMAT

_COLUMNS: Final = {
    "序号": 10,
    "时间": 26,
    "操作人": 14,
    "岗位": 14,
    "单位": 30,
    "操作": 24,
    "对象": 40,
    "结果": 8,
    "说明": 60,
}
"""Heading and width of each column."""
_RESULTS: Final = {"done": "成功", "refused": "已拒绝"}


def write(target: BinaryIO, mark: str, rows: Iterable[AuditEvent]) -> int:
    """Write the rows; return how many. The mark stands in the first line, and in head and foot of every page."""
    units = queries.every_unit_name()
    book = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet("审计日志")
    told = mark.replace("&", "&&")  # the sign begins a code in head and foot
    sheet.set_header(f"&C{told}")
    sheet.set_footer(f"&L{told}&R第 &P 页，共 &N 页")
    sheet.set_landscape()
    sheet.repeat_rows(0, 1)
    sheet.write_string(0, 0, mark)
    bold = book.add_format({"bold": True})
    for column, (heading, width) in enumerate(_COLUMNS.items()):
        sheet.set_column(column, column, width)
        sheet.write_string(1, column, heading, bold)
    sheet.freeze_panes(2, 0)
    moment = book.add_format({"num_format": f"{MOMENT_FORMAT}:ss", "align": "left"})
    number = 1
    for number, event in enumerate(rows, start=2):
        for column, cell in enumerate(_cells(event, units.get(event.unit_id, ""))):
            if isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell, moment)
            else:
                sheet.write_string(number, column, cell)
    book.close()
    return number - 1


def _cells(event: AuditEvent, unit: str) -> list[str | datetime]:
    line = audit_line(event, unit)
    changes = [f"{one['label']}：{one['before']} → {one['after']}" for one in line["changes"]]
    return [
        str(line["number"] or "待封存"),
        line["at"].replace(microsecond=0, tzinfo=None),
        line["actor_name"] or "系统",
        line["actor_role_text"],
        unit,
        line["action_text"],
        line["object_text"],
        _RESULTS[line["result"]],
        "；".join(filter(None, [line["note"], *changes])),
    ]
