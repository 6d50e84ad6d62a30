"""The main task of every role, done with mouse and keyboard in a real browser."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from playwright.sync_api import expect

from app.foundation import clock
from tests import factories
from tests.browser.conftest import Desk, Site
from tests.files import samples

NEW_UNIT = "天山区处置非法集资办公室（演示）"


def run_outbox(site: Site) -> None:
    """Deliver what the steps so far have left, as relay and worker do."""
    with clock.stopped_at(site.moment):
        factories.deliver()


def file_a_tip(app: Flask, site: Site) -> str:
    """A real-name tip with a photograph; returns its receipt number."""
    client = app.test_client()
    with clock.stopped_at(site.moment):
        photo = factories.upload(client, content=samples.png(40, 30)).get_json()["id"]
        receipt = factories.file_tip(client, evidence=[photo], reporter=factories.REPORTER)
    number: str = receipt["receipt_number"]
    return number


def test_a_tip_is_handled_and_moved_by_six_people(committed_app: Flask, site: Site, desk: Desk, tmp_path: Path) -> None:
    number = file_a_tip(committed_app, site)
    page = desk.page

    # The reviewer accepts and assigns.
    site.wait(minutes=30)
    desk.open(f"/tips?q={number}")
    desk.picture("sign-in")
    desk.sign_in("city.reviewer")
    expect(page).to_have_url(f"{site.address}/tips?q={number}")
    page.get_by_role("link", name=number).click()
    expect(page.locator("ruby.ev-name", has_text="新市区")).to_be_visible()
    desk.do("受理")
    expect(page.locator(".summary-state")).to_contain_text("已受理")
    site.wait(minutes=5)
    desk.do("交办", 办理意见="登记地在新市区，请依法核查。")
    expect(page.locator(".summary-state")).to_contain_text("待签收")
    desk.picture("tip-reviewer")
    desk.sign_out()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()

    # The district signs for it, looks at the evidence, and asks to move it.
    run_outbox(site)
    site.wait(hours=3)
    desk.sign_in("district.650104")
    desk.picture("home-district")
    page.get_by_role("link", name="乌鲁木齐瑞丰源投资咨询有限公司").click()
    desk.do("签收")
    page.get_by_role("link", name="证据 1（图片）").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载原件").click()
    assert Path(download.value.path()).read_bytes() == samples.png(40, 30)
    page.go_back()
    site.wait(minutes=12)
    evidence = tmp_path / "登记信息.pdf"
    evidence.write_bytes(samples.pdf())
    form = page.locator("details.action", has_text="申请属地调整")
    form.locator("summary").click()
    form.get_by_label("拟调整至").select_option(label=NEW_UNIT)
    form.get_by_label("调整事由").select_option("registered_elsewhere")
    form.get_by_label("情况说明").fill("经查，该公司登记地已于上月变更至天山区，附登记信息。")
    form.get_by_label("佐证材料").set_input_files(evidence)
    expect(form.locator("[data-file-list]")).to_contain_text("登记信息.pdf")
    desk.picture("tip-district-applying")
    desk.send(form)
    expect(page.get_by_role("heading", name="调整申请")).to_be_visible()
    expect(page.get_by_role("link", name="登记信息.pdf")).to_be_visible()
    request_url = page.url
    desk.sign_out()

    # Review and adjustment by two others; the new unit confirms.
    site.wait(hours=1)
    desk.sign_in("city.reviewer2")
    desk.picture("home-reviewer")
    page.goto(request_url)
    desk.picture("reassignment-review")
    desk.do("审核同意", 理由="登记信息可以证明，同意调整。")
    desk.sign_out()
    desk.sign_in("city.adjuster")
    page.goto(request_url)
    desk.do("执行调整")
    expect(page.locator(".stations .current")).to_contain_text("签收")
    desk.sign_out()
    run_outbox(site)
    site.wait(hours=1)
    desk.sign_in("district.650102")
    page.get_by_role("link", name="站内消息").first.click()
    desk.picture("notices")
    page.get_by_role("link", name="线索已调整至本单位，请签收").click()
    desk.do("签收")
    expect(page.locator(".panel-head .state")).to_contain_text("已完成")
    page.get_by_role("link", name="查看线索").click()
    expect(page.locator(".summary-state")).to_contain_text("核查中")
    desk.sign_out()

    # The auditor sees who did what.
    desk.sign_in("auditor")
    expect(page.get_by_role("heading", name="审计日志")).to_be_visible()
    for deed in (
        "线索：受理",
        "线索：签收",
        "下载文件",
        "属地调整：申请属地调整",
        "属地调整：执行调整",
        "属地调整：签收",
    ):
        expect(page.locator("td", has_text=deed).first).to_be_visible()
    desk.picture("audit")
    desk.sign_out()
