"""Deliveries as lines: what, by which way, how far, and why not; nobody is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for

from app.foundation import clock
from app.notifications.models import Delivery
from app.notifications.reasons import reason_text
from app.notifications.resending import Resent
from app.notifications.states import RESENDABLE, Channel, DeliveryState, Kind

_TONES: Final = {
    DeliveryState.QUEUED: "wait",
    DeliveryState.SENDING: "run",
    DeliveryState.SENT: "done",
    DeliveryState.FAILED: "urgent",
    DeliveryState.UNKNOWN: "warn",
}


def delivery_lines(rows: Sequence[Delivery], *, links: bool) -> list[dict[str, Any]]:
    """One line a message; ``links``: whether this person may open the tip behind it."""
    return [
        {
            "id": str(one.id),
            "at": clock.beijing(one.created_at),
            "kind_text": Kind(one.kind).text,
            "channel_text": Channel(one.channel).text,
            "state_text": DeliveryState(one.state).text,
            "tone": _TONES[DeliveryState(one.state)],
            "attempts": one.attempts,
            "reason": reason_text(one.error),
            "moment": _moment(one),
            "resendable": one.state in RESENDABLE,
            "href": url_for("console.show_tip", tip_id=one.tip_id) if links and one.tip_id else None,
        }
        for one in rows
    ]


def _moment(one: Delivery) -> dict[str, Any] | None:
    """When it ended, or when the next attempt is wanted."""
    if one.finished_at:
        return {"label": "", "at": clock.beijing(one.finished_at)}
    return {"label": "预计 ", "at": clock.beijing(one.due_at)} if one.due_at else None


def quick_filters(filters: Mapping[str, Any], in_need: Mapping[str, int]) -> list[dict[str, Any]]:
    """All, and what needs a person."""
    chips: list[tuple[str, dict[str, Any], int | None]] = [("全部", {}, None)]
    chips += [
        (one.text, {"state": one.value}, in_need.get(one.value, 0))
        for one in (DeliveryState.FAILED, DeliveryState.UNKNOWN)
    ]
    return [
        {
            "label": label,
            "href": url_for("console.list_deliveries", **asked),
            "number": number,
            "active": asked == dict(filters),
        }
        for label, asked, number in chips
    ]


def summary(result: Resent) -> str:
    """What came of sending again, in one sentence."""
    told = [f"已重新排队 {result.queued} 条"] if result.queued else []
    told += [f"{count} 条未重发：{reason}" for reason, count in result.left.items()]
    return "；".join(told) + "。"
