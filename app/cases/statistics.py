"""Figures over the cases within sight: the classification table of domain.md §4.3 and what stands beside it.

One reading of a unit's cases gives every table (grouping sets), so that the tables of a page always agree with each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, TypeAlias

from flask import current_app
from sqlalchemy import ColumnElement, Date, Integer, case, cast, extract, func, select, tuple_

from app.cases.models import FundraisingCase
from app.cases.policy import visible_cases, within_sight
from app.cases.queries import FILED, HAPPENED_ON, TRIED, CaseFilter, found_cases, is_legacy
from app.cases.states import CaseStatus
from app.foundation import clock
from app.foundation.database import db
from app.foundation.permissions import Actor
from app.workflow import limits

_NOTHING: Final = Decimal("0.00")
_MOST_REMEMBERED: Final = 16


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of figures: the seven columns of the form, and what is owed and returned."""

    cases: int = 0
    involved_yuan: Decimal = _NOTHING
    participants: int = 0
    cross_province: int = 0
    filed: int = 0
    tried: int = 0
    closed: int = 0
    outstanding_yuan: Decimal = _NOTHING
    returned_yuan: Decimal = _NOTHING


_columns: Final = attrgetter(*Figures.__dataclass_fields__)


def added(parts: Iterable[Figures]) -> Figures:
    """The sum of lines, column by column."""
    summed: list[Any] = [sum(column) for column in zip(*map(_columns, parts), strict=True)]
    return Figures(*summed)


COLUMN_TEXTS: Final[Mapping[str, str]] = {
    "cases": "案件数",
    "involved_yuan": "集资金额",
    "participants": "参与集资人数",
    "cross_province": "跨省案件数",
    "filed": "立案数",
    "tried": "司法审理数",
    "closed": "结案数",
}
"""The seven columns of 涉嫌非法集资新发案件分类情况统计表, in its order; 件, 万元, 人."""

AGES: Final[Mapping[str, tuple[str, int, int | None]]] = {
    "under_1": ("不满1年", 0, 1),
    "1_to_3": ("1年以上不满3年", 1, 3),
    "3_to_5": ("3年以上不满5年", 3, 5),
    "over_5": ("5年以上", 5, None),
}
"""How long ago a case began: wording, from years, up to but not including."""


@dataclass(slots=True)
class Statistics:
    """Lines by kind of table; a line's key is what the cases have in common (``None``: not known)."""

    whole: Figures = field(default_factory=Figures)
    tables: dict[str, dict[Any, Figures]] = field(default_factory=dict)

    def table(self, name: str) -> dict[Any, Figures]:
        """The lines of one table; empty where no case fits."""
        return self.tables.get(name, {})


_AsOf: TypeAlias = dict[int, tuple[int, int]]
_Remembered: TypeAlias = dict[tuple[int, ...], tuple[_AsOf, Statistics]]
_NEVER: Final[tuple[_AsOf, Statistics]] = {}, Statistics()


def statistics(actor: Actor, wanted: CaseFilter) -> Statistics:
    """Every table over the cases within sight that fit; ``wanted`` bounds the days, the district and the like.

    Counted unit by unit and added together. A unit is counted anew when a case of it has changed since this process
    counted the same: every step of a case raises its version, and no case is ever deleted, so that number and sum of
    versions tell (an index alone answers them).
    """
    as_of, known = _as_of(actor), _remembered(wanted)
    units = tuple(sorted(as_of))
    if (held := known.get(units)) is not None and held[0] == as_of:
        return held[1]
    moved = [unit_id for unit_id in units if known.get((unit_id,), _NEVER)[0] != {unit_id: as_of[unit_id]}]
    for unit_id, counted in _counted(actor, wanted, moved).items():
        known[(unit_id,)] = {unit_id: as_of[unit_id]}, counted
    found = _added([known[(unit_id,)][1] for unit_id in units])
    known[units] = as_of, found
    return found


def _as_of(actor: Actor) -> _AsOf:
    """For each unit within sight how many cases it has, and the sum of their versions."""
    unit_id = FundraisingCase.unit_id
    rows = select(unit_id, func.count(), func.sum(FundraisingCase.version)).where(within_sight(actor)).group_by(unit_id)
    return {row[0]: (row[1], row[2]) for row in db.session.execute(rows)}


def _remembered(wanted: CaseFilter) -> _Remembered:
    """What this process has counted of the same today, by the units that were added together."""
    every: dict[Any, _Remembered] = current_app.extensions.setdefault("shudi_case_figures", {})
    asked = wanted, clock.today(), limits.value(limits.CASE_LEGACY_BEFORE)
    if asked not in every and len(every) >= _MOST_REMEMBERED:
        every.clear()
    return every.setdefault(asked, {})


def _counted(actor: Actor, wanted: CaseFilter, units: Sequence[int]) -> dict[int, Statistics]:
    """The tables of each of these units; one reading, so that they agree with each other."""
    found = {unit_id: Statistics() for unit_id in units}
    if not units:
        return found
    unit, keys = FundraisingCase.unit_id.expression, _keys()
    cases = found_cases(actor, wanted, by_party=False).where(unit.in_(units))
    sets = [tuple_(unit), *(tuple_(unit, *columns) for columns in keys.values())]
    every = {f"{name}_{n}": column for name, columns in keys.items() for n, column in enumerate(columns)}
    grouped = func.grouping(*every.values())
    statement = cases.with_only_columns(
        unit, grouped.label("set"), *(column.label(name) for name, column in every.items()), *_figures()
    ).group_by(func.grouping_sets(*sets))
    for row in db.session.execute(statement).mappings():
        _keep(found[row["unit_id"]], dict(row), list(every))
    return found


def _keep(found: Statistics, row: Mapping[str, Any], names: Sequence[str]) -> None:
    """Which table a line belongs to is told by the columns that it was grouped by: a nought bit in ``set``."""
    used = [name for n, name in enumerate(names) if not row["set"] >> (len(names) - 1 - n) & 1]
    figures = Figures(**{name: row[name] for name in Figures.__dataclass_fields__})
    if not used:
        found.whole = figures
        return
    key = tuple(row[name] for name in used)
    table = found.tables.setdefault(used[0].rpartition("_")[0], {})
    table[key if len(key) > 1 else key[0]] = figures


def _added(parts: Sequence[Statistics]) -> Statistics:
    """The tables of several units as those of all of them."""
    whole = Statistics(whole=added(part.whole for part in parts))
    for name in {name for part in parts for name in part.tables}:
        lines: dict[Any, list[Figures]] = {}
        for part in parts:
            for key, figures in part.table(name).items():
                lines.setdefault(key, []).append(figures)
        whole.tables[name] = {key: added(same) for key, same in lines.items()}
    return whole


def _keys() -> dict[str, list[ColumnElement[Any]]]:
    """Table → what its lines are told apart by."""
    return {
        "category": [FundraisingCase.business_category.expression, FundraisingCase.category_detail.expression],
        "month": [cast(func.date_trunc("month", HAPPENED_ON), Date)],
        "district": [FundraisingCase.division_code.expression],
        "industry": [func.left(FundraisingCase.industry, 1)],
        "status": [FundraisingCase.status.expression],
        "admin_stage": [FundraisingCase.admin_stage.expression],
        "judicial_stage": [FundraisingCase.judicial_stage.expression],
        "restitution_stage": [FundraisingCase.restitution_stage.expression],
        "age": [_age(clock.today())],
    }


def _age(today: date) -> ColumnElement[str]:
    rows = [(since(today, below) < HAPPENED_ON, name) for name, (_, _, below) in AGES.items() if below is not None]
    return case(*rows, else_="over_5")


def since(today: date, years: int) -> date:
    """The day ``years`` years before ``today``; 29 February becomes 28."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return today.replace(year=today.year - years, day=28)


def _figures() -> list[ColumnElement[Any]]:
    def yuan(column: Any) -> ColumnElement[Any]:
        return func.coalesce(func.sum(column), _NOTHING)

    count = func.count()
    return [
        count.label("cases"),
        yuan(FundraisingCase.involved_yuan).label("involved_yuan"),
        func.coalesce(func.sum(FundraisingCase.participants), 0).label("participants"),
        count.filter(FundraisingCase.cross_province).label("cross_province"),
        count.filter(FundraisingCase.judicial_stage.in_(FILED)).label("filed"),
        count.filter(FundraisingCase.judicial_stage.in_(TRIED)).label("tried"),
        count.filter(FundraisingCase.status == CaseStatus.CLOSED).label("closed"),
        yuan(FundraisingCase.outstanding_yuan).label("outstanding_yuan"),
        yuan(FundraisingCase.returned_yuan).label("returned_yuan"),
    ]


@dataclass(frozen=True, slots=True)
class YearTarget:
    """How the legacy cases whose target lies in one year stand."""

    year: int
    cases: int
    resolved: int
    overdue: int


def legacy_by_year(actor: Actor) -> Sequence[YearTarget]:
    """陈案化解 by the year of the target date: how many, how many closed, how many late."""
    year = cast(extract("year", FundraisingCase.target_on), Integer)
    closed = FundraisingCase.status == CaseStatus.CLOSED
    count = func.count()
    rows = db.session.execute(
        visible_cases(actor)
        .where(is_legacy(), FundraisingCase.target_on.is_not(None))
        .with_only_columns(
            year, count, count.filter(closed), count.filter(~closed & (FundraisingCase.target_on < clock.today()))
        )
        .group_by(year)
        .order_by(year)
    )
    return [YearTarget(*row) for row in rows]


def by_stage(actor: Actor, wanted: CaseFilter, track: str) -> Mapping[str, int]:
    """How many cases stand at each stage of a track."""
    column = getattr(FundraisingCase, track)
    cases = found_cases(actor, wanted, by_party=False).with_only_columns(column, func.count()).group_by(column)
    return {row[0]: row[1] for row in db.session.execute(cases)}


def progress_by_unit(actor: Actor, month: date) -> Sequence[tuple[int, int]]:
    """For each unit (by its id) the cases under way that have no entry of progress for ``month``."""
    missing = found_cases(actor, CaseFilter(not_reported_in=month), by_party=False)
    rows = db.session.execute(
        missing.with_only_columns(FundraisingCase.unit_id, func.count()).group_by(FundraisingCase.unit_id)
    )
    return [(unit_id, number) for unit_id, number in rows]
