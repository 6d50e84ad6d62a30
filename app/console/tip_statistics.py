"""The figures of tips: what came, how long it took, how sure the program was, who was content; and as a workbook."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from marshmallow import Schema, ValidationError, fields, validates_schema

from app.console import queries
from app.console.blueprint import pages
from app.console.downloads import attachment
from app.console.shell import rendered
from app.console.views import chinese
from app.console.views import tip_statistics as views
from app.console.views.case_list import district_choices
from app.foundation import clock
from app.foundation.database import transaction
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.tips import exports
from app.tips.office_schemas import SENSIBLE_DAY, ListTipsQuery
from app.tips.statistics import counted_at
from app.tips.statistics_sheets import Sheet, statistics_book


class StatisticsQuery(Schema):
    """Days of registration, both included, and perhaps one district."""

    since = fields.Date(load_default=None, validate=SENSIBLE_DAY)
    until = fields.Date(load_default=None, validate=SENSIBLE_DAY)
    division = ListTipsQuery().fields["division"]

    @validates_schema
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        until = data["until"] or clock.today()
        if data["since"] and data["since"] > until:
            raise ValidationError("起始日期不能晚于截止日期", "since")


def _asked(actor: Actor) -> views.Board:
    query = load(StatisticsQuery(), {name: value for name, value in request.args.items() if value})
    return views.board(actor, query["since"], query["until"], query["division"] if actor.city_wide else None)


@pages.get("/statistics")
@page(permission=Permission.TIP_READ)
def show_tip_statistics(actor: Actor) -> str:
    """The board of figures; each opens the list behind it."""
    return rendered("console/tips/statistics.html", actor, **_page(actor, _asked(actor)))


def _page(actor: Actor, shown: views.Board) -> dict[str, Any]:
    units, counted = queries.handling_units(), counted_at()
    return {
        "period": shown.period,
        "before": shown.period.before,
        "division": shown.division,
        "counted_at": clock.beijing(counted) if counted else None,
        "quick": views.periods(shown),
        "divisions": district_choices(actor, units),
        "counters": views.counters(shown),
        "figures": views.figures(shown, units),
        "maps": views.maps(shown),
        "export_url": views.address(shown.period, shown.division, "console.export_tip_statistics"),
        "clear_url": url_for("console.show_tip_statistics"),
    }


@pages.get("/statistics/export")
@page(permission=Permission.TIP_READ)
def export_tip_statistics(actor: Actor) -> Response:
    """The same figures as a workbook; audited."""
    shown = _asked(actor)
    title = f"举报线索统计（{chinese.day(shown.period.since)}至{chinese.day(shown.period.until)}）"
    glance = [(one["label"], one["value"], one["before"], one["change"]) for one in views.counters(shown)]
    sheets = [Sheet("概况", ("指标", "本期", "上期", "变化"), glance)]
    for figure in views.figures(shown, queries.handling_units()).values():
        rows = [(row.label, *(cell.value for cell in row.cells)) for row in figure["rows"]]
        sheets.append(Sheet(figure["title"], figure["heads"], rows))
    with transaction():
        book = statistics_book(actor, title, sheets)
    return attachment(book, exports.MEDIA_TYPES[exports.Format.XLSX], f"{title}.xlsx")
