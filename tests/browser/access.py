"""What axe-core finds on a page that keeps somebody out."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa")
_RUN = "options => axe.run(options).then(found => found.violations)"


def barriers(page: Page, *rules: str) -> list[str]:
    """Its findings, by WCAG 2.2 AA or by ``rules`` alone; the script is brought to a page once."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"runOnly": list(rules or RULES), "resultTypes": ["violations"]}
    found: list[dict[str, Any]] = page.evaluate(_RUN, options)
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def barriers_in_either_look(page: Page) -> list[str]:
    """The same in light and dark; nothing but colours differs in the dark."""
    found = [f"light: {one}" for one in barriers(page)]
    look(page, "dark")
    found += [f"dark: {one}" for one in barriers(page, "color-contrast")]
    look(page, "light")
    return found


def look(page: Page, name: str) -> None:
    """Show the page in this look."""
    page.evaluate("look => document.documentElement.setAttribute('data-bs-theme', look)", name)
