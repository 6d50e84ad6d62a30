"""The queue of tips as lines, chips and choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flask import request, url_for

from app.console.views.addresses import addresses
from app.console.views.clocks import running_clock
from app.foundation import clock
from app.foundation.permissions import Actor, Permission, Role
from app.geo.divisions import divisions
from app.identity.models import Unit
from app.tips import dictionaries
from app.tips.assisted_filing import CHANNELS
from app.tips.lines import TipLine
from app.tips.office_schemas import MATCHES
from app.tips.queries import NOWHERE, Order, QueueFilter, Stage, queue_count
from app.tips.statistics import Took
from app.workflow import limits
from app.workflow.limits import PRIORITIES
from app.workflow.states import Status

WORK_OF: Final[Mapping[Role, tuple[Status, ...]]] = {
    Role.DISTRICT_HANDLER: (Status.ASSIGNED, Status.VERIFYING, Status.REWORK, Status.CONCLUDED),
    Role.CITY_REVIEWER: (Status.REGISTERED, Status.ACCEPTED, Status.FEEDBACK_SUBMITTED, Status.CONCLUDED),
}
"""Statuses in which a tip waits for this role; the other roles only look on."""
CHANNEL_TEXTS: Final = {"miniprogram": "微信小程序", "web": "网页", **CHANNELS}
PRIORITY_TEXTS: Final = dict(zip(PRIORITIES, ("一级（特急）", "二级（紧急）", "三级", "四级"), strict=True))
STAGE_TEXTS: Final = {
    Stage.CITY: "市级待办",
    Stage.UNIT: "区县办理中",
    Stage.OPEN: "尚未办结",
    Stage.SETTLED: "已办结、已终止",
}
ORDER_TEXTS: Final = {Order.NEWEST: "最新登记在前", Order.OLDEST: "最早登记在前", Order.DUE: "期限近的在前"}
DISPUTES_WAITING: Final = {"dispute": "true", "stage": Stage.CITY.value}
"""A dispute waits until the city has assigned the tip; afterwards it is decided, and no longer counted."""
_FILTER_TEXTS: Final = {
    "stage": "阶段",
    "status": "状态",
    "division": "属地",
    "priority": "优先级",
    "conduct": "行为类型",
    "channel": "渠道",
    "cluster": "同一对象",
    "overdue": "期限",
    "due": "到期日",
    "dispute": "属地",
    "supervised": "督办",
    "since": "登记不早于",
    "until": "登记不晚于",
    "prefecture": "所在地州",
    "matched": "系统研判",
    "corrected": "系统研判",
    "took": "办理用时",
    "on_time": "总期限",
    "score": "群众评价",
}
_TRUTHS: Final = {
    ("overdue", "true"): "已超期",
    ("overdue", "false"): "未超期",
    ("dispute", "true"): "有争议风险",
    ("dispute", "false"): "无争议风险",
    ("supervised", "true"): "督办中",
    ("supervised", "false"): "未督办",
    ("corrected", "true"): "属地已改派",
    ("corrected", "false"): "属地未改派",
    ("on_time", "true"): "按期办结",
    ("on_time", "false"): "逾期",
}
MATCH_TEXTS: Final = dict(zip(MATCHES, ("属地明确", "待人工核定", "属地有争议", "未识别属地"), strict=True))
TOOK_TEXTS: Final = {Took.ACCEPT: "受理", Took.DISPATCH: "交办", Took.CONCLUDE: "办结"}
COLUMNS: Final = {
    "division": "属地",
    "clock": "期限",
    "registered": "登记时间",
    "priority": "优先级",
    "channel": "渠道",
    "marks": "标记",
}
"""Columns that a person may hide; number, accused party and status always stay."""
_HIDDEN_AT_FIRST: Final = ("priority", "channel")


def tip_line(tip: TipLine, *, under_reassignment: bool) -> dict[str, Any]:
    """One line of the queue, without its address and its cluster."""
    return {
        "id": tip.tip_id,
        "version": tip.version,
        "receipt_number": tip.receipt_number,
        "subject_name": tip.subject_name,
        "conduct_text": dictionaries.worded(dictionaries.CONDUCT, tip.conduct_type or "unknown"),
        "division_name": divisions().name(tip.division_code) if tip.division_code else "",
        "status": Status(tip.status),
        "clock": running_clock(tip),
        "registered_at": clock.beijing(tip.registered_at),
        "channel_text": CHANNEL_TEXTS.get(tip.channel, tip.channel),
        "priority": PRIORITIES.index(tip.priority) + 1,
        "dispute": tip.dispute,
        "supervised": tip.supervision is not None,
        "open_reassignment": under_reassignment,
        "reporter_kind": {True: "实名", False: "匿名", None: ""}[tip.real_name],
    }


def quick_filters(actor: Actor, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    """Ready-made filters with their numbers: all, each status that waits for this person, what is late or disputed."""
    work = WORK_OF.get(actor.role, ()) if actor.role else ()
    shown: list[tuple[str, dict[str, str], QueueFilter | None]] = [("全部", {}, None)]
    shown += [(one.text, {"status": one.value}, QueueFilter(status=one.value)) for one in work]
    shown.append(("已超期", {"overdue": "true"}, QueueFilter(overdue=True)))
    if actor.city_wide:
        shown.append(("待定属地争议", DISPUTES_WAITING, QueueFilter(dispute=True, stage=Stage.CITY)))
    present = {name: value for name, value in wanted.items() if name != "order"}
    return [
        {
            "label": label,
            "href": queue_url(asked),
            "number": queue_count(actor, counted) if counted else None,
            "active": present == asked,
        }
        for label, asked, counted in shown
    ]


def chips(wanted: Mapping[str, str]) -> list[dict[str, str]]:
    """What the list is narrowed to, each with the address that takes it away."""
    return [
        {
            "label": _FILTER_TEXTS[name],
            "value": _told(name, value),
            "href": queue_url({other: wanted[other] for other in wanted if other != name}),
        }
        for name, value in wanted.items()
        if name in _FILTER_TEXTS
    ]


def queue_url(asked: Mapping[str, Any]) -> str:
    """The address of the queue, narrowed as asked."""
    return url_for("console.list_tips", **asked)


def _told(name: str, value: str) -> str:
    texts: Mapping[str, Mapping[Any, str]] = {
        "status": {status.value: status.text for status in Status},
        "stage": STAGE_TEXTS,
        "priority": PRIORITY_TEXTS,
        "conduct": limits.wordings(dictionaries.CONDUCT),
        "channel": CHANNEL_TEXTS,
        "matched": MATCH_TEXTS,
        "score": {str(score): f"{score} 分" for score in range(1, 6)},
    }
    if name == "took":
        step, _, least = value.partition("-")
        done = TOOK_TEXTS[Took(step)]
        return f"{done}用时不少于 {least} 个工作日" if least else f"已{done}"
    if name == "cluster":
        return "归并在一组的举报"
    if (name, value) == ("prefecture", NOWHERE):
        return "属地未识别"
    if name in {"division", "prefecture"}:
        return divisions().name(value) or value
    return _TRUTHS.get((name, value)) or texts.get(name, {}).get(value, value)


def choices(actor: Actor, units: Iterable[Unit]) -> list[dict[str, Any]]:
    """The choices of the filter panel; none of districts for an account that sees one district only."""
    asked: list[tuple[str, str, Iterable[tuple[Any, str]]]] = [
        ("status", "状态", [(one.value, one.text) for one in Status]),
        ("stage", "阶段", STAGE_TEXTS.items()),
        ("priority", "优先级", PRIORITY_TEXTS.items()),
        ("conduct", "行为类型", limits.wordings(dictionaries.CONDUCT).items()),
        ("channel", "举报渠道", CHANNEL_TEXTS.items()),
        ("overdue", "期限", [("true", "已超期"), ("false", "未超期")]),
        ("dispute", "属地争议风险", [("true", "有"), ("false", "无")]),
        ("supervised", "督办", [("true", "督办中"), ("false", "未督办")]),
    ]
    if actor.city_wide:
        places = [(unit.division_code, divisions().name(unit.division_code) or unit.name) for unit in units]
        asked.insert(2, ("division", "属地", places))
    return [
        {"name": name, "label": label, "options": [{"value": str(one), "label": text} for one, text in options]}
        for name, label, options in asked
    ]


def columns() -> list[dict[str, Any]]:
    """The columns that can be hidden, as this browser remembers them."""
    kept = request.cookies.get("shudi_columns")
    hidden = _HIDDEN_AT_FIRST if kept is None else kept.split(".")
    return [{"name": name, "label": label, "shown": name not in hidden} for name, label in COLUMNS.items()]


def may_assign(actor: Actor) -> bool:
    """Whether this person assigns tips, one by one or several at once."""
    return actor.may(Permission.TIP_TRIAGE)


def paging(
    endpoint: str, wanted: Mapping[str, Any], cursor: str | None, following: str | None, total: int | None
) -> dict[str, Any]:
    """Addresses of the next page and of the first; filters stay in them."""
    return {
        "next_url": url_for(endpoint, **wanted, cursor=following) if following else None,
        "first_url": url_for(endpoint, **wanted) if cursor else None,
        "total": total,
    }


def brief_rows(lines: Sequence[TipLine]) -> list[dict[str, Any]]:
    """Tips as short rows of the home page."""
    address = addresses("console.show_tip", "tip_id")
    return [
        {
            "href": address(tip.tip_id),
            "title": tip.subject_name or "被举报对象未写明",
            "note": f"{tip.receipt_number} · {Status(tip.status).text}",
            "clock": running_clock(tip),
            "status": Status(tip.status),
            "kind": "tip",
            "dispute": tip.dispute,
        }
        for tip in lines
    ]
