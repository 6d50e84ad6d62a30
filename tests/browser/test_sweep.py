"""Every page of the console, as it is: in light and dark, at a desk and on a tablet."""

from __future__ import annotations

import os
import re

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.routing import Rule

from app.demo.filling import fill
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.http import Audience, Policy
from app.foundation.permissions import ROLE_PERMISSIONS, Role
from app.tips import jobs
from tests.browser.access import barriers_in_either_look
from tests.browser.conftest import DESK, Desk, Site, watched_desk
from tests.browser.examples import Examples, examples
from tests.browser.test_comfort import weight

# Every page of a district that names nothing is the reviewer's too.
PEOPLE = {
    "city.reviewer": Role.CITY_REVIEWER,
    "sysadmin": Role.SYS_ADMIN,
    "secadmin": Role.SECURITY_ADMIN,
    "auditor": Role.AUDITOR,
}
TABLET = {"width": 834, "height": 1112}
"""The narrower side of a common tablet."""
NEXT_VISIT = 60 * 1024
CHARTS = 260 * 1024
"""The drawing library, once, at the first page with a chart."""
OK, INTERNAL_FAULT = 200, 500
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
WATCH_SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver(list => list.getEntries().forEach(one => {
        if (!one.hadRecentInput) window.shifted += one.value;
    })).observe({type: 'layout-shift', buffered: true});
"""
NO_PAGES = {"console.palette", "console.sign_in", "console.ask_to_sign_in"}
"""Parts of pages, and what nobody sees who is signed in."""


def pages_of(app: Flask) -> list[Rule]:
    """The pages for people who are signed in; what answers with a file or a redirect is none."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if isinstance(policy := getattr(view := app.view_functions[rule.endpoint], "policy", None), Policy)
        and policy.audience is Audience.CONSOLE
        and "GET" in (rule.methods or ())
        and view.__annotations__["return"] != "Response"
        and rule.endpoint not in NO_PAGES
    ]


def plain_pages(app: Flask) -> Examples:
    """Each page that names nothing, and the first of these people who may open it."""
    found = []
    for rule in pages_of(app):
        permission = app.view_functions[rule.endpoint].policy.permission  # type: ignore[attr-defined]
        may = [name for name, role in PEOPLE.items() if permission in ROLE_PERMISSIONS[role]]
        if may and "<" not in rule.rule:
            found.append((may[0], rule.rule))
    return found


def endpoint_of(app: Flask, path: str) -> str:
    endpoint, _ = app.url_map.bind("localhost").match(path)
    return str(endpoint)


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_is_open_to_everybody_calm_and_light(committed_app: Flask, site: Site, desk: Desk, who: str) -> None:
    """No serious finding of axe-core in either look, no complaint, nothing wider than a tablet, no shift, few bytes."""
    with clock.stopped_at(site.moment):
        with transaction(OPEN_WALL):
            sum(fill(60, seed=8))
        jobs.count_tips()
    paths = sorted(path for person, path in plain_pages(committed_app) if person == who)
    assert paths
    begin(desk, who)
    assert [fault for path in paths for fault in looked_at(desk, path, may_refuse=True)] == []


def test_so_is_every_page_that_names_a_thing(committed_app: Flask, site: Site, chromium: Browser) -> None:
    """The pages are those of the URL map: one without an example is not missed."""
    with clock.stopped_at(site.moment):
        made = examples(committed_app.test_client())
    naming = {rule.endpoint for rule in pages_of(committed_app) if "<" in rule.rule}
    assert naming == {endpoint_of(committed_app, path) for _, path in made}, "a page without an example, or the reverse"
    faults = []
    for who in sorted({person for person, _ in made}):
        with watched_desk(chromium, site) as desk:
            begin(desk, who)
            for person, path in made:
                faults += looked_at(desk, path, may_refuse=False) if person == who else []
    assert faults == []


def begin(desk: Desk, who: str) -> None:
    desk.refusals_expected = True  # pages that a role's permission alone does not open
    desk.page.emulate_media(reduced_motion="reduce")
    desk.page.add_init_script(WATCH_SHIFTS)
    desk.open("/notices")
    desk.sign_in(who)


def looked_at(desk: Desk, path: str, *, may_refuse: bool) -> list[str]:
    """What is wrong with one page; nothing where it is not for this person, or a part of a page."""
    page = desk.page
    answer = page.goto(desk.site.address + path)
    assert answer
    whole = answer.status == OK and page.locator("main").count() == 1
    if not whole:
        return [] if may_refuse and answer.status < INTERNAL_FAULT else [f"{path}: {answer.status}"]
    charts = page.locator("[data-chart]").count()
    page.wait_for_load_state("networkidle" if charts else "load")
    page.evaluate(SETTLED)
    faults = []
    if not 1_000 < (weighs := weight(desk)) < NEXT_VISIT + (CHARTS if charts else 0):
        faults.append(f"{weighs} bytes")
    if (shifted := page.evaluate("window.shifted")) > 0.1:
        faults.append(f"shifted by {shifted}")
    faults += barriers_in_either_look(page)
    page.set_viewport_size(TABLET)
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > TABLET["width"]:
        faults.append(f"{wide} wide on a tablet")
    page.set_viewport_size(DESK)
    if os.environ.get("PICTURES") == "1":
        desk.picture("sweep" + re.sub("[0-9a-f-]{36}", "1", path).replace("/", "-"))
    faults += desk.complaints
    desk.complaints.clear()
    return [f"{path}: {fault}" for fault in faults]
