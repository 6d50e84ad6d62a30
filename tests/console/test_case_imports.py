"""A register handed in at the console: preview, another mapping, a trial, the real run, faults by cell."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from app.files import service as files
from app.files.storage import StorageFault
from tests import factories, rows
from tests.cases import office, sheets
from tests.console.office import Officer, csrf_token

SignIn = Callable[[str], Officer]


def handed_in(person: Officer, content: bytes, name: str = "台账.xlsx") -> Any:
    data = {"csrf_token": person.token("/cases/imports"), "file": (io.BytesIO(content), name)}
    return person.open("/cases/imports", method="POST", data=data, content_type="multipart/form-data")


def started(person: Officer, address: str, **fields: Any) -> str:
    """Start with what the page shows chosen; returns the page once the job has run."""
    page = person.text(address)
    chosen = dict(re.findall(r'<select[^>]*name="(column-\w+)".*?<option value="(\w+)" selected>', page))
    answer = person.open(f"{address}/start", method="POST", data={"csrf_token": csrf_token(page), **chosen, **fields})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    waiting = person.get(f"{address}/state")
    assert waiting.status_code == 200
    assert "排队中" in waiting.get_data(as_text=True)
    factories.deliver()
    assert person.get(f"{address}/state").headers["HX-Refresh"] == "true"
    return person.text(address)


def test_a_register_is_tried_and_then_taken_in(officer: SignIn) -> None:
    person = officer(office.REVIEWER)
    answer = handed_in(person, sheets.table(*(sheets.row(number) for number in range(1, 4))))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    address = answer.headers["Location"]
    page = person.text(address)
    assert "瑞丰源1案" in page, "the first rows are shown beside the columns"
    assert "按万元换算" in page
    page = started(person, address, run="dry")
    assert "将新增" in page
    assert rows.scalar("SELECT count(*) FROM fundraising_cases") == 0
    assert "案件台账试运行完成：将新增 3，更新 0，有误 0" in person.text("/notices")
    page = started(person, address, run="keep")
    assert rows.scalar("SELECT count(*) FROM fundraising_cases") == 3
    told = person.text("/notices")
    assert "案件台账已导入：新增 3，更新 0，有误 0" in told
    assert told.count(f'href="{address}"') == 2, "each end is told once, and leads there"
    assert "/start" not in page
    assert "乌存〔2019〕2号" in person.text("/cases")


def test_faults_are_shown_by_cell_and_the_marked_sheet_is_fetched(officer: SignIn) -> None:
    person = officer(office.REVIEWER)
    bad = sheets.row(2, 参与集资人数="很多")
    address = handed_in(person, sheets.table(sheets.row(1), bad)).headers["Location"]
    page = started(person, address, run="keep")
    assert "有错误，未导入" in page
    assert "案件台账有错误，未导入" in person.text("/notices")
    assert "H3" in page
    assert rows.scalar("SELECT count(*) FROM fundraising_cases") == 0
    assert person.get(f"{address}/result").headers["Content-Disposition"].startswith("attachment")
    page = started(person, address, run="keep", by_row="true")
    assert rows.scalar("SELECT count(*) FROM fundraising_cases") == 1


def test_a_marked_sheet_that_is_missing_is_told(officer: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    person = officer(office.REVIEWER)
    bad = sheets.row(2, 参与集资人数="很多")
    address = handed_in(person, sheets.table(sheets.row(1), bad)).headers["Location"]

    def full(*_: Any) -> Any:
        raise StorageFault("No space left on device")

    monkeypatch.setattr(type(files.vault()), "put", full)
    page = started(person, address, run="keep", by_row="true")
    assert rows.scalar("SELECT count(*) FROM fundraising_cases") == 1
    assert "H3" in page
    assert "标注了错误的结果表尚未生成" in page
    assert "已导入的内容不受影响，请勿重复导入" in page
    assert f"{address}/result" not in page
    assert "案件台账已导入：新增 1，更新 0，有误 1" in person.text("/notices")


def test_a_column_is_left_out_or_missing(officer: SignIn) -> None:
    person = officer(office.REVIEWER)
    address = handed_in(person, sheets.table(sheets.row(1))).headers["Location"]
    page = person.text(address)
    data = {"csrf_token": csrf_token(page), "column-A": "", "column-B": "name", "run": "keep"}
    refused = person.open(f"{address}/start", method="POST", data=data)
    assert refused.status_code == 422
    assert "缺少“案件编号”一列" in refused.get_data(as_text=True)


@pytest.mark.parametrize(("content", "name"), [(b"\x89PNG\r\n\x1a\n\0\0", "a.png"), ("没有表头\n1".encode(), "a.csv")])
def test_what_is_no_register_is_refused_on_the_page(officer: SignIn, content: bytes, name: str) -> None:
    answer = handed_in(officer(office.REVIEWER), content, name)
    assert answer.status_code in {415, 422}
    assert 'class="field-error"' in answer.get_data(as_text=True)


def test_imports_are_one_s_own_and_of_those_who_register(officer: SignIn) -> None:
    address = handed_in(officer(office.REVIEWER), sheets.table(sheets.row(1))).headers["Location"]
    stranger = officer("city.reviewer2")
    for path in (address, f"{address}/state", f"{address}/result"):
        assert stranger.get(path).status_code == 404
    assert officer(office.LEADER).get("/cases/imports").status_code == 403
    assert officer(office.HANDLER).get("/cases/imports").status_code == 200
