"""A list as a file: the rows of the person's own sight, marked, audited, without anything of a reporter."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from app.foundation import clock
from app.foundation.database import OPEN_WALL, enter_wall
from app.tips import exports, queries
from app.tips.exports import HEADINGS
from tests import factories, rows
from tests.moments import MONDAY_MORNING

PATH = "/api/v1/office/tips/export"
REVIEWER = "city.reviewer"


def exported(client: FlaskClient, username: str, **query: Any) -> list[list[Any]]:
    answer = client.get(PATH, query_string=query, headers=factories.office_headers(username))
    assert answer.status_code == 200, answer.get_json()
    if query.get("format") == "csv":
        return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    return (
        CalamineWorkbook.from_filelike(io.BytesIO(answer.get_data()))
        .get_sheet_by_index(0)
        .to_python(skip_empty_area=False)
    )


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_the_file_holds_the_filtered_list_in_its_order_under_a_mark(client: FlaskClient, kind: str) -> None:
    numbers = [factories.file_tip(client)["receipt_number"] for _ in range(3)]
    mark, heading, *lines = exported(client, REVIEWER, format=kind, order="oldest", status="registered")
    assert "市处置非法集资办公室（演示） 测试市级审核人 于 " in mark[0]
    assert tuple(heading) == HEADINGS
    assert [line[0] for line in lines] == numbers
    assert lines[0][1] == "乌鲁木齐瑞丰源投资咨询有限公司"
    assert len(exported(client, REVIEWER, format=kind, q="没有这个词")) == 2


def test_days_are_days_in_a_sheet_and_written_by_iso_for_other_programs(client: FlaskClient) -> None:
    with clock.stopped_at(MONDAY_MORNING):
        factories.file_tip(client)
        sheet, text = (exported(client, REVIEWER, format=kind) for kind in ("xlsx", "csv"))
    assert "2026年3月2日 10:00" in sheet[0][0]
    assert sheet[2][7:9] == [MONDAY_MORNING.replace(tzinfo=None), date(2026, 3, 9)]
    assert text[2][7:10] == ["2026-03-02 10:00", "2026-03-09", ""]


def test_taking_a_copy_is_audited_with_who_and_how_many_and_without_the_words(client: FlaskClient) -> None:
    factories.file_tip(client)
    exported(client, REVIEWER, q="瑞丰源")
    assert rows.scalar("SELECT details->>'rows' FROM audit_events WHERE action = 'tips.export'") == "1"
    assert rows.scalar("SELECT details->'filters'->>0 FROM audit_events WHERE action = 'tips.export'") == "q"
    assert "瑞丰源" not in rows.scalar("SELECT details::text FROM audit_events WHERE action = 'tips.export'")


def test_nothing_of_a_reporter_is_in_the_file(client: FlaskClient) -> None:
    factories.file_tip(client, reporter=factories.REPORTER)
    factories.file_tip(client)
    named, anonymous = (line[1:7] + line[8:] for line in exported(client, REVIEWER)[2:])
    assert named == anonymous


def test_a_district_takes_its_own_and_an_observer_nothing(client: FlaskClient) -> None:
    factories.verifying_tip(client)
    assert len(exported(client, "district.650104")) == 3
    assert len(exported(client, "district.650102")) == 2
    for username in ("observer.650000", "auditor", "sysadmin"):
        assert client.get(PATH, headers=factories.office_headers(username)).status_code == 403


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_name_that_looks_like_a_formula_stays_a_name(client: FlaskClient, kind: str) -> None:
    subject = factories.tip_body()["subject"] | {"name": "=HYPERLINK(1)"}
    factories.file_tip(client, subject=subject)
    assert exported(client, REVIEWER, format=kind)[2][1].lstrip("'") == "=HYPERLINK(1)"
    if kind == "csv":
        assert exported(client, REVIEWER, format=kind)[2][1].startswith("'")


def test_more_than_one_file_may_hold_is_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        factories.file_tip(client)
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    answer = client.get(PATH, headers=factories.office_headers(REVIEWER))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "too_many_rows")
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.export' AND succeeded") == 0


@pytest.mark.parametrize("q", [None, "瑞丰源"])
def test_a_long_list_is_read_piece_by_piece_and_whole(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, q: str | None
) -> None:
    numbers = [factories.file_tip(client)["receipt_number"] for _ in range(5)]
    monkeypatch.setattr(queries, "_ROWS_AT_ONCE", 2)
    enter_wall(OPEN_WALL)
    wanted = queries.QueueFilter(q=q)
    read = queries.queue_lines(factories.actor(REVIEWER), wanted, queries.Order.NEWEST, 100)
    assert [row.receipt_number for row in read] == numbers[::-1]
