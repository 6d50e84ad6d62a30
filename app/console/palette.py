"""The command palette: pages, own views and tips by a few letters or digits."""

from __future__ import annotations

from typing import Any, Final

from flask import render_template, request, url_for
from marshmallow import Schema

from app.console import saved_views
from app.console.blueprint import pages
from app.console.shell import navigation
from app.console.views.tip_list import DISPUTES_WAITING, queue_url
from app.foundation import clock
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText
from app.tips.queries import QueueFilter, queue_page
from app.workflow.states import Status

_TIPS: Final = 6
_SHORTEST: Final = 2


class PaletteQuery(Schema):
    """What was typed so far."""

    q = PlainText(100, load_default=None)


@pages.get("/palette")
@page(permission=Permission.SELF_USE)
def palette(actor: Actor) -> str:
    """What fits, as a list to choose from: never a page of its own."""
    words = load(PaletteQuery(), {"q": request.args.get("q", "")})["q"] or ""
    entries = [one for one in [*_pages(actor), *_commands(actor)] if words.lower() in one["label"].lower()]
    return render_template("console/palette.html", entries=[*entries, *_tips(actor, words)], words=words)


def _entry(label: str, href: str, icon: str, note: str = "") -> dict[str, str]:
    return {"label": label, "href": href, "icon": icon, "note": note}


def _pages(actor: Actor) -> list[dict[str, str]]:
    return [_entry(one["label"], one["href"], one["icon"], "页面") for one in navigation(actor, 0)]


def _commands(actor: Actor) -> list[dict[str, str]]:
    if not actor.may(Permission.TIP_READ):
        return []
    views = [
        _entry(str(one["name"]), str(one["href"]), "list-search", "我的视图") for one in saved_views.as_links(actor)
    ]
    lists: list[tuple[str, dict[str, Any]]] = [
        ("今日到期的线索", {"due": clock.today().isoformat()}),
        ("已超期的线索", {"overdue": "true"}),
        ("督办中的线索", {"supervised": "true"}),
        ("特急线索", {"priority": "P1", "stage": "open"}),
    ]
    if actor.city_wide:
        lists.append(("待定属地争议", DISPUTES_WAITING))
    return [
        *views,
        *(_entry(label, queue_url(asked), "list-search", "列表") for label, asked in lists),
    ]


def _tips(actor: Actor, words: str) -> list[dict[str, str]]:
    if len(words) < _SHORTEST or not actor.may(Permission.TIP_READ):
        return []
    lines, _ = queue_page(actor, QueueFilter(q=words), None, _TIPS)
    return [
        _entry(
            f"{tip.receipt_number} {tip.subject_name or '被举报对象未写明'}",
            url_for("console.show_tip", tip_id=tip.tip_id),
            "clipboard-list",
            Status(tip.status).text,
        )
        for tip in lines[:_TIPS]
    ]
