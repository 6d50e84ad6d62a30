"""Spreadsheets made cell by cell for tests, and handing them in. All names and numbers invented."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import xlsxwriter
from flask.testing import FlaskClient

from tests import factories

IMPORTS = "/api/v1/office/case-imports"
HEADINGS = [
    "案件编号",
    "案件名称",
    "集资单位",
    "注册地",
    "案发地",
    "属地",
    "涉案金额（万元）",
    "参与集资人数",
    "发案时间",
]


def row(number: int = 1, **changes: Any) -> list[Any]:
    """One good row under ``HEADINGS``."""
    values = {
        "案件编号": f"乌存〔2019〕{number}号", "案件名称": f"瑞丰源{number}案", "集资单位": f"乌鲁木齐瑞丰源{number}投资有限公司",
        "注册地": "新疆乌鲁木齐市新市区长春中路1号", "案发地": "新疆乌鲁木齐市天山区解放北路2号", "属地": "新市区",
        "涉案金额（万元）": 1200.5, "参与集资人数": 30, "发案时间": "2021.8.6",
    } | changes  # fmt: skip
    return [values[name] for name in HEADINGS]


def workbook(rows: Sequence[Sequence[Any]], merged: Sequence[tuple[str, Any]] = ()) -> bytes:
    """An XLSX file; strings stay strings, ``None`` is an empty cell."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False}) as out:
        page = out.add_worksheet("台账")
        day = out.add_format({"num_format": "yyyy-mm-dd"})
        for at, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    page.write_datetime(at, column, cell, day)
                elif cell is not None:
                    page.write(at, column, cell)
        for block, value in merged:
            page.merge_range(block, value)
    return target.getvalue()


def table(*rows: Sequence[Any]) -> bytes:
    """An XLSX file with ``HEADINGS`` in its first row."""
    return workbook([HEADINGS, *rows])


def hand_in(
    client: FlaskClient, content: bytes, username: str = "city.reviewer", name: str = "台账.xlsx", to: str = IMPORTS
) -> Any:
    """Upload a sheet; returns the response."""
    data = {"file": (io.BytesIO(content), name)}
    return client.post(to, data=data, headers=factories.office_headers(username))


def take_in(client: FlaskClient, content: bytes, username: str = "city.reviewer", **more: Any) -> dict[str, Any]:
    """Hand a sheet in, start it, run the outbox; returns what the import then says."""
    where = {name: more.pop(name) for name in ("name", "to") if name in more}
    handed = hand_in(client, content, username, **where)
    assert handed.status_code == 201, handed.get_json()
    return run(client, handed.get_json()["id"], username, **more)


def run(client: FlaskClient, import_id: str, username: str, **body: Any) -> dict[str, Any]:
    """Start an import that was handed in and let the job run; returns what the import then says."""
    headers = factories.office_headers(username)
    started = client.post(f"{IMPORTS}/{import_id}/start", json=body, headers=headers)
    assert started.status_code == 202, started.get_json()
    factories.deliver()
    told: dict[str, Any] = client.get(f"{IMPORTS}/{import_id}", headers=headers).get_json()
    return told
