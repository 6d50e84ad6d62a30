"""The figures over tips against an independent computation over the raw rows, and against the lists behind them."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given as drawn
from hypothesis import strategies
from sqlalchemy import select, text

from app.demo.filling import fill
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.permissions import PROGRAM, Actor
from app.identity import queries as people
from app.tips import counting, jobs, queries, rating, statistics
from app.tips.models import Tip, TipJurisdiction, TipRating
from app.tips.periods import Grain, Period, span_of, spans
from app.tips.queries import NOWHERE, Order, QueueFilter, queue_count, queue_lines
from app.tips.statistics import Took
from app.tips.statistics_models import TipCount
from app.workflow import calendar
from app.workflow.models import Handling, HandlingEvent
from tests import factories
from tests.moments import MONDAY_MORNING

TIPS = 300
days = strategies.dates(date(2020, 1, 1), date(2032, 12, 31))


@pytest.fixture
def reviewer(committed_app: Flask) -> Actor:
    with transaction(OPEN_WALL):
        assert sum(fill(TIPS, seed=11)) == TIPS
        db.session.execute(text("SET LOCAL ROLE NONE"))  # what was said is never changed: as the owner of the tables
        db.session.execute(text("UPDATE tips SET conduct_type = NULL WHERE conduct_type = 'other'"))
        rated = Handling.status.in_(["replied", "archived", "merged"])
        ended = select(Handling.tip_id).where(rated).order_by(Handling.tip_id)
        for number, tip_id in enumerate(db.session.scalars(ended).all()):
            if number % 3:
                db.session.add(TipRating(tip_id=tip_id, at=clock.now(), score=1 + number % 5, comment=None))
        limited = select(Handling).where(Handling.overall_due_on.is_not(None)).order_by(Handling.tip_id)
        for handling in db.session.scalars(limited).all()[::5]:
            assert handling.overall_due_on
            handling.overall_due_on -= timedelta(days=40)
    jobs.count_tips()
    return factories.actor("city.reviewer")


def read_tip_by_tip(unit_id: int | None = None) -> list[dict[str, Any]]:
    """What should be counted of each tip, told from its rows in plain Python."""
    working = calendar.region_calendar()

    def day(moment: Any) -> date | None:
        return clock.beijing(moment).date() if moment else None

    def between(first: date | None, last: date | None) -> int | None:
        return working.count(first, last) if first and last else None

    told = []
    found = db.session.execute(select(Handling, Tip).join(Tip, Tip.id == Handling.tip_id)).all()
    for handling, tip in found:
        if unit_id is not None and handling.unit_id != unit_id:
            continue
        events = db.session.scalars(
            select(HandlingEvent).where(HandlingEvent.tip_id == tip.id).order_by(HandlingEvent.version)
        ).all()
        first = {}
        for event in reversed(events):
            first[event.action] = day(event.at)
        ended = [day(event.at) for event in events if event.action in {"conclude", "record_receipt"}]
        concluded = ended[-1] if ended and handling.status in {"concluded", "replied", "archived"} else None
        on_time = None
        if concluded:
            assert handling.overall_due_on
            on_time = concluded <= handling.overall_due_on
        elif handling.status not in {"rejected", "merged", "concluded", "replied", "archived"}:
            late = handling.overall_due_on and handling.overall_due_on < clock.today()
            on_time = False if late else None
        proposal = db.session.scalars(
            select(TipJurisdiction).where(TipJurisdiction.tip_id == tip.id).order_by(TipJurisdiction.decided_at)
        ).first()
        assert proposal
        matched = "none"
        if proposal.lead:
            matched = "dispute" if proposal.dispute else "review" if proposal.needs_review else "sure"
        corrected = None
        if "assign" in first and proposal.lead and handling.unit_id:
            unit = people.district_unit_of(proposal.lead)
            corrected = handling.unit_id != (unit.id if unit else None)
        given = db.session.get(TipRating, tip.id)
        told.append(
            {
                "merged": handling.merged_into is not None,
                "registered": day(handling.registered_at), "division": handling.division_code or "", "intake": "",
                "conduct": tip.conduct_type or "unknown", "channel": tip.channel,
                "accept": between(day(handling.registered_at), first.get("accept")),
                "dispatch": between(first.get("accept"), first.get("assign")),
                "conclude": between(day(handling.accepted_at), concluded),
                "on_time": on_time, "matched": matched, "corrected": corrected, "score": given.score if given else None,
            }
        )  # fmt: skip
    return told if unit_id is None else [as_the_unit_counts(one) for one in told]


def as_the_unit_counts(tip: dict[str, Any]) -> dict[str, Any]:
    """Of a merged tip the unit that handles the main one counts nothing but what its reporter thinks of it."""
    return tip | {measure: None for measure in MEASURES if tip["merged"] and measure != "score"}


def as_value(found: Any) -> str:
    return str(found).lower() if isinstance(found, bool) else str(found)


MEASURES = (
    "intake",
    "conduct",
    "channel",
    "accept",
    "dispatch",
    "conclude",
    "on_time",
    "matched",
    "corrected",
    "score",
)


def periods() -> list[Period]:
    today = clock.today()
    return [
        Period(date(today.year - 1, 3, 11), date(today.year, 2, 20)),
        Period(today - timedelta(days=2000), today),
        Period(today - timedelta(days=400), today - timedelta(days=3)),
        Period(date(today.year, 1, 1), date(today.year, 6, 30)),
        Period(date(today.year - 1, 2, 10), date(today.year - 1, 3, 9)),
        Period(date(today.year - 1, 12, 31), date(today.year, 1, 1)),
        Period(date(today.year - 1, 5, 31), date(today.year - 1, 5, 31)),
        Period(today + timedelta(days=1), today + timedelta(days=30)),
    ]


def days_of(period: Period) -> list[date]:
    return [period.since + timedelta(days=n) for n in range((period.until - period.since).days + 1)]


def agree(actor: Actor, tips: list[dict[str, Any]]) -> None:
    for period in periods():
        wanted = [tip for tip in tips if period.since <= tip["registered"] <= period.until]
        tally = statistics.tally(actor, period)
        assert tally.tips == sum(tip["intake"] is not None for tip in wanted)
        days = days_of(period)[:: max(1, len(days_of(period)) // 50)]
        for division in [None, *{tip["division"] for tip in wanted}] if days else ():
            told = [tip["registered"] for tip in wanted if division in {None, tip["division"]} and tip["intake"] == ""]
            assert statistics.since_each(actor, days, period.until, division) == [
                sum(since <= day < until for day in told)
                for since, until in pairwise([*days, period.until + timedelta(days=1)])
            ]
        for measure in MEASURES:
            known = [tip for tip in wanted if tip[measure] is not None]
            assert tally.of(measure) == Counter(as_value(tip[measure]) for tip in known), (period, measure)
            for division in {tip["division"] for tip in wanted}:
                inside = [as_value(tip[measure]) for tip in known if tip["division"] == division]
                assert tally.among([division]).of(measure) == Counter(inside), (period, measure, division)
        for step in Took:
            taken = sorted(tip[step.value] for tip in wanted if tip[step.value] is not None)
            for share in (0.5, 0.9):
                expected = next((d for n, d in enumerate(taken, 1) if n >= share * len(taken)), None)
                assert tally.days_of(step, [share]) == [expected]


def test_every_figure_agrees_with_the_raw_rows(reviewer: Actor) -> None:
    tips = read_tip_by_tip()
    assert len({tip["division"] for tip in tips}) > 5
    for measure in MEASURES[1:]:
        assert len({tip[measure] for tip in tips} - {None}) > 1, measure
    agree(reviewer, tips)


def test_a_district_counts_its_own_tips_also_where_a_query_forgets_to(reviewer: Actor) -> None:
    handler = factories.actor(f"district.{factories.XINSHI}")
    assert handler.unit_id is not None
    own = read_tip_by_tip(handler.unit_id)
    assert 0 < len(own) < TIPS
    agree(handler, own)
    with transaction(handler.wall) as session:
        behind = select(TipCount.unit_id).distinct()
        assert session.scalars(behind).all() == [handler.unit_id]
        assert session.execute(select(Tip.id)).all()


@pytest.mark.parametrize("who", ["auditor", "sysadmin"])
def test_whoever_sees_no_tips_sees_no_figures(reviewer: Actor, who: str) -> None:
    period = Period(clock.today() - timedelta(days=2000), clock.today())
    with transaction(OPEN_WALL):
        assert statistics.tally(factories.actor(who), period).tips == 0


def test_behind_every_figure_is_a_list_of_as_many_tips(reviewer: Actor) -> None:
    period = periods()[1]
    tally = statistics.tally(reviewer, period)

    def listed(**asked: Any) -> int:
        wanted = QueueFilter(since=period.since, until=period.until, **asked)
        number = sum(1 for _ in queue_lines(reviewer, wanted, Order.NEWEST, TIPS))
        assert queue_count(reviewer, wanted) == number
        return number

    for name in ("conduct", "channel", "matched"):
        for value, number in tally.of(name).items():
            assert listed(**{name: value}) == number, (name, value)
    for score, number in tally.of("score").items():
        assert listed(score=int(score)) == number
    for truth in ("true", "false"):
        assert listed(on_time=truth == "true") == tally.of("on_time")[truth]
        assert listed(corrected=truth == "true") == tally.of("corrected")[truth]
    for step in Took:
        slow = tally.days_of(step, [0.9])[0] or 0
        assert listed(took=step.value) == tally.of(step.value).total()
        expected = sum(number for days, number in tally.of(step.value).items() if int(days) >= slow)
        assert listed(took=f"{step.value}-{slow}") == expected > 0
    for code in tally.divisions:
        place = {"division": code} if code else {"prefecture": NOWHERE}
        assert listed(**place, matched="sure") == tally.among([code]).of("matched")["sure"]


@pytest.mark.parametrize("order", list(Order))
def test_a_list_behind_a_figure_is_read_page_by_page(
    reviewer: Actor, monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    today = clock.today()
    since = today - timedelta(days=900)
    for asked in (
        {"took": "conclude-4"},
        {"matched": "sure"},
        {"corrected": True},
        {"took": "accept", "on_time": True},
    ):
        wanted = QueueFilter(since=since, until=today, **asked)  # type: ignore[arg-type]
        whole = [row.tip_id for row in queue_lines(reviewer, wanted, order, TIPS)]
        with monkeypatch.context() as patched:
            patched.setattr(queries, "_ROWS_AT_ONCE", 7)
            assert [row.tip_id for row in queue_lines(reviewer, wanted, order, TIPS)] == whole
        moments = [row.registered_at for row in queue_lines(reviewer, wanted, order, TIPS)]
        assert len(whole) > 7
        if order is not Order.DUE:
            assert moments == sorted(moments, reverse=order is Order.NEWEST)


def test_of_days_that_are_still_to_come_there_is_no_figure(reviewer: Actor) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    for wanted in (
        QueueFilter(since=tomorrow, channel="web"),
        QueueFilter(since=tomorrow, until=clock.today(), matched="sure"),
    ):
        rows, total = queries.queue_page(reviewer, wanted, None, TIPS)
        assert (list(rows), total) == ([], 0)
    assert statistics.tally(reviewer, Period(tomorrow, clock.today())).tips == 0


def test_a_list_behind_a_figure_is_there_while_figures_are_counted_anew(reviewer: Actor) -> None:
    wanted = QueueFilter(since=date(2020, 1, 1), until=clock.today(), matched="sure")
    rows, total = queries.queue_page(reviewer, wanted, None, TIPS)
    with transaction(OPEN_WALL):
        counting.start_over()
        db.session.execute(text("DELETE FROM tip_counts"))
    assert queries.queue_page(reviewer, wanted, None, TIPS)[1] == total == len(rows) > 0


def test_all_places_at_once_say_the_same_as_each(reviewer: Actor) -> None:
    for period in periods():
        each, at_once = (statistics.tally(reviewer, period, by_place=by_place) for by_place in (True, False))
        assert all(at_once.of(measure) == each.of(measure) for measure in MEASURES)


def test_counting_again_changes_nothing(reviewer: Actor) -> None:
    before = counted()
    jobs.count_tips()
    assert counted() == before
    with transaction(OPEN_WALL):
        counting.start_over()
    jobs.count_tips()
    assert counted() == before


def counted() -> list[Any]:
    with transaction(OPEN_WALL) as session:
        return sorted(tuple(row) for row in session.execute(select(TipCount.__table__)))


def test_small_batches_count_the_same(reviewer: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counted()
    monkeypatch.setattr(counting, "BATCH", 37)
    with transaction(OPEN_WALL):
        counting.start_over()
    jobs.count_tips()
    assert counted() == before


@pytest.fixture
def first_days(app: Flask) -> None:
    jobs.count_tips()


def today_alone() -> statistics.Tally:
    jobs.count_tips()
    return statistics.tally(PROGRAM, Period(clock.today(), clock.today()))


def test_each_step_of_a_tip_is_counted_at_the_next_run(client: FlaskClient, first_days: None) -> None:
    tip_id = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
    found = today_alone()
    assert (found.tips, found.of("accept"), found.of("matched")) == (1, {}, Counter({"dispute": 1}))
    factories.office_act(client, "city.reviewer", tip_id, "accept")
    assert today_alone().of("accept") == {"0": 1}
    factories.office_act(client, "city.reviewer", tip_id, "assign", division=factories.SHUIMOGOU)
    found = today_alone()
    assert found.among([factories.SHUIMOGOU]).of("corrected") == {"true": 1}
    assert found.among([factories.SHUIMOGOU]).of("dispatch") == {"0": 1}
    assert found.tips == 1
    with transaction(OPEN_WALL):
        handling = db.session.get_one(Handling, tip_id)
        handling.overall_due_on = clock.today() - timedelta(days=1)
        handling.version += 1
    assert today_alone().of("on_time") == {"false": 1}


def test_a_recalled_assignment_is_no_dispatch(client: FlaskClient, first_days: None) -> None:
    tip_id = factories.tip_id_of(factories.file_tip(client, subject=factories.clear_subject())["receipt_number"])
    for action, given in (
        ("accept", {}),
        ("assign", {"division": factories.TIANSHAN}),
        ("recall", {"reason": "交办有误。"}),
    ):
        assert factories.office_act(client, "city.reviewer", tip_id, action, **given).status_code == 200
    assert today_alone().of("dispatch") == {}
    factories.office_act(client, "city.reviewer", tip_id, "assign", division=factories.XINSHI)
    assert today_alone().of("dispatch") == {"0": 1}


def test_a_recall_undoes_the_assignment_before_it_alone(client: FlaskClient, first_days: None) -> None:
    """Who first brought the tip to a unit keeps the day on which it was done, whatever was recalled later."""
    tip_id = factories.tip_id_of(factories.file_tip(client, subject=factories.clear_subject())["receipt_number"])
    handler, asked = f"district.{factories.XINSHI}", MONDAY_MORNING + timedelta(days=1)
    for moment, username, action, given in (
        (MONDAY_MORNING, "city.reviewer", "accept", {}),
        (MONDAY_MORNING, "city.reviewer", "assign", {"division": factories.XINSHI}),
        (asked, handler, "request_return", {"reason": "不属本区。"}),
        (asked, "city.reviewer", "decide_return", {"agree": True, "reason": "同意。"}),
        (asked, "city.reviewer", "assign", {"division": factories.TIANSHAN}),
        (asked, "city.reviewer", "recall", {"reason": "交办有误。"}),
    ):
        with clock.stopped_at(moment):
            answer = factories.office_act(client, username, tip_id, action, **given)
            assert answer.status_code == 200, (action, answer.get_json())
    assert today_alone().of("dispatch") == {"0": 1}
    with clock.stopped_at(asked):
        factories.office_act(client, "city.reviewer", tip_id, "assign", division=factories.SHUIMOGOU)
    assert today_alone().of("dispatch") == {"0": 1}


def test_a_tip_that_no_one_touches_becomes_late_by_itself(client: FlaskClient, first_days: None) -> None:
    tip_id = factories.verifying_tip(client)
    day = clock.today()
    assert today_alone().of("on_time") == {}
    with transaction(OPEN_WALL):
        due = db.session.get_one(Handling, tip_id).overall_due_on
    assert due is not None
    with clock.stopped_at(clock.now() + (due - day + timedelta(days=1))):
        jobs.count_tips()
        assert statistics.tally(PROGRAM, Period(day, day)).of("on_time") == {"false": 1}


def test_a_rating_is_counted_without_any_step(client: FlaskClient, first_days: None) -> None:
    tip_id = factories.verifying_tip(client)
    assert today_alone().score is None
    with transaction(OPEN_WALL):
        db.session.add(TipRating(tip_id=tip_id, at=clock.now(), score=4, comment=None))
    found = today_alone()
    assert (found.score, found.of("score")) == (4.0, {"4": 1})
    assert rating.LOW_SCORE < 4


def test_figures_say_when_they_were_counted(app: Flask) -> None:
    assert statistics.counted_at() is None
    with clock.stopped_at(clock.now()):
        jobs.count_tips()
        assert statistics.counted_at() == clock.now()
    counting.start_over()
    assert statistics.counted_at() is None


@pytest.mark.parametrize(
    ("numbers", "share", "expected"),
    [({}, 0.5, None), ({3: 1}, 0.9, 3), ({1: 5, 2: 5}, 0.5, 1), ({1: 5, 2: 6}, 0.5, 2), ({0: 9, 40: 1}, 0.9, 0)],
)
def test_percentiles_are_those_of_the_nearest_rank(numbers: dict[int, int], share: float, expected: int | None) -> None:
    assert statistics.percentiles(numbers, [share]) == [expected]


def test_the_period_before_has_as_many_days() -> None:
    assert Period(date(2026, 3, 1), date(2026, 3, 31)).before == Period(date(2026, 1, 29), date(2026, 2, 28))


@drawn(days, strategies.integers(0, 800))
def test_a_period_is_made_of_the_longest_spans_without_a_gap(since: date, more: int) -> None:
    period = Period(since, since + timedelta(days=more))
    found = list(spans(period))
    assert [day for _, run in found for day in days_of(run)] == days_of(period)
    assert len(found) <= 2 * len(Grain) - 1
    for grain, run in found:
        assert (span_of(grain, run.since).since, span_of(grain, run.until).until) == (run.since, run.until)
    single = sum(len(days_of(run)) for grain, run in found if grain is Grain.DAY)
    assert single <= 20


@drawn(days, strategies.sampled_from(Grain))
def test_every_day_of_a_span_lies_in_it(day: date, grain: Grain) -> None:
    span = span_of(grain, day)
    assert day in days_of(span)
    assert {span_of(grain, one) for one in days_of(span)} == {span}
