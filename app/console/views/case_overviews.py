"""Cases from above: the board by stage, the months, the tables of figures with the list behind each, the map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from flask import url_for

from app.cases import money, statistics, words
from app.cases.models import FundraisingCase
from app.cases.queries import last_day
from app.cases.states import CASE_STATUS_TEXTS, CaseStatus, Track
from app.cases.statistics import COLUMN_TEXTS, Figures, Statistics
from app.console.views import chinese
from app.console.views import choropleth as choropleths
from app.console.views.case_list import in_address
from app.foundation import clock
from app.geo.divisions import divisions
from app.geo.outlines import MAP_NUMBER, on_paper, outlines
from app.identity.models import Unit

MONTHS_SHOWN: Final = 6
_MAP_WIDTH: Final = 420
_LETTER: Final = 13
"""A letter on the map is so wide and high."""
_BEHIND: Final[Mapping[str, Mapping[str, str]]] = {
    "cases": {},
    "involved_yuan": {},
    "participants": {},
    "cross_province": {"cross_province": "true"},
    "filed": {"reached": "filed"},
    "tried": {"reached": "tried"},
    "closed": {"status": "closed"},
}
"""Which cases stand behind the figure of a column."""
METRICS: Final = {"cases": "案件数", "outstanding_yuan": "未兑付金额", "participants": "参与集资人数"}

Lines = list[tuple[str, int, dict[str, str], Figures]]
"""Wording, how deep it is indented, what the list behind asks for, figures."""


# Months ---------------------------------------------------------------------------------------------------------------


def months_until(month: date) -> list[date]:
    """The months that the page shows, oldest first."""
    months = [month]
    while len(months) < MONTHS_SHOWN:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    return months


def month_cells(case: FundraisingCase, months: Sequence[date], reported: Mapping[date, int]) -> list[dict[str, str]]:
    """For each month whether the case was reported on: done, missed, due, or not owed yet."""
    known = clock.beijing(case.registered_at).date()
    return [_month_cell(case, month, known, reported.get(month, 0)) for month in months]


def _month_cell(case: FundraisingCase, month: date, known: date, times: int) -> dict[str, str]:
    if times:
        return {"tone": "done", "text": "已填报" if times == 1 else f"已填报 {times} 次"}
    if last_day(month) < known or case.status == CaseStatus.CLOSED:
        return {"tone": "", "text": "—"}
    if last_day(month) >= clock.today():
        return {"tone": "wait", "text": "待填报"}
    return {"tone": "urgent", "text": "逾期"}


# Figures --------------------------------------------------------------------------------------------------------------


def figure_row(label: str, depth: int, asked: Mapping[str, Any], figures: Figures) -> dict[str, Any]:
    """One line of the form; each figure opens the list behind it."""
    return {
        "label": label,
        "depth": depth,
        "cells": [
            {
                "value": getattr(figures, name),
                "money": isinstance(getattr(figures, name), Decimal),
                "href": url_for("console.list_cases", **{**asked, **_BEHIND[name]}),
            }
            for name in COLUMN_TEXTS
        ],
        "outstanding": figures.outstanding_yuan,
        "returned": figures.returned_yuan,
        "ratio": money.ratio(figures.returned_yuan, figures.outstanding_yuan),
    }


def rows_of(lines: Lines, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lines as rows of a table, within what the page asks for."""
    base = in_address(wanted)
    return [figure_row(label, depth, base | asked, figures) for label, depth, asked, figures in lines]


def tables_of(found: Statistics, wanted: Mapping[str, Any], *, masked: bool) -> list[tuple[str, Lines, bool]]:
    """Every table of the page: title, lines, and whether it tells of restitution too."""
    return [
        ("分类情况（业务类别）", by_category(found, masked=masked), False),
        ("分月情况（发案时间）", by_month(found, wanted), False),
        ("分区县情况", by_district(found), True),
        ("分行业情况", by_industry(found), False),
        ("分阶段情况", by_stage(found), False),
        ("案龄情况", by_age(found, wanted), False),
    ]


def by_category(found: Statistics, *, masked: bool) -> Lines:
    """业务类别 with their details beneath; details stay out where names are masked."""
    lines: Lines = []
    table = found.table("category")
    for code, text in (*words.CATEGORY_TEXTS.items(), (None, "未分类")):
        children = {detail: figures for (category, detail), figures in table.items() if category == code}
        if code is None and not children:
            continue
        asked = {"category": code or "none"}
        lines.append((text, 0, asked, statistics.added(children.values())))
        named = sorted((detail, figures) for detail, figures in children.items() if detail) if not masked else []
        lines += [(detail, 1, asked | {"detail": detail}, figures) for detail, figures in named]
    return [*lines, ("合计", 0, {}, found.whole)]


def by_month(found: Statistics, wanted: Mapping[str, Any]) -> Lines:
    """Month by month, the newest first; the bounds of the page stay the bounds of the lists."""
    return [
        (chinese.month(month), 0, _days(wanted, month, last_day(month)), figures)
        for month, figures in sorted(found.table("month").items(), reverse=True)
    ]


def _days(wanted: Mapping[str, Any], since: date | None, until: date | None) -> dict[str, str]:
    """Days within those of the page."""
    lower = max(filter(None, [since, wanted.get("since")]), default=None)
    upper = min(filter(None, [until, wanted.get("until")]), default=None)
    return {name: day.isoformat() for name, day in (("since", lower), ("until", upper)) if day}


def by_district(found: Statistics) -> Lines:
    """District by district, the most cases first."""
    lines = sorted(found.table("district").items(), key=lambda pair: -pair[1].cases)
    return [(divisions().name(code) or code, 0, {"division": code}, figures) for code, figures in lines]


def by_industry(found: Statistics) -> Lines:
    """Sections of GB/T 4754, the most cases first."""
    lines = sorted(found.table("industry").items(), key=lambda pair: -pair[1].cases)
    return [
        (words.INDUSTRY_TEXTS.get(letter or "", "未填写"), 0, {"industry": letter or "none"}, figures)
        for letter, figures in lines
    ]


def by_stage(found: Statistics) -> Lines:
    """The case as a whole, then each track with its stages."""
    status = found.table("status")
    lines: Lines = [("办理状态", 0, {}, found.whole)]
    lines += [
        (text, 1, {"status": code.value}, status[code]) for code, text in CASE_STATUS_TEXTS.items() if code in status
    ]
    for track in Track:
        table = found.table(track.value)
        lines.append((words.TRACK_TEXTS[track], 0, {}, found.whole))
        stages = words.STAGE_TEXTS[track].items()
        lines += [(text, 1, {track.value: stage}, table[stage]) for stage, text in stages if stage in table]
    return lines


def by_age(found: Statistics, wanted: Mapping[str, Any]) -> Lines:
    """How long ago the cases began."""
    today, table = clock.today(), found.table("age")
    lines: Lines = []
    for name, (text, least, below) in statistics.AGES.items():
        since = statistics.since(today, below) + timedelta(days=1) if below else None
        until = statistics.since(today, least) if least else None
        lines.append((text, 0, _days(wanted, since, until), table.get(name, Figures())))
    return lines


def chart_of(found: Statistics) -> dict[str, Any]:
    """Cases and amount by month for the chart (对比), oldest first."""
    lines = sorted(found.table("month").items())[-24:]
    return {
        "months": [chinese.month(month) for month, _ in lines],
        "cases": [figures.cases for _, figures in lines],
        "closed": [figures.closed for _, figures in lines],
        "involved": [round(float(figures.involved_yuan / 10000), 2) for _, figures in lines],
    }


# The map --------------------------------------------------------------------------------------------------------------


def choropleth(found: Statistics, wanted: Mapping[str, Any], metric: str, units: Iterable[Unit]) -> dict[str, Any]:
    """The city's districts coloured by a figure; each opens its list. The map's number stands beside it."""
    codes = tuple(sorted(unit.division_code for unit in units))
    height, drawn = on_paper(outlines(codes), _MAP_WIDTH)
    table = found.table("district")
    most = max((getattr(table.get(code, Figures()), metric) for code in drawn), default=0)
    base = in_address(wanted)
    return {
        "width": _MAP_WIDTH,
        "height": height,
        "number": MAP_NUMBER,
        "title": f"各区县{METRICS[metric]}",
        "legend": choropleths.legend(most, whole=metric == "cases"),
        "names": choropleths.names(
            [(divisions().name(code) or code, place) for code, (_, place) in drawn.items()], _LETTER
        ),
        "places": [
            {
                "name": divisions().name(code),
                "path": path,
                "band": choropleths.band(getattr(table.get(code, Figures()), metric), most),
                "value": choropleths.shown(getattr(table.get(code, Figures()), metric)),
                "href": url_for("console.list_cases", **{**base, "division": code}),
            }
            for code, (path, _) in drawn.items()
        ],
    }
