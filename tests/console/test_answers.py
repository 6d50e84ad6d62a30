"""What every answer carries: security headers, fingerprints, no inline code; and pages for faults."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.console.security_headers import CONTENT_SECURITY_POLICY
from tests.console.office import Officer

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/tips", "/nothing", "/healthz", "/api/v1/openapi.json", "/api/v1/nothing", "/static/console.css"],
)
def test_every_answer_carries_the_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "camera=()" in answer.headers["Permissions-Policy"]


def test_the_policy_allows_nothing_inline_and_no_frame() -> None:
    assert "default-src 'self'" in CONTENT_SECURITY_POLICY
    assert "frame-ancestors 'none'" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


class Inline(HTMLParser):
    """Collects what a strict policy forbids: scripts and styles in the page, handlers, addresses of other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (tag == "script" and not given.get("src")) or tag == "style":
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        addresses = [given.get(name) or "" for name in ("src", "href", "action", "hx-get")]
        self.found += [address for address in addresses if re.match(r"(?i)(https?:|//|javascript:|data:)", address)]
        if given.get("id"):
            self.ids.append(given["id"] or "")


def test_nothing_is_inline_and_no_id_is_used_twice(officer: Callable[[str], Officer], tip_in_district: UUID) -> None:
    person, auditor, administrator = officer("district.650104"), officer("auditor"), officer("sysadmin")
    pages = [person.text(path) for path in ("/", "/tips", f"/tips/{tip_in_district}", "/reassignments", "/notices")]
    pages += [auditor.text("/audit"), administrator.text("/"), person.get("/nothing").get_data(as_text=True)]
    for page in pages:
        seen = Inline()
        seen.feed(page)
        assert seen.found == []
        assert len(seen.ids) == len(set(seen.ids))


def test_pages_are_kept_nowhere(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    assert all(person.get(path).headers["Cache-Control"] == "no-store" for path in ("/", "/tips", "/nothing"))


def test_static_files_are_kept_for_ever_under_their_fingerprint(client: FlaskClient) -> None:
    page = client.get("/sign-in").get_data(as_text=True)
    addresses = set(re.findall(r'"(/static/[^"#]+)', page))
    assert len(addresses) >= 5
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", address
    for stale in ("/static/console.css", "/static/console.css?v=000000000000"):
        assert client.get(stale).headers["Cache-Control"] == "no-cache"
    assert client.get("/static/nothing.css?v=1").status_code == 404
    assert client.get("/static/../__init__.py").status_code == 404


def test_look_and_text_size_come_from_cookies_of_known_values(client: FlaskClient) -> None:
    client.set_cookie("shudi_theme", "dark")
    client.set_cookie("shudi_text", '"><script>')
    page = client.get("/sign-in").get_data(as_text=True)
    assert '<html lang="zh-CN" data-bs-theme="dark" data-text="normal">' in page


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/tips", 405), ("POST", "/nothing", 404)]
)
def test_faults_outside_the_api_are_pages(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert f'<p class="fault-code" aria-hidden="true">{status}</p>' in answer.get_data(as_text=True)


def test_faults_of_the_api_stay_documents(client: FlaskClient) -> None:
    assert client.get("/api/v1/nothing").mimetype == "application/problem+json"


def test_a_database_that_is_away_is_a_page_without_it(app: Flask, officer: Callable[[str], Officer]) -> None:
    """The error page of a 503 asks the database nothing."""
    problem = {"status": 503, "title": "服务暂时不可用", "code": "service_unavailable", "request_id": "r1"}
    with app.test_request_context("/tips"):
        page = app.extensions["shudi_error_page"](problem)
    assert "系统正在维护" in page
    assert "r1" in page


def test_templates_write_no_style_and_no_handler() -> None:
    folder = Path(__file__).resolve().parents[2] / "app" / "console" / "templates"
    for template in folder.rglob("*.html"):
        assert not re.search(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", template.read_text(encoding="utf-8")
        ), template


@pytest.mark.parametrize("demo", [True, False])
def test_the_cookie_travels_encrypted_alone_outside_the_demo(session_app: Flask, *, demo: bool) -> None:
    made = create_app(replace(session_app.extensions["shudi_settings"], demo=demo))
    answer = made.test_client().get("/sign-in", base_url="http://localhost" if demo else "https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert ("Secure" in cookie) is not demo
    assert ("Strict-Transport-Security" in answer.headers) is not demo
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_nothing_of_a_person_is_kept_by_the_browser(officer: Callable[[str], Officer], tip_in_district: UUID) -> None:
    """Whatever a page brings, the back button asks the server for it anew."""
    person = officer("district.650104")
    for path in (
        f"/tips/{tip_in_district}",
        "/account",
        "/palette?q=a",
        "/session/alive",
        "/tips?q=x",
        "/people-of-nobody",
    ):
        assert "no-store" in person.get(path).headers["Cache-Control"], path
