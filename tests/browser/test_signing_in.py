"""The sign-in in a real browser: a second factor, the idle time-out with the work kept, nothing left after signing out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import text

from app.foundation.database import OPEN_WALL, transaction
from tests import factories, rows
from tests.browser.access import barriers
from tests.browser.conftest import Desk, Site
from tests.browser.test_comfort import REASON, open_form, tip_to_handle

MINUTE = 60_000
LAST_HEARD = "Number(localStorage.getItem('shudi-heard'))"


@pytest.fixture
def _no_device_is_left(committed_app: Flask) -> Iterator[None]:
    """Accounts are kept from test to test."""
    yield
    with transaction(OPEN_WALL) as session:
        session.execute(text("UPDATE accounts SET sealed_otp_secret = NULL, otp_step = NULL"))


def time_goes_by(site: Site, desk: Desk, minutes: int) -> None:
    """For the server and for the page alike."""
    site.wait(minutes=minutes)
    desk.page.clock.fast_forward(minutes * MINUTE)


def test_a_long_text_outlives_the_time_out_which_is_announced(committed_app: Flask, site: Site, desk: Desk) -> None:
    tip_id, page = tip_to_handle(committed_app, site), desk.page
    page.clock.install()
    desk.open(f"/tips/{tip_id}")
    desk.sign_in("district.650104")
    page.wait_for_load_state("networkidle")
    open_form(page, "申请属地调整").get_by_label("情况说明").fill(REASON)
    told = page.evaluate(LAST_HEARD)
    page.clock.fast_forward(61_000)  # typing is being there: the server is told
    page.wait_for_function(f"before => {LAST_HEARD} > before", arg=told)  # and the page has read the answer
    time_goes_by(site, desk, 14)
    dialog = page.get_by_role("dialog", name="您还在吗？")
    expect(dialog).to_contain_text("秒后将自动退出登录")
    assert barriers(page) == []
    desk.picture("idle-warning")
    dialog.get_by_role("button", name="继续工作").click()
    expect(dialog).to_be_hidden()
    site.wait(minutes=16)
    with page.expect_navigation(url=re.compile("/sign-in")):
        page.clock.fast_forward(16 * MINUTE)
    expect(page.get_by_role("alert")).to_contain_text("长时间未操作，请重新登录")
    desk.sign_in("district.650104")
    assert urlsplit(page.url).path == f"/tips/{tip_id}"
    expect(page.get_by_label("情况说明")).to_have_value(REASON)


def test_a_form_that_is_kept_nowhere_waits_behind_a_cover(committed_app: Flask, site: Site, desk: Desk) -> None:
    page = desk.page
    page.clock.install()
    desk.open("/notices/contact")
    desk.sign_in("city.reviewer")
    page.get_by_label("工作邮箱").fill("reviewer@office.example")
    time_goes_by(site, desk, 16)
    dialog = page.get_by_role("dialog", name="登录已超时")
    expect(dialog).to_contain_text("本页填写的内容仍在")
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    desk.picture("idle-over")
    with desk.context.expect_page() as opened:
        dialog.get_by_role("link", name="重新登录").click()
    beside = opened.value
    beside.get_by_label("用户名").fill("city.reviewer")
    beside.get_by_label("密码").fill(factories.PASSWORD)
    beside.get_by_role("button", name="登录").click()
    beside.wait_for_url(re.compile("/$"))
    beside.close()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="保存").click()
    page.locator(".toast-success").wait_for()
    expect(page.get_by_label("工作邮箱")).to_have_value("reviewer@office.example")


def test_after_signing_out_the_back_button_shows_nothing(committed_app: Flask, site: Site, desk: Desk) -> None:
    tip_id, page = tip_to_handle(committed_app, site), desk.page
    desk.open(f"/tips/{tip_id}")
    desk.sign_in("district.650104")
    expect(page.get_by_role("heading", level=1)).to_contain_text("瑞丰源")
    desk.sign_out()
    page.go_back()
    expect(page.get_by_label("用户名")).to_be_visible()
    expect(page.get_by_text("瑞丰源")).to_have_count(0)


@pytest.mark.usefixtures("_no_device_is_left")
def test_a_device_is_enrolled_and_asked_for(committed_app: Flask, site: Site, desk: Desk) -> None:
    page = desk.page
    desk.open("/account")
    desk.sign_in("city.reviewer")
    page.get_by_role("link", name="启用动态码").click()
    expect(page.get_by_role("img", name="动态码二维码")).to_be_visible()
    page.get_by_text("不能扫码，手工输入密钥").click()
    secret = page.locator(".qr-secret").inner_text().replace(" ", "")
    assert barriers(page) == []
    desk.picture("second-factor")
    page.get_by_label("新设备上显示的动态码").fill(pyotp.TOTP(secret).at(site.moment))
    page.get_by_role("button", name="启用").dblclick()
    codes = page.locator(".recovery-codes li")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    assert barriers(page) == []
    desk.picture("recovery-codes")
    assert rows.scalar("SELECT count(*) FROM recovery_codes") == 10
    page.get_by_role("link", name="已妥善保存，继续").click()
    expect(page.get_by_text("10 个，共 10 个")).to_be_visible()
    assert barriers(page) == []
    desk.picture("own-account")

    desk.sign_out()
    desk.sign_in("city.reviewer")
    expect(page.get_by_role("heading", name="输入动态码")).to_be_visible()
    desk.picture("second-step")
    page.get_by_label("动态码").fill(recovery)
    with page.expect_navigation():
        page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("工作台")


def test_networks_are_set_on_a_page(committed_app: Flask, site: Site, desk: Desk) -> None:
    desk.refusals_expected = True
    page = desk.page
    desk.open("/address-ranges")
    desk.sign_in("secadmin")
    page.get_by_label("岗位").select_option("security_admin")
    page.get_by_label("允许的网段").fill("10.1.0.0/16")
    page.get_by_label("理由").fill("等保测评要求")
    page.get_by_role("button", name="登记").click()
    expect(page.get_by_role("alert")).to_contain_text("您本人将无法登录")
    expect(page.get_by_label("允许的网段")).to_have_value("10.1.0.0/16")
    assert barriers(page) == []
    desk.picture("address-ranges")
