"""Every page of the console that needs no id, as it is: in light and dark, at a desk and on a tablet."""

from __future__ import annotations

import os

import pytest
from flask import Flask
from playwright.sync_api import Page

from app.demo.filling import fill
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.http import Audience, Policy
from app.foundation.permissions import ROLE_PERMISSIONS, Role
from app.tips import jobs
from tests.browser.conftest import ARTEFACTS, DESK, Desk, Site
from tests.browser.test_comfort import NEXT_VISIT, WATCH_SHIFTS, serious, weight

# Every page of a district is the reviewer's too.
PEOPLE = {
    "city.reviewer": Role.CITY_REVIEWER,
    "sysadmin": Role.SYS_ADMIN,
    "secadmin": Role.SECURITY_ADMIN,
    "auditor": Role.AUDITOR,
}
TABLET = {"width": 834, "height": 1112}
"""The narrower side of a common tablet."""
CHARTS = 260 * 1024
"""The drawing library, once, at the first page with a chart."""
OK, INTERNAL_FAULT = 200, 500
NO_PAGES = {"console.palette", "console.sign_in", "console.ask_to_sign_in"}
"""Parts of pages, and what nobody sees who is signed in."""


def pages_of(app: Flask) -> dict[str, str]:
    """Address of each page → the first of these people who may open it."""
    found = {}
    for rule in app.url_map.iter_rules():
        policy = getattr(app.view_functions[rule.endpoint], "policy", None)
        if not isinstance(policy, Policy) or policy.audience is not Audience.CONSOLE or "<" in rule.rule:
            continue
        if "GET" not in (rule.methods or ()) or rule.endpoint in NO_PAGES or "export" in rule.endpoint.split("_")[0]:
            continue
        may = [name for name, role in PEOPLE.items() if policy.permission in ROLE_PERMISSIONS[role]]
        if may:
            found[rule.rule] = may[0]
    return found


@pytest.mark.parametrize("who", PEOPLE)
def test_pages_are_open_to_everybody_calm_and_light(committed_app: Flask, site: Site, desk: Desk, who: str) -> None:
    """No serious finding of axe-core in either look, nothing wider than a tablet, no shift, few bytes."""
    page = desk.page
    desk.refusals_expected = True  # pages that a role's permission alone does not open
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(WATCH_SHIFTS)
    with clock.stopped_at(site.moment):
        with transaction(OPEN_WALL):
            sum(fill(60, seed=8))
        jobs.count_tips()
    desk.open("/notices")
    desk.sign_in(who)
    faults = []
    paths = sorted(path for path, person in pages_of(committed_app).items() if person == who)
    assert paths
    for path in paths:
        faults += looked_at(desk, page, path)
    assert faults == []


def looked_at(desk: Desk, page: Page, path: str) -> list[str]:
    answer = page.request.get(desk.site.address + path)
    if answer.status >= INTERNAL_FAULT:
        return [f"{path}: {answer.status}"]
    whole = answer.headers.get("content-type", "").startswith("text/html") and b"<main" in answer.body()
    if answer.status != OK or not whole:
        return []  # not for this person, a file, or a part of a page
    desk.open(path)
    page.wait_for_load_state("networkidle")
    faults = []
    if (weighs := weight(desk)) > NEXT_VISIT + (CHARTS if page.locator("[data-chart]").count() else 0):
        faults.append(f"{path}: {weighs} bytes")
    if (shifted := page.evaluate("window.shifted")) > 0.1:
        faults.append(f"{path}: shifted by {shifted}")
    for look in ("light", "dark"):
        page.evaluate("look => document.documentElement.setAttribute('data-bs-theme', look)", look)
        faults += [f"{path} {look}: {fault}" for fault in serious(page)]
    page.set_viewport_size(TABLET)
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > TABLET["width"]:
        faults.append(f"{path}: {wide} wide on a tablet")
    if os.environ.get("PICTURES") == "1":
        page.screenshot(path=ARTEFACTS / f"sweep{path.replace('/', '-')}.png", full_page=True, animations="disabled")
    page.set_viewport_size(DESK)
    return faults
