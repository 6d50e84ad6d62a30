"""``flask geo divisions import``: the difference is shown, asked about, applied in one piece, and open tips follow."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.geo import prepared
from app.geo.address import match
from app.geo.division_lists import COLUMNS
from app.geo.divisions import divisions
from tests import factories, rows
from tests.geo.knowing import nothing_known

Row = dict[str, str]
DABANCHENG = {
    "kind": "organization",
    "name": "乌鲁木齐风车湾投资有限公司",
    "uscc": None,
    "registered_address": "新疆乌鲁木齐市达坂城区风车路1号",
    "operating_address": None,
    "contact": None,
    "online_presence": [],
}


@pytest.fixture(autouse=True)
def _nothing_known(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        yield


@cache
def shipped() -> tuple[Row, ...]:
    return tuple(prepared.division_rows())


def as_csv(changed: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(changed)
    return text.getvalue().encode()


def reform() -> list[Row]:
    """达坂城区 (650107) goes to 米东区, 乌鲁木齐县 gets another name, and 云岭区 is new."""
    listed = []
    for row in shipped():
        one = {name: row[name] for name in COLUMNS}
        one["successor_codes"] = one["successor_codes"].replace("650107", "650109")
        if one["status"] == "current":
            if one["code"] == "650107":
                one |= {
                    "status": "abolished",
                    "valid_to": "2026",
                    "successor_codes": "650109",
                    "succ_confidence": "high",
                }
            if one["parent_code"] == "650107":
                one["parent_code"] = "650109"
            if one["code"] == "650121":
                one |= {"name": "乌南县", "short_name": "乌南", "aliases": "乌鲁木齐县"}
        listed.append(one)
    new = next(one for one in listed if one["code"] == "650109" and one["status"] == "current")
    return [
        *listed,
        new | {"code": "650110", "name": "云岭区", "short_name": "云岭", "aliases": "", "valid_from": "2026"},
    ]


def province() -> list[Row]:
    """The same for Xinjiang alone: enough for what does not depend on the rest, and read in a moment."""
    return [row for row in reform() if row["code"].startswith("65")]


@pytest.fixture
def new_list(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    path.write_bytes(as_csv(reform()))
    return path


@pytest.fixture
def imported(app: Flask) -> Callable[..., tuple[int, str]]:
    def run(path: Path, *options: str, answer: str = "y\n") -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["geo", "divisions", "import", str(path), *options], input=answer)
        return result.exit_code, result.output

    return run


def test_the_difference_is_shown_with_counts_and_no_means_no(
    imported: Callable[..., tuple[int, str]], new_list: Path
) -> None:
    before = rows.row_counts()
    code, told = imported(new_list, answer="n\n")
    assert code != 0
    assert "新设 1 个（县级 1）" in told
    assert "650110 新疆维吾尔自治区乌鲁木齐市云岭区" in told
    assert "撤销 1 个（县级 1）" in told
    assert "更名 1 个（县级 1）" in told
    assert "650121 乌鲁木齐县 → 乌南县" in told
    assert "达坂城区 → 米东区" in told
    assert "变更隶属" in told
    assert "未启用" in told
    assert rows.growth(before) == {}
    assert divisions().is_current("650107")


def test_a_new_list_is_in_force_at_once_and_affected_open_tips_are_matched_anew(
    imported: Callable[..., tuple[int, str]], client: FlaskClient, new_list: Path
) -> None:
    affected = factories.file_tip(client, subject=DABANCHENG)["receipt_number"]
    other = factories.file_tip(client)["receipt_number"]
    factories.deliver()
    tip_id = factories.tip_id_of(affected)
    lead = "SELECT lead FROM tip_jurisdictions WHERE tip_id = :tip ORDER BY decided_at DESC, id DESC LIMIT 1"
    assert rows.scalar(lead, tip=tip_id) == "650107"

    code, told = imported(new_list)
    assert code == 0, told
    assert "涉及 1 件在办线索" in told
    assert affected in told
    assert other not in told
    assert "达坂城区" in told.split("所在区划已撤销")[0], "units of abolished districts are reported"
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'geo.import_divisions'") == 1

    factories.deliver()
    assert rows.scalar(lead, tip=tip_id) == "650109"
    assert rows.scalar("SELECT count(*) FROM tip_jurisdictions WHERE tip_id = :tip", tip=tip_id) == 2, "the first stays"
    assert divisions().successors("650107") == ("650109",)
    assert match("乌鲁木齐市云岭区松树路1号").county == "650110"
    assert match("乌鲁木齐市达坂城区风车路1号").county == "650109"

    counted = rows.row_counts()
    code, told = imported(new_list)
    assert (code, "未作改动" in told) == (0, True)
    assert rows.growth(counted) == {}


def test_concluded_tips_stay_as_they_were_decided(
    imported: Callable[..., tuple[int, str]], client: FlaskClient, new_list: Path
) -> None:
    factories.file_tip(client, subject=DABANCHENG)
    rows.scalar("UPDATE handlings SET status = 'concluded' RETURNING status")
    assert "涉及 0 件在办线索" in imported(new_list, "--yes")[1]


def broken(**changes: str) -> bytes:
    listed = province()
    listed[-1] = listed[-1] | changes
    return as_csv(listed)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (lambda: broken(code="65011"), "code 应为 6 位数字"),
        (lambda: broken(parent_code="999999"), "上级 999999 不是现行区划"),
        (lambda: broken(status="gone"), "status 应为"),
        (lambda: broken(valid_from="去年"), "valid_from 应为"),
        (lambda: broken(name="云\x00岭区"), "控制字符"),
        (lambda: broken(code="650102"), "与另一行重复"),
        (lambda: as_csv(province()).replace(b"parent_code", b"parent", 1), "缺少列 parent_code"),
        (lambda: as_csv(province())[:-40] + b"\xff\xfe\n", "不是 UTF-8"),
        (lambda: b"", "缺少列"),
        (lambda: ",".join(COLUMNS).encode(), "没有现行区划"),
    ],
    ids=["code", "parent", "status", "date", "control", "twice", "column", "bytes", "empty", "no-rows"],
)
def test_a_faulty_list_names_its_faults_and_changes_nothing(
    imported: Callable[..., tuple[int, str]], tmp_path: Path, content: Callable[[], bytes], told: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content())
    before = rows.row_counts()
    code, output = imported(path, "--yes")
    assert code != 0
    assert told in output
    assert rows.growth(before) == {}


def test_a_compressed_list_is_read_and_a_torn_one_refused(
    imported: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    packed = gzip.compress(as_csv(province()))
    whole, torn = tmp_path / "new.csv.gz", tmp_path / "torn.csv.gz"
    whole.write_bytes(packed)
    torn.write_bytes(packed[:-100])
    code, told = imported(torn, "--yes")
    assert code != 0
    assert "不是完整的 gzip 文件" in told
    assert imported(whole, "--yes")[0] == 0
    assert rows.scalar("SELECT count(*) FROM division_list_imports") == 1  # the next transaction notices the new list
    assert divisions().is_current("650110")
