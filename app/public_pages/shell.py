"""What surrounds every public page: the office with its telephone and mailbox (条例 Art. 16), and the text sizes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import g, render_template, request, url_for

from app.foundation import clock
from app.geo.service import region_code
from app.identity import queries as people


def rendered(template: str, **view: Any) -> str:
    """A public page; ``view`` holds the variables that the template names."""
    frame = {"office": office(), "sizes": _sizes(), "view": g.get("public_view", ""), "moment": moment}
    return render_template(f"public/{template}", **frame, **view)


def moment(at: datetime) -> str:
    """A moment on the wall clock of Beijing."""
    seen = clock.beijing(at)
    return f"{seen.year}年{seen.month}月{seen.day}日 {seen:%H:%M}"


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
    choices = (("", "标准"), ("large", "长辈版"), ("largest", "特大字"))
    endpoint = request.endpoint if request.method == "GET" else "public_pages.welcome"
    return [
        {"view": view, "text": text, "chosen": view == chosen, "url": url_for(endpoint, view=view or None)}
        for view, text in choices
    ]
