"""The desk and the queue of an office with much to do: what is alike on each card belongs to that card alone."""

from __future__ import annotations

from flask import Flask
from playwright.sync_api import expect

from app.foundation import clock
from tests import factories
from tests.browser.access import barriers_in_either_look
from tests.browser.conftest import Desk, Site
from tests.workflow import office as handling


def test_a_label_and_a_kept_reason_belong_to_one_card(committed_app: Flask, site: Site, desk: Desk) -> None:
    page = desk.page
    page.emulate_media(reduced_motion="reduce")  # else colours are looked at on their way
    client = committed_app.test_client()
    with clock.stopped_at(site.moment):
        for _ in range(3):
            handling.apply(client, factories.verifying_tip(client))
    desk.open("/reassignments?mine=true")
    desk.sign_in("city.reviewer")
    card = page.locator("article").nth(1)
    card.locator("details.action summary").first.click()
    card.locator("details[open] label").click()
    reason = card.locator("details[open] textarea")
    expect(reason).to_be_focused()
    reason.fill("材料齐全，同意调整。")
    page.reload()
    kept = [area.input_value() for area in page.locator("article textarea").all()]
    assert [text for text in kept if text] == ["材料齐全，同意调整。"]
    expect(card.locator("details[open] textarea")).to_have_value("材料齐全，同意调整。")
    desk.picture("desk-full")
    assert barriers_in_either_look(page) == []
    desk.open("/tips")
    desk.picture("queue-full")
