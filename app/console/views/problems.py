"""A refusal above the page it happened on: what was wrong, or what somebody else changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.cases.models import CaseEvent
from app.cases.states import CaseStatus
from app.console.forms import PROSE, seen_version
from app.console.refusals import typed_text
from app.console.views.actions import refused_fields
from app.foundation import clock
from app.foundation.errors import InvalidInput
from app.workflow.models import HandlingEvent, ReassignmentEvent
from app.workflow.states import ReassignmentStatus, Status

Problem = Mapping[str, Any]
History = Sequence[HandlingEvent] | Sequence[ReassignmentEvent] | Sequence[CaseEvent]


def problem_views(
    problem: Problem | None,
    actions: Iterable[Mapping[str, Any]],
    history: History,
    kind: type[Status | ReassignmentStatus | CaseStatus],
) -> dict[str, Any]:
    """``problem`` and ``stale`` of a page; ``history`` is that of the thing, oldest first."""
    if problem is None:
        return {"problem": None, "stale": None}
    actions = list(actions)
    if problem["code"] == "stale_version" and history:
        return {"problem": None, "stale": _stale(actions, history, kind)}
    told = {
        "title": problem["title"],
        "text": problem.get("detail"),
        "fields": refused_fields(problem, actions),
        "kept_text": _kept(actions),
    }
    return {"problem": told, "stale": None}


def _kept(actions: Iterable[Mapping[str, Any]]) -> str:
    """The typed text, where no form of the page holds it any more."""
    held = {one["name"] for action in actions if action["open"] for one in action["needs"]}
    return "" if held & set(PROSE) else typed_text()


def _stale(
    actions: Iterable[Mapping[str, Any]],
    history: History,
    kind: type[Status | ReassignmentStatus | CaseStatus],
) -> dict[str, Any]:
    last = history[-1]
    try:
        version = seen_version()
    except InvalidInput:
        version = 0
    seen = next((event for event in history if event.version == version), None)
    changes = [{"label": "版本", "before": f"第 {version} 版", "after": f"第 {last.version} 版"}]
    if seen is not None and seen.to_status != last.to_status:
        changes.append({"label": "状态", "before": kind(seen.to_status).text, "after": kind(last.to_status).text})
    return {"who": last.actor_name, "at": clock.beijing(last.at), "changes": changes, "kept_text": _kept(actions)}
