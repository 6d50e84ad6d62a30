"""Rules as tables and forms: what holds today, what will hold, and who set it when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from flask import url_for

from app.console import queries
from app.console.views import chinese, rule_words
from app.console.views.actions import form_of
from app.console.views.fields import Field, FormState, options, select
from app.foundation import clock
from app.geo.divisions import divisions
from app.workflow import calendar, limits
from app.workflow.limits import Measure
from app.workflow.recount import Moved

_TITLES: Final = {
    "figures": "期限与优先级",
    "reasons": "不予受理理由",
    "calendar": "工作日历",
    **rule_words.TITLES,
}
_LEADS: Final = {
    "figures": "办理期限、优先级界限和开关。新的数值自生效日起适用，已经开始计算的期限不追溯改变。",
    "reasons": "不予受理时可以选择的理由。停用的理由不再出现在表单上，以往的记录不变。",
    "calendar": "放假和调休上班的日子。自治区的安排优先于全国的安排；导入后重新计算全部在办期限，并逐件留痕。",
}
_KINDS: Final = {"off": "放假", "work": "调休上班"}


def tabs(present: str) -> list[dict[str, Any]]:
    """The kinds of rules as tabs."""
    return [
        {"label": label, "href": url_for("console.show_rules", kind=kind), "active": kind == present}
        for kind, label in _TITLES.items()
    ]


def _figures(may_change: bool, state: FormState) -> dict[str, Any]:
    changes = limits.history()
    names = queries.account_names({row.changed_by for row in changes})
    rows = [
        {
            "cells": [figure.text, _amount(figure.measure, limits.value(name))],
            "notes": [
                f"自 {chinese.day(row.valid_from)} 起：{_amount(figure.measure, row.value)}"
                f"（{names.get(row.changed_by, '系统')}，"
                f"{chinese.day(clock.beijing(row.changed_at))} 登记）"
                for row in changes
                if row.name == name
            ],
        }
        for name, figure in limits.SEED.items()
    ]
    fields = [
        select("name", "规则", options({name: figure.text for name, figure in limits.SEED.items()})),
        {"name": "value", "label": "新的数值", "kind": "number", "required": True, "hint": "单位见左表；开关填 1 或 0"},
        _valid_from(),
    ]
    described = "登记后不能删除；需要改回的，再登记一次。修改记入审计日志。"
    form = form_of("set_limit", "调整一项规则", fields, described, state) | {"url": url_for("console.set_limit")}
    return _page("figures", ["规则", "现行数值"], rows, [form] if may_change else [])


def _amount(measure: Measure, value: int) -> str:
    if measure is Measure.SWITCH:
        return "开" if value else "关"
    if measure is Measure.YUAN and value >= 10_000:  # noqa: PLR2004  # that is what 万 means
        return f"{value / 10_000:,.0f} 万元"
    return f"{value:,} {measure}"


def _reasons(may_change: bool, state: FormState) -> dict[str, Any]:
    changes = [row for row in limits.reason_history() if row.kind == limits.REJECTION]
    names = queries.account_names({row.changed_by for row in changes})
    used = limits.reasons(limits.REJECTION)
    codes = {**used, **{row.code: row.text for row in changes if row.code not in used}}
    rows = [
        {
            "cells": [wording, code, "在用" if code in used else "未启用或者已停用"],
            "notes": [
                f"自 {chinese.day(row.valid_from)} 起{'：' + row.text if row.in_use else '停用'}"
                f"（{names.get(row.changed_by, '系统')}，{chinese.day(clock.beijing(row.changed_at))} 登记）"
                for row in changes
                if row.code == code
            ],
        }
        for code, wording in codes.items()
    ]
    form = form_of(
        "set_reason", "登记或者停用一项理由", _reason_fields(), "举报人会看到理由文字。修改记入审计日志。", state
    )
    form |= {"url": url_for("console.set_reason")}
    return _page("reasons", ["理由", "代码", "状态"], rows, [form] if may_change else [])


def _reason_fields() -> list[Field]:
    code: Field = {"name": "code", "label": "代码", "kind": "text", "required": True, "max_length": 50}
    return [
        code | {"hint": "修改已有理由的，填原代码"},
        {"name": "text", "label": "理由文字", "kind": "text", "required": True, "max_length": 100},
        select("in_use", "是否启用", options({"true": "启用", "false": "停用"}), value="true"),
        _valid_from(),
    ]


def _calendar(may_change: bool, state: FormState) -> dict[str, Any]:
    days = calendar.days_listed()
    years = sorted({day.day.year for day in days}, reverse=True)
    rows = [
        {
            "cells": [f"{year} 年", _count(days, year, "off"), _count(days, year, "work")],
            "notes": [
                f"{day.day.month}月{day.day.day}日 {_KINDS[day.kind]} {day.holiday}（{_region(day.region_code)}）"
                for day in days
                if day.day.year == year
            ],
        }
        for year in years
    ]
    hint = "CSV，UTF-8 编码，列名 date、kind（off 放假，work 调休上班）、holiday、region（CN 或者省级代码）、note"
    file: Field = {"name": "file", "label": "日历文件", "kind": "file", "required": True, "accept": ".csv"}
    form = form_of("import_calendar", "导入日历", [file | {"hint": hint}], "先显示影响，确认后才生效。", state)
    form |= {"url": url_for("console.preview_calendar")}
    return _page("calendar", ["年份", "放假", "调休上班"], rows, [form] if may_change else [])


def _count(days: Sequence[Any], year: int, kind: str) -> str:
    return f"{sum(day.day.year == year and day.kind == kind for day in days)} 天"


def _valid_from() -> Field:
    asked = {"name": "valid_from", "label": "生效日期", "kind": "date", "required": True}
    return asked | {"value": clock.today().isoformat(), "hint": "不能早于今天"}


def _page(kind: str, columns: list[str], rows: list[dict[str, Any]], forms: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": _TITLES[kind], "lead": _LEADS[kind], "columns": columns, "rows": rows, "forms": forms}


VIEWS: Final[Mapping[str, Callable[[bool, FormState], dict[str, Any]]]] = {
    "figures": _figures,
    "reasons": _reasons,
    "calendar": _calendar,
    "words": rule_words.words,
    "messages": rule_words.messages,
}


def calendar_effect(days: Sequence[Mapping[str, Any]], moved: Sequence[Moved]) -> dict[str, Any]:
    """An import before it is done: its days, and the limits that would move."""
    return {
        "days": [(day["day"], _KINDS[day["kind"]], day["holiday"], _region(day["region_code"])) for day in days],
        "moved": [(_day(one.before), one.after, one.count) for one in sorted(moved, key=lambda one: one.after)],
        "moved_number": sum(one.count for one in moved),
    }


def _region(code: str) -> str:
    return "全国" if code == calendar.NATION else divisions().name(code) or code


def _day(day: date | None) -> str:
    return chinese.day(day) if day else "未计算"
