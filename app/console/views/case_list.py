"""The register of cases as lines, filters, and columns of its sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from flask import url_for

from app.cases import money, queries, words
from app.cases.models import FundraisingCase
from app.cases.policy import sees_masked
from app.cases.states import CASE_STATUS_TEXTS, CaseStatus, Track
from app.cases.views import line
from app.console.views.fields import options
from app.foundation import clock
from app.foundation.permissions import Actor, Permission
from app.geo.divisions import divisions
from app.identity.models import Unit

STATUS_TONES: Final = {CaseStatus.OPEN: "run", CaseStatus.MONITORING: "wait", CaseStatus.CLOSED: "done"}
_STABILITY_TONES: Final = {"high": "urgent", "medium": "warn"}


def case_status(status: str) -> dict[str, str]:
    """A case's status as a badge."""
    return {"text": CASE_STATUS_TEXTS[CaseStatus(status)], "tone": STATUS_TONES[CaseStatus(status)]}


def case_line(actor: Actor, case: FundraisingCase, units: dict[int, Unit]) -> dict[str, Any]:
    """One line of the register."""
    shown = line(actor, case, units)
    late = bool(case.target_on and case.target_on < clock.today() and case.status != CaseStatus.CLOSED)
    return shown | {
        "href": url_for("console.show_case", case_id=case.id),
        "status": case_status(case.status),
        "division_name": divisions().name(case.division_code) or shown["unit"],
        "stages": stages_of(case),
        "category_text": words.CATEGORY_TEXTS.get(case.business_category or "", "未分类"),
        "marks": marks_of(case),
        "target_on": case.target_on,
        "late": late,
    }


def stages_of(case: FundraisingCase) -> list[tuple[str, str]]:
    """Track and stage, both in words."""
    return [
        (words.TRACK_TEXTS[track], words.stage_text(track, getattr(case, track)))
        for track in Track
        if getattr(case, track) != "none"
    ]


def marks_of(case: FundraisingCase) -> list[dict[str, str]]:
    """What makes a case stand out."""
    marks = []
    if case.level == "supervised":
        marks.append({"text": "督办", "tone": "urgent"})
    if case.stability_level in _STABILITY_TONES:
        level = words.STABILITY_TEXTS[case.stability_level]
        marks.append({"text": f"涉稳{level}", "tone": _STABILITY_TONES[case.stability_level]})
    if queries.counts_as_legacy(case):
        marks.append({"text": "陈案", "tone": "warn"})
    if case.cross_province:
        marks.append({"text": "跨省", "tone": "dispute"})
    return marks


def district_choices(actor: Actor, units: Iterable[Unit]) -> list[dict[str, str]]:
    """Districts to filter by; none for an account that sees one district only."""
    if not actor.city_wide:
        return []
    return [{"value": unit.division_code, "label": divisions().name(unit.division_code) or unit.name} for unit in units]


def selects(wanted: Mapping[str, Any], units: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The filters that are chosen from lists; the rarer ones stand behind “更多筛选”."""
    named: list[tuple[str, str, list[dict[str, str]], bool]] = [
        ("status", "全部状态", options(CASE_STATUS_TEXTS), False),
        ("division", "全部属地", units, False),
        ("category", "全部业务类别", options(words.CATEGORY_TEXTS), False),
        *(
            (track.value, f"{words.TRACK_TEXTS[track]}：全部", options(words.STAGE_TEXTS[track]), True)
            for track in Track
        ),
        ("industry", "全部行业", options(words.INDUSTRY_TEXTS), True),
        ("amount", "全部金额", options({code: band[0] for code, band in words.AMOUNT_BANDS.items()}), True),
        ("level", "全部级别", options(words.LEVEL_TEXTS), True),
        ("stability", "全部涉稳等级", options(words.STABILITY_TEXTS), True),
    ]
    return [
        {"name": name, "label": label, "options": choices, "value": wanted.get(name), "more": more}
        for name, label, choices, more in named
        if choices
    ]


CHECKS: Final = (
    ("overdue", "仅看逾期"),
    ("waiting", "仅看待确认、待审批"),
    ("legacy", "仅看陈案"),
    ("cross_province", "仅看跨省"),
)


def quick_filters(actor: Actor, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ready-made filters: what each person asks first."""
    month = clock.today().replace(day=1).isoformat()
    chips: list[tuple[str, dict[str, Any]]] = [("全部", {}), ("在办", {"status": "open"})]
    if actor.may(Permission.CASE_REVIEW) or actor.may(Permission.CASE_LEAD):
        chips.append(("待确认、待审批", {"waiting": "true"}))
    chips += [
        ("本月未填报", {"not_reported_in": month}),
        ("化解逾期", {"overdue": "true"}),
        ("善后跟踪", {"status": "monitoring"}),
        ("已结案", {"status": "closed"}),
    ]
    return [
        {
            "label": label,
            "href": url_for("console.list_cases", **asked),
            "number": None,
            "active": in_address(wanted) == asked,
        }
        for label, asked in chips
    ]


def in_address(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as they stand in an address."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in wanted.items()}


_YES_NO: Final = {True: "是", False: "否"}
_WORDED: Final[Mapping[str, Mapping[Any, str]]] = {
    "cross_province": _YES_NO,
    "legacy": _YES_NO,
    "method": words.METHOD_TEXTS,
    "business_category": words.CATEGORY_TEXTS,
    "found_through": words.FOUND_TEXTS,
    "level": words.LEVEL_TEXTS,
    "stability_level": words.STABILITY_TEXTS,
}
_SHEET: Final = tuple(name for name in words.FACT_TEXTS if name not in {"parties", "cooperating_places"})
SHEET_HEADINGS: Final = (
    *(words.FACT_TEXTS[name] + ("（万元）" if name.endswith("_yuan") else "") for name in _SHEET),
    "涉案单位（个人）",
    "配合地区",
    "属地责任单位",
    "状态",
    *words.TRACK_TEXTS.values(),
    "返还比例",
    "登记时间",
)


def sheet_rows(actor: Actor, cases: Iterable[FundraisingCase], units: Mapping[int, Unit]) -> Iterator[list[Any]]:
    """The register with all its columns (汇总统计表), masked for whoever reads it masked."""
    hidden = {"name", "registered_place", "occurrence_place", "responsible_person", "responsible_phone"}
    hidden = hidden | {"category_detail"} if sees_masked(actor) else set()
    for case in cases:
        ratio = money.ratio(case.returned_yuan, case.outstanding_yuan)
        yield [
            *("＊＊＊" if name in hidden else _told(case, name) for name in _SHEET),
            "＊＊＊" if hidden else "、".join(party["name"] for party in case.parties),
            "、".join(divisions().name(code) or code for code in case.cooperating_places),
            units[case.unit_id].name,
            CASE_STATUS_TEXTS[CaseStatus(case.status)],
            *(words.stage_text(track, getattr(case, track)) for track in Track),
            f"{ratio:.2%}" if ratio is not None else None,
            clock.beijing(case.registered_at).date(),
        ]


def _told(case: FundraisingCase, name: str) -> Any:
    return fact_text(name, getattr(case, name), plain=True)


def fact_text(name: str, value: Any, *, plain: bool = False) -> Any:
    """A fact in words; money stays a number where ``plain`` is asked for, as a sheet wants it."""
    if value is None or value == "":
        return None
    if name in _WORDED:
        return _WORDED[name].get(value, value)
    if name == "industry":
        return f"{words.INDUSTRY_TEXTS.get(value[:1], '')} {value}".strip()
    if name == "lead_place":
        return divisions().full_name(value) or value
    return f"{value / 10000:,.2f} 万元" if name.endswith("_yuan") and not plain else value
