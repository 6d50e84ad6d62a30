"""The board of figures in a real browser: drawn, saved as pictures, read as tables, printed."""

from __future__ import annotations

import re

from flask import Flask
from playwright.sync_api import expect

from app.demo.filling import fill
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.tips import jobs
from tests.browser.access import barriers_in_either_look
from tests.browser.conftest import Desk, Site


def test_figures_are_drawn_saved_and_told_as_tables(committed_app: Flask, site: Site, desk: Desk) -> None:
    page = desk.page
    page.emulate_media(reduced_motion="reduce")
    with clock.stopped_at(site.moment):
        with transaction(OPEN_WALL):
            sum(fill(400, seed=5))
        jobs.count_tips()
    desk.open("/statistics?since=2025-01-01&until=2026-03-02")
    desk.sign_in("city.reviewer")
    page.locator(".chart canvas").first.wait_for()
    expect(page.locator(".chart canvas")).to_have_count(page.locator("[data-chart]").count())
    assert page.locator("svg.choropleth").count() == 2

    for button in page.get_by_role("button", name="存为图片").all()[:5]:
        with page.expect_download() as caught:
            button.click()
        assert caught.value.path().read_bytes().startswith(b"\x89PNG")

    page.locator("details.chart-table summary").first.press("Enter")
    table = page.locator("details.chart-table[open] table")
    expect(table.get_by_role("row")).to_have_count(16)
    desk.picture("statistics")
    page.evaluate("scrollTo(0, 0)")  # the bar at the top hides nothing there
    assert barriers_in_either_look(page) == []
    table.locator("a.figure").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("线索")
    expect(page).to_have_url(re.compile("since=2025-01-01"))
