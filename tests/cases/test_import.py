"""The office's register from a spreadsheet: mapping, faults by cell, whole or by row, again by number, marked result."""

from __future__ import annotations

import io
import threading
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from app.cases import import_result, imports, sheet_engine
from app.cases.case_import import CaseTarget
from app.files import service as files
from app.files.storage import StorageFault
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.outbox import single_run
from tests import factories, rows
from tests.cases import ledgers, office, old_excel, sheets


def register(client: FlaskClient, username: str = "city.reviewer") -> dict[str, Any]:
    page = client.get(office.CASES, query_string={"limit": 100}, headers=factories.office_headers(username)).get_json()
    return {item["case_no"]: item for item in page["items"]}


def facts(client: FlaskClient, case_no: str) -> dict[str, Any]:
    found: dict[str, Any] = office.shown(client, register(client)[case_no]["id"])
    return found


def faults(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["cell"], one["reason"]) for one in told["faults"]]


class TestHandingIn:
    def test_shows_what_the_columns_are_taken_for_and_takes_nothing_in(self, client: FlaskClient) -> None:
        told = sheets.hand_in(client, sheets.table(sheets.row())).get_json()
        taken = {one["heading"]: (one["column"], one["field"], one["unit_yuan"]) for one in told["columns"]}
        assert taken["案件编号"] == ("A", "case_no", "1")
        assert taken["集资单位"][1] == "fundraisers"
        assert taken["涉案金额（万元）"] == ("G", "involved_yuan", "10000")
        assert (told["state"], told["rows"], told["missing"]) == ("preview", 1, [])
        assert told["samples"][0][1] == "瑞丰源1案"
        assert {"field": "case_no", "text": "案件编号", "needed": True} in told["fields"]
        assert register(client) == {}

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
    def test_a_csv_file_in_either_encoding(self, client: FlaskClient, encoding: str) -> None:
        lines = [",".join(sheets.HEADINGS), ",".join(map(str, sheets.row()))]
        told = sheets.take_in(client, "\r\n".join(lines).encode(encoding), name="台账.csv")
        assert (told["state"], told["created"]) == ("done", 1), told
        assert facts(client, "乌存〔2019〕1号")["involved_yuan"] == "12005000.00"

    def test_a_workbook_of_excel_97_is_read(self, client: FlaskClient) -> None:
        lines = [[*sheets.HEADINGS], sheets.row()]
        lines[1][8] = 44414.0  # a day as Excel counts
        told = sheets.take_in(client, old_excel.xls(lines), name="台账.xls")
        assert (told["state"], told["created"]) == ("done", 1), told
        taken = facts(client, "乌存〔2019〕1号")
        assert (taken["involved_yuan"], taken["facts"]["occurred_on"]) == ("12005000.00", "2021-08-06")

    @pytest.mark.parametrize(
        ("content", "name", "status"),
        [
            (b"\x89PNG\r\n\x1a\n\0\0", "台账.png", 415),
            (b"PK\x03\x04broken", "台账.xlsx", 415),
            ("没有表头\n1".encode(), "a.csv", 422),
        ],
    )
    def test_what_is_no_such_table_is_refused(
        self, client: FlaskClient, content: bytes, name: str, status: int
    ) -> None:
        answer = sheets.hand_in(client, content, name=name)
        assert answer.status_code == status, answer.get_json()
        assert rows.scalar("SELECT count(*) FROM case_imports") == 0

    def test_the_office_says_otherwise(self, client: FlaskClient) -> None:
        headings = [*sheets.HEADINGS[:-1], "那一天"]
        told = sheets.hand_in(client, sheets.workbook([headings, sheets.row()])).get_json()
        assert [one["field"] for one in told["columns"]][-1] is None
        after = sheets.run(client, told["id"], "city.reviewer", columns={"I": "occurred_on", "B": "name"})
        assert after["created"] == 1
        assert facts(client, "乌存〔2019〕1号")["facts"]["occurred_on"] == "2021-08-06"

    @pytest.mark.parametrize("columns", [{"A": None}, {"ZZ": "name"}, {"B": "nonsense"}, {"B": "case_no"}])
    def test_a_mapping_that_cannot_be_is_refused(self, client: FlaskClient, columns: dict[str, Any]) -> None:
        told = sheets.hand_in(client, sheets.table(sheets.row())).get_json()
        headers = factories.office_headers("city.reviewer")
        answer = client.post(f"{sheets.IMPORTS}/{told['id']}/start", json={"columns": columns}, headers=headers)
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["columns"])


class TestTakingIn:
    def test_rows_become_cases_with_their_jurisdiction_and_history(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1), sheets.row(2, 属地=None)))
        assert (told["state"], told["created"], told["refused"], told["rows_done"]) == ("done", 2, 0, 2), told
        case = facts(client, "乌存〔2019〕2号")
        assert case["jurisdiction"]["lead"] == factories.XINSHI
        assert case["jurisdiction"]["cooperating"] == [factories.TIANSHAN]
        assert case["facts"]["parties"][0] == {
            "kind": "organization", "role": "fundraiser", "name": "乌鲁木齐瑞丰源2投资有限公司", "uscc": None,
        }  # fmt: skip
        assert [(step["action"], step["details"]["row"]) for step in case["history"]] == [("import", 3)]
        assert rows.scalar("SELECT details->>'created' FROM audit_events WHERE action = 'cases.import'") == "2"

    def test_one_bad_row_keeps_the_whole_file_out(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1), sheets.row(2, 发案时间="昨天")))
        assert (told["state"], told["refused"], told["has_result"]) == ("refused", 1, True)
        assert faults(told) == [("I3", "应为日期，如 2021-08-06 或 2021年8月6日")]
        assert register(client) == {}

    def test_row_by_row_keeps_the_good_ones(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1), sheets.row(2, 发案时间="昨天")), by_row=True)
        assert (told["state"], told["created"], told["refused"]) == ("done", 1, 1)
        assert set(register(client)) == {"乌存〔2019〕1号"}

    def test_a_dry_run_finds_everything_and_keeps_nothing_and_a_real_one_may_follow(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1)), dry_run=True)
        assert (told["state"], told["created"], told["refused"]) == ("done", 1, 0)
        assert register(client) == {}
        told = sheets.run(client, told["id"], "city.reviewer")
        assert (told["state"], told["created"]) == ("done", 1)

    def test_again_updates_by_number_and_a_blank_cell_changes_nothing(self, client: FlaskClient) -> None:
        sheets.take_in(client, sheets.table(sheets.row(1), sheets.row(2)))
        again = sheets.table(sheets.row(1), sheets.row(2, 案件名称="更名案", 参与集资人数=None, 注册地=None))
        told = sheets.take_in(client, again)
        assert (told["created"], told["updated"], told["unchanged"]) == (0, 1, 1)
        case = facts(client, "乌存〔2019〕2号")
        assert (case["name"], case["participants"], case["version"]) == ("更名案", 30, 2)
        audited = (
            "SELECT array_agg(details ->> 'version' ORDER BY id) FROM audit_events WHERE action = 'cases.import_case'"
        )
        assert rows.scalar(f"{audited} AND object_id = :id", id=case["id"]) == ["1", "2"]
        assert rows.scalar(audited) == ["1", "1", "2"]
        assert case["history"][-1]["details"]["changed"] == {"name": ["瑞丰源2案", "更名案"]}

    def test_a_job_that_runs_twice_takes_the_sheet_in_once(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1)))
        from app.cases.jobs import import_sheet

        before = rows.row_counts()
        import_sheet(0, {"import_id": told["id"]})
        assert rows.growth(before) == {}

    def test_the_result_marks_the_cells_and_says_why(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1), sheets.row(2, 案件名称="=1+1", 发案时间="昨天")))
        answer = client.get(f"{sheets.IMPORTS}/{told['id']}/result", headers=factories.office_headers("city.reviewer"))
        assert answer.status_code == 200
        book = python_calamine.load_workbook(io.BytesIO(answer.get_data()))
        table = book.get_sheet_by_index(0).to_python()
        assert table[0][-2:] == ["导入结果", "原行号"]
        assert table[1][-2:] == ["无误", 2.0]
        assert (
            table[2][-2]
            == "B3（案件名称）：内容以等号开头，疑为公式，请改为文字或数值；I3（发案时间）：应为日期，如 2021-08-06 或 2021年8月6日"
        )
        assert table[2][1] == "=1+1"  # the text, not 2: a formula of somebody else's does not come to life


class TestBrokenSheets:
    def test_titles_two_heading_rows_a_unit_above_and_a_line_of_totals(self, client: FlaskClient) -> None:
        content = sheets.workbook(
            [
                ["某市存量案件台账"],
                ["单位：万元、人"],
                ["序号", "案件编号", "案件名称", "属地", "金额", None, "参与集资人数"],
                [None, None, None, None, "涉案金额", "未兑付金额", None],
                [1, "甲1", "甲案", "天山区", 1200, "３００", "30人"],
                [None] * 7,
                [2, "甲2", "乙案", "水磨沟区", "1，000元", None, 5],
                ["合计", None, None, None, 2400, 600, 35],
            ],
            merged=[("A1:G1", "某市存量案件台账"), ("E3:F3", "金额"), ("B3:B4", "案件编号"), ("G3:G4", "参与集资人数")],
        )
        told = sheets.take_in(client, content)
        assert (told["state"], told["created"], told["last_heading_row"]) == ("done", 2, 4), told
        first, second = facts(client, "甲1"), facts(client, "甲2")
        assert (first["involved_yuan"], first["outstanding_yuan"], first["participants"]) == (
            "12000000.00",
            "3000000.00",
            30,
        )
        assert (second["involved_yuan"], second["division"]) == ("1000.00", factories.SHUIMOGOU)

    def test_merged_cells_of_the_table_count_for_every_row(self, client: FlaskClient) -> None:
        content = sheets.workbook(
            [sheets.HEADINGS, sheets.row(1, 属地=None, 注册地=None), sheets.row(2, 属地=None, 注册地=None)],
            merged=[("F2:F3", "天山区")],
        )
        told = sheets.take_in(client, content)
        assert (told["state"], told["created"]) == ("done", 2), told
        assert {item["division"] for item in register(client).values()} == {factories.TIANSHAN}

    def test_a_case_over_several_rows_has_all_its_accused(self, client: FlaskClient) -> None:
        headings = ["案件编号", "案件名称", "涉案单位", "信用代码", "犯罪嫌疑人", "协助人", "属地", "涉案金额"]
        content = sheets.workbook(
            [
                headings,
                ["甲1", "甲案", "甲投资有限公司", "91650100M0001TGQ01", "张测试", None, "新市区", 100],
                [None, None, "乙商贸有限公司", "91650100M0001TGQ02", "李测试", None, None, None],
                [None, None, None, None, "张测试", "王测试", None, None],
                ["甲2", "乙案", "丙投资有限公司", None, None, None, "新市区", 200],
                ["甲2", "乙案", "丁投资有限公司", None, None, None, "新市区", 200],
                ["甲3", "丙案", "戊投资有限公司", None, None, None, "新市区", 300],
            ]
        )
        told = sheets.take_in(client, content)
        assert (told["state"], told["created"], told["rows"]) == ("done", 3, 6), told
        first = facts(client, "甲1")["facts"]["parties"]
        assert [(one["role"], one["name"], one["uscc"]) for one in first] == [
            ("fundraiser", "甲投资有限公司", "91650100M0001TGQ01"),
            ("fundraiser", "乙商贸有限公司", "91650100M0001TGQ02"),
            ("fundraiser", "张测试", None),
            ("fundraiser", "李测试", None),
            ("assistant", "王测试", None),
        ]
        assert [one["name"] for one in facts(client, "甲2")["facts"]["parties"]] == ["丙投资有限公司", "丁投资有限公司"]
        assert facts(client, "甲2")["history"][0]["details"]["row"] == 5
        again = sheets.take_in(client, content)
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)

    def test_merged_cells_of_one_case_and_a_fault_in_its_second_row(self, client: FlaskClient) -> None:
        headings = ["案件编号", "案件名称", "涉案单位", "属地"]
        content = sheets.workbook(
            [headings, [None, None, "甲投资有限公司", None], [None, None, "=1+1", None]],
            merged=[("A2:A3", "甲1"), ("B2:B3", "甲案"), ("D2:D3", "新市区")],
        )
        told = sheets.take_in(client, content, by_row=True)
        assert told["created"] == 0
        assert faults(told) == [("C3", "内容以等号开头，疑为公式，请改为文字或数值")]
        content = sheets.workbook(
            [headings, [None, None, "甲投资有限公司", None], [None, None, "乙投资有限公司", None]],
            merged=[("A2:A3", "甲1"), ("B2:B3", "甲案"), ("D2:D3", "新市区")],
        )
        assert sheets.take_in(client, content)["created"] == 1
        assert [one["name"] for one in facts(client, "甲1")["facts"]["parties"]] == ["甲投资有限公司", "乙投资有限公司"]

    def test_the_same_row_twice_is_a_mistake_and_no_further_row(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1), sheets.row(1)))
        assert faults(told) == [("A3", "与第 2 行重复")]

    def test_every_fault_is_told_by_its_cell(self, client: FlaskClient) -> None:
        told = sheets.take_in(
            client,
            sheets.table(
                sheets.row(1),
                sheets.row(1, 案件名称="同号"),
                sheets.row(3, 案件编号=None),
                sheets.row(4, 案件名称="长" * 201, 属地="火星区"),
                sheets.row(5, 参与集资人数="三十"),
                sheets.row(6, **{"涉案金额（万元）": "约1200"}),
            ),
        )
        assert faults(told) == [
            ("A3", "与第 2 行重复"),
            ("A4", "案件编号不能为空"),
            ("B5", "超过 200 字"),
            ("F5", "认不出是哪个区县，请写全称或六位区划代码"),
            ("H6", "应为整数"),
            ("G7", "应为金额，如 1200000 或 120万元，不要写“约”“余”等字"),
        ]

    def test_a_cell_of_a_megabyte_hurts_its_row_alone(self, client: FlaskClient) -> None:
        huge = '"' + "长" * 350_000 + '"'
        lines = [
            ",".join(sheets.HEADINGS),
            ",".join(map(str, sheets.row(1))),
            ",".join([*map(str, sheets.row(2)[:3]), huge]),
        ]
        told = sheets.take_in(client, "\n".join(lines).encode(), name="a.csv", by_row=True)
        assert (told["created"], faults(told)) == (1, [("D3", "超过 200 字")])

    def test_a_cell_of_a_megabyte_in_a_workbook_too(self, client: FlaskClient) -> None:
        """More than Excel lets anybody type, but not more than a program can write into the file."""
        content, target = sheets.table(sheets.row(1), sheets.row(2, 案件名称="巨大")), io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(content)) as before,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as after,
        ):
            for name in before.namelist():
                after.writestr(name, before.read(name).replace("巨大".encode(), ("长" * 350_000).encode()))
        told = sheets.take_in(client, target.getvalue(), by_row=True)
        assert (told["created"], faults(told)) == (1, [("B3", "超过 200 字")])
        assert "长长" not in str(told)

    def test_a_number_is_the_same_in_full_width_with_spaces_and_a_thousand_rows_later(
        self, client: FlaskClient
    ) -> None:
        between = [sheets.row(n) for n in range(2, 1003)]
        told = sheets.take_in(
            client,
            sheets.table(
                sheets.row(0, 案件编号="甲1"), sheets.row(1, 案件编号="甲１"), *between,
                sheets.row(0, 案件编号=" 甲1　", 案件名称="又一案"),
            ),
        )  # fmt: skip
        assert faults(told) == [("A3", "与第 2 行重复"), ("A1005", "与第 2 行重复")]

    def test_numbers_and_days_that_were_copied_as_text(self, client: FlaskClient) -> None:
        content = sheets.table(
            sheets.row(1, 发案时间="44414", 参与集资人数=" 1，200 ", **{"涉案金额（万元）": "１，２００．５"})
        )
        assert sheets.take_in(client, content)["created"] == 1
        case = facts(client, "乌存〔2019〕1号")
        assert (case["facts"]["occurred_on"], case["participants"], case["involved_yuan"]) == (
            "2021-08-06", 1200, "12005000.00",
        )  # fmt: skip

    def test_what_a_broken_formula_left_is_told_by_its_cell(self, client: FlaskClient) -> None:
        lines = [sheets.HEADINGS, sheets.row(1, 案件名称="#REF!", 参与集资人数="#DIV/0!", 注册地="#N/A")]
        told = sheets.take_in(client, "\n".join(",".join(map(str, line)) for line in lines).encode(), name="a.csv")
        assert [cell for cell, _ in faults(told)] == ["B2", "D2", "H2"]
        assert {reason for _, reason in faults(told)} == {"公式计算出错，请改为文字或数值"}

    @pytest.mark.parametrize("left_out", [0, 2])
    def test_a_formula_that_failed_is_no_blank_cell(self, client: FlaskClient, left_out: int) -> None:
        target = io.BytesIO()
        with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
            book.add_worksheet("说明 & “其他”").write(0, 0, "先看这里")
            page = book.add_worksheet("台账 & <1>")
            page.write_row(left_out, left_out, ["案件编号", "案件名称", "属地", "涉案金额（元）", "注册地"])
            for n in (1, 2):
                page.write_row(left_out + n, left_out, [f"甲{n}", "甲案", "天山区", 5])
            page.write_formula(left_out + 2, left_out + 3, '=IF(A1<"x",1/0,Z9)', None, "#DIV/0!")
            page.write_formula(left_out + 2, left_out + 4, "=VLOOKUP(1,A:A,1,0)", None, "#N/A")
        told = sheets.take_in(client, target.getvalue(), by_row=True)
        cells = {0: ["D3", "E3"], 2: ["F5", "G5"]}[left_out]
        assert (told["created"], faults(told)) == (1, [(cell, "公式计算出错，请改为文字或数值") for cell in cells])

    def test_what_the_office_types_is_read_cell_by_cell(self, client: FlaskClient) -> None:
        headings = [
            "案件编号",
            "案件名称",
            "属地",
            "涉案金额",
            "未兑付金额（元）",
            "参与集资人数",
            "发案时间",
            "行业",
            "化解时限",
        ]
        days = ["2021.8.6", "2021年8月", 44414, "２０２１年８月６日"]
        content = sheets.workbook(
            [
                headings,
                *(
                    [f"甲{n}", "案", "天山区", "１２０万元", "300", "1,200人", day, "金融业", None]
                    for n, day in enumerate(days)
                ),
            ]
        )
        told = sheets.take_in(client, content)
        assert (told["state"], told["created"]) == ("done", 4), told
        found = [facts(client, f"甲{n}") for n in range(4)]
        assert {one["involved_yuan"] for one in found} == {"1200000.00"}  # 万元 in a column of yuan
        assert {one["facts"]["outstanding_yuan"] for one in found} == {"300.00"}
        assert {one["participants"] for one in found} == {1200}
        assert {one["facts"]["industry"] for one in found} == {"J"}
        assert [one["facts"]["occurred_on"] for one in found] == [
            "2021-08-06",
            "2021-08-01",
            "2021-08-06",
            "2021-08-06",
        ]

    def test_a_formula_counts_with_the_value_that_the_office_program_kept(self, client: FlaskClient) -> None:
        target = io.BytesIO()
        with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
            page = book.add_worksheet("台账")
            page.write_row(0, 0, ["案件编号", "案件名称", "属地", "涉案金额（元）"])
            page.write_row(1, 0, ["甲1", "甲案", "天山区"])
            page.write_formula(1, 3, "=100*12", None, 1200)
        assert sheets.take_in(client, target.getvalue())["created"] == 1
        assert facts(client, "甲1")["involved_yuan"] == "1200.00"

    def test_numbers_and_telephones_that_came_back_as_floats(self, client: FlaskClient) -> None:
        headings = ["案件编号", "案件名称", "属地", "联系电话", "立案编号"]
        content = sheets.workbook([headings, [20190001, "甲案", 650102, 13912345678, "6.5E+17"]])
        told = sheets.take_in(client, content, dry_run=True)
        assert faults(told) == [("E2", "号码显示为科学计数法，末几位已丢失，请改为文本格式后重新录入")]
        content = sheets.workbook([headings, [20190001, "甲案", 650102, 13912345678, None]])
        assert sheets.take_in(client, content)["created"] == 1
        assert facts(client, "20190001")["facts"]["responsible_phone"] == "13912345678"


class TestWhoMay:
    def test_a_district_brings_its_own_cases_from_their_first_stage(self, client: FlaskClient) -> None:
        headings = [*sheets.HEADINGS, "司法处置"]
        content = sheets.workbook(
            [headings, [*sheets.row(1), None], [*sheets.row(2, 属地="天山区"), None], [*sheets.row(3), "在审"]]
        )
        told = sheets.take_in(client, content, office.HANDLER, by_row=True)
        assert (told["created"], [cell for cell, _ in faults(told)]) == (1, ["F3", "J4"])
        assert register(client)["乌存〔2019〕1号"]["judicial_stage"] == "none"

    def test_the_city_brings_old_cases_as_they_stand_and_a_sheet_moves_no_known_stage(
        self, client: FlaskClient
    ) -> None:
        headings = [*sheets.HEADINGS, "司法处置"]
        sheets.take_in(client, sheets.workbook([headings, [*sheets.row(1), "在审"]]))
        assert register(client)["乌存〔2019〕1号"]["judicial_stage"] == "trial"
        told = sheets.take_in(client, sheets.workbook([headings, [*sheets.row(1, 案件名称="更名"), "执行"]]))
        assert (told["updated"], told["faults"][0]["note"]) == (1, True)
        assert register(client)["乌存〔2019〕1号"]["judicial_stage"] == "trial"

    def test_a_number_of_another_district_is_taken_and_nothing_more_is_told(self, client: FlaskClient) -> None:
        sheets.take_in(client, sheets.table(sheets.row(1)), office.HANDLER)
        content = sheets.table(sheets.row(1, 属地="天山区", 案件名称="偷改"))
        told = sheets.take_in(client, content, office.OTHER)
        assert (told["state"], faults(told)) == ("refused", [("A2", "该案件编号已被登记")])
        assert register(client)["乌存〔2019〕1号"]["name"] == "瑞丰源1案"

    def test_chunks_that_overlap_lose_nothing_and_keep_the_order_of_faults(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sheet_engine, "CHUNK", 2)
        sheets.take_in(client, sheets.table(*(sheets.row(number) for number in (1, 6))), office.HANDLER)
        mine = [sheets.row(number, 属地="天山区") for number in range(1, 8)]
        mine[3] = sheets.row(4, 属地="天山区", 发案时间="昨天")
        told = sheets.take_in(client, sheets.table(*mine), office.OTHER, by_row=True)
        assert faults(told) == [
            ("A2", "该案件编号已被登记"),
            ("I5", "应为日期，如 2021-08-06 或 2021年8月6日"),
            ("A7", "该案件编号已被登记"),
        ]
        assert (told["state"], told["rows"], told["created"], told["refused"]) == ("done", 7, 4, 3)
        assert len(register(client)) == 6

    def test_nothing_is_asked_of_the_database_while_rows_are_judged(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if judging and threading.get_ident() == judging[-1]:
                asked.append(statement)

        judging: list[int] = []
        judge = CaseTarget.judge

        def watched(*arguments: Any) -> Any:
            judging.append(threading.get_ident())
            try:
                return judge(*arguments)
            finally:
                judging.clear()

        monkeypatch.setattr(CaseTarget, "judge", watched)
        content = sheets.table(sheets.row(1), sheets.row(2, 属地=None))
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert sheets.take_in(client, content)["created"] == 2
            changed = sheets.table(sheets.row(1, 注册地="新疆乌鲁木齐市天山区光明路1号"), sheets.row(2, 属地=None))
            assert sheets.take_in(client, changed)["updated"] == 1
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        assert asked == []

    def test_an_import_is_its_owners_alone(self, client: FlaskClient) -> None:
        told = sheets.take_in(client, sheets.table(sheets.row(1, 案件名称="=1")), office.HANDLER)
        for username in (office.OTHER, office.REVIEWER):
            headers = factories.office_headers(username)
            assert client.get(f"{sheets.IMPORTS}/{told['id']}", headers=headers).status_code == 404
            assert client.get(f"{sheets.IMPORTS}/{told['id']}/result", headers=headers).status_code == 404
            assert client.get(sheets.IMPORTS, headers=headers).get_json()["items"] == []

    @pytest.mark.parametrize("username", [office.OBSERVER, office.LEADER])
    def test_who_registers_no_cases_imports_none(self, client: FlaskClient, username: str) -> None:
        assert sheets.hand_in(client, sheets.table(sheets.row()), username).status_code == 403

    def test_a_closed_case_is_not_changed(self, client: FlaskClient) -> None:
        sheets.take_in(client, sheets.table(sheets.row(1)))
        from sqlalchemy import text

        db.session.execute(text("UPDATE fundraising_cases SET status = 'closed'"))
        db.session.commit()
        told = sheets.take_in(client, sheets.table(sheets.row(1, 案件名称="更名")))
        assert faults(told) == [("A2", "案件已结案，须先重新启动")]


class TestCommandLine:
    def test_takes_in_tells_and_marks(self, app: Flask, client: FlaskClient, tmp_path: Path) -> None:
        file = tmp_path / "台账.xlsx"
        file.write_bytes(sheets.table(sheets.row(1), sheets.row(2, 发案时间="昨天")))
        runner = app.test_cli_runner()
        refused = runner.invoke(args=["cases", "import", str(file), "--yes"])
        assert refused.exit_code == 1, refused.output
        assert "未保存任何内容" in refused.output
        assert (tmp_path / "台账.导入结果.xlsx").exists()
        kept = runner.invoke(args=["cases", "import", str(file), "--yes", "--by-row"])
        assert "新增 1" in kept.output, kept.output
        assert set(register(client)) == {"乌存〔2019〕1号"}


def _bank_answers(client: FlaskClient) -> tuple[str, str]:
    """A case with a batch, and the bank's answers to it handed in, one of them about no claim of the batch."""
    case_id = ledgers.paying_case(client)
    ledgers.batch(client, case_id)
    answers = [[f"债{n}", "成功", "2025-05-08", str(n), None] for n in (1, 2, 3, 9)]
    content = sheets.workbook([["债权编号", "处理结果", "交易日期", "流水号", "原因"], *answers])
    to = f"{office.CASES}/{case_id}/batches/1/results/imports"
    return case_id, sheets.hand_in(client, content, office.HANDLER, to=to).get_json()["id"]


def _told(client: FlaskClient, import_id: str) -> Any:
    headers = factories.office_headers(office.HANDLER)
    return client.get(f"{sheets.IMPORTS}/{import_id}", headers=headers).get_json()


def _notices(import_id: str) -> list[str]:
    told = text("SELECT title FROM notices WHERE run_id = :id")
    return list(db.session.scalars(told, {"id": import_id}))


def test_payments_that_were_recorded_are_told_so_although_the_marked_sheet_is_not_stored(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, import_id = _bank_answers(client)

    def full(*_: Any) -> Any:
        raise StorageFault("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(type(files.vault()), "put", full)
        told = sheets.run(client, import_id, office.HANDLER, by_row=True)
    assert (told["state"], told["problem"], told["updated"], told["refused"]) == ("done", "", 3, 1)
    assert ([fault["cell"] for fault in told["faults"]], told["has_result"]) == (["A5"], False)
    assert ledgers.ledger(client, case_id).get_json()["paid_yuan"] == "100.00"
    assert _notices(import_id) == ["银行发放结果已导入：新增 0，更新 3，有误 1"]


def test_a_run_killed_after_its_rows_were_kept_has_ended_with_them(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, import_id = _bank_answers(client)

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(import_result, "marked", killed)
        with pytest.raises(KeyboardInterrupt):
            sheets.run(client, import_id, office.HANDLER, by_row=True)
    assert ledgers.ledger(client, case_id).get_json()["paid_yuan"] == "100.00"
    with clock.stopped_at(clock.now() + single_run.GIVEN_UP_AFTER + timedelta(minutes=2)):
        factories.deliver()
        told = _told(client, import_id)
        assert (told["state"], told["updated"], told["refused"]) == ("done", 3, 1)
        assert _notices(import_id) == ["银行发放结果已导入：新增 0，更新 3，有误 1"]


def test_a_run_that_another_one_has_overtaken_keeps_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, import_id = _bank_answers(client)
    real = imports.headings_of

    def overtaken(row: Any) -> Any:
        with transaction(OPEN_WALL):
            db.session.execute(text("UPDATE case_imports SET state = 'done' WHERE id = :id"), {"id": import_id})
        return real(row)

    before = ledgers.ledger(client, case_id).get_json()
    headers = factories.office_headers(office.HANDLER)
    client.post(f"{sheets.IMPORTS}/{import_id}/start", json={"by_row": True}, headers=headers)
    monkeypatch.setattr(imports, "headings_of", overtaken)
    factories.deliver()
    assert ledgers.ledger(client, case_id).get_json() == before
    assert _notices(import_id) == []
