"""Administration in a real browser: an account made, its role granted, the set-up checked, the log verified."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from tests import factories
from tests.browser.access import barriers
from tests.browser.conftest import Desk, Site


@pytest.fixture
def _tidy(site: Site) -> Iterator[None]:  # within the time of the application
    """Accounts outlive a test of the committed application."""
    yield
    with transaction(OPEN_WALL) as session:
        session.execute(text("DELETE FROM accounts WHERE username = 'new.person'"))


def deliver(desk: Desk) -> None:
    with clock.stopped_at(desk.site.moment):
        factories.deliver()


@pytest.mark.usefixtures("_tidy")
def test_two_administrators_let_a_person_in(desk: Desk) -> None:
    page = desk.page
    desk.open("/")
    desk.sign_in("sysadmin")
    assert barriers(desk.page) == []
    desk.picture("administration")
    page.get_by_label("管理事项").get_by_text("人员与岗位").click()
    page.get_by_label("用户名").fill("new.person")
    page.get_by_label("姓名", exact=False).last.fill("阿依努尔·买买提")
    page.get_by_label("所在单位").select_option("650104")
    assert barriers(desk.page) == []
    desk.picture("people")
    page.get_by_role("button", name="确认创建账号").click()
    expect(page.get_by_text("密码只在本页显示")).to_be_visible()
    desk.picture("first-password")
    with page.expect_navigation():
        page.get_by_role("link", name="查看账号").click()
    address = page.url.removeprefix(desk.site.address)
    desk.sign_out()

    desk.open(address)
    desk.sign_in("secadmin")
    action = page.locator("details.action", has=page.locator("summary", has_text="授予岗位"))
    action.locator("summary").click()
    action.get_by_label("岗位").select_option("district_handler")
    action.get_by_label("授予理由").fill("任命")
    desk.send(action)
    expect(page.get_by_label("变更记录")).to_contain_text("区县承办人")
    assert barriers(desk.page) == []
    desk.picture("person")
    desk.open("/keys")
    page.get_by_role("button", name="统计用量").click()
    page.locator("#task-state").wait_for()
    deliver(desk)
    expect(page.get_by_text("统计于")).to_be_visible()
    assert barriers(desk.page) == []
    desk.picture("keys")


def test_the_set_up_is_checked_and_told(desk: Desk) -> None:
    page = desk.page
    desk.open("/first-day")
    desk.sign_in("sysadmin")
    page.get_by_role("button", name="开始检查").click()
    page.locator("#task-state").wait_for()
    deliver(desk)
    expect(page.get_by_text("没有发现数据库备份")).to_be_visible()
    assert barriers(desk.page) == []
    desk.picture("first-day")
    desk.open("/units")
    assert barriers(desk.page) == []
    desk.picture("units")
    page.get_by_role("link", name="新市区处置非法集资办公室（演示）").click()
    assert barriers(desk.page) == []
    desk.picture("unit")
    desk.open("/rules/messages")
    assert barriers(desk.page) == []
    desk.picture("messages")
    page.locator("select[name=entry]").select_option("mail_text/urgent")
    page.locator("input[name=text]").fill("您有急件，请登录系统查看。")
    page.get_by_role("button", name="确认修改一条消息").click()
    expect(page.get_by_role("heading", name="预览消息")).to_be_visible()
    desk.picture("message-preview")
    page.get_by_role("button", name="确认修改").click()
    page.locator(".toast-success").wait_for()
    desk.open("/rules/words")
    assert barriers(desk.page) == []
    desk.picture("words")


def test_the_auditor_verifies_and_takes_a_copy(desk: Desk) -> None:
    page = desk.page
    desk.open("/audit")
    desk.sign_in("auditor")
    page.get_by_role("button", name="立即校验整链").click()
    page.locator("#task-state").wait_for()
    deliver(desk)
    expect(page.get_by_text("最近一次整链校验")).to_be_visible()
    assert barriers(desk.page) == []
    desk.picture("audit")
    page.get_by_role("button", name="导出当前筛选结果").click()
    with page.expect_download() as taken:
        page.locator("#confirm-dialog [data-confirm-yes]").click()
    assert taken.value.suggested_filename == "audit.xlsx"
