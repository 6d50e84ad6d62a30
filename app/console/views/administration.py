"""What an administrator may keep, as a list of pages by role."""

from __future__ import annotations

from typing import Any, Final

from flask import url_for

from app.foundation.permissions import Actor, Permission

_P = Permission
_AREAS: Final[tuple[tuple[Permission, str, str, str, str], ...]] = (
    (_P.ACCOUNT_READ, "人员与岗位", "账号、岗位及其期限、停用和启用", "users-group", "console.list_accounts"),
    (_P.ACCOUNT_MANAGE, "启用检查", "新单位启用前逐项实际检查", "list-check", "console.show_first_day"),
    (_P.SELF_USE, "组织机构", "单位、上下级、电话，功能区由谁承办", "building-bank", "console.list_units"),
    (_P.ROLE_GRANT, "代行职责", "不在岗时由谁代行", "user-share", "console.list_delegations"),
    (_P.ROLE_GRANT, "登录地址", "各岗位可以从哪些网络登录", "world", "console.list_address_ranges"),
    (_P.ROLE_GRANT, "密钥", "密钥的用量、使用时间和轮换", "key", "console.show_keys"),
    (_P.ACCOUNT_MANAGE, "离任移交", "离任人员未办结事项的移交", "users", "console.ask_for_hand_over"),
    (_P.RULES_READ, "期限与优先级", "办理期限、优先级界限和开关", "adjustments", "console.show_rules:figures"),
    (_P.RULES_READ, "工作日历", "放假和调休上班的日子", "calendar", "console.show_rules:calendar"),
    (_P.RULES_READ, "举报选项", "行为类型、宣传方式、与对象的关系", "list-details", "console.show_rules:words"),
    (_P.RULES_READ, "消息文字", "站内消息和邮件的文字，分日期生效", "message", "console.show_rules:messages"),
    (_P.DELIVERY_READ, "消息发送", "发出的消息到了哪一步，失败的重发", "mail", "console.list_deliveries"),
)
"""Who keeps it, title, what it is for, icon, and the page (with its kind)."""


def areas(actor: Actor) -> list[dict[str, Any]]:
    """The pages of administration that this person may open."""
    return [
        {"title": title, "text": text, "href": _address(endpoint), "icon": icon}
        for permission, title, text, icon, endpoint in _AREAS
        if actor.may(permission)
    ]


def _address(named: str) -> str:
    endpoint, _, kind = named.partition(":")
    return url_for(endpoint, kind=kind) if kind else url_for(endpoint)
