"""One tip for who reads its progress alone: the facts of its handling, and why the rest is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.console.views import chinese
from app.console.views.clocks import clocks_of
from app.console.views.jurisdiction import DISPUTE_SENTENCES, place_name
from app.console.views.tip_detail import requests_of, steps_of
from app.console.views.tip_list import CHANNEL_TEXTS, PRIORITY_TEXTS
from app.foundation import clock
from app.foundation.permissions import Actor
from app.tips import dictionaries
from app.tips.schemas import AMOUNT_BANDS, PARTICIPANTS_BANDS
from app.workflow.disclosure import HIDDEN
from app.workflow.limits import PRIORITIES
from app.workflow.models import Handling
from app.workflow.queries import reassignments_of
from app.workflow.states import OUTCOME_TEXTS, SUPERVISION_TEXTS, Outcome, Status, SupervisionKind

_SOURCE_TEXTS: Final = {
    "register": "市场主体登记",
    "registered": "登记地址或住所地",
    "operating": "经营地址或活动地",
    "uscc": "统一社会信用代码",
    "point": "举报位置",
}
_FOUND_TEXTS: Final = {"matched": "已识别", "ambiguous": "有多个可能", "unknown": "未识别"}
Pairs = list[tuple[str, Any]]


def progress_view(actor: Actor, handling: Handling, progress: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of the page; ``progress`` is ``office_views.progress``, and of the handling only the clocks count."""
    marks = progress["handling"]
    return {
        "tip": {
            "receipt_number": progress["receipt_number"],
            "subject_name": progress["subject_name"],
            "status": Status(progress["status"]),
            "version": progress["version"],
            "priority": PRIORITIES.index(marks["priority"]) + 1,
            "dispute": progress["dispute"],
            "supervised": marks["supervision"] is not None,
            "facts": _facts(progress),
        },
        "hidden": [(label, HIDDEN) for label in ("被举报对象", "举报内容和往来", "证据材料", "核查情况和答复")],
        "jurisdiction": _jurisdiction(progress["jurisdiction"]),
        "found": _found(progress["jurisdiction"]["sources"]),
        "clocks": clocks_of(handling),
        "steps": steps_of(progress["history"]),
        "reassignments": requests_of(reassignments_of(actor, handling.tip_id)),
    }


def _facts(progress: Mapping[str, Any]) -> Pairs:
    said, marks = progress["statement"], progress["handling"]
    supervision, outcome = marks["supervision"], progress["outcome"]
    return [
        ("属地", progress["division_name"] or "待研判"),
        ("登记时间", chinese.moment(clock.beijing(progress["registered_at"]))),
        ("渠道", CHANNEL_TEXTS.get(said["channel"], said["channel"])),
        ("优先级", PRIORITY_TEXTS[marks["priority"]]),
        ("行为类型", dictionaries.worded(dictionaries.CONDUCT, said["conduct_type"] or "unknown")),
        ("涉及金额", AMOUNT_BANDS.get(said["amount_band"])),
        ("参与人数", PARTICIPANTS_BANDS.get(said["participants_band"])),
        ("核查结论", OUTCOME_TEXTS[Outcome(outcome)] if outcome else None),
        ("督办", SUPERVISION_TEXTS[SupervisionKind(supervision)] if supervision else None),
        ("属地调整次数", f"{marks['moves']} 次"),
    ]


def _jurisdiction(decision: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "lead_name": place_name(decision["lead"]),
        "cooperating_names": [place_name(code) for code in decision["cooperating"]],
        "arbiter_name": place_name(decision["arbiter"]) if decision["dispute"] else "",
        "dispute": decision["dispute"],
        "dispute_reasons": [
            DISPUTE_SENTENCES[reason] for reason in decision["dispute_reasons"] if reason in DISPUTE_SENTENCES
        ],
    }


def _found(sources: Mapping[str, Mapping[str, Any]]) -> Pairs:
    """From which information which district was found, and how surely."""
    return [(text, _place(sources[name])) for name, text in _SOURCE_TEXTS.items() if name in sources]


def _place(match: Mapping[str, Any]) -> str:
    found = place_name(match["county"]) or _FOUND_TEXTS[match["status"]]
    return f"{found}（置信度 {match['confidence']:.0%}）"
