"""The page of messages in a real browser: chosen, confirmed, sent again; and the own work addresses."""

from __future__ import annotations

from flask.testing import FlaskClient
from playwright.sync_api import expect

from app.foundation import clock
from tests import factories
from tests.browser.access import barriers
from tests.browser.conftest import Desk
from tests.console.test_deliveries import add


def test_an_officer_sends_again_what_is_chosen(desk: Desk) -> None:
    client: FlaskClient = desk.site.app.test_client()
    with clock.stopped_at(desk.site.moment):
        tip_id = factories.tip_id_of(factories.file_tip(client, reporter=factories.REPORTER)["receipt_number"])
        add(tip_id, "failed", "wechat", error="43101", finished_at=clock.now())
        add(tip_id, "unknown", "sms", error="no_answer", finished_at=clock.now())
        add(tip_id, "failed", "email", error="550", finished_at=clock.now())
        add(tip_id, "sent", "sms", finished_at=clock.now())
        add(tip_id, "queued", "email", error="450", due_at=clock.now())
    page = desk.page
    desk.open("/deliveries")
    desk.sign_in("city.reviewer")
    assert barriers(desk.page) == []
    desk.picture("deliveries")
    page.get_by_label("状态", exact=True).select_option(label="结果不明")
    expect(page.locator("table.rows tbody tr")).to_have_count(1)
    page.locator("input[form=bulk]").check()
    expect(page.locator("[data-picked]")).to_contain_text("1")
    page.get_by_role("button", name="重发所选").click()
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_contain_text("对方可能已经收到")
    dialog.locator("[data-confirm-yes]").click()
    expect(page.locator(".toast-success")).to_contain_text("已重新排队 1 条")

    desk.open("/notices/contact")
    assert barriers(desk.page) == []
    page.get_by_label("工作邮箱").fill("reviewer@office.example")
    page.get_by_label("工作手机").fill("139 0000 1234")
    desk.picture("contact")
    page.get_by_role("button", name="保存").click()
    page.locator(".toast-success").wait_for()
    expect(page.get_by_label("工作手机")).to_have_value("13900001234")
