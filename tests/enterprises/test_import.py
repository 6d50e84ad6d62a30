"""``flask enterprises import``: lists as offices get them, every fault by its cell, history when a list comes again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.enterprises import queries
from app.enterprises.models import Enterprise, EnterpriseChange
from app.enterprises.register_file import BadFile, check, read_rows
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.permissions import PROGRAM
from tests.cases.old_excel import xls
from tests.enterprises.lists import NOVEMBER, OCTOBER, code, known, line
from tests.geo.knowing import nothing_known
from tests.rows import growth, row_counts

TODAY = date(2025, 12, 1)
HEADINGS = ["企业名称", "统一社会信用代码", "曾用名", "登记状态", "住所", "经营场所", "企业类型", "数据日期"]
FIRST = ["云杉商务（新疆）有限公司", code(1), "青松商务有限公司；老青松商行", "存续（在营、开业、在册）",
         "乌鲁木齐市新市区云杉街3号", "乌鲁木齐市天山区青松巷1号", "有限责任公司", "2025-10-31"]  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_known(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        yield


def csv_of(path: Path, rows: list[list[Any]], encoding: str = "utf-8-sig") -> Path:
    path.write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows), encoding=encoding)
    return path


def workbook_of(path: Path, rows: list[list[Any]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("名录")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


def run(app: Flask, *arguments: str) -> Result:
    result = app.test_cli_runner().invoke(args=["enterprises", "import", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def only() -> Enterprise:
    with transaction(OPEN_WALL) as session:
        session.expire_all()
        return session.scalars(select(Enterprise)).one()


def changes() -> list[tuple[str, str | None, str | None]]:
    with transaction(OPEN_WALL) as session:
        rows = session.scalars(select(EnterpriseChange).order_by(EnterpriseChange.id)).all()
    return [(row.field, row.before, row.after) for row in rows]


class TestReading:
    def faults(self, *rows: list[Any]) -> list[str]:
        return check([HEADINGS, *rows], TODAY).faults

    def test_a_good_line(self) -> None:
        found = check([["附件1：名录"], [], HEADINGS, FIRST], TODAY)
        assert (found.faults, found.warnings, len(found.lines)) == ([], [], 1)
        assert found.lines[0].place == "A4"
        assert found.lines[0].former_names == ("青松商务有限公司", "老青松商行")
        assert found.lines[0].as_of == OCTOBER

    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [
            (0, "", "A2：没有填写企业名称"),
            (0, "云" * 201, "A2：超过 200 个字"),
            (1, "91650104", "B2：统一社会信用代码应为 18 位数字或大写字母（不含 I、O、S、V、Z）"),
            (1, 9.165010400000001e17, "B2：以数字格式保存，后几位已失真，请改为文本格式重新录入"),
            (4, "新市区\x00", "E2：含有无法识别的控制字符"),
            (7, "去年", "H2：日期应写作 2026-10-31"),
            (7, "2025-02-30", "H2：日期应写作 2026-10-31"),
            (7, "2025-12-02", "H2：日期晚于今天"),
        ],
    )
    def test_a_fault_names_its_cell(self, column: int, value: Any, said: str) -> None:
        row: list[Any] = list(FIRST)
        row[column] = value
        assert self.faults(row) == [said]

    def test_every_fault_at_once(self) -> None:
        bad = ["", "1", "", "", "", "", "", "x"]
        assert [fault.partition("：")[0] for fault in self.faults(FIRST, bad)] == ["A3", "B3", "H3"]

    def test_two_lines_about_one_enterprise(self) -> None:
        again, namesake = list(FIRST), ["云杉商务(新疆)有限公司", "", *FIRST[2:]]
        assert self.faults(FIRST, again) == ["B3：与 B2 重复"]
        assert self.faults(FIRST, namesake) == ["A3：与 A2 同名，须都填写统一社会信用代码"]
        other = [FIRST[0], code(2), *FIRST[2:]]
        assert self.faults(FIRST, other) == []

    def test_what_only_looks_odd_is_taken(self) -> None:
        early = code(1)[:-1] + ("0" if code(1)[-1] != "0" else "1")
        found = check([HEADINGS, [FIRST[0], early, "", "经营异常", *FIRST[4:]]], TODAY)
        assert [warning.partition("：")[0] for warning in found.warnings] == ["B2", "D2"]
        assert (found.faults, found.lines[0].status) == ([], "other")

    @pytest.mark.parametrize(
        "written", ["2025/10/31", "2025年10月31日", "20251031", "2025-10-31 00:00:00", "2025.10.31"]
    )
    def test_dates_as_people_write_them(self, written: str) -> None:
        assert check([HEADINGS, [*FIRST[:7], written]], TODAY).lines[0].as_of == OCTOBER

    def test_no_heading(self) -> None:
        with pytest.raises(BadFile, match="没有表头"):
            check([["甲", "乙"], FIRST], TODAY)

    def test_a_heading_twice(self) -> None:
        with pytest.raises(BadFile, match="两列都是“注册地址”"):
            check([["企业名称", "住所", "注册地址"], ["云杉", "a", "b"]], TODAY)

    def test_headings_with_stars_and_notes(self) -> None:
        found = check([["*单位名称（全称）", "经营状态（必填）"], ["云杉", "注销"]], TODAY)
        assert (found.lines[0].name, found.lines[0].status) == ("云杉", "deregistered")

    def test_excel_keeps_cell_addresses_and_numbers(self, tmp_path: Path) -> None:
        rows = [[], ["", "名录"], ["", "企业名称", "登记状态", "住所"], ["", "云杉", 4, "新市区"], ["", "", 1, ""]]
        found = check(read_rows(workbook_of(tmp_path / "list.xlsx", rows)), TODAY)
        assert (found.lines[0].place, found.lines[0].status) == ("B4", "deregistered")
        assert found.faults == ["B5：没有填写企业名称"]

    def test_a_csv_as_excel_saves_it_here(self, tmp_path: Path) -> None:
        path = csv_of(tmp_path / "list.csv", [HEADINGS, FIRST], "gb18030")
        assert check(read_rows(path), TODAY).lines[0].name == FIRST[0]

    @pytest.mark.parametrize(("name", "content"), [("x.xlsx", b"no workbook"), ("x.csv", b"\xff\xff\x00\x81")])
    def test_no_list_at_all(self, tmp_path: Path, name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadFile):
            check(read_rows(tmp_path / name), TODAY)

    def test_the_reader_of_case_registers_reads_lists_too(self, tmp_path: Path) -> None:
        """One reader for every spreadsheet: Excel 97 and a tab between cells are read."""
        lines = [["企业名称", "登记状态"], ["云杉", "存续"]]
        (tmp_path / "old.xls").write_bytes(xls(lines))
        (tmp_path / "tabs.csv").write_text("企业名称\t登记状态\n云杉\t存续\n", encoding="utf-8")
        for name in ("old.xls", "tabs.csv"):
            assert [line.name for line in check(read_rows(tmp_path / name), TODAY).lines] == ["云杉"]


class TestCommand:
    def test_takes_a_workbook_over(self, app: Flask, tmp_path: Path) -> None:
        result = run(app, str(workbook_of(tmp_path / "list.xlsx", [HEADINGS, FIRST])), "--source", "市市场监管局")
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (
            0, "新增 1 家，更新 0 家，无变化 0 家，早于已有数据未采用 0 家。",
        )  # fmt: skip
        row = only()
        assert (row.name, row.uscc, row.status, row.division_code) == (FIRST[0], FIRST[1], "active", "650104")
        assert (row.source, row.as_of, row.business_type) == ("市市场监管局", OCTOBER, "有限责任公司")
        assert set(queries.former_names(row.id)) == {"青松商务有限公司", "老青松商行"}
        with transaction(OPEN_WALL) as session:
            event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        assert (event.action, event.details["counts"]["created"]) == ("enterprises.import", 1)

    def test_a_faulty_list_changes_nothing(self, app: Flask, tmp_path: Path) -> None:
        before = row_counts()
        path = str(csv_of(tmp_path / "list.csv", [HEADINGS, FIRST, ["", code(2)]]))
        result = run(app, path)
        assert result.exit_code == 1
        assert "错误 A3：没有填写企业名称" in result.stderr
        assert growth(before) == {}
        assert run(app, path, "--skip-faulty").exit_code == 0
        assert only().uscc == FIRST[1]

    def test_a_dry_run_only_counts(self, app: Flask, tmp_path: Path) -> None:
        before = row_counts()
        result = run(app, str(csv_of(tmp_path / "list.csv", [HEADINGS, FIRST])), "--dry-run")
        assert result.stdout.splitlines()[-1].startswith("试运行，未写入：新增 1 家")
        assert growth(before) == {}

    def test_a_day_to_come(self, app: Flask, tmp_path: Path) -> None:
        path = str(csv_of(tmp_path / "list.csv", [HEADINGS, FIRST]))
        assert run(app, path, "--as-of", "2999-01-01").exit_code == 1


class TestComingAgain:
    def test_the_same_list_changes_nothing(self, app: Flask) -> None:
        first = line("云杉商务有限公司", uscc=code(1), registered_address="新市区云杉街3号")
        known(first)
        assert known(first).counts == {"unchanged": 1}
        assert changes() == []

    def test_what_a_later_list_tells_otherwise_is_history(self, app: Flask) -> None:
        known(line("云杉商务有限公司", uscc=code(1), registered_address="新市区云杉街3号", business_type="商务"))
        told = line("云杉科技有限公司", uscc=code(1), registered_address="天山区青松巷1号")
        assert known(told, as_of=NOVEMBER).counts == {"updated": 1}
        row = only()
        assert (row.name, row.division_code, row.as_of) == ("云杉科技有限公司", "650102", NOVEMBER)
        assert row.business_type == "商务", "what a list leaves out stays"
        assert changes() == [
            ("name", "云杉商务有限公司", "云杉科技有限公司"),
            ("registered_address", "新市区云杉街3号", "天山区青松巷1号"),
            ("division_code", "650104", "650102"),
        ]
        assert list(queries.former_names(row.id)) == ["云杉商务有限公司"]

    def test_a_name_that_comes_back(self, app: Flask) -> None:
        for name, day in (("云杉有限公司", OCTOBER), ("青松有限公司", NOVEMBER), ("云杉有限公司", TODAY)):
            known(line(name, uscc=code(1)), as_of=day)
        assert list(queries.former_names(only().id)) == ["青松有限公司"]

    def test_an_older_list_changes_nothing(self, app: Flask) -> None:
        known(line("云杉商务有限公司", uscc=code(1)), as_of=NOVEMBER)
        assert known(line("云杉科技有限公司", uscc=code(1))).counts == {"older": 1}
        assert only().name == "云杉商务有限公司"

    def test_a_code_that_was_missing_is_added(self, app: Flask) -> None:
        known(line("云杉商务有限公司"))
        known(line("云杉商务有限公司", uscc=code(1)))
        assert changes() == [("uscc", None, code(1))]

    def test_namesakes_need_their_codes(self, app: Flask) -> None:
        known(line("云杉商务有限公司", uscc=code(1)), line("云杉商务有限公司", uscc=code(2)))
        outcome = known(line("云杉商务有限公司", business_type="商务"))
        assert outcome.unclear == ["A2：有 2 家企业同名，须填写统一社会信用代码"]
        assert outcome.counts == {}

    def test_the_program_deletes_no_enterprise_and_no_history(self, app: Flask) -> None:
        known(line("云杉商务有限公司"))
        with transaction(OPEN_WALL) as session:
            for table in ("enterprises", "enterprise_names", "enterprise_changes"):
                granted = session.execute(
                    db.text(f"SELECT has_table_privilege('shudi_app', '{table}', 'DELETE')")
                ).scalar()
                assert granted is False, table


def test_a_thousand_and_one_lines(app: Flask) -> None:
    lines = [line(f"云杉第{number}商务有限公司", uscc=code(number)) for number in range(1001)]
    assert known(*lines).counts == {"created": 1001}
    assert known(*lines).counts == {"unchanged": 1001}
    assert len(queries.page(PROGRAM, None, None, None, 20)) == 21
