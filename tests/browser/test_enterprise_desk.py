"""Looking an enterprise up in a real browser: by part of a name, with the keyboard, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.demo.enterprises import enter_demo_enterprises
from app.foundation.database import OPEN_WALL, transaction
from tests.browser.conftest import Desk
from tests.geo.knowing import nothing_known


@pytest.fixture(autouse=True)
def _register(committed_app: Flask) -> Iterator[None]:
    with nothing_known(committed_app):
        with transaction(OPEN_WALL):
            enter_demo_enterprises()
        yield


def test_an_officer_looks_an_enterprise_up(desk: Desk) -> None:
    page = desk.page
    desk.open("/enterprises")
    desk.sign_in("district.650104")
    expect(page.locator("tbody tr")).to_have_count(8)
    desk.picture("enterprises")
    page.keyboard.press("/")
    page.keyboard.type("青松演示商行")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="云杉源").click()
    expect(page.locator("ruby.ev-name", has_text="新市区")).to_be_visible()
    expect(page.locator("section[aria-labelledby=h-changes]")).to_contain_text("沙依巴克区")
    desk.picture("enterprise")
