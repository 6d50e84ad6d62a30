"""Requests for reassignment: lines of the desk, and one with its stations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for

from app.console import queries
from app.console.views import chinese
from app.console.views.addresses import addresses
from app.console.views.clocks import request_clock, working_days_used
from app.foundation import clock
from app.foundation.permissions import Actor
from app.geo.divisions import divisions
from app.tips.lines import TipLine, lines_by_id
from app.workflow.disclosure import REQUEST_SHOWN, told
from app.workflow.models import Reassignment, ReassignmentEvent
from app.workflow.queries import Bounces
from app.workflow.states import (
    GROUND_TEXTS,
    REASSIGNMENT_ACTION_TEXTS,
    Ground,
    ReassignmentAction,
    ReassignmentStatus,
)

_GONE: Final = "已调出本单位"


def request_lines(actor: Actor, requests: Sequence[Reassignment]) -> list[dict[str, Any]]:
    """Requests as lines of a list."""
    tips = lines_by_id(actor, (one.tip_id for one in requests))
    begun = queries.applicants(requests)
    units = queries.unit_names({event.actor_unit_id for event in begun.values()})
    moves = queries.moves_of(requests)
    address = addresses("console.show_reassignment", "request_id")
    tip_address = addresses("console.show_tip", "tip_id")
    return [
        told(
            actor,
            _line(one, tips.get(one.tip_id), moves[one.id])
            | {
                "href": address(one.id),
                "tip_href": tip_address(one.tip_id) if one.tip_id in tips else None,
                "applicant_name": begun[one.id].actor_name,
                "applicant_unit": units.get(begun[one.id].actor_unit_id, ""),
            },
            REQUEST_SHOWN,
        )
        for one in requests
    ]


def _line(one: Reassignment, tip: TipLine | None, move: tuple[str, str]) -> dict[str, Any]:
    """``tip``: none where the tip was moved out of sight."""
    return {
        "id": one.id,
        "receipt_number": tip.receipt_number if tip else _GONE,
        "subject_name": tip.subject_name if tip else _GONE,
        "from_name": move[0],
        "to_name": move[1],
        "ground_text": GROUND_TEXTS[Ground(one.ground)],
        "reason": one.reason,
        "status": ReassignmentStatus(one.status),
        "version": one.version,
        "applied_at": clock.beijing(one.applied_at),
        "clock": request_clock(one),
        "moves": tip.moves if tip else 0,
    }


def quick_filters(wanted: Mapping[str, str], waiting: int) -> list[dict[str, Any]]:
    """Ready-made filters: those that wait for this person, all, each status."""
    chips: list[tuple[str, dict[str, Any]]] = [("等我办理", {"mine": "true"}), ("全部", {})]
    chips += [(one.text, {"status": one.value}) for one in ReassignmentStatus]
    return [
        {
            "label": label,
            "href": url_for("console.list_reassignments", **asked),
            "number": waiting if "mine" in asked else None,
            "active": asked == wanted,
        }
        for label, asked in chips
    ]


def view_of(actor: Actor, request: Reassignment) -> dict[str, Any] | None:
    """The other district's view as this person reads it; none where nobody asked for one."""
    if request.view_due_on is None:
        return None
    if request.view_given_at is None:
        late = clock.today() > request.view_due_on
        waiting = "逾期未答复，视为无意见" if late else f"正在征求意见，{chinese.day(request.view_due_on)} 前答复"
        return {"told": waiting, "text": None, "agrees": None}
    answer = "同意接收" if request.view_agrees else "不同意接收"
    view = {"told": answer, "text": request.view_text, "agrees": request.view_agrees}
    return told(actor, view, REQUEST_SHOWN)


def bounce_lines(pairs: Sequence[Bounces]) -> list[tuple[str, str, int, int, int, int]]:
    """Pairs of places by name with how their requests ended: asked for, moved, refused, under way."""
    units = queries.unit_names({one.from_unit_id for one in pairs})
    return [
        (
            units.get(one.from_unit_id, ""),
            divisions().name(one.to_division) or one.to_division,
            one.asked,
            one.moved,
            one.refused,
            one.running,
        )
        for one in pairs
    ]


def brief_requests(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Requests as short rows of the home page."""
    return [
        {
            "href": line["href"],
            "title": f"{line['from_name']} 调整至 {line['to_name']}",
            "note": f"{line['receipt_number']} · {line['ground_text']}",
            "clock": None,
            "status": line["status"],
            "kind": "reassignment",
        }
        for line in lines
    ]


def steps_of(history: Sequence[ReassignmentEvent]) -> list[dict[str, Any]]:
    """The steps of a request, newest first."""
    units = queries.unit_names({event.actor_unit_id for event in history})
    steps = [
        {
            "at": clock.beijing(event.at),
            "actor_name": event.actor_name,
            "actor_unit": units.get(event.actor_unit_id, ""),
            "action_text": REASSIGNMENT_ACTION_TEXTS[ReassignmentAction(event.action)],
            "from_status": ReassignmentStatus(event.from_status) if event.from_status else None,
            "to_status": ReassignmentStatus(event.to_status),
            "reason": event.reason,
            "days_used": working_days_used(before.at, event.at) if before else None,
        }
        for before, event in zip([None, *history], history, strict=False)
    ]
    return steps[::-1]


_R = ReassignmentStatus
_STATIONS: Final = (
    ("申请", {ReassignmentAction.APPLY, ReassignmentAction.RESUBMIT}),
    ("审核", {ReassignmentAction.APPROVE, ReassignmentAction.REJECT, ReassignmentAction.RETURN_FOR_EVIDENCE}),
    ("调整", {ReassignmentAction.ADJUST}),
    ("签收", {ReassignmentAction.CONFIRM}),
)
_AT_STATION: Final[Mapping[ReassignmentStatus, tuple[int, str]]] = {
    _R.APPLIED: (1, "current"),
    _R.RETURNED_FOR_EVIDENCE: (0, "current"),
    _R.APPROVED: (2, "current"),
    _R.REJECTED: (1, "stopped"),
    _R.ADJUSTED: (3, "current"),
    _R.CONFIRMED: (4, ""),
    _R.CANCELLED: (0, "stopped"),
}
"""Which station a status has reached, and how it stands there; 4 is behind the last."""


def stations_of(status: ReassignmentStatus, history: Sequence[ReassignmentEvent]) -> list[dict[str, Any]]:
    """The four stations with who passed them and when."""
    reached, state = _AT_STATION[status]
    return [
        {
            "label": label,
            "note": _who_and_when(actions, history) if number <= reached else "",
            "state": "passed" if number < reached else state if number == reached else None,
        }
        for number, (label, actions) in enumerate(_STATIONS)
    ]


def _who_and_when(actions: set[ReassignmentAction], history: Sequence[ReassignmentEvent]) -> str:
    last = next((event for event in reversed(history) if event.action in actions), None)
    if last is None:
        return ""
    at = clock.beijing(last.at)
    return f"{last.actor_name} {at.month}月{at.day}日 {at:%H:%M}"
