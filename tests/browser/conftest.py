"""A real Chromium against the program on a loopback port, and a watch over everything it complains about."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)
from werkzeug.serving import BaseWSGIServer, make_server

from app.foundation import clock
from tests import factories
from tests.browser.access import look
from tests.moments import MONDAY_MORNING

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "console"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=zh-CN",
]
PATIENCE_MS = 30_000
"""How long a page may take on a machine with other work: a test that passes waits no longer for it."""
expect.set_options(timeout=PATIENCE_MS)
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@dataclass
class Site:
    """The program as a browser reaches it; its clock stands and is moved on by the test."""

    app: Flask
    address: str = ""
    moment: datetime = MONDAY_MORNING

    def __call__(self, environ: Any, start_response: Any) -> Any:
        with clock.stopped_at(self.moment):
            return self.app.wsgi_app(environ, start_response)

    def wait(self, **time: int) -> None:
        """Let time pass at once."""
        self.moment += timedelta(**time)


@pytest.fixture
def site(committed_app: Flask) -> Iterator[Site]:
    made = Site(committed_app)
    server: BaseWSGIServer = make_server("127.0.0.1", 0, made, threaded=True)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(driver: Playwright) -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        reason = "no Chromium on this machine: apt-get install -y --no-install-recommends chromium fonts-noto-cjk"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    browser = driver.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


@dataclass
class Desk:
    """One person's browser: pages, and what went wrong on them."""

    site: Site
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    refusals_expected: bool = False

    def open(self, path: str) -> None:
        self.page.goto(self.site.address + path)

    def sign_in(self, username: str) -> None:
        self.page.get_by_label("用户名").fill(username)
        self.page.get_by_label("密码").fill(factories.PASSWORD)
        self._press_and_arrive("登录")

    def sign_out(self) -> None:
        self.page.locator("details.menu > summary").click()
        self._press_and_arrive("退出登录")

    def _press_and_arrive(self, button: str) -> None:
        """Wait for the page behind the button: going elsewhere before it is there counts as a failed request."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button).click()

    def do(self, action: str, **fields: str) -> None:
        """Open an action's form, fill it by its labels, and send it; confirm where the page asks."""
        begins = re.compile(rf"^\s*{action}")  # 受理 is not 不予受理
        form = self.page.locator("details.action", has=self.page.locator("summary", has_text=begins))
        form.locator("summary").click()
        for label, value in fields.items():
            form.get_by_label(label).fill(value)
        self.send(form)

    def send(self, form: Any) -> None:
        form.get_by_role("button", name="确认").click()
        dialog = self.page.locator("#confirm-dialog")
        if dialog.is_visible():
            dialog.locator("[data-confirm-yes]").click()
        self.page.locator(".toast-success").wait_for()

    def picture(self, name: str) -> None:
        """The page as a whole, in the sizes and looks that officials use."""
        for size, viewport in (("1366", DESK), ("390", PHONE)):
            self.page.set_viewport_size(viewport)
            for name_of_look in ("light", "dark"):
                look(self.page, name_of_look)
                shown = ARTEFACTS / f"{name}-{size}-{name_of_look}.png"
                self.page.screenshot(path=shown, full_page=True, animations="disabled")
        self.page.set_viewport_size(DESK)
        look(self.page, "light")


def _told(desk: Desk, told: ConsoleMessage) -> None:
    refused = "the server responded with a status of 4" in told.text and desk.refusals_expected
    if told.type in {"error", "warning"} and not refused:
        desk.complaints.append(f"console: {told.text}")


@contextmanager
def watched_desk(browser: Browser, site: Site) -> Iterator[Desk]:
    context = browser.new_context(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai", accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    desk = Desk(site, context, context.new_page())
    page = desk.page
    page.on("console", lambda told: _told(desk, told))
    page.on("pageerror", lambda fault: desk.complaints.append(f"script: {fault}"))
    page.on("requestfailed", lambda sent: _failed(desk, sent))
    page.on("request", lambda sent: _foreign(desk, sent.url))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
    )
    try:
        yield desk
    finally:
        context.close()


def _failed(desk: Desk, sent: Request) -> None:
    """What the browser itself gave up (a download ends its navigation, a click leaves a page) is no fault."""
    if sent.failure != "net::ERR_ABORTED":
        desk.complaints.append(f"failed: {sent.url} {sent.failure}")


def _foreign(desk: Desk, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in {"data", "blob"} and parts.netloc != urlsplit(desk.site.address).netloc:
        desk.complaints.append(f"foreign host: {address}")


@pytest.fixture
def desk(chromium: Browser, site: Site) -> Iterator[Desk]:
    """A browser that must not have complained when the test ends."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with watched_desk(chromium, site) as made:
        yield made
        assert made.complaints == []
