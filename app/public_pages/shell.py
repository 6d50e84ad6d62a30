"""What surrounds every public page: the office with telephone and mailbox (条例 Art. 16), text sizes, languages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import g, render_template, request, url_for

from app.foundation import clock
from app.geo.service import region_code
from app.identity import queries as people
from app.public_pages import languages, words


def rendered(template: str, **view: Any) -> str:
    """A public page; ``view`` holds the variables that the template names."""
    frame = {
        "office": office(),
        "sizes": _sizes(),
        "view": g.get("public_view", ""),
        "language": languages.chosen(),
        "languages": _languages(),
        "moment": moment,
        "day": day,
        "script_words": words.script_words,
        "proposal_reason": words.proposal_reason,
    }
    return render_template(f"public/{template}", **frame, **view)


def moment(at: datetime) -> str:
    """A moment on the wall clock of Beijing."""
    seen = clock.beijing(at)
    return f"{day(seen)} {seen:%H:%M}"


def day(on: date) -> str:
    """A day as the language of the page writes it; ISO 8601 outside Chinese."""
    return clock.day_text(on) if languages.chosen().code == languages.SOURCE else f"{on:%Y-%m-%d}"


def office() -> dict[str, str]:
    """Name, telephone and mailbox of the city's office, as its unit holds them."""
    unit = people.unit_at(region_code())
    if unit is None:
        return {"name": "处置非法集资办公室", "phone": "", "email": ""}
    return {"name": unit.name, "phone": unit.phone, "email": unit.email}


def _sizes() -> list[dict[str, Any]]:
    """The text sizes as links to this page; after a form, to the page that the form stands on."""
    if not request.endpoint or not request.endpoint.startswith("public_pages."):
        return []
    chosen = g.get("public_view", "")
    return [
        {"view": view, "text": text, "chosen": view == chosen, "url": url_for(_this_page(), view=view or None)}
        for view, text in words.SIZES
    ]


def _languages() -> list[dict[str, Any]]:
    """The languages as links to this page; none where there is no choice."""
    offered = languages.offered()
    if len(offered) == 1 or not request.endpoint or not request.endpoint.startswith("public_pages."):
        return []
    return [
        {
            "tag": one.tag,
            "name": one.name,
            "chosen": one == languages.chosen(),
            "url": url_for(_this_page(), lang=None if one.code == languages.SOURCE else one.code),
        }
        for one in offered
    ]


def _this_page() -> str:
    return str(request.endpoint) if request.method == "GET" else "public_pages.welcome"
