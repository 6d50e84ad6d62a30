"""A register becomes cases, and one case is planned, moved, reported on and closed, by the people who do it."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Locator, expect

from app.foundation import clock
from tests import factories
from tests.browser.access import barriers_in_either_look
from tests.browser.conftest import Desk, Site
from tests.cases import ledgers, office, sheets

REPORT = "乌存〔2019〕1号"


def run_outbox(site: Site) -> None:
    with clock.stopped_at(site.moment):
        factories.deliver()


def looked_at(desk: Desk, name: str) -> None:
    """A picture in every size, and no fault of access in either look."""
    desk.picture(name)
    assert barriers_in_either_look(desk.page) == [], name


def press(desk: Desk, where: Locator, button: str) -> None:
    """Send a form and confirm where the page asks."""
    where.get_by_role("button", name=button, exact=True).click()
    dialog = desk.page.locator("#confirm-dialog")
    if dialog.is_visible():
        dialog.locator("[data-confirm-yes]").click()
    desk.page.locator(".toast-success").wait_for()


def as_person(desk: Desk, username: str, path: str) -> None:
    desk.sign_out()
    desk.sign_in(username)
    desk.open(path)


def move(desk: Desk, track: str, stage: str) -> None:
    form = desk.page.locator("details.action", has=desk.page.locator("summary", has_text=f"填报{track}阶段"))
    form.locator("summary").click()
    form.get_by_label("变更为").select_option(label=stage)
    form.get_by_label("说明").fill("依文书填报。")
    desk.send(form)


def confirm(desk: Desk, what: str) -> None:
    form = desk.page.locator("details.action", has=desk.page.locator("summary", has_text=f"确认：{what}"))
    form.locator("summary").click()
    desk.send(form)


def make_ready_to_share(client: FlaskClient, case_id: str) -> None:
    """The case returns money: claims are entered and verified by two persons, money came in."""
    for stage in ("registering", "disposing", "returning"):
        office.move(client, case_id, "restitution_stage", stage)
    body = {"expected_version": office.shown(client, case_id)["version"], "facts": {"outstanding_yuan": "300.01"}}
    headers = factories.office_headers(office.HANDLER)
    answers = [
        client.patch(f"{office.CASES}/{case_id}", json=body, headers=headers),
        ledgers.enter(client, case_id),
        ledgers.verify_all(client, case_id),
        ledgers.receive(client, case_id, "150.00"),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 200, 201]


def test_a_register_becomes_cases_and_a_case_lives_to_its_end(
    committed_app: Flask, site: Site, desk: Desk, tmp_path: Path
) -> None:
    page = desk.page
    page.emulate_media(reduced_motion="reduce")  # colours are there at once when the look is changed
    sheet = tmp_path / "台账.xlsx"
    sheet.write_bytes(sheets.table(*(sheets.row(number) for number in range(1, 13))))

    # The city takes its register in: columns checked, tried, taken in while the page tells how far it is.
    desk.open("/cases/imports")
    desk.sign_in("city.reviewer")
    page.locator("#f-file").set_input_files(sheet)
    page.get_by_role("button", name="上传并核对栏目").click()
    expect(page.get_by_label("A 列对应栏目")).to_have_value("case_no")
    press(desk, page.locator("form.wide-form"), "试运行")
    run_outbox(site)
    expect(page.get_by_text("将新增")).to_be_visible()
    press(desk, page.locator("form.wide-form"), "导入")
    expect(page.locator("#import-state")).to_contain_text("已处理")
    run_outbox(site)
    page.get_by_role("link", name="查看案件台账").click()
    expect(page.get_by_role("link", name=REPORT)).to_be_visible()
    looked_at(desk, "case-register")
    desk.open("/cases/statistics")
    page.locator(".chart canvas").wait_for()
    looked_at(desk, "case-statistics")

    # The district plans and reports, enters a stage.
    as_person(desk, "district.650104", f"/cases?q={REPORT}")
    page.get_by_role("link", name=REPORT).click()
    expect(page.get_by_role("heading", name="三条线")).to_be_visible()
    here = page.url.removeprefix(site.address)
    page.get_by_role("link", name="编制处置方案").click()
    for number in range(1, 5):
        page.get_by_label(f"第 {number} 项责任人").fill("张测试")
    page.locator("#f-reason").fill("首次编制。")
    looked_at(desk, "case-plan")
    press(desk, page.locator("form.wide-form"), "报送审批")
    move(desk, "行政处理", "行政受理")
    expect(page.locator(".track").first).to_contain_text("待确认")
    page.get_by_role("link", name="填报月度进展").click()
    page.get_by_label("案情").fill("已完成债权登记。")
    page.get_by_label("与前期处置工作有何明显进展").fill("新查封房产两处。")
    page.get_by_label("资产追缴").fill("120.5")
    press(desk, page.locator("form.wide-form"), "提交")
    expect(page.locator("#h-progress + .muted")).to_have_text("1 次填报")

    # The city confirms; the district shares the money that came in; the leader approves and closes.
    as_person(desk, "city.reviewer", here)
    confirm(desk, "行政处理 未启动 → 行政受理")
    with clock.stopped_at(site.moment):
        for stage in ("determining", "admin_handled"):
            office.move(committed_app.test_client(), here.rpartition("/")[2], "admin_stage", stage)
    with clock.stopped_at(site.moment):
        make_ready_to_share(committed_app.test_client(), here.rpartition("/")[2])
    as_person(desk, "district.650104", here)
    page.get_by_role("link", name="打开台账").click()
    form = page.locator("details.action", has=page.locator("summary", has_text="计算一轮分配"))
    form.locator("summary").click()
    form.get_by_label("资金来源").select_option(label="非法集资资金余额")
    form.get_by_label("分配金额").fill("100")
    desk.send(form)
    expect(page.get_by_role("heading", name="第 1 轮")).to_be_visible()
    looked_at(desk, "case-ledger")
    page.get_by_role("link", name="集资参与人债权").click()
    page.get_by_role("link", name="债3").click()
    expect(page.get_by_role("heading", name="各轮分配与发放")).to_be_visible()
    looked_at(desk, "case-claim")
    slip = page.locator("form", has=page.get_by_role("button", name="生成凭单"))
    slip.get_by_label("发放用途").fill("当面交给本人。")
    slip.get_by_role("button", name="生成凭单").click()
    expect(page.get_by_text("债权查询号", exact=True)).to_be_visible()
    looked_at(desk, "case-claim-slip")
    desk.open(here + "/ledger/rounds/1")
    looked_at(desk, "case-round")
    desk.open("/cases/document-templates")
    looked_at(desk, "case-document-templates")
    desk.open(here)
    move(desk, "资金清退", "清退完毕")
    as_person(desk, "city.reviewer", here)
    confirm(desk, "资金清退")
    as_person(desk, "city.leader", here)
    approval = page.locator("details.action", has=page.locator("summary", has_text="审批处置方案第 1 版"))
    approval.locator("summary").click()
    approval.get_by_label("审批意见").select_option(label="同意")
    looked_at(desk, "case-leader")
    desk.send(approval)
    expect(page.locator("#h-plan + .muted")).to_contain_text("第 1 版执行中")
    desk.do("结案", 理由="行政处理终结，资金清退完毕。")
    expect(page.locator(".summary-state")).to_contain_text("已结案")
    desk.open("/cases/board?track=admin_stage")
    expect(page.locator(".board-card", has_text=REPORT)).to_be_visible()
