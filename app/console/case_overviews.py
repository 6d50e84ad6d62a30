"""Cases from above: board by stage, months, statistics with their sheet, yearly targets, templates of plans."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from flask import Response, request, url_for

from app.audit import service as audit
from app.cases import follow_up, office_settings, policy, queries, statistics, words, workbooks
from app.cases import views as case_views
from app.cases.overview_schemas import ListCasesQuery, OverviewQuery, PlanTemplateBody, YearTargetBody
from app.cases.states import Track
from app.cases.statistics import COLUMN_TEXTS
from app.console import queries as console_queries
from app.console.blueprint import pages
from app.console.cases import DOCX, XLSX, tabs
from app.console.downloads import attachment
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import case_list, case_settings
from app.console.views import case_overviews as views
from app.console.views.tip_list import paging
from app.foundation import clock
from app.foundation.database import transaction
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission

_A_PAGE: Final = 30
_CARDS: Final = 8


def _query(*names: str) -> dict[str, Any]:
    return {name: request.args[name] for name in names if request.args.get(name)}


@pages.get("/cases/board")
@page(permission=Permission.CASE_READ)
def show_case_board(actor: Actor) -> str:
    """The cases under way by the stages of one track."""
    asked = load(OverviewQuery(), _query("track", "division"))
    track = Track(asked["track"] or Track.JUDICIAL)
    return rendered("console/cases/board.html", actor, **_board(actor, track, asked["division"]))


def _board(actor: Actor, track: Track, division: str | None) -> dict[str, Any]:
    counts = statistics.by_stage(actor, queries.CaseFilter(division=division), track.value)
    base: dict[str, Any] = {"division": division} if division else {}
    return {
        "tabs": tabs(actor, "board"),
        "tracks": [
            {"label": words.TRACK_TEXTS[one], "href": url_for("console.show_case_board", track=one.value, **base),
             "active": one is track}
            for one in Track
        ],
        "track": track.value,
        "division": division,
        "divisions": case_list.district_choices(actor, console_queries.handling_units()),
        "columns": [
            {
                "label": label,
                "number": counts.get(stage, 0),
                "href": url_for("console.list_cases", **base | {track.value: stage}),
                "cards": _cards(actor, track, stage, division) if counts.get(stage) else [],
            }
            for stage, label in words.STAGE_TEXTS[track].items()
        ],
    }  # fmt: skip


def _cards(actor: Actor, track: Track, stage: str, division: str | None) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {track.value: stage}
    wanted = queries.CaseFilter(division=division, **asked)
    rows, _ = queries.case_page(actor, wanted, None, _CARDS, by_party=False)
    units = case_views.units_of(rows)
    return [case_list.case_line(actor, case, units) for case in rows[:_CARDS]]


@pages.get("/cases/months")
@page(permission=Permission.CASE_READ)
def show_case_months(actor: Actor) -> str:
    """Who has reported on which case for which month."""
    asked = load(OverviewQuery(), _query("month", "division", "missing", "cursor"))
    return rendered("console/cases/months.html", actor, **_months(actor, asked))


def _months(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    month = asked["month"] or follow_up.this_month()
    months = views.months_until(month)
    wanted = queries.CaseFilter(
        division=asked["division"], under_way=True, not_reported_in=month if asked["missing"] else None
    )
    rows, total = queries.case_page(actor, wanted, from_cursor(asked["cursor"]), _A_PAGE, by_party=False)
    shown = rows[:_A_PAGE]
    reported = queries.reported_months([case.id for case in shown], months[0], months[-1])
    units = case_views.units_of(shown)
    following = to_cursor(shown[-1].registered_at, shown[-1].id) if len(rows) > len(shown) else None
    address = _query("month", "division", "missing")
    return {
        "tabs": tabs(actor, "months"),
        "asked": asked | {"month": month},
        "divisions": case_list.district_choices(actor, console_queries.handling_units()),
        "months": months,
        "lines": [
            case_list.case_line(actor, case, units)
            | {
                "cells": views.month_cells(case, months, reported.get(case.id, {})),
                "report_url": _report_url(actor, case),
            }
            for case in shown
        ],
        "lacking": _lacking(actor, month),
        "page": paging("console.show_case_months", address, asked["cursor"], following, total),
    }


def _report_url(actor: Actor, case: Any) -> str | None:
    return url_for("console.ask_for_progress", case_id=case.id) if policy.can_report(actor, case) else None


def _lacking(actor: Actor, month: date) -> list[dict[str, Any]]:
    """Units with the number of cases that nobody has reported on for the month."""
    rows = statistics.progress_by_unit(actor, month)
    names = console_queries.unit_names([unit_id for unit_id, _ in rows])
    return sorted(({"unit": names.get(unit_id, ""), "number": number} for unit_id, number in rows), key=_most)


def _most(line: dict[str, Any]) -> int:
    return -int(line["number"])


@pages.get("/cases/statistics")
@page(permission=Permission.CASE_READ)
def show_case_statistics(actor: Actor) -> str:
    """The classification table and what stands beside it; each figure opens its list."""
    wanted, metric = _bounds()
    return rendered("console/cases/statistics.html", actor, **_statistics(actor, wanted, metric))


def _bounds() -> tuple[dict[str, Any], str]:
    query = load(ListCasesQuery(only=("since", "until", "division")), _query("since", "until", "division"))
    wanted = {name: value for name, value in query.items() if value is not None}
    metric = request.args.get("metric", "cases")
    return wanted, metric if metric in views.METRICS else "cases"


def _statistics(actor: Actor, wanted: dict[str, Any], metric: str) -> dict[str, Any]:
    found = statistics.statistics(actor, queries.CaseFilter(**wanted))
    units = console_queries.handling_units()
    address = case_list.in_address(wanted)
    return {
        "tabs": tabs(actor, "statistics"),
        "wanted": wanted,
        "quick": case_settings.periods(wanted),
        "divisions": case_list.district_choices(actor, units),
        "columns": COLUMN_TEXTS,
        "tables": [
            {"title": title, "rows": views.rows_of(lines, wanted), "restitution": restitution}
            for title, lines, restitution in views.tables_of(found, wanted, masked=policy.sees_masked(actor))
        ],
        "chart": views.chart_of(found),
        "map": views.choropleth(found, wanted, metric, units) if actor.city_wide else None,
        "metrics": [
            {
                "label": label,
                "href": url_for("console.show_case_statistics", **address, metric=name),
                "active": name == metric,
            }
            for name, label in views.METRICS.items()
        ],
        "export_url": url_for("console.export_case_statistics", **address),
        "word_url": url_for("console.export_case_statistics", **address, format="docx"),
        "clear_url": url_for("console.show_case_statistics"),
    }


@pages.get("/cases/statistics/export")
@page(permission=Permission.CASE_READ)
def export_case_statistics(actor: Actor) -> Response:
    """The classification table as a sheet for printing, or as a Word file to be signed."""
    wanted, _ = _bounds()
    found = statistics.statistics(actor, queries.CaseFilter(**wanted))
    lines = views.by_category(found, masked=policy.sees_masked(actor))
    title = case_settings.sheet_title(wanted)
    shown = [(label, depth, figures) for label, depth, _, figures in lines]
    as_word = request.args.get("format") == "docx"
    made = (workbooks.classification_word if as_word else workbooks.classification_book)(actor, title, shown)
    with transaction():
        audit.record(actor, "cases.export", "register", "statistics", filters=sorted(wanted))
    return attachment(made, DOCX if as_word else XLSX, f"{title}.{'docx' if as_word else 'xlsx'}")


@pages.get("/cases/targets")
@page(permission=Permission.CASE_READ)
def show_case_targets(actor: Actor) -> str:
    """How the legacy cases stand against the targets of each year."""
    return _targets_page(actor)


def _targets_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    return rendered(
        "console/cases/targets.html", actor, tabs=tabs(actor, "targets"), **case_settings.targets_view(actor, problem)
    )


@pages.post("/cases/targets")
@page(permission=Permission.SELF_USE, changes=True)
def set_case_target(actor: Actor) -> Response:
    """Set the share of a year; the newest row holds."""
    on_refusal_show(_targets_page, actor)
    body = load(YearTargetBody(), case_settings.typed_target())
    office_settings.set_year_target(actor, body["year"], body["percent"], body["basis"])
    return done("化解目标已设定。", "console.show_case_targets")


@pages.get("/cases/templates")
@page(permission=Permission.CASE_READ)
def list_plan_templates(actor: Actor) -> str:
    """What plans begin with, by kind of case."""
    return _templates_page(actor)


def _templates_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    return rendered(
        "console/cases/templates.html", actor, tabs=tabs(actor, "templates"), today=clock.today(),
        **case_settings.templates_view(actor, problem),
    )  # fmt: skip


@pages.post("/cases/templates")
@page(permission=Permission.SELF_USE, changes=True)
def set_plan_template(actor: Actor) -> Response:
    """Word the template of a kind of case from a day on."""
    on_refusal_show(_templates_page, actor)
    office_settings.set_template(actor, load(PlanTemplateBody(), case_settings.typed_template()))
    return done("方案模板已更新。", "console.list_plan_templates")
