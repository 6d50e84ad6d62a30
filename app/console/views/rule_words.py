"""Words that the office sets: what reporters choose from, and what messages say. As tables, forms and a preview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask import url_for

from app.console import queries
from app.console.views import chinese
from app.console.views.actions import form_of
from app.console.views.fields import Field, FormState, options, select
from app.foundation import clock
from app.notifications import wording
from app.notifications.channels import CLOSING
from app.notifications.states import Kind
from app.notifications.steps import REGISTER, Circle
from app.tips import dictionaries
from app.workflow import limits
from app.workflow.limits import Entry
from app.workflow.states import ACTION_TEXTS, REASSIGNMENT_ACTION_TEXTS

DICTIONARIES: Final = (dictionaries.CONDUCT, dictionaries.PUBLICITY, dictionaries.RELATION)
MESSAGES: Final = (wording.NOTICE, wording.SUBJECT, wording.MAIL)
_SAMPLE_NUMBER: Final = "6501000000000000"
_CIRCLES: Final[Mapping[str, str]] = {
    Circle.LEADERS: "市级负责人",
    Circle.REVIEWERS: "市级审核人",
    Circle.ADJUSTERS: "市级调整人",
    Circle.HANDLERS: "承办单位",
    Circle.FROM_UNIT: "调出单位",
    Circle.TO_UNIT: "调入单位",
    Circle.APPLICANT: "申请人",
}
_CONVERSATION: Final = {
    "message": "举报人留言",
    "supplement": "举报人补充材料",
    "withdrawal": "举报人撤回",
    "recheck": "满意度复核",
    "recovery": "找回查询码",
    "answer": "给举报人留言",
}
_ALERTS: Final = {
    "urgent": "紧急线索",
    "many_moves": "多次调整属地",
    "yellow": "黄色提醒",
    "orange": "橙色提醒",
    "red": "红色提醒",
}


def words(may_change: bool, state: FormState) -> dict[str, Any]:
    """What reporters and officers choose from."""
    rows = _rows(DICTIONARIES, lambda kind, code, entry: [
        entry.text, limits.REASONS[kind].title, code, str(entry.position), "在用" if entry.in_use else "已停用",
    ])  # fmt: skip
    entry = select("entry", "选项", _choices(DICTIONARIES))
    position: Field = {"name": "position", "label": "顺序", "kind": "number", "hint": "不填的不变；数小的在前"}
    used = select("in_use", "是否启用", options({"true": "启用", "false": "停用"}), value="true")
    described = "代码由法规和接口固定，不能增减。停用的不再出现在表单上，以往的记录照常显示。"
    form = form_of("set_word", "修改一个选项", [entry, _text(100), position, used, _valid_from()], described, state)
    form |= {"url": url_for("console.set_word")}
    return _page("words", ["文字", "类别", "代码", "顺序", "状态"], rows, [form] if may_change else [])


def messages(may_change: bool, state: FormState) -> dict[str, Any]:
    """What messages say, each as it reads."""
    rows = _rows(MESSAGES, lambda kind, code, entry: [
        as_read(kind, entry.text), limits.REASONS[kind].title, event_text(kind, code),
    ])  # fmt: skip
    entry = select("entry", "消息", _choices(MESSAGES))
    text = _text(200) | {"hint": f"站内消息可用 {wording.NUMBER}，不用时编号附在末尾；邮件不能使用占位符、号码、网址"}
    form = form_of("set_message", "修改一条消息", [entry, text, _valid_from()], "先预览，确认后才生效。", state)
    form |= {"url": url_for("console.preview_message")}
    return _page("messages", ["消息（预览）", "渠道", "事项和对象"], rows, [form] if may_change else [])


def as_read(kind: str, text: str) -> str:
    """A message as its reader sees it."""
    if kind == wording.NOTICE:
        return wording.with_number(text, _SAMPLE_NUMBER)
    return text + CLOSING.strip() if kind == wording.MAIL else text


def event_text(kind: str, code: str) -> str:
    """What a message is about and who reads it."""
    if kind != wording.NOTICE:
        return Kind(code).text
    family, event, circle = code.split(".")
    texts: Mapping[str, Mapping[Any, str]] = {
        "handling": {REGISTER: "登记", **ACTION_TEXTS},
        "reassignment": REASSIGNMENT_ACTION_TEXTS,
        "alert": _ALERTS,
        "conversation": _CONVERSATION,
    }
    return f"{texts[family].get(event, event)} → {_CIRCLES[circle]}"


def _choices(kinds: Iterable[str]) -> list[dict[str, str]]:
    return [
        {
            "value": f"{kind}/{code}",
            "label": f"{limits.REASONS[kind].title}：{event_text(kind, code) if kind in MESSAGES else entry.text}",
        }
        for kind in kinds
        for code, entry in limits.entries(kind).items()
    ]


def _rows(kinds: Iterable[str], cells: Any) -> list[dict[str, Any]]:
    changes = limits.reason_history()
    names = queries.account_names({row.changed_by for row in changes})
    return [
        {
            "cells": cells(kind, code, entry),
            "notes": [
                f"自 {row.valid_from} 起{'：' + row.text if row.in_use else '停用'}"
                f"（{names.get(row.changed_by, '系统')}，{chinese.day(clock.beijing(row.changed_at))} 登记；"
                f"原来：{limits.REASONS[kind].seed[code]}）"
                for row in changes
                if (row.kind, row.code) == (kind, code)
            ],
        }
        for kind in kinds
        for code, entry in limits.entries(kind).items()
    ]


def _text(longest: int) -> Field:
    return {"name": "text", "label": "文字", "kind": "text", "required": True, "max_length": longest}


def _valid_from() -> Field:
    asked: Field = {"name": "valid_from", "label": "生效日期", "kind": "date", "required": True}
    return asked | {"value": clock.today().isoformat(), "hint": "不能早于今天"}


TITLES: Final = {"words": "举报选项", "messages": "消息文字"}
_LEADS: Final = {
    "words": "举报表单上的行为类型、宣传方式、与对象的关系。修改自生效日起适用，以往的举报按原代码显示新的文字。",
    "messages": "站内消息和邮件的文字。发往外部的消息只说有新进展，不说内容；微信、短信的文字在运营商处报批。",
}


def _page(kind: str, columns: list[str], rows: list[dict[str, Any]], forms: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": TITLES[kind], "lead": _LEADS[kind], "columns": columns, "rows": rows, "forms": forms}


def change_preview(kind: str, code: str, text: str, present: Entry) -> dict[str, Any]:
    """A message before it is changed: as it reads now, and as it would."""
    return {
        "about": f"{limits.REASONS[kind].title}：{event_text(kind, code)}",
        "before": as_read(kind, present.text),
        "after": as_read(kind, text),
    }
