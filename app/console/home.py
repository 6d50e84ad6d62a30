"""The first page by role: what waits, what is late, one click to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import url_for

from app.console import queries
from app.console.blueprint import pages
from app.console.notices import brief_notices
from app.console.shell import rendered, see_other
from app.console.views import administration
from app.console.views.queue_address import in_address
from app.console.views.requests import brief_requests, request_lines
from app.console.views.tip_list import WORK_OF, brief_rows, queue_url
from app.foundation import clock
from app.foundation.http import page
from app.foundation.permissions import Actor, Permission, Role
from app.identity import sessions
from app.notifications.queries import notice_page
from app.tips.queries import Order, QueueFilter, Stage, queue_count
from app.workflow.states import OPEN_STATUSES, Status

_ROWS: Final = 6
_WEEKDAYS: Final = "一二三四五六日"
_COUNTED: Final = {
    Status.REGISTERED: ("待受理", "inbox", "orange"),
    Status.ACCEPTED: ("待交办", "send", "blue"),
    Status.FEEDBACK_SUBMITTED: ("待审核", "file-search", "blue"),
    Status.ASSIGNED: ("待签收", "inbox", "orange"),
    Status.VERIFYING: ("核查中", "list-search", "blue"),
    Status.REWORK: ("退回重办", "refresh", "orange"),
    Status.CONCLUDED: ("待答复", "message", "blue"),
}
"""Statuses in the words of what is to be done."""
_COUNTED_FOR: Final = {
    Role.CITY_REVIEWER: (Status.REGISTERED, Status.ACCEPTED, Status.FEEDBACK_SUBMITTED),
    Role.DISTRICT_HANDLER: (Status.ASSIGNED, Status.VERIFYING, Status.REWORK, Status.CONCLUDED),
}


@pages.get("/")
@page(permission=Permission.SELF_USE)
def home(actor: Actor) -> Any:
    """The desk of those who handle tips; auditors go to the log, administrators read what serves them today."""
    if actor.may(Permission.TIP_READ):
        return rendered("console/home.html", actor, **_desk(actor))
    if actor.may(Permission.AUDIT_READ):
        return see_other(url_for("console.list_audit_events"))
    return rendered("console/administration.html", actor, **_administration(actor))


def _desk(actor: Actor) -> dict[str, Any]:
    requests, waiting = queries.waiting_requests(actor, _ROWS)
    work = _work_of(actor)
    return {
        "greeting": _greeting(queries.due_today(actor, work)),
        "counters": _counters(actor, waiting),
        "lists": [
            {
                "title": "待办线索（期限近的在前）" if actor.role in WORK_OF else "在办线索（期限近的在前）",
                "href": queue_url({"order": Order.DUE.value}),
                "rows": brief_rows(queries.most_urgent_tips(actor, work, _ROWS)),
                "empty_title": "没有待办线索",
                "empty_text": "新的线索到达时会出现在这里，并发送站内消息。",
            },
            {
                "title": "等待我办理的属地调整" if _moves_requests(actor) else "在办的属地调整",
                "href": url_for("console.list_reassignments"),
                "rows": brief_requests(request_lines(actor, requests)),
                "empty_title": "没有在办的属地调整",
                "empty_text": "",
            },
            _news(actor),
        ],
    }


def _news(actor: Actor) -> dict[str, Any]:
    """Unread notices: what arrived, what was returned or moved, warnings of limits."""
    return {
        "title": "新消息和提醒",
        "href": url_for("console.list_notices", unread="true"),
        "rows": brief_notices(notice_page(actor, unread=True, after=None, limit=_ROWS)[:_ROWS]),
        "empty_title": "没有未读消息",
        "empty_text": "交办、退回、调整、期限预警会显示在这里。",
    }


def _work_of(actor: Actor) -> Sequence[str]:
    return WORK_OF.get(actor.role, sorted(OPEN_STATUSES)) if actor.role else ()


def _moves_requests(actor: Actor) -> bool:
    moving = {
        Permission.REASSIGNMENT_REVIEW,
        Permission.REASSIGNMENT_ADJUST,
        Permission.REASSIGNMENT_CONFIRM,
        Permission.TIP_LEAD,
    }
    return any(actor.may(permission) for permission in moving)


def _greeting(due: int) -> str:
    today = clock.today()
    told = f"有 {due} 件线索今日到期。" if due else "没有今日到期的线索。"
    return f"今天是 {today.year} 年 {today.month} 月 {today.day} 日（星期{_WEEKDAYS[today.weekday()]}），{told}"


def _counters(actor: Actor, waiting: int) -> list[dict[str, Any]]:
    """Every number is that of the list behind it."""
    counted = [
        _counter(actor, *_COUNTED[status], status=status.value)
        for status in (_COUNTED_FOR.get(actor.role, ()) if actor.role else ())
    ]
    counted.append(_counter(actor, "今日到期", "calendar-due", "orange", due=clock.today()))
    counted.append(_counter(actor, "督办中", "eye-check", "red", supervised=True))
    if actor.city_wide:
        counted.append(_counter(actor, "待定属地争议", "scale", "purple", dispute=True, stage=Stage.CITY.value))
    counted.append(_counter(actor, "已超期", "alert-triangle", "red", overdue=True))
    href = url_for("console.list_reassignments", mine="true")
    tone = "teal" if waiting else "none"
    shown = {"label": "等我办理的调整", "number": waiting, "href": href, "icon": "arrows-exchange", "tone": tone}
    return [*counted, shown]


def _counter(actor: Actor, label: str, icon: str, tone: str, **wanted: Any) -> dict[str, Any]:
    number = queue_count(actor, QueueFilter(**wanted))
    return {
        "label": label,
        "number": number,
        "href": queue_url(in_address(wanted)),
        "icon": icon,
        "tone": tone if number else "none",
    }


def _administration(actor: Actor) -> dict[str, Any]:
    return {
        "lead": _LEADS[Role(actor.role)] if actor.role else "",
        "areas": administration.areas(actor),
        "commands": _COMMANDS.get(Role(actor.role), ()) if actor.role else (),
        "sessions": [
            {
                "kind": "网页" if one.audience == "console" else "接口",
                "since": clock.beijing(one.created_at),
                "seen": clock.beijing(one.seen_at),
                "here": one.id == actor.session_id,
            }
            for one in sessions.own_sessions(actor)
        ],
    }


_LEADS: Final = {
    Role.SYS_ADMIN: "系统管理员维护单位、账号和工作日历，不接触举报线索。",
    Role.SECURITY_ADMIN: "安全管理员负责授予岗位和密钥，不接触举报线索，也不能兼任系统管理员或者审计管理员。",
}
_COMMANDS: Final = {
    Role.SYS_ADMIN: (
        ("导入或者更新单位", "flask --app wsgi units import 单位.csv"),
        ("导入工作日历", "flask --app wsgi calendar import 日历.csv"),
        ("试算到期日", "flask --app wsgi calendar due --from 2026-11-23 --working-days 15 --region 650000"),
    ),
    Role.SECURITY_ADMIN: (
        ("创建首批管理员账号", "flask --app wsgi accounts create"),
        ("列出密钥", "flask --app wsgi keys status"),
    ),
}
