"""What was changed, from what to what, by whom: audit rows of one thing as lines of its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.audit.models import AuditEvent
from app.console.views.audit_words import deed_text
from app.foundation import clock
from app.foundation.permissions import Role
from app.geo.divisions import divisions
from app.identity.units import KIND_TEXTS

_LABELS: Final = {
    "username": "用户名",
    "display_name": "姓名",
    "division": "单位",
    "active": "状态",
    "role": "岗位",
    "role_from": "岗位开始日期",
    "role_until": "岗位结束日期",
    "wording": "文字",
    "in_use": "是否启用",
    "position": "顺序",
    "valid_from": "生效日期",
    "unit_name": "单位名称",
    "kind": "单位类别",
    "division_code": "区划",
    "parent": "上级单位",
    "office_phone": "办公电话",
    "office_email": "办公邮箱",
}


def _role(value: Any) -> str:
    return Role(value).text if value in set(Role) else "未授予"


def _place(value: Any) -> str:
    return divisions().full_name(str(value)) or str(value)


_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "active": lambda value: "在用" if value else "停用",
    "in_use": lambda value: "在用" if value else "停用",
    "role": _role,
    "division": _place,
    "division_code": _place,
    "kind": lambda value: KIND_TEXTS.get(value, str(value)),
}


def change_lines(events: Sequence[AuditEvent]) -> list[dict[str, Any]]:
    """One line a change: ``{at, who, deed, changes [{label, before, after}], reason}``, newest first."""
    return [
        {
            "at": clock.beijing(event.at),
            "who": event.actor_name or "系统",
            "deed": deed_text(event.action),
            "changes": changes_in(event),
            "reason": str(event.details.get("reason", "")),
        }
        for event in events
    ]


def changes_in(event: AuditEvent) -> list[dict[str, str]]:
    """The fields that a deed changed, in words; none for what changed no fields."""
    return differences(_fields(event, "before"), _fields(event, "after"))


def _fields(event: AuditEvent, side: str) -> Mapping[str, Any]:
    told = event.details.get(side)
    return told if isinstance(told, Mapping) else {}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """The fields that differ, in words."""
    names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
    return [
        {"label": _LABELS.get(name, name), "before": _worded(name, before), "after": _worded(name, after)}
        for name in names
    ]


def _worded(name: str, told: Mapping[str, Any]) -> str:
    value = told.get(name)
    if value is None or value == "":
        return "（无）"
    return _WORDS.get(name, str)(value)
