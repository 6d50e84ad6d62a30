"""The queue of tips as lines and filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flask import url_for

from app.console.views.clocks import running_clock
from app.foundation import clock
from app.foundation.permissions import Actor, Role
from app.geo.divisions import divisions
from app.identity.models import Unit
from app.tips.models import Tip, TipSubject
from app.tips.schemas import CONDUCT_TYPES
from app.workflow.models import Handling
from app.workflow.states import Status

WORK_OF: Final[Mapping[Role, tuple[Status, ...]]] = {
    Role.DISTRICT_HANDLER: (Status.ASSIGNED, Status.VERIFYING, Status.REWORK, Status.CONCLUDED),
    Role.CITY_REVIEWER: (Status.REGISTERED, Status.ACCEPTED, Status.FEEDBACK_SUBMITTED, Status.CONCLUDED),
}
"""Statuses in which a tip waits for this role; the other roles only look on."""


def tip_line(tip: Tip, handling: Handling, subject: TipSubject, *, under_reassignment: set[UUID]) -> dict[str, Any]:
    """One line of the queue."""
    return {
        "href": url_for("console.show_tip", tip_id=tip.id),
        "receipt_number": tip.receipt_number,
        "subject_name": subject.name,
        "conduct_text": CONDUCT_TYPES.get(tip.conduct_type or "unknown", "不清楚"),
        "division_name": divisions().name(handling.division_code) if handling.division_code else "",
        "status": Status(handling.status),
        "clock": running_clock(handling),
        "registered_at": clock.beijing(tip.registered_at),
        "dispute": handling.dispute,
        "open_reassignment": tip.id in under_reassignment,
        "reporter_kind": "实名" if tip.real_name else "匿名",
    }


def quick_filters(actor: Actor, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ready-made filters: all, each status that waits for this person, what is late, what is disputed."""
    work = WORK_OF.get(actor.role, ()) if actor.role else ()
    chips: list[tuple[str, dict[str, Any]]] = [("全部", {})]
    chips += [(status.text, {"status": status.value}) for status in work]
    chips += [("已超期", {"overdue": "true"}), ("属地争议风险", {"dispute": "true"})]
    return [
        {
            "label": label,
            "href": url_for("console.list_tips", **asked),
            "number": None,
            "active": {name: str(value).lower() for name, value in wanted.items()} == asked,
        }
        for label, asked in chips
    ]


def division_choices(actor: Actor, units: Iterable[Unit]) -> list[dict[str, str]]:
    """Districts to filter by; none for an account that sees one district only."""
    if not actor.city_wide:
        return []
    return [{"value": unit.division_code, "label": divisions().name(unit.division_code) or unit.name} for unit in units]


def paging(
    endpoint: str, wanted: Mapping[str, Any], cursor: str | None, following: str | None, total: int | None
) -> dict[str, Any]:
    """Addresses of the next page and of the first; filters stay in them."""
    return {
        "next_url": url_for(endpoint, **wanted, cursor=following) if following else None,
        "first_url": url_for(endpoint, **wanted) if cursor else None,
        "total": total,
    }


def brief_rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Tips as short rows of the home page."""
    return [
        {
            "href": url_for("console.show_tip", tip_id=tip.id),
            "title": subject.name or "被举报对象未写明",
            "note": f"{tip.receipt_number} · {Status(handling.status).text}",
            "clock": running_clock(handling),
            "status": Status(handling.status),
            "kind": "tip",
            "dispute": handling.dispute,
        }
        for tip, handling, subject in rows
    ]
