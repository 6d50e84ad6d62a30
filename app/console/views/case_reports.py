"""Forms of what a district writes on its case: a version of the plan, and the entry of a month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import request, url_for

from app.cases import follow_up, office_settings
from app.cases.models import CasePlan, FundraisingCase
from app.console.forms import typed_fields
from app.console.views import chinese
from app.console.views.fields import Field, options
from app.foundation import clock
from app.foundation.errors import InvalidInput

_COLUMNS: Final = ("text", "owner", "unit", "due_on", "done_on")
_MEASURE_TEXTS: Final = {
    "text": "措施",
    "owner": "责任人",
    "unit": "责任单位",
    "due_on": "完成时限",
    "done_on": "完成日期",
}
_LONGEST: Final = 2000
_WAN: Final = 10000
_MONTHS: Final = 6
_AMOUNTS: Final = {"recovered_yuan": "资产追缴", "returned_yuan": "善后清退"}
_ENTRY: Final = (
    ("situation", "案情", True, "本月案件办理的基本情况"),
    ("people", "涉案人员", False, "到案、羁押、取保、在逃等情况，不写集资参与人姓名"),
    ("proceedings", "起诉和审判工作进展", False, ""),
    ("petitions", "涉访维稳", False, "上访、聚集等情况和稳控措施"),
    ("problems", "当前存在的主要问题", False, ""),
    ("movement", "与前期处置工作有何明显进展", True, "没有进展的，说明原因和下步打算"),
)


def plan_form(case: FundraisingCase, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """The form of a new version: what is in force is carried over, a first version begins with the template."""
    current = follow_up.plan_in_force(case.id)
    errors = (problem or {}).get("errors", {})
    typed = request.method == "POST"
    goal, measures = (request.form.get("goal", ""), typed_measures()) if typed else _beginning(case, current)
    blank = 3 if "more" in request.form or not measures else 1
    return {
        "case": case,
        "title": "编制处置方案（一案一策）",
        "carried": current.number if current and not typed else None,
        "fields": [
            _area("goal", "处置目标", goal, errors, rows=4),
            _area("reason", "编制或者调整理由", request.form.get("reason", "") if typed else "", errors, rows=3),
        ],
        "measures": [*measures, *({} for _ in range(blank))],
        "measure_error": _measure_errors(errors),
        "today": clock.today(),
        **_around(case, problem, {"goal": "处置目标", "reason": "理由", "measures": "处置措施"}),
    }


def _beginning(case: FundraisingCase, current: CasePlan | None) -> tuple[str, list[dict[str, Any]]]:
    if current is not None:
        return current.goal, [dict(one) for one in current.measures]
    template = office_settings.template_for(case.business_category)
    return template["goal"], list(office_settings.measures_from(template, clock.today()))


def typed_measures() -> list[dict[str, Any]]:
    """The rows of measures that hold anything; an empty day stays out."""
    columns = [request.form.getlist(f"measure_{name}") for name in _COLUMNS]
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in zip(*columns, strict=False)]
    kept = [{name: value.strip() for name, value in row.items()} for row in rows]
    return [row | {"done_on": row["done_on"] or None} for row in kept if any(row.values())]


def _measure_errors(errors: Mapping[str, list[str]]) -> str:
    """Messages of rows in words: ``measures.2.owner`` is the owner of the third."""
    told = []
    for path, texts in errors.items():
        parts = path.split(".")
        if parts[0] != "measures":
            continue
        where = f"第 {int(parts[1]) + 1} 项" if len(parts) > 1 and parts[1].isdecimal() else ""
        what = _MEASURE_TEXTS.get(parts[-1], "") if len(parts) > 2 else ""  # noqa: PLR2004  # path, row, column
        told.append(f"{where}{what}：{'；'.join(texts)}" if where else "；".join(texts))
    return "；".join(told)


def progress_form(case: FundraisingCase, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """The form of a month's entry (案情最新情况)."""
    errors = (problem or {}).get("errors", {})
    typed = request.form if request.method == "POST" else request.args
    month = typed.get("month") or follow_up.this_month().isoformat()
    fields: list[Field] = [_month_field(month, errors)]
    fields += [
        _area(name, label, typed.get(name, ""), errors, required=required, hint=hint)
        for name, label, required, hint in _ENTRY
    ]
    fields[4:4] = [_money(name, label, typed, errors) for name, label in _AMOUNTS.items()]
    labels = {name: label for name, label, _, _ in _ENTRY} | {"month": "月份"} | _AMOUNTS
    return {"case": case, "title": "填报月度进展", "fields": fields, **_around(case, problem, labels)}


def _month_field(month: str, errors: Mapping[str, list[str]]) -> Field:
    choices = options({day.isoformat(): chinese.month(day) for day in _months()})
    asked = {"name": "month", "label": "填报月份", "kind": "select", "required": True, "options": choices}
    hint = "每月至少填报一次；补报以往月份会如实显示填报时间"
    return asked | {"value": month, "error": "；".join(errors.get("month", [])), "hint": hint}


def _months() -> list[date]:
    """This month and those before it, newest first."""
    months = [follow_up.this_month()]
    while len(months) < _MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months


def typed_entry() -> dict[str, Any]:
    """What the form of an entry says, amounts as yuan; raise ``InvalidInput``."""
    typed: dict[str, Any] = typed_fields("month", *_AMOUNTS, *(name for name, *_ in _ENTRY))
    for name in _AMOUNTS:
        if name in typed:
            typed[name] = _yuan(name, typed[name])
    return typed


def _yuan(name: str, wan: str) -> str:
    try:
        return f"{Decimal(wan.strip().replace(',', '')) * _WAN:f}"
    except InvalidOperation as fault:
        raise InvalidInput("请检查标出的字段", errors={name: ["应为以万元为单位的数字"]}) from fault


def _area(
    name: str, label: str, value: str, errors: Mapping[str, list[str]], *, required: bool = True, hint: str = "",
    rows: int = 3,
) -> Field:  # fmt: skip
    asked = {"name": name, "label": label, "kind": "textarea", "required": required, "max_length": _LONGEST}
    return asked | {"value": value, "hint": hint, "rows": rows, "error": "；".join(errors.get(name, []))}


def _money(name: str, label: str, typed: Mapping[str, str], errors: Mapping[str, list[str]]) -> Field:
    asked = {
        "name": name,
        "label": f"{label}（万元，本月数）",
        "kind": "text",
        "required": False,
        "inputmode": "decimal",
    }
    return asked | {"value": typed.get(name, ""), "error": "；".join(errors.get(name, []))}


def _around(case: FundraisingCase, problem: Mapping[str, Any] | None, labels: Mapping[str, str]) -> dict[str, Any]:
    here = url_for("console.show_case", case_id=case.id)
    told = None
    if problem:
        faults = [
            {"label": labels.get(name.split(".")[0], "表单"), "text": "；".join(texts)}
            for name, texts in problem.get("errors", {}).items()
        ]
        told = {"title": problem["title"], "text": problem.get("detail"), "fields": faults}
    crumbs = [{"label": "存量案件", "href": url_for("console.list_cases")}, {"label": case.case_no, "href": here}]
    return {"crumbs": crumbs, "back_url": here, "action_url": request.path, "problem": told}
