"""Every table of the statistics against an independent computation in a data-frame library, and against the lists."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from app.cases import statistics
from app.cases.models import FundraisingCase
from app.cases.queries import CaseFilter, all_cases, counts_as_legacy
from app.cases.states import AdminStage, JudicialStage, RestitutionStage
from app.cases.statistics import AGES, Figures
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.permissions import Actor
from app.identity import queries as people
from app.workflow import limits
from tests import factories, rows
from tests.cases import office
from tests.moments import MONDAY_MORNING

TODAY = MONDAY_MORNING.date()
FILED = {"police_filed", "investigating", "prosecuting", "trial", "judged", "enforcing", "concluded"}
TRIED = {"trial", "judged", "enforcing", "concluded"}


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield


def invented(number: int, chance: random.Random, unit: Any) -> dict[str, Any]:
    def money() -> Decimal | None:
        return chance.choice([None, Decimal(chance.randrange(10**12)) / 100])

    due = money()
    return {
        "id": new_id(), "case_no": f"测〔2026〕{number}号", "name": f"案{number}", "version": 1, "jurisdiction": {},
        "status": chance.choice(["open", "monitoring", "closed"]), "unit_id": unit.id, "division_code": unit.division_code,
        "admin_stage": chance.choice(list(AdminStage)).value, "judicial_stage": chance.choice(list(JudicialStage)).value,
        "restitution_stage": chance.choice(list(RestitutionStage)).value,
        "registered_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(86000)),
        "business_category": chance.choice([None, "debt", "equity", "production"]),
        "category_detail": chance.choice([None, "P2P", "私募"]), "industry": chance.choice([None, "J69", "K", "A01"]),
        "occurred_on": chance.choice([None, TODAY - timedelta(days=chance.randrange(3000))]),
        "involved_yuan": money(), "outstanding_yuan": due, "returned_yuan": due and (due / 3).quantize(Decimal("0.01")),
        "participants": chance.choice([None, chance.randrange(10**5)]), "cross_province": chance.random() < 0.3,
        "legacy": chance.random() < 0.5, "target_on": chance.choice([None, TODAY + timedelta(days=chance.randrange(-900, 900))]),
    }  # fmt: skip


@pytest.fixture
def frame(app: Flask) -> pl.DataFrame:
    chance = random.Random(7)
    units = [people.unit_at(code) for code in (factories.XINSHI, factories.TIANSHAN, factories.SHUIMOGOU)]
    rows = [invented(number, chance, chance.choice(units)) for number in range(400)]
    db.session.execute(insert(FundraisingCase), rows)
    kept = [{k: v for k, v in row.items() if k not in {"id", "jurisdiction"}} for row in rows]
    return pl.DataFrame(kept, infer_schema_length=None).with_columns(
        happened=pl.coalesce("occurred_on", pl.col("registered_at").dt.convert_time_zone("Asia/Shanghai").dt.date()),
        letter=pl.col("industry").str.slice(0, 1),
    )


def figures(cases: pl.DataFrame) -> Figures:
    def total(name: str) -> Any:
        return sum((value for value in cases[name].to_list() if value is not None), Decimal("0.00"))

    return Figures(
        cases=len(cases),
        involved_yuan=total("involved_yuan"),
        participants=int(total("participants")),
        cross_province=cases["cross_province"].sum(),
        filed=cases["judicial_stage"].is_in(list(FILED)).sum(),
        tried=cases["judicial_stage"].is_in(list(TRIED)).sum(),
        closed=(cases["status"] == "closed").sum(),
        outstanding_yuan=total("outstanding_yuan"),
        returned_yuan=total("returned_yuan"),
    )


def grouped(cases: pl.DataFrame, *names: str) -> dict[Any, Figures]:
    found = {key: figures(part) for key, part in cases.group_by(names)}
    return {key if len(key) > 1 else key[0]: line for key, line in found.items()}


TABLES = {
    "category": ("business_category", "category_detail"),
    "district": ("division_code",),
    "industry": ("letter",),
    "status": ("status",),
    "admin_stage": ("admin_stage",),
    "judicial_stage": ("judicial_stage",),
    "restitution_stage": ("restitution_stage",),
}


@pytest.mark.parametrize(
    "wanted", [CaseFilter(), CaseFilter(since=date(2024, 1, 1), until=date(2025, 6, 30)), CaseFilter(legacy=True)]
)
def test_every_table_equals_the_independent_computation(frame: pl.DataFrame, wanted: CaseFilter) -> None:
    if wanted.since:
        frame = frame.filter(pl.col("happened").is_between(wanted.since, wanted.until))
    if wanted.legacy:
        frame = frame.filter(pl.col("legacy"))
    found = statistics.statistics(factories.actor(office.REVIEWER), wanted)
    assert found.whole == figures(frame)
    for table, names in TABLES.items():
        assert found.table(table) == grouped(frame, *names), table
    months = frame.with_columns(month=pl.col("happened").dt.month_start())
    assert found.table("month") == grouped(months, "month")
    assert found.table("age") == {
        name: line for name in AGES if (line := figures(_of_age(frame, name))).cases
    }  # fmt: skip


def _of_age(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Whole years between the beginning and today, counted on the calendar."""
    _, least, below = AGES[name]

    def years(day: date) -> int:
        return TODAY.year - day.year - ((TODAY.month, TODAY.day) < (day.month, day.day))

    counted = pl.Series([years(day) for day in frame["happened"]])
    return frame.filter((counted >= least) & (counted < (below or 1000)))


def test_a_district_s_figures_hold_the_own_cases_alone(frame: pl.DataFrame) -> None:
    found = statistics.statistics(factories.actor(office.HANDLER), CaseFilter())
    own = frame.filter(pl.col("division_code") == factories.XINSHI)
    assert found.whole == figures(own)
    assert set(found.table("district")) == {factories.XINSHI}


def test_each_figure_of_the_table_counts_the_list_behind_it(frame: pl.DataFrame) -> None:
    actor = factories.actor(office.REVIEWER)
    found = statistics.statistics(actor, CaseFilter())
    columns: dict[str, dict[str, Any]] = {
        "cases": {}, "cross_province": {"cross_province": True}, "filed": {"reached": "filed"},
        "tried": {"reached": "tried"}, "closed": {"status": "closed"},
    }  # fmt: skip
    for (category, detail), line in found.table("category").items():
        for name, asked in columns.items():
            if detail is None:
                continue
            wanted = CaseFilter(category=category or "none", detail=detail, **asked)
            assert len(list(all_cases(actor, wanted, by_party=False))) == getattr(line, name), (category, detail, name)
    for letter, line in found.table("industry").items():
        wanted = CaseFilter(industry=letter or "none")
        assert len(list(all_cases(actor, wanted, by_party=False))) == line.cases


def test_legacy_targets_by_year_equal_the_independent_computation(frame: pl.DataFrame) -> None:
    targeted = frame.filter(pl.col("legacy") & pl.col("target_on").is_not_null())
    years = targeted.with_columns(year=pl.col("target_on").dt.year())
    expected = [
        statistics.YearTarget(
            year[0], len(part), (part["status"] == "closed").sum(),
            len(part.filter((pl.col("status") != "closed") & (pl.col("target_on") < TODAY))),
        )
        for year, part in sorted(years.group_by("year"), key=lambda pair: pair[0])
    ]  # fmt: skip
    assert statistics.legacy_by_year(factories.actor(office.REVIEWER)) == expected


def counting(statements: list[str]) -> list[bool]:
    """For each statement whether it counts cases, rather than asking whether any has changed."""
    return ["GROUPING SETS" in one for one in statements]


def test_figures_are_counted_once_and_again_after_every_change(app: Flask, client: FlaskClient) -> None:
    actor = factories.actor(office.REVIEWER)
    assert statistics.statistics(actor, CaseFilter()).whole.cases == 0
    case_id = office.case(client)
    assert statistics.statistics(actor, CaseFilter()).whole.involved_yuan == Decimal("30000000.00")
    with rows.asked() as statements:
        assert statistics.statistics(actor, CaseFilter()).whole.cases == 1
    assert counting(statements) == [False]
    body = {"expected_version": 1, "facts": {"involved_yuan": "5.00"}}
    headers = factories.office_headers(office.HANDLER)
    assert client.patch(f"{office.CASES}/{case_id}", json=body, headers=headers).status_code == 200
    assert statistics.statistics(actor, CaseFilter()).whole.involved_yuan == Decimal("5.00")
    assert statistics.statistics(factories.actor(office.OTHER), CaseFilter()).whole.cases == 0


def test_a_change_counts_the_cases_of_its_unit_alone(frame: pl.DataFrame) -> None:
    actor = factories.actor(office.REVIEWER)
    before = statistics.statistics(actor, CaseFilter()).whole.participants
    changed, unseen = (
        db.session.scalars(select(FundraisingCase).where(FundraisingCase.division_code == code).limit(1)).one()
        for code in (factories.XINSHI, factories.TIANSHAN)
    )
    changed.participants, changed.version = (changed.participants or 0) + 7, changed.version + 1
    db.session.flush()
    found = statistics.statistics(actor, CaseFilter())
    assert found.whole.participants == before + 7
    assert found == counted_anew(actor)
    unseen.participants = (unseen.participants or 0) + 10**6  # no step: its version stays
    changed.version += 1
    db.session.flush()
    assert statistics.statistics(actor, CaseFilter()).whole.participants == before + 7
    assert counted_anew(actor).whole.participants == before + 7 + 10**6


def counted_anew(actor: Actor) -> statistics.Statistics:
    """The same, counted by a process that remembers nothing."""
    current_app.extensions.pop("shudi_case_figures")
    return statistics.statistics(actor, CaseFilter())


@pytest.mark.parametrize("year", [0, 2019, 2024])
def test_old_cases_are_those_filed_before_the_year_that_the_office_sets(
    frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    filed_on = {"测〔2026〕1号": "2018-12-31", "测〔2026〕2号": "2019-01-01", "测〔2026〕3号": "2025-02-03"}
    for number, day in filed_on.items():
        row = db.session.scalars(select(FundraisingCase).where(FundraisingCase.case_no == number)).one()
        row.stage_dates, row.legacy = {"judicial_stage": {"police_filed": day}}, False
    db.session.flush()
    before = limits.value
    monkeypatch.setattr(limits, "value", lambda name: year if name == limits.CASE_LEGACY_BEFORE else before(name))
    actor = factories.actor(office.REVIEWER)
    every = db.session.scalars(select(FundraisingCase)).all()

    def filed(case: FundraisingCase) -> date | None:
        if case.case_no in filed_on:
            return date.fromisoformat(filed_on[case.case_no])
        return case.occurred_on if case.judicial_stage in FILED else None

    expected = {case.id for case in every if case.legacy or ((day := filed(case)) and year and day.year < year)}
    found = {case.id for case in all_cases(actor, CaseFilter(legacy=True), by_party=False)}
    assert found == expected == {case.id for case in every if counts_as_legacy(case)}
    others = {case.id for case in all_cases(actor, CaseFilter(legacy=False), by_party=False)}
    assert found | others == {case.id for case in every}
    assert not found & others
    assert statistics.statistics(actor, CaseFilter(legacy=True)).whole.cases == len(expected)
    targeted = [case for case in every if case.id in expected and case.target_on]
    assert sum(line.cases for line in statistics.legacy_by_year(actor)) == len(targeted)


def test_no_cases_give_noughts(app: Flask) -> None:
    found = statistics.statistics(factories.actor(office.REVIEWER), CaseFilter())
    assert (found.whole, found.tables) == (Figures(), {})
