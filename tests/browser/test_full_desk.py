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


def test_disputes_show_their_evidence_and_lead_to_the_decision(committed_app: Flask, site: Site, desk: Desk) -> None:
    page = desk.page
    page.emulate_media(reduced_motion="reduce")
    client = committed_app.test_client()
    with clock.stopped_at(site.moment):
        numbers = [factories.file_tip(client)["receipt_number"] for _ in range(3)]
    desk.open("/disputes")
    desk.sign_in("city.reviewer")
    card = page.locator("article").nth(1)
    card.locator("summary", has_text="地址识别依据").press("Enter")
    drawn = card.locator(".address-text").first
    expect(drawn.locator("ruby.ev-name").first).to_be_visible()
    expect(page.locator("article .address-text:visible")).to_have_count(card.locator(".address-text").count())
    for summary in card.locator("section.address-match summary").all():
        summary.press("Enter")
    expect(card.get_by_text("候选属地及可信度").first).to_be_visible()
    page.locator("summary", has_text="图例").press("Enter")
    desk.picture("disputes-full")
    assert barriers_in_either_look(page) == []
    card.get_by_role("link", name="去受理").click()
    expect(page.locator("main")).to_contain_text(numbers[1])
