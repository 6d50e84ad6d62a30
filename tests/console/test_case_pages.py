"""Stock cases at the console: entered, moved, planned, reported on, closed; figures that open their lists."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date
from html import unescape
from typing import Any

import pytest
from docx import Document
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from app.foundation.database import OPEN_WALL, db, transaction
from tests import factories, rows
from tests.cases import office
from tests.console.office import Officer, csrf_token

SignIn = Callable[[str], Officer]
PAGES = (
    "/cases", "/cases/board", "/cases/months", "/cases/statistics", "/cases/targets", "/cases/templates",
    "/cases/export", "/cases/statistics/export",
)  # fmt: skip
FORM = {
    "case_no": "乌非集〔2026〕1号", "name": "丰源理财案", "business_category": "debt", "industry": "J69",
    "registered_place": "新疆乌鲁木齐市新市区长春中路1号", "involved_yuan": "1,234.56", "outstanding_yuan": "100",
    "returned_yuan": "25", "participants": "321", "occurred_on": "2025-05-01", "lead_place": "甘肃省兰州市",
    "party_kind": ["organization", "individual"], "party_role": ["fundraiser", "assistant"],
    "party_name": ["乌鲁木齐丰源咨询有限公司", ""], "party_uscc": ["", ""],
}  # fmt: skip


def sent(person: Officer, path: str, seen: str, **fields: Any) -> Any:
    """A form of a case with the version that its page shows."""
    page = person.text(seen)
    version = re.search(r'name="expected_version" value="(\d+)"', page)
    data = {"csrf_token": csrf_token(page), "expected_version": version[1] if version else "", **fields}
    return person.open(path, method="POST", data=data)


def acted(person: Officer, case_id: str, action: str, **fields: Any) -> Any:
    return sent(person, f"/cases/{case_id}/actions", f"/cases/{case_id}", action=action, **fields)


def moved(officer: SignIn, case_id: str, track: str, stage: str, confirming: str = office.REVIEWER) -> None:
    """A stage entered by the district and confirmed by the city, by forms."""
    given = {"stage": stage, "on": "2026-02-01", "reason": "依文书。"}
    assert acted(officer(office.HANDLER), case_id, f"propose_stage-{track}", **given).status_code == 303
    assert acted(officer(confirming), case_id, f"confirm_stage-{track}").status_code == 303


@pytest.mark.parametrize(
    ("username", "status"),
    [("city.reviewer", 200), ("city.leader", 200), ("city.adjuster", 200), ("district.650104", 200),
     ("observer.650000", 200), ("auditor", 403), ("sysadmin", 403), ("secadmin", 403)],
)  # fmt: skip
def test_who_opens_the_pages(client: FlaskClient, officer: SignIn, username: str, status: int) -> None:
    case_id = office.case(client)
    person = officer(username)
    for path in (*PAGES, f"/cases/{case_id}"):
        assert person.get(path).status_code == status, path


def test_a_district_enters_a_case_by_the_form(officer: SignIn) -> None:
    person = officer(office.HANDLER)
    answer = person.post("/cases/new", seen="/cases/new", **FORM)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    page = person.text(answer.headers["Location"])
    for told in ("丰源理财案", "1,234.56", "25.00%", "金融业 J69", "甘肃省兰州市", "321",
                 "乌鲁木齐丰源咨询有限公司", "乌鲁木齐市新市区牵头"):  # fmt: skip
        assert told in page, told
    assert rows.scalar("SELECT involved_yuan FROM fundraising_cases") == pytest.approx(12345600)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [("involved_yuan", "许多", "应为以万元为单位的数字"), ("involved_yuan", "0.0000001", "集资金额"),
     ("participants", "很多", "应为整数人数"), ("lead_place", "某地", "未能识别地区"), ("industry", "Z", "GB/T 4754"),
     ("returned_yuan", "101", "已清退金额不能超过"), ("case_no", "", "此项必填")],
)  # fmt: skip
def test_a_refused_form_says_which_field_and_keeps_the_rest(officer: SignIn, field: str, value: str, told: str) -> None:
    answer = officer(office.HANDLER).post("/cases/new", seen="/cases/new", **FORM | {field: value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in page
    assert 'value="丰源理财案"' in page
    assert 'value="乌鲁木齐丰源咨询有限公司"' in page
    assert rows.scalar("SELECT count(*) FROM fundraising_cases") == 0


def test_more_rows_are_asked_for_without_saving(officer: SignIn) -> None:
    answer = officer(office.HANDLER).post("/cases/new", seen="/cases/new", more="parties", **FORM)
    assert answer.status_code == 200
    assert answer.get_data(as_text=True).count('name="party_name"') == 4
    assert rows.scalar("SELECT count(*) FROM fundraising_cases") == 0


def test_the_city_enters_an_old_case_where_it_stands(officer: SignIn) -> None:
    given = {"judicial_stage": "trial", "division": factories.TIANSHAN}
    answer = officer(office.REVIEWER).post("/cases/new", seen="/cases/new", **FORM | given)
    page = officer(office.REVIEWER).text(answer.headers["Location"])
    assert 'aria-current="step"><span>在审</span>' in page
    assert 'name="judicial_stage"' not in officer(office.HANDLER).text("/cases/new")


def test_facts_are_corrected_and_emptied(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    person, path = officer(office.HANDLER), f"/cases/{case_id}/edit"
    page = person.text(path)
    assert 'value="3000"' in page, "amounts stand in 万元"
    given = FORM | {
        "responsible_person": "",
        "court": "天山区人民法院",
        "involved_yuan": "3000",
        "outstanding_yuan": "1200",
    }
    assert sent(person, path, path, **given).status_code == 303
    page = person.text(f"/cases/{case_id}")
    assert "天山区人民法院" in page
    assert "未落实" in page
    history = page.split('id="h-steps"')[1]
    assert "瑞丰源案 → 丰源理财案" in history
    assert "集资金额" not in history, "what did not change is no change"
    stale = person.open(path, method="POST", data={"csrf_token": csrf_token(page), "expected_version": 1, **given})
    assert stale.status_code == 409


def test_a_life_by_forms(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client, username=office.REVIEWER, stages={"admin_stage": "determining"})
    handler, leader = officer(office.HANDLER), officer(office.LEADER)
    page = handler.text(f"/cases/{case_id}/plan")
    assert "核清集资金额" in page, "a first version begins with the template"
    plan = {
        "goal": "年内清退。", "reason": "首次制定。", "measure_text": ["评估房产", ""], "measure_owner": ["张测试", ""],
        "measure_unit": ["新市区处非办", ""], "measure_due_on": ["2026-02-20", ""], "measure_done_on": ["", ""],
    }  # fmt: skip
    assert handler.post(f"/cases/{case_id}/plan", seen=f"/cases/{case_id}/plan", **plan).status_code == 303
    assert "待市级负责人审批" in leader.text(f"/cases/{case_id}")
    decided = sent(
        leader, f"/cases/{case_id}/plan/decision", f"/cases/{case_id}", action="decide_plan", number=1, approved="true"
    )
    assert decided.status_code == 303
    page = handler.text(f"/cases/{case_id}")
    assert "逾期" in page.split('id="h-plan"')[1].split("</section>")[0]
    done = sent(
        handler, f"/cases/{case_id}/plan/measures", f"/cases/{case_id}", number=1, position=0, done_on="2026-02-28"
    )
    assert done.status_code == 303
    assert "2026年2月28日 完成" in handler.text(f"/cases/{case_id}")
    carried = handler.text(f"/cases/{case_id}/plan")
    assert "已结转第 1 版" in carried
    assert 'value="2026-02-28"' in carried

    entry = {"month": "2026-03-01", "situation": "已评估。", "movement": "房产挂拍。", "recovered_yuan": "50"}
    assert handler.post(f"/cases/{case_id}/progress", seen=f"/cases/{case_id}/progress", **entry).status_code == 303
    assert "追缴" in handler.text(f"/cases/{case_id}")

    moved(officer, case_id, "admin_stage", "admin_handled")
    assert "结案尚缺：资金清退尚未完毕" in leader.text(f"/cases/{case_id}")
    moved(officer, case_id, "restitution_stage", "impossible", office.LEADER)
    assert acted(leader, case_id, "close", reason="无可处置资产。").status_code == 303
    page = handler.text(f"/cases/{case_id}")
    assert "已结案" in page
    assert f"/cases/{case_id}/progress" not in page
    assert acted(leader, case_id, "reopen", reason="发现新资产。").status_code == 303
    assert "在办" in leader.text(f"/cases/{case_id}").split('class="summary-state"')[1].split("</p>")[0]


def test_a_refused_step_stays_open_with_what_was_typed(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    person = officer(office.HANDLER)
    answer = acted(
        person, case_id, "propose_stage-admin_stage", stage="admin_accepted", on="2099-01-01", reason="理由一二三"
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "日期不能晚于今天" in page
    assert "理由一二三" in page
    assert re.search(r'<details class="action action-plain" name="action" open>\s*<summary>填报行政处理阶段', page)
    early = {"action": "close", "reason": "结案。", "expected_version": "1", "seen": "/cases"}
    refused = officer(office.LEADER).post(f"/cases/{case_id}/actions", **early)
    assert refused.status_code == 409
    assert "不能结案：行政处理或司法处置尚未终结" in refused.get_data(as_text=True)


def test_forms_offer_the_moves_of_the_table(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client, username=office.REVIEWER, stages={"judicial_stage": "prosecuting"})
    page = officer(office.HANDLER).text(f"/cases/{case_id}")
    form = page.split('value="propose_stage-judicial_stage"')[1].split("</form>")[0]
    assert re.findall(r'<option value="(\w+)"', form) == ["trial", "investigating", "none"]
    assert "propose_stage" not in officer(office.REVIEWER).text(f"/cases/{case_id}")


def test_linked_tips_stand_on_the_case_and_the_case_on_the_tip(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    receipt = factories.file_tip(client)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    person = officer(office.REVIEWER)
    unknown = sent(person, f"/cases/{case_id}/tips", f"/cases/{case_id}", action="link_tip", receipt_number="1")
    assert unknown.status_code == 422
    assert "未找到该编号的线索" in unknown.get_data(as_text=True)
    fields = {"action": "link_tip", "receipt_number": receipt["receipt_number"]}
    assert sent(person, f"/cases/{case_id}/tips", f"/cases/{case_id}", **fields).status_code == 303
    assert f'/tips/{tip_id}"' in person.text(f"/cases/{case_id}")
    assert f'/cases/{case_id}"' in person.text(f"/tips/{tip_id}").split('id="h-case"')[1]


def test_concluding_asks_for_the_case_where_one_was_opened(client: FlaskClient, officer: SignIn) -> None:
    asked = {}
    for outcome in ("CASE_OPENED", "SUBSTANTIATED"):
        tip_id = factories.verifying_tip(client)
        factories.office_act(client, office.HANDLER, tip_id, "submit_feedback", outcome=outcome, text="核查情况。")
        asked[outcome] = 'name="case_no"' in officer(office.REVIEWER).text(f"/tips/{tip_id}")
    assert asked == {"CASE_OPENED": True, "SUBSTANTIATED": False}


class TestRegister:
    def test_filters_and_pages(self, client: FlaskClient, officer: SignIn) -> None:
        for number in range(22):
            office.case(client, case_no=f"乌非集〔2021〕{number}号", facts=office.FACTS | {"legacy": number % 2 == 0})
        person = officer(office.REVIEWER)
        first = person.text("/cases?legacy=false")
        assert len(set(re.findall(r"乌非集〔2021〕\d+号", first))) == 11
        first = person.text("/cases")
        following = unescape(re.search(r'href="([^"]+)" rel="next"', first)[1])
        shown = [set(re.findall(r"乌非集〔2021〕\d+号", page)) for page in (first, person.text(following))]
        assert (len(shown[0]), len(shown[1]), shown[0] & shown[1]) == (20, 2, set())
        assert "没有符合条件的案件" in person.text("/cases?q=不存在")
        assert person.get("/cases?amount=huge").status_code == 422

    def test_the_sheet_holds_what_the_list_holds(self, client: FlaskClient, officer: SignIn) -> None:
        office.case(client)
        facts = office.FACTS | {"legacy": True, "occurred_on": "2019-05-06"}
        office.case(client, case_no="=1+1", name="公式案", facts=facts)
        answer = officer(office.REVIEWER).get("/cases/export?legacy=true")
        lines = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
        assert "测试市级审核人" in lines[0][0]
        assert [line[0] for line in lines[1:]] == ["案件编号", "=1+1"]
        assert lines[2][lines[1].index("集资金额（万元）")] == 3000
        assert lines[2][lines[1].index("发案时间")] == date(2019, 5, 6)
        assert "2026年3月2日 10:00；金额单位：万元" in lines[0][0]
        assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'cases.export'") == 1

    def test_the_observer_reads_no_names_anywhere(self, client: FlaskClient, officer: SignIn) -> None:
        case_id = office.case(client)
        office.write_plan(client, case_id)
        office.report(client, case_id)
        person = officer(office.OBSERVER)
        for path in (*PAGES, f"/cases/{case_id}"):
            answer = person.get(path)
            if path.endswith("export"):
                sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
                told = str(sheet)
            else:
                told = answer.get_data(as_text=True)
            secrets = ("瑞丰源", "阿卜杜拉", "负责人测试", "0991", "长春中路", "解放北路", "一审已开庭", "首次制定")
            assert [secret for secret in secrets if secret in told] == [], path

    def test_another_district_sees_nothing(self, client: FlaskClient, officer: SignIn) -> None:
        case_id = office.case(client)
        stranger = officer(office.OTHER)
        for path in ("", "/edit", "/plan", "/progress"):
            assert stranger.get(f"/cases/{case_id}{path}").status_code == 404
        for path in ("actions", "plan", "plan/decision", "plan/measures", "progress", "tips", "edit"):
            assert stranger.post(f"/cases/{case_id}/{path}", action="close", expected_version="1").status_code in {
                404,
                422,
            }
        for path in PAGES:
            answer = stranger.get(path)
            assert "瑞丰源" not in str(answer.data.decode("utf-8", "ignore")), path
        assert "瑞丰源" in officer(office.HANDLER).text("/cases")


def test_the_months_show_who_reported(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    page = officer(office.REVIEWER).text("/cases/months")
    assert "2026年3月尚未填报" in page
    assert "待填报" in page
    office.report(client, case_id)
    page = officer(office.REVIEWER).text("/cases/months")
    assert "尚未填报</h2>" not in page
    assert "已填报" in page
    assert "没有符合条件的案件" in officer(office.REVIEWER).text("/cases/months?missing=true")


def test_the_board_counts_each_stage_and_links_to_its_list(client: FlaskClient, officer: SignIn) -> None:
    for number in range(3):
        stages = {"judicial_stage": "trial"} if number else {}
        office.case(client, username=office.REVIEWER, case_no=f"乌非集〔2021〕{number}号", stages=stages)
    page = officer(office.REVIEWER).text("/cases/board")
    column = page.split('?judicial_stage=trial">在审</a>')[1].split("</section>")[0]
    assert '<span class="num">2</span>' in column
    assert column.count('class="board-card"') == 2


def test_every_figure_opens_a_list_of_as_many_cases(client: FlaskClient, officer: SignIn) -> None:
    for number, changes in enumerate(
        [{"business_category": "debt", "category_detail": "P2P"}, {"business_category": "debt", "cross_province": True},
         {"business_category": None, "industry": None, "occurred_on": "2019-07-02"}, {"occurred_on": "2024-02-29"}]
    ):  # fmt: skip
        office.case(
            client, username=office.REVIEWER, case_no=f"乌非集〔2021〕{number}号",
            stages={"judicial_stage": "trial"} if number else {}, facts=office.FACTS | changes,
        )  # fmt: skip
    person = officer(office.REVIEWER)
    page = person.text("/cases/statistics")
    figures = re.findall(r'<a class="figure" href="([^"]+)">(?:(\d+)|<span)', page)
    assert len(figures) > 40
    for address in sorted({unescape(address) for address, number in figures if number}):
        wanted = {int(number) for one, number in figures if number and unescape(one) == address}
        listed = set(re.findall(r"乌非集〔2021〕\d+号", person.text(address)))
        assert len(listed) in wanted or wanted > {len(listed)}, (address, wanted, listed)
    assert "审图号 GS(2024)0650号" in page
    assert len(re.findall(r'<path class="band-\d" d="M', page)) == 8


def test_one_mistyped_day_keeps_nobody_from_the_statistics(client: FlaskClient, officer: SignIn) -> None:
    office.case(client)
    with transaction(OPEN_WALL):  # as cases stand that were entered before days were looked at
        db.session.execute(text("UPDATE fundraising_cases SET occurred_on = '9999-12-31'"))
    assert "9999年12月" in officer(office.REVIEWER).text("/cases/statistics")


@pytest.mark.parametrize(
    "path",
    [
        "/cases?not_reported_in=9999-12-01",
        "/cases?since=0001-01-01",
        "/cases/months?month=0001-01-01",
        "/cases/months?month=9999-12-01",
        "/cases/statistics/export?since=9999-12-31&until=2026-03-31",
    ],
)
def test_days_beyond_belief_are_refused_in_the_address(officer: SignIn, path: str) -> None:
    assert officer(office.REVIEWER).get(path).status_code == 422


def test_the_monthly_form_has_seven_columns(client: FlaskClient, officer: SignIn) -> None:
    office.case(client, facts=office.FACTS | {"occurred_on": "2026-03-01", "category_detail": "P2P", "participants": 7})
    answer = officer(office.REVIEWER).get("/cases/statistics/export?since=2026-03-01&until=2026-03-31")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert sheet[0][0] == "2026年3月涉嫌非法集资新发案件分类情况统计表"
    assert sheet[2] == [
        "业务类别",
        "案件数",
        "集资金额",
        "参与集资人数",
        "跨省案件数",
        "立案数",
        "司法审理数",
        "结案数",
    ]
    assert sheet[3:5] == [["债权类", 1, 3000, 7, 0, 0, 0, 0], ["P2P", 1, 3000, 7, 0, 0, 0, 0]]
    assert sheet[-3][0] == "合计"


def test_the_monthly_form_as_word_says_the_same(client: FlaskClient, officer: SignIn) -> None:
    office.case(client, facts=office.FACTS | {"occurred_on": "2026-03-01", "category_detail": "P2P", "participants": 7})
    person = officer(office.REVIEWER)
    path = "/cases/statistics/export?since=2026-03-01&until=2026-03-31"
    assert "format=docx" in person.text("/cases/statistics?since=2026-03-01&until=2026-03-31")
    document = Document(io.BytesIO(person.get(f"{path}&format=docx").data))
    table = [[cell.text.strip() for cell in row.cells] for row in document.tables[0].rows]
    assert document.paragraphs[0].text == "2026年3月涉嫌非法集资新发案件分类情况统计表"
    assert table[0] == [
        "业务类别",
        "案件数",
        "集资金额",
        "参与集资人数",
        "跨省案件数",
        "立案数",
        "司法审理数",
        "结案数",
    ]
    assert table[1:3] == [[name, "1", "3,000.00", "7", "0", "0", "0", "0"] for name in ("债权类", "P2P")]
    assert table[-1][0] == "合计"


def test_targets_are_set_by_the_city_and_met_by_closing(client: FlaskClient, officer: SignIn) -> None:
    stages = {"admin_stage": "admin_handled", "restitution_stage": "completed"}
    facts = office.FACTS | {"legacy": True, "target_on": "2026-02-01"}
    ids = [
        office.case(client, username=office.REVIEWER, case_no=f"陈{n}", stages=stages, facts=facts) for n in range(2)
    ]
    office.act(client, office.LEADER, ids[0], "close", reason="结案。")
    person = officer(office.REVIEWER)
    given = {"action": "set_target", "year": "2026", "percent": "60", "basis": "市处非领导小组会议纪要"}
    assert person.post("/cases/targets", seen="/cases/targets", **given).status_code == 303
    page = person.text("/cases/targets")
    assert "50.0%" in page
    assert "未达标" in page
    assert person.post("/cases/targets", seen="/cases/targets", **given | {"percent": "50"}).status_code == 303
    assert ">达标<" in person.text("/cases/targets")
    for wrong in ({"percent": "101"}, {"percent": "多"}, {"basis": ""}):
        answer = person.post("/cases/targets", seen="/cases/targets", **given | wrong)
        assert answer.status_code == 422, wrong
    assert officer(office.HANDLER).post("/cases/targets", seen="/cases/targets", **given).status_code == 403


def test_a_template_of_the_category_begins_the_plan(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    person = officer(office.LEADER)
    given = {
        "action": "set_template", "category": "debt", "valid_from": "2026-03-02", "goal": "债权类目标。",
        "measures": "核对出借人债权｜平台所在地处非办｜15\n公告｜属地公安｜30", "in_use": "true",
    }  # fmt: skip
    assert person.post("/cases/templates", seen="/cases/templates", **given).status_code == 303
    page = officer(office.HANDLER).text(f"/cases/{case_id}/plan")
    assert "核对出借人债权" in page
    assert 'value="2026-03-17"' in page
    broken = person.post("/cases/templates", seen="/cases/templates", **given | {"measures": "只有措施"})
    assert broken.status_code == 422
    assert "第 1 行应为" in broken.get_data(as_text=True)
    off = given | {"in_use": "false"}
    assert person.post("/cases/templates", seen="/cases/templates", **off).status_code == 303
    assert "核对出借人债权" not in officer(office.HANDLER).text(f"/cases/{case_id}/plan")
