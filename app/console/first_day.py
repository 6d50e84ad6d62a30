"""The set-up of a new office, each point checked for real: never done because somebody ticked it.

A check looks (at the database, the disk, or what answers behind an address) and says what it found and what to do. All
of them run one after the other as a task; those that talk to the network hold no transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from flask import Response, url_for

from app.console import checks_inside, checks_outside, long_tasks
from app.console.blueprint import pages
from app.console.findings import Finding, State, bad
from app.console.shell import done, rendered
from app.foundation import clock
from app.foundation.database import end_reading
from app.foundation.http import page
from app.foundation.long_work import Piece
from app.foundation.permissions import Actor, Permission

logger = logging.getLogger(__name__)

CHECK: Final = "office-check"


class Part(StrEnum):
    """Parts of the list, in the order of a first day."""

    OFFICE = "单位和人员"
    RULES = "规则和属地资料"
    CHANNELS = "消息渠道"
    SAFETY = "安全和备份"
    MACHINE = "运行环境"


@dataclass(frozen=True, slots=True)
class Check:
    """One point of the list; ``endpoint``: the page where it is put right (with its kind), where there is one."""

    title: str
    part: Part
    look: Callable[[], Finding]
    endpoint: str = ""


CHECKS: Final[Mapping[str, Check]] = {
    "units": Check("组织机构", Part.OFFICE, checks_inside.units, "console.list_units"),
    "people": Check("承办和审核人员", Part.OFFICE, checks_inside.people, "console.list_accounts"),
    "administrators": Check("三类管理员", Part.OFFICE, checks_inside.administrators, "console.list_accounts"),
    "calendar": Check("工作日历", Part.RULES, checks_inside.calendar_years, "console.show_rules:calendar"),
    "zones": Check("功能区约定", Part.RULES, checks_inside.zones, "console.list_units"),
    "messages": Check("消息文字和模板", Part.CHANNELS, checks_inside.messages, "console.show_rules:messages"),
    "wechat": Check("微信小程序", Part.CHANNELS, checks_outside.wechat_answers),
    "mail": Check("邮件", Part.CHANNELS, checks_outside.mail_answers),
    "sms": Check("短信", Part.CHANNELS, checks_outside.sms_answers),
    "keys": Check("密钥", Part.SAFETY, checks_inside.keys),
    "audit": Check("审计日志封存", Part.SAFETY, checks_inside.sealing),
    "backup": Check("数据库备份", Part.SAFETY, checks_outside.backup),
    "storage": Check("文件存储", Part.MACHINE, checks_outside.storage),
    "antivirus": Check("病毒扫描", Part.MACHINE, checks_outside.antivirus_answers),
    "disk": Check("磁盘空间", Part.MACHINE, checks_outside.disk),
    "delivery": Check("后台任务", Part.MACHINE, checks_inside.delivery, "console.list_deliveries"),
}


def check_next(memory: dict[str, Any]) -> Piece:
    """Look at the next point. Twice is safe: looking changes nothing."""
    found: dict[str, Any] = dict(memory.get("findings", {}))
    waiting = [name for name in CHECKS if name not in found]
    if waiting:
        found[waiting[0]] = asdict(look(waiting[0])) | {"at": clock.now().isoformat()}
    return Piece({"findings": found}, len(found), len(CHECKS), len(found) == len(CHECKS))


def look(name: str) -> Finding:
    """What one check finds; one that breaks is a finding too."""
    try:
        return CHECKS[name].look()
    except Exception as fault:
        logger.exception("a check broke", extra={"fields": {"check": name}})
        return bad(f"检查时出错（{type(fault).__name__}）", "请查看系统日志后重试。")
    finally:
        end_reading()


@pages.get("/first-day")
@page(permission=Permission.ACCOUNT_MANAGE)
def show_first_day(actor: Actor) -> str:
    """The list with what the last check found."""
    task = long_tasks.task_view(CHECK, "console.show_first_day_progress")
    found = task["memory"].get("findings", {}) if task else {}
    return rendered(
        "console/first_day.html",
        actor,
        task=task,
        parts=[{"title": part.value, "lines": _lines(part, found)} for part in Part],
        counts=_counts(found),
        check_url=url_for("console.check_first_day"),
    )


def _lines(part: Part, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_line(check, found.get(name)) for name, check in CHECKS.items() if check.part is part]


def _line(check: Check, found: Mapping[str, Any] | None) -> dict[str, Any]:
    endpoint, _, kind = check.endpoint.partition(":")
    state = State(found["state"]) if found else None
    return {
        "title": check.title,
        "state_text": state.text if state else "未检查",
        "tone": _TONES[state] if state else "end",
        "told": found["told"] if found else "",
        "hint": found["hint"] if found else "",
        "at": clock.beijing(datetime.fromisoformat(found["at"])) if found else None,
        "href": (url_for(endpoint, kind=kind) if kind else url_for(endpoint)) if endpoint else None,
    }


_TONES: Final = {State.GOOD: "done", State.WARNING: "warn", State.BAD: "urgent", State.OFF: "end"}


def _counts(found: Mapping[str, Any]) -> dict[str, int]:
    """How many points are well, of how many."""
    states = [State(one["state"]) for one in found.values()]
    return {"good": states.count(State.GOOD), "bad": states.count(State.BAD), "whole": len(CHECKS)}


@pages.post("/first-day")
@page(permission=Permission.ACCOUNT_MANAGE, changes=False)  # queues a task that changes nothing
def check_first_day(actor: Actor) -> Response:
    """Look at every point anew, in the background."""
    long_tasks.begin(actor, CHECK)
    return done("已开始检查，完成后本页自动更新。", "console.show_first_day")


@pages.get("/first-day/progress")
@page(permission=Permission.ACCOUNT_MANAGE)
def show_first_day_progress(_actor: Actor) -> Response:
    """How far the checks are, for the page that waits for them."""
    return long_tasks.progress(CHECK, "console.show_first_day_progress")
