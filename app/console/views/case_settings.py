"""Yearly targets, templates of plans and periods as pages show them and forms send them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from flask import url_for

from app.cases import office_settings, statistics
from app.cases.queries import last_day
from app.console.forms import typed_fields
from app.console.views import chinese
from app.console.views.case_actions import day, with_typed, words_of
from app.console.views.case_list import in_address
from app.console.views.fields import options, select, text
from app.foundation import clock
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor

_SEPARATORS: Final = ("｜", "|", "\t")
_PARTS: Final = 3
_LONGEST: Final = 5000
_TITLE: Final = "涉嫌非法集资新发案件分类情况统计表"


def periods(wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ready-made periods of the statistics."""
    first = clock.today().replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    named: list[tuple[str, dict[str, date]]] = [
        ("全部", {}),
        ("本月", {"since": first, "until": last_day(first)}),
        ("上月", {"since": before, "until": last_day(before)}),
        ("本年", {"since": first.replace(month=1), "until": last_day(first)}),
        ("上年", {"since": date(first.year - 1, 1, 1), "until": date(first.year - 1, 12, 31)}),
    ]
    kept = {name: value for name, value in wanted.items() if name == "division"}
    return [
        {
            "label": label,
            "href": url_for("console.show_case_statistics", **in_address(kept | days)),
            "active": {name: value for name, value in wanted.items() if name != "division"} == days,
        }
        for label, days in named
    ]


def sheet_title(wanted: Mapping[str, Any]) -> str:
    """The title of the monthly form with its period."""
    since, until = wanted.get("since"), wanted.get("until")
    if since and until and until == last_day(since.replace(day=1)) and since.day == 1:
        return f"{since.year}年{since.month}月{_TITLE}"
    if since or until:
        told = "至".join(chinese.day(one) if one else "" for one in (since, until))
        return f"{told}{_TITLE}"
    return _TITLE


def targets_view(actor: Actor, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """Legacy cases by the year of their target date, beside the city's own target."""
    targets = office_settings.year_targets()
    standing = {one.year: one for one in statistics.legacy_by_year(actor)}
    years = sorted({*targets, *standing}, reverse=True)
    form = {
        "name": "set_target",
        "label": "设定年度目标",
        "needs": [
            words_of("year", "年度", 4),
            words_of("percent", "化解比例（%）", 3, hint="当年到期陈案中应当结案的比例"),
            words_of("basis", "依据", 200, hint="如会议纪要、工作方案的名称和文号"),
        ],
        "tone": "plain",
    }
    return {
        "lines": [_target_line(year, standing.get(year), targets.get(year)) for year in years],
        "form": with_typed(form, problem) if office_settings.may_set(actor) else None,
        "action_url": url_for("console.set_case_target"),
        "problem": _told(problem, form),
    }


def _target_line(year: int, standing: Any, target: Any) -> dict[str, Any]:
    cases, resolved = (standing.cases, standing.resolved) if standing else (0, 0)
    reached = resolved * 100 / cases if cases else None
    asked: dict[str, Any] = {"legacy": "true", "target_year": str(year)}
    return {
        "year": year,
        "cases": cases,
        "resolved": resolved,
        "overdue": standing.overdue if standing else 0,
        "reached": reached,
        "target": target.percent if target else None,
        "basis": target.basis if target else None,
        "met": None if target is None or reached is None else reached >= target.percent,
        "hrefs": {
            "cases": url_for("console.list_cases", **asked),
            "resolved": url_for("console.list_cases", **asked, status="closed"),
            "overdue": url_for("console.list_cases", **asked, overdue="true"),
        },
    }


def typed_target() -> dict[str, Any]:
    """What the form of a target says; numbers as numbers."""
    typed: dict[str, Any] = typed_fields("year", "percent", "basis")
    for name in ("year", "percent"):
        value = typed.get(name, "").strip()
        if name in typed and value.isascii() and value.isdecimal():
            typed[name] = int(value)
    return typed


def templates_view(actor: Actor, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """The template of each kind of case that holds today, and the form that words another."""
    held = office_settings.templates()
    form = {
        "name": "set_template",
        "label": "设定模板",
        "needs": [
            select("category", "案件类型", options(office_settings.CATEGORIES)),
            day("valid_from", "生效日期", value=clock.today().isoformat()),
            text("goal", "处置目标", 2000, rows=3),
            text("measures", "措施", _LONGEST, hint="每行一项：措施｜责任单位｜完成天数", rows=8),
            select("in_use", "状态", options({"true": "启用", "false": "停用（恢复通用模板）"}), value="true"),
        ],
        "tone": "plain",
    }
    return {
        "lines": [_template_line(code, text_, held.get(code)) for code, text_ in office_settings.CATEGORIES.items()],
        "form": with_typed(form, problem) if office_settings.may_set(actor) else None,
        "action_url": url_for("console.set_plan_template"),
        "problem": _told(problem, form),
    }


def _template_line(code: str, label: str, row: Any) -> dict[str, Any]:
    used = row is not None and row.in_use
    shown = {"goal": row.goal, "measures": row.measures} if used else office_settings.template_for(code)
    since = f"{chinese.day(row.valid_from)} 起" if used else "沿用通用模板"
    if not used and code == office_settings.ANY:
        since = "系统预置"
    return {"label": label, "since": since, "shown": used or code == office_settings.ANY, **shown}


def typed_template() -> dict[str, Any]:
    """What the form of a template says; each line of measures holds three parts."""
    typed: dict[str, Any] = typed_fields("category", "valid_from", "goal", "measures", "in_use")
    lines = [line for line in typed.get("measures", "").split("\n") if line.strip()]
    return typed | {
        "measures": [_measure(number, line) for number, line in enumerate(lines, start=1)],
        "in_use": {"true": True, "false": False}.get(typed.get("in_use", "")),
    }


def _measure(number: int, line: str) -> dict[str, Any]:
    used = next((mark for mark in _SEPARATORS if mark in line), _SEPARATORS[0])
    parts = [part.strip() for part in line.split(used)]
    if len(parts) != _PARTS or not (parts[2].isascii() and parts[2].isdecimal()):
        raise InvalidInput("请检查标出的字段", errors={"measures": [f"第 {number} 行应为“措施｜责任单位｜完成天数”"]})
    return {"text": parts[0], "unit": parts[1], "days": int(parts[2])}


def _told(problem: Mapping[str, Any] | None, form: Mapping[str, Any]) -> dict[str, Any] | None:
    if problem is None:
        return None
    labels = {one["name"]: one["label"] for one in form["needs"]}
    faults = [
        {"label": labels.get(name.split(".")[0], "表单"), "text": "；".join(texts)}
        for name, texts in problem.get("errors", {}).items()
    ]
    return {"title": problem["title"], "text": problem.get("detail"), "fields": faults, "kept_text": ""}
