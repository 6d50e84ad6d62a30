"""The region's observer at the desk: how a tip is handled, and why the rest is hidden."""

from __future__ import annotations

from flask import Flask
from playwright.sync_api import expect

from app.foundation import clock
from tests.browser.access import barriers_in_either_look
from tests.browser.conftest import Desk, Site
from tests.workflow import office


def test_progress_is_shown_and_the_rest_visibly_hidden(committed_app: Flask, site: Site, desk: Desk) -> None:
    client = committed_app.test_client()
    with clock.stopped_at(site.moment):
        tip_id = office.verifying(client)
        office.do("city.reviewer", tip_id, "supervise", kind="listed", reason="群众反映强烈")
        request = office.apply(client, tip_id)
    desk.open("/tips")
    desk.sign_in("observer.650000")
    page = desk.page
    page.emulate_media(reduced_motion="reduce")  # else colours are looked at on their way
    for name, path in (("list", "/tips"), ("tip", f"/tips/{tip_id}"), ("request", f"/reassignments/{request.id}")):
        desk.open(path)
        note = page.get_by_text("自治区观察员仅查看办理进度，不查看举报内容").first
        expect(note).to_be_visible()
        expect(page.locator("main")).to_contain_text("＊＊＊")
        expect(page.locator("main")).not_to_contain_text("瑞丰源")
        assert barriers_in_either_look(page) == [], path
        desk.picture(f"observer-{name}")
    assert desk.complaints == []
