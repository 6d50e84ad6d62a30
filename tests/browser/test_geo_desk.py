"""The desk for addresses in a real browser: an address is read without leaving the page, an agreement serves at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.geo.knowing import nothing_known


@pytest.fixture(autouse=True)
def _nothing_known(committed_app: Flask) -> Iterator[None]:
    with nothing_known(committed_app):
        yield


def read(desk: Desk, address: str) -> None:
    desk.page.locator("#f-address").fill(address)
    desk.page.get_by_role("button", name="研判").click()


def test_an_officer_reads_an_address_and_agrees_on_a_zone(desk: Desk) -> None:
    page = desk.page
    desk.open("/geo")
    desk.sign_in("city.reviewer")
    read(desk, "烏魯木齊市　新 市 区 安宁渠镇４号")
    expect(page.locator("#answer ruby.ev-township", has_text="安宁渠镇")).to_be_visible()
    expect(page.locator("#answer .state")).to_contain_text("新市区")
    desk.picture("geo-match")
    read(desk, "乌鲁木齐市克拉玛依东路30号")
    expect(page.locator("#answer")).to_contain_text("地址本身不能确定区（县）")
    page.locator("#answer summary", has_text="识别依据").click()
    expect(page.locator("#answer .candidates")).to_contain_text("水磨沟区")
    desk.picture("geo-unclear")

    page.get_by_role("link", name="功能区约定").click()
    page.locator("#add-name").fill("空港产业新城")
    page.locator("#add-taker").select_option(label="新市区")
    page.get_by_role("button", name="确认登记功能区约定").click()
    page.locator(".toast-success").wait_for()
    expect(page.locator("article h3")).to_contain_text("空港产业新城")
    desk.picture("geo-zones")
    page.get_by_role("link", name="试查地址").click()
    read(desk, "空港产业新城1号")
    expect(page.locator("#answer ruby.ev-zone")).to_be_visible()
    expect(page.locator("#answer .state")).to_contain_text("新市区")
