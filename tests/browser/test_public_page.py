"""The public page in a real browser: on a telephone and a desk, with and without scripts, in every text size."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from tests import factories, rows
from tests.browser.access import barriers
from tests.browser.conftest import ARTEFACTS, DESK, PATIENCE_MS, PHONE, Desk, Site
from tests.enterprises.lists import code, known, line
from tests.files import samples
from tests.tips import reporters

PICTURES = ARTEFACTS.parent / "public"
PAGES = ("", "new", "follow", "recover", "privacy", "rewards", "verify", "claim")
COMPANY = "乌鲁木齐瑞丰源投资咨询有限公司"


@pytest.fixture
def plain_page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A telephone whose browser runs no scripts."""
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True, animations="disabled")


def fill_statement(page: Page) -> None:
    """Everything a reporter usually knows, step by step."""
    forward = page.get_by_role("button", name="下一步")
    page.get_by_label("名称或姓名").fill(COMPANY)
    forward.click()
    page.get_by_label("实际经营或活动的地址").fill("新疆乌鲁木齐市天山区解放北路2号")
    page.get_by_label("登记注册地址").fill("新疆乌鲁木齐市新市区长春中路1号")
    page.get_by_role("button", name="看看由哪个区（县）办理").click()
    expect(page.locator("#preview")).to_contain_text("新市区办理")
    picture(page, "step-2")
    forward.click()
    page.get_by_label("情况说明").fill("业务员在小区门口发传单，承诺年化百分之十八、保本保息。")
    page.get_by_text("委托理财、融资租赁").click()
    page.get_by_text("传单", exact=True).click()
    page.get_by_text("100万—500万元").click()
    picture(page, "step-3")
    forward.click()


def test_a_tip_is_filed_on_a_telephone(committed_app: Flask, site: Site, desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    page.set_viewport_size(PHONE)
    desk.open("/report/")
    picture(page, "welcome-phone")
    page.get_by_role("link", name="我要举报").click()
    picture(page, "step-1-phone")
    fill_statement(page)
    photo = tmp_path / "传单.png"
    photo.write_bytes(samples.png(40, 30))
    page.get_by_label("选择文件").set_input_files([photo])
    expect(page.locator("#files li")).to_contain_text("已上传")
    picture(page, "step-4-phone")
    page.get_by_role("button", name="下一步").click()
    picture(page, "step-5-phone")
    page.get_by_role("button", name="提交举报").click()
    expect(page.get_by_role("alert")).to_contain_text("请确认您反映的情况属实")
    picture(page, "refused-phone")
    page.get_by_text("我反映的情况是我知道的真实情况").click()
    page.get_by_role("button", name="提交举报").click()
    expect(page.get_by_role("heading", name="举报已收到")).to_be_visible()
    expect(page.locator("#codes")).to_contain_text("拟交办")
    picture(page, "receipt-phone")
    assert rows.scalar("SELECT count(*) FROM tip_evidence") == 1
    assert desk.context.cookies() == []
    assert page.evaluate("localStorage.getItem('shudi-draft')") is None
    page.get_by_role("button", name="查看进度").click()
    expect(page.locator(".state")).not_to_be_empty()
    picture(page, "progress-phone")
    assert not re.search(r"\d{16}", page.url)
    desk.refusals_expected = True  # the form without the tick was answered 422


@pytest.fixture(autouse=True)
def _refusals(request: pytest.FixtureRequest) -> None:
    """Chromium writes every answer of 4xx to its console; the tests here provoke some."""
    if "desk" in request.fixturenames:
        request.getfixturevalue("desk").refusals_expected = True


def test_a_draft_survives_and_holds_no_name(site: Site, desk: Desk) -> None:
    page = desk.page
    desk.open("/report/new")
    fill_statement(page)
    page.get_by_role("button", name="下一步").click()
    page.get_by_text("会收到答复").click()
    page.get_by_role("textbox", name="姓名", exact=True).fill("不应留下的名字")
    page.get_by_role("textbox", name="电话").fill("13900001234")
    page.reload()
    expect(page.locator("#draft-note")).to_be_visible()
    expect(page.get_by_label("名称或姓名")).to_have_value(COMPANY)
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "不应留下的名字" not in kept
    assert "13900001234" not in kept
    page.get_by_role("button", name="清除草稿").click()
    expect(page.get_by_label("名称或姓名")).to_have_value("")


def test_the_keyboard_alone_is_enough(site: Site, desk: Desk) -> None:
    page = desk.page
    desk.open("/report/new")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到主要内容")).to_be_focused()
    page.get_by_label("名称或姓名").focus()
    page.keyboard.insert_text(COMPANY)
    for step in range(2, 6):
        page.keyboard.press("Enter") if step == 2 else page.get_by_role("button", name="下一步").press("Enter")
        expect(page.locator("#step-told")).to_have_text(f"第 {step} 步，共 5 步")
    page.locator("input[name=truthful]").press("Space")
    page.get_by_role("button", name="提交举报").press("Enter")
    expect(page.get_by_role("heading", name="举报已收到")).to_be_visible()


def test_a_late_answer_about_companies_silences_no_step(site: Site, desk: Desk) -> None:
    page, asked = desk.page, list[Route]()

    def keep(route: Route) -> None:  # nobody answers yet
        asked.append(route)

    page.route("**/enterprises?*", keep)
    desk.open("/report/new")
    with page.expect_request("**/enterprises?*"):
        page.get_by_label("名称或姓名").fill(COMPANY)
    page.get_by_role("button", name="下一步").click()
    expect(page.locator("#step-told")).to_have_text("第 2 步，共 5 步")
    with page.expect_event("requestfinished", lambda request: "/enterprises?" in request.url):
        asked[0].fulfill(json={"items": []})
    page.evaluate("() => new Promise((done) => setTimeout(done))")  # what waits for the answer has its turn
    expect(page.locator("#step-told")).to_have_text("第 2 步，共 5 步")


def test_a_wrong_file_is_told_and_can_be_removed(site: Site, desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    desk.open("/report/new#step-4")
    page.get_by_role("link", name="证据").click()
    bad = tmp_path / "坏.png"
    bad.write_bytes(b"#!/bin/sh\n")
    page.get_by_label("选择文件").set_input_files([bad])
    expect(page.locator("#files .failed em")).not_to_be_empty()
    page.get_by_role("button", name="移除").click()
    expect(page.locator("#files li")).to_have_count(0)


def test_a_large_file_goes_on_where_a_broken_network_and_a_reload_left_it(
    site: Site, desk: Desk, tmp_path: Path
) -> None:
    page, megabyte = desk.page, 1024 * 1024
    film = tmp_path / "现场.mp4"
    film.write_bytes(samples.mp4() + samples.box(b"free", bytes(3 * megabyte)))
    cut = {1 * megabyte: 1, 2 * megabyte: 99}  # the second part fails once, the third until the page is loaded anew
    sent: list[int] = []

    def take(route: Route) -> None:
        at = int(route.request.url.partition("at=")[2])
        sent.append(at)
        cut[at] = cut.get(at, 0) - 1
        route.abort("aborted") if cut[at] >= 0 else route.continue_()

    page.route("**/uploads/partial/*?at=*", take)
    desk.open("/report/new")
    page.get_by_label("名称或姓名").fill(COMPANY)
    page.get_by_role("link", name="证据").click()
    with page.expect_request("**/uploads/partial/*?at=2097152"):
        page.get_by_label("选择文件").set_input_files([film])
    expect(page.locator("#files em")).to_have_text("网络中断，恢复后自动继续…")
    picture(page, "upload-waiting")
    assert sent[:3] == [0, megabyte, megabyte]
    page.reload()
    sent.clear()
    cut.clear()
    page.get_by_role("link", name="证据").click()
    page.get_by_label("选择文件").set_input_files([film])
    expect(page.locator("#files em")).to_have_text("已上传")
    assert sent == [2 * megabyte, 3 * megabyte]
    page.reload()  # what has arrived belongs to the draft
    page.get_by_role("link", name="证据").click()
    expect(page.locator("#files")).to_contain_text("文件 1已上传")
    page.get_by_role("link", name="您的信息").click()
    page.get_by_text("我反映的情况是我知道的真实情况").click()
    page.get_by_role("button", name="提交举报").click()
    expect(page.get_by_role("heading", name="举报已收到")).to_be_visible()
    assert rows.scalar("SELECT f.size FROM tip_evidence e JOIN stored_files f ON f.id = e.file_id") == len(
        film.read_bytes()
    )


def test_everything_works_without_scripts(site: Site, plain_page: Page, tmp_path: Path) -> None:
    page = plain_page
    page.goto(site.address + "/report/new")
    picture(page, "form-plain-phone")
    page.get_by_label("名称或姓名").fill(COMPANY)
    page.get_by_label("登记注册地址").fill("新疆乌鲁木齐市新市区长春中路1号")
    page.get_by_role("button", name="看看由哪个区（县）办理").click()
    expect(page.locator("#preview")).to_contain_text("新市区办理")
    photo = tmp_path / "传单.png"
    photo.write_bytes(samples.png(40, 30))
    page.get_by_label("选择文件").set_input_files([photo])
    page.get_by_text("我反映的情况是我知道的真实情况").click()
    page.get_by_role("button", name="提交举报").click()
    expect(page.get_by_role("heading", name="举报已收到")).to_be_visible()
    assert rows.scalar("SELECT count(*) FROM tip_evidence") == 1
    page.get_by_role("button", name="查看进度").click()
    page.get_by_text("给承办单位留言").click()
    page.get_by_label("留言").fill("请问进展？")
    page.get_by_role("button", name="发送").click()
    expect(page.locator(".talk")).to_contain_text("请问进展？")


def _followed(committed_app: Flask, desk: Desk) -> Page:
    client = committed_app.test_client()
    receipt, tip_id = reporters.replied_tip(client)
    headers = factories.office_headers("district.650104")
    client.post(f"/api/v1/office/tips/{tip_id}/messages", json={"text": "您好，结果已告知。"}, headers=headers)
    desk.open("/report/follow")
    desk.page.get_by_label("受理编号").fill(receipt["receipt_number"])
    desk.page.get_by_label("查询码").fill(receipt["query_code"])
    desk.page.get_by_role("button", name="查询", exact=True).click()
    expect(desk.page.get_by_role("heading", name="办理进度")).to_be_visible()
    return desk.page


def test_a_reply_is_read_and_rated(committed_app: Flask, desk: Desk) -> None:
    page = _followed(committed_app, desk)
    expect(page.locator(".reply")).to_contain_text("您反映的情况已依法处理。")
    picture(page, "progress-replied-desk")
    assert barriers(page) == []
    page.get_by_text("非常不满意").click()
    page.get_by_label("说说原因（可选）").fill("没有人联系我")
    page.get_by_role("button", name="提交评价").click()
    expect(page.get_by_role("status")).to_contain_text("感谢您的评价")


def _looked_at(page: Page, name: str, checker: Page | None = None) -> None:
    """What every page owes everybody. ``checker`` looks at what a browser without scripts shows: axe-core is a script."""
    if checker is not None:
        shown = page.content()
        checker.route("**/*.js*", lambda route: route.abort())
        checker.route(page.url, lambda route: route.fulfill(body=shown, content_type="text/html; charset=utf-8"))
        checker.goto(page.url)
    looked_at = checker or page
    for width in (1280, 360):  # the walk goes on at a telephone's width
        kept = f"answer-{name}-{'plain' if checker else 'scripts'}-{width}"
        for one in {page, looked_at}:
            one.set_viewport_size({"width": width, "height": 800})
        picture(page, kept)
        assert barriers(looked_at) == [], kept
        assert looked_at.evaluate("document.documentElement.scrollWidth") <= width, kept
        assert [*small_targets(looked_at, 44, picks="#file" if checker else "label[for=file]")] == [], kept
    if checker is not None:
        checker.unroute_all()


def _answers(page: Page, address: str, codes: dict[str, str], *, scripts: bool) -> Iterator[str]:
    """Every answer that a form of the public pages gives: its name, with the page standing open."""

    def send(path: str, button: str, **fields: str) -> None:
        page.goto(f"{address}/report/{path}")
        for name, text in fields.items():
            page.locator(f"[name={name}]").fill(text)
        page.get_by_role("button", name=button, exact=True).click()

    page.goto(f"{address}/report/new")
    page.get_by_label("名称或姓名").fill(COMPANY)
    if scripts:
        page.get_by_role("link", name="您的信息").click()
    page.get_by_role("button", name="提交举报").click()
    expect(page.get_by_role("alert")).to_contain_text("请确认您反映的情况属实")
    yield "refused"
    page.get_by_text("我反映的情况是我知道的真实情况").click()
    page.get_by_role("button", name="提交举报").click()
    expect(page.get_by_role("heading", name="举报已收到")).to_be_visible()
    yield "receipt"
    page.get_by_role("button", name="查看进度").click()
    expect(page.get_by_role("heading", name="办理进度")).to_be_visible()
    yield "progress"
    send("follow", "查询", receipt_number=codes["receipt_number"], query_code="1" * 20)
    expect(page.get_by_role("alert")).to_be_visible()
    yield "wrong-code"
    send("follow", "查询", **codes)
    expect(page.locator(".reply")).to_be_visible()
    yield "reply"
    page.get_by_text("非常不满意").click()
    page.get_by_role("button", name="提交评价").click()
    expect(page.get_by_role("heading", name="复核")).to_be_visible()
    yield "recheck"
    send("recover", "请给我回电", receipt_number=codes["receipt_number"], phone="13900001234")
    expect(page.get_by_role("status")).to_be_visible()
    yield "recover"
    send("verify", "核验", proof="SHUDI1.nothing")
    expect(page.get_by_role("alert")).to_contain_text("不是本平台出具的证明")
    yield "verify"
    send("claim", "查询", query_number="1" * 16, query_code="1" * 20)
    expect(page.get_by_role("alert")).to_be_visible()
    yield "claim"
    page.goto(f"{address}/report/nothing-here")
    yield "not-found"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scripts", [True, False])
def test_no_answer_of_a_form_keeps_anybody_out(
    committed_app: Flask, site: Site, chromium: Browser, scripts: bool
) -> None:
    """On a telephone and a desk, with and without scripts: axe-core, nothing over the side, targets large enough."""
    client = committed_app.test_client()
    receipt, tip_id = reporters.replied_tip(client, reporter=factories.REPORTER)
    headers = factories.office_headers("district.650104")
    client.post(f"/api/v1/office/tips/{tip_id}/messages", json={"text": "您好，结果已告知。"}, headers=headers)
    reporters.run_outbox()
    size: Any = {"width": 360, "height": 800}
    context = chromium.new_context(viewport=size, locale="zh-CN", java_script_enabled=scripts)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    checker = None if scripts else chromium.new_page(locale="zh-CN")
    try:
        names = []
        for name in _answers(page, site.address, reporters.codes_of(receipt), scripts=scripts):
            _looked_at(page, name, checker)
            names.append(name)
        assert len(names) == 10
    finally:
        context.close()
        if checker is not None:
            checker.close()


def test_pages_stand_without_scripts_too(chromium: Browser, site: Site, plain_page: Page) -> None:
    checker = chromium.new_page(locale="zh-CN")
    for path in PAGES:
        plain_page.goto(f"{site.address}/report/{path}")
        expect(plain_page.get_by_role("heading", level=1)).to_be_visible()
        _looked_at(plain_page, path or "welcome", checker)
    checker.close()


@pytest.mark.parametrize("size", ["", "large", "largest"])
def test_nobody_is_kept_out(site: Site, desk: Desk, size: str) -> None:
    """axe-core, in every text size; nothing runs over the side of a narrow telephone, and targets are large enough."""
    page = desk.page
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for path in PAGES:
            desk.open(f"/report/{path}?view={size}")
            assert barriers(page) == [], (path, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            least = 60 if size else 44
            assert [*small_targets(page, least)] == [], (path, width)
            picture(page, f"{path or 'welcome'}-{size or 'standard'}-{width}")


def test_it_reads_from_right_to_left_too(site: Site, desk: Desk) -> None:
    """The Uyghur edition, which an office switches on: nothing runs over the side, nobody is kept out."""
    page, settings = desk.page, site.app.extensions["shudi_settings"]
    site.app.extensions["shudi_settings"] = dataclasses.replace(settings, public_languages=("zh", "en", "ug"))
    try:
        page.set_viewport_size({"width": 360, "height": 800})
        for path in ("", "new"):
            desk.open(f"/report/{path}")
            page.get_by_role("link", name="ئۇيغۇرچە").click()
            assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            assert barriers(page) == []
            picture(page, f"{path or 'welcome'}-uyghur-360")
    finally:
        site.app.extensions["shudi_settings"] = settings
    page.set_viewport_size(DESK)


def test_english_pages_keep_nobody_out(site: Site, desk: Desk) -> None:
    page = desk.page
    page.set_viewport_size({"width": 360, "height": 800})
    for path in PAGES:
        desk.open(f"/report/{path}?lang=en")
        assert barriers(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        picture(page, f"{path or 'welcome'}-english-360")
    page.set_viewport_size(DESK)


def small_targets(page: Page, least: int, picks: str = "label[for=file]") -> list[Any]:
    """Buttons, fields and options lower than ``least`` pixels. Links inside sentences are exempt (WCAG 2.5.8).

    ``picks``: what a finger presses to choose a file; the script lays a button over the browser's own.
    """
    found: list[Any] = page.evaluate(
        """([least, picks]) => [...document.querySelectorAll('button, .button, .option, select, summary, .sizes a, .progress a,'
            + picks + ', input:not([type=hidden], [type=radio], [type=checkbox], #file)')]
            .filter(e => e.offsetParent !== null && e.getBoundingClientRect().height < least - 4.5)
            .map(e => [e.tagName, e.textContent.trim().slice(0, 20), e.getBoundingClientRect().height])""",
        [least, picks],
    )
    return found


def test_companies_of_the_register_are_offered(committed_app: Flask, site: Site, desk: Desk) -> None:
    """Choosing a name fills its code, so that the proposal of the district knows the place of registration."""
    known(line(COMPANY, uscc=code(7)))
    page = desk.page
    desk.open("/report/new")
    with page.expect_response("**/api/v1/enterprises?q=*"):
        page.get_by_label("名称或姓名").type("瑞丰源")
    expect(page.locator("#companies option")).to_have_count(1)
    page.get_by_label("名称或姓名").fill(COMPANY)
    expect(page.get_by_label("统一社会信用代码", exact=True)).to_have_value(code(7))
    picture(page, "company-offered")
    page.get_by_label("名称或姓名").fill("另一家")
    expect(page.get_by_label("统一社会信用代码", exact=True)).to_have_value("")
