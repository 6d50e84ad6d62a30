"""What happens to people at a desk: keys, an expired session, two tabs, the back button, a file dropped beside its box."""

from __future__ import annotations

import gzip
import re
from typing import Any

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from tests import factories, rows
from tests.browser.conftest import Desk, Site
from tests.files import samples

REASON = "经查登记地已变更，附件为登记信息，古丽·阿不都热合曼·买买提明·吐尔逊江 𠮷野家，请审核。"
FIRST_VISIT = 400 * 1024


def tip_to_handle(app: Flask, site: Site, name: str = "乌鲁木齐瑞丰源投资咨询有限公司") -> str:
    """A tip that 新市区 verifies, with a photograph; returns its id."""
    client = app.test_client()
    with clock.stopped_at(site.moment):
        photo = factories.upload(client, content=samples.png(60, 40)).get_json()["id"]
        subject = factories.tip_body()["subject"] | {"name": name}
        receipt = factories.file_tip(client, evidence=[photo], subject=subject, reporter=factories.REPORTER)
        tip_id = factories.tip_id_of(receipt["receipt_number"])
        for username, action, given in (
            ("city.reviewer", "accept", {}),
            ("city.reviewer", "assign", {"division": "650104"}),
            ("district.650104", "sign_for", {}),
        ):
            assert factories.office_act(client, username, tip_id, action, **given).status_code == 200
        factories.deliver()
    return str(tip_id)


def end_every_session(site: Site) -> None:
    with transaction(OPEN_WALL) as session:
        session.execute(text("UPDATE staff_sessions SET revoked_at = :now"), {"now": site.moment})


def open_form(page: Page, action: str) -> Any:
    form = page.locator("details.action", has=page.locator("summary", has_text=action))
    form.locator("summary").click()
    return form


def test_the_keyboard_alone_finds_opens_and_filters(committed_app: Flask, site: Site, desk: Desk) -> None:
    tip_to_handle(committed_app, site, "古丽·阿不都热合曼·买买提明·吐尔逊江·艾合买提·肉孜·依明𠮷")
    tip_to_handle(committed_app, site)
    page = desk.page
    desk.open("/tips")
    desk.sign_in("city.reviewer")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tr.is-present")).to_have_count(1)
    with page.expect_navigation():  # a page answers to keys when it is there whole
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("乌鲁木齐瑞丰源投资咨询有限公司")
    page.keyboard.press("Control+k")
    page.keyboard.type("古丽")
    expect(page.locator("#palette-list [role=option]")).to_have_count(1)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("古丽·阿不都热合曼")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("键盘操作")
    page.keyboard.press("Escape")

    desk.open("/tips")
    page.keyboard.press("/")
    page.keyboard.type("瑞丰源")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.locator("summary", has_text="筛选").click()
    page.get_by_label("状态").select_option("verifying")
    expect(page.locator(".chip")).to_have_text("状态：核查中")
    expect(page).to_have_url(re.compile("/tips[?]q=(瑞丰源|%E7%91%9E%E4%B8%B0%E6%BA%90)&status=verifying$"))
    page.locator("summary", has_text="列").click()
    page.get_by_label("登记时间").uncheck()
    expect(page.locator("td[data-col=registered]")).to_be_hidden()
    page.reload()
    expect(page.locator("td[data-col=registered]")).to_be_hidden()


def test_a_long_text_survives_the_end_of_the_session(committed_app: Flask, site: Site, desk: Desk) -> None:
    desk.refusals_expected = True
    tip_id, page = tip_to_handle(committed_app, site), desk.page
    desk.open(f"/tips/{tip_id}")
    desk.sign_in("district.650104")
    form = open_form(page, "申请属地调整")
    form.get_by_label("情况说明").fill(REASON)
    end_every_session(site)
    page.reload()
    desk.sign_in("district.650104")
    expect(page.get_by_label("情况说明")).to_have_value(REASON)
    expect(page.get_by_text("已恢复您上次未提交的内容")).to_be_visible()

    form = page.locator("details.action", has_text="申请属地调整")
    page.get_by_label("拟调整至").select_option(index=1)
    page.get_by_label("调整事由").select_option("moved")
    page.get_by_label("佐证材料").set_input_files(
        {"name": "证.pdf", "mimeType": "application/pdf", "buffer": samples.pdf()}
    )
    end_every_session(site)
    form.get_by_role("button", name="确认").click()
    page.get_by_label("用户名").fill("district.650104")
    page.get_by_label("密码").fill(factories.PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.locator(".kept-text")).to_contain_text(REASON)
    page.get_by_role("link", name="返回原页面").click()
    expect(page.get_by_label("情况说明")).to_have_value(REASON)
    assert rows.scalar("SELECT count(*) FROM reassignments") == 0

    desk.sign_out()
    desk.sign_in("district.650104")
    desk.open(f"/tips/{tip_id}")
    open_form(page, "申请属地调整")
    expect(page.get_by_label("情况说明")).to_have_value("")


def test_two_tabs_the_back_button_and_an_impatient_finger(committed_app: Flask, site: Site, desk: Desk) -> None:
    desk.refusals_expected = True
    tip_id, page = tip_to_handle(committed_app, site), desk.page
    desk.open(f"/tips/{tip_id}")
    desk.sign_in("city.reviewer")
    second = desk.context.new_page()
    second.goto(page.url)
    form = open_form(page, "督办")
    form.get_by_label("督办方式").select_option("listed")
    form.get_by_label("理由").fill("<b>群众反映强烈</b>𠮷")
    form.get_by_role("button", name="确认").dblclick()
    page.locator(".toast-success").wait_for()
    expect(page.locator(".trail")).to_contain_text("<b>群众反映强烈</b>𠮷")
    assert rows.scalar("SELECT count(*) FROM supervisions") == 1

    form = open_form(second, "标记涉稳紧急")
    form.get_by_label("理由").fill("涉及人数多")
    form.get_by_role("button", name="确认").click()
    told = second.get_by_role("alert")
    expect(told).to_contain_text("您办理期间，这件事项已有更新")
    expect(told).to_contain_text("测试市级审核人")
    expect(second.locator("details[open] textarea").first).to_have_value("涉及人数多")

    page.go_back()
    page.go_forward()
    assert rows.scalar("SELECT count(*) FROM supervisions") == 1
    second.close()


def test_a_file_dropped_beside_its_box_leaves_the_page_alone(committed_app: Flask, site: Site, desk: Desk) -> None:
    tip_id, page = tip_to_handle(committed_app, site), desk.page
    desk.open(f"/tips/{tip_id}")
    desk.sign_in("district.650104")
    open_form(page, "申请属地调整").get_by_label("情况说明").fill(REASON)
    dropped = page.evaluate_handle(
        "() => { const held = new DataTransfer(); held.items.add(new File(['x'], '合同.pdf')); return held; }"
    )
    page.dispatch_event("h1", "drop", {"dataTransfer": dropped})
    expect(page.locator(".toast-warning")).to_contain_text("文件没有上传")
    page.dispatch_event("[data-file-field]", "drop", {"dataTransfer": dropped})
    expect(page.locator("[data-file-list]")).to_contain_text("合同.pdf")
    expect(page.get_by_label("情况说明")).to_have_value(REASON)


def test_evidence_is_zoomed_and_the_identity_asks_for_a_reason(committed_app: Flask, site: Site, desk: Desk) -> None:
    tip_id, page = tip_to_handle(committed_app, site), desk.page
    desk.open(f"/tips/{tip_id}")
    desk.sign_in("city.reviewer")
    page.get_by_role("link", name="证据 1（图片）").click()
    picture = page.locator("[data-picture]")
    expect(picture).to_be_visible()
    before = picture.bounding_box()
    page.get_by_role("button", name="放大").click()
    after = picture.bounding_box()
    assert before
    assert after
    assert after["width"] > before["width"]
    desk.picture("evidence")
    desk.open(f"/tips/{tip_id}")
    page.get_by_role("button", name="查看身份").click()
    page.get_by_label("查看理由").fill("电话核实举报细节")
    page.get_by_role("button", name="查看", exact=True).click()
    expect(page.locator(".watermark span").first).to_have_attribute(
        "data-mark", "测试市级审核人 市处置非法集资办公室（演示） 2026年3月2日 10:00"
    )


def weight(desk: Desk) -> int:
    """Bytes that the present page brought over the wire, as a compressing proxy sends them; kept ones cost nothing."""
    brought = desk.page.evaluate(
        "performance.getEntries().filter(one => ['navigation', 'resource'].includes(one.entryType))"
        ".filter(one => one.transferSize > 0).map(one => one.name)"
    )
    return sum(len(gzip.compress(desk.context.request.get(address).body())) for address in brought)


def test_a_first_visit_is_light_and_every_main_page_stands_for_its_picture(
    committed_app: Flask, site: Site, desk: Desk
) -> None:
    """Pictures in every size and look are kept for the eye; the sweep looks at each page for what a program can see."""
    tip_id, page = tip_to_handle(committed_app, site), desk.page
    desk.open("/sign-in")
    page.wait_for_load_state("networkidle")
    first = weight(desk)
    desk.sign_in("city.reviewer")
    page.wait_for_load_state("networkidle")
    first += weight(desk)
    assert 10_000 < first < FIRST_VISIT, f"{first} bytes at the first visit"
    pages = {"home": "/", "tips": "/tips", "tip": f"/tips/{tip_id}", "disputes": "/disputes"}
    pages |= {name: f"/{name}" for name in ("reassignments", "supervisions", "rules", "exclusions")}
    for name, path in pages.items():
        desk.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        desk.picture(f"desk-{name}")
