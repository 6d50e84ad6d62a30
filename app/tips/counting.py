"""Counting tips for the statistics in the background: what is counted of each tip, then the counts of days and spans.

A run reads the tips whose rows have moved since the run before, and counts the days anew on which those were
registered: whatever a run before has left, the counts agree with the facts afterwards. One run at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, text

from app.foundation import clock
from app.foundation.database import db
from app.foundation.permissions import Actor
from app.identity import queries as people
from app.tips.models import TipJurisdiction
from app.tips.periods import Grain, span_of
from app.tips.statistics_models import WAY, StatisticsState
from app.workflow import calendar
from app.workflow.deadlines import WorkingCalendar
from app.workflow.models import Handling, HandlingEvent
from app.workflow.states import CONCLUDING, UNDER_WAY, Action, Status

BATCH: Final = 10_000
_LOCK: Final = 7_401_002
_LOOKED_BACK: Final = timedelta(hours=1)
"""A step shows when its transaction ends, at most a minute after its id was drawn; an hour is plenty."""
_ID_SHIFT: Final = 80
_NEVER: Final = UUID(int=0)
_SETTLED: Final = sorted({Status.CONCLUDED.value, Status.REPLIED.value, Status.ARCHIVED.value})


def count_some() -> bool:
    """Count the next tips that have moved; return whether more wait."""
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
        return False
    state, moment, newest = db.session.get(StatisticsState, WAY), clock.now(), _newest_step()
    if state is None:
        start_over()
        state = StatisticsState(id=WAY, counted_to=_NEVER, seen=newest, counted_at=moment)
        db.session.add(state)
    anew = state.counted_to is not None
    ids = _all_after(state.counted_to) if state.counted_to is not None else _moved(state)
    _count(ids)
    more = len(ids) == BATCH
    if anew:
        state.counted_to = ids[-1] if more else None
    elif not more:
        state.seen, state.counted_at = newest, moment
    db.session.flush()
    return more or anew


def start_over() -> None:
    """Let the next run count every tip: the steps of a filled demo lie in the past, where no run looks."""
    db.session.execute(delete(StatisticsState))


@calendar.follows_import
def _count_by_another_calendar(_actor: Actor) -> int:
    """Count the working days of every tip anew; no clock of a handling is touched."""
    start_over()
    return 0


def _newest_step() -> UUID:
    return db.session.scalar(select(HandlingEvent.id).order_by(HandlingEvent.id.desc()).limit(1)) or _NEVER


def _all_after(tip_id: UUID) -> Sequence[UUID]:
    ids = select(Handling.tip_id).where(Handling.tip_id > tip_id).order_by(Handling.tip_id).limit(BATCH)
    return db.session.scalars(ids).all()


_MOVED: Final = text("""
    WITH perhaps AS (
        SELECT tip_id FROM handling_events WHERE id > :step
        UNION SELECT f.tip_id FROM handling_events e JOIN handlings f ON f.merged_into = e.tip_id WHERE e.id > :step
        UNION SELECT tip_id FROM tip_jurisdictions WHERE id > :step
        UNION SELECT tip_id FROM tip_ratings WHERE at > :rated
        UNION SELECT tip_id FROM tip_facts WHERE overall_due_on < :today
    )
    SELECT h.tip_id FROM perhaps
    JOIN handlings h ON h.tip_id = perhaps.tip_id
    JOIN tips t ON t.id = h.tip_id
    LEFT JOIN tip_facts f ON f.tip_id = h.tip_id
    LEFT JOIN tip_ratings r ON r.tip_id = h.tip_id
    WHERE f.tip_id IS NULL OR f.version <> h.version OR f.division_code IS DISTINCT FROM h.division_code
       OR f.unit_id IS DISTINCT FROM h.unit_id OR f.score IS DISTINCT FROM r.score OR f.overall_due_on < :today
    LIMIT :most
""")


def _moved(state: StatisticsState) -> Sequence[UUID]:
    """Tips of which something else is true than what was counted; ids are ordered by time (UUID version 7)."""
    milliseconds = (state.seen.int >> _ID_SHIFT) - int(_LOOKED_BACK.total_seconds() * 1000)
    asked = {
        "step": UUID(int=max(milliseconds, 0) << _ID_SHIFT),
        "rated": state.counted_at - _LOOKED_BACK,
        "today": clock.today(),
        "most": BATCH,
    }
    return db.session.scalars(_MOVED, asked).all()


def _count(ids: Sequence[UUID]) -> None:
    """Read what is true of these tips, then count the days on which they were registered."""
    if not ids:
        return
    days, numbers = _working_days(calendar.region_calendar())
    leads, targets = _expected_of(ids)
    given = {
        "ids": list(ids), "days": days, "numbers": numbers, "leads": leads, "targets": targets, "today": clock.today(),
        "accept": Action.ACCEPT.value, "assign": Action.ASSIGN.value, "recall": Action.RECALL.value,
        "ends": [action.value for action in CONCLUDING], "settled": _SETTLED,
        "under_way": sorted(UNDER_WAY),
    }  # fmt: skip
    _count_days(set(db.session.scalars(_FACTS, given)))


def _working_days(known: WorkingCalendar) -> tuple[list[date], list[int]]:
    """The days of the years that the calendar knows without a gap, each with how many were worked on up to it."""
    first = last = max(known.years, default=clock.today().year)
    while first - 1 in known.years:
        first -= 1
    if last not in known.years:
        return [], []
    days = [date(first, 1, 1) + timedelta(days=n) for n in range((date(last + 1, 1, 1) - date(first, 1, 1)).days)]
    numbers, worked = [], 0
    for day in days:
        worked += known.is_working(day)
        numbers.append(worked)
    return days, numbers


def _expected_of(ids: Sequence[UUID]) -> tuple[list[str], list[str]]:
    """Every division that the program proposed for these tips, and the one whose unit acts for it."""
    proposed = select(TipJurisdiction.lead).where(TipJurisdiction.tip_id.in_(ids), TipJurisdiction.lead.is_not(None))
    leads = [lead for lead in db.session.scalars(proposed.distinct()) if lead is not None]
    units = [people.district_unit_of(lead) for lead in leads]
    return leads, [unit.division_code if unit else lead for lead, unit in zip(leads, units, strict=True)]


# Whoever took the tip first counts for acceptance and dispatch, but an assignment that was recalled does not; a
# conclusion counts from the latest acceptance, as its limit does, and only while it holds. The program's first word is
# what it is judged by.
_FACTS: Final = text("""
    WITH wanted AS (SELECT unnest(CAST(:ids AS uuid[])) AS tip_id),
    worked AS MATERIALIZED (SELECT * FROM unnest(CAST(:days AS date[]), CAST(:numbers AS int[])) AS w (day, number)),
    expected AS (SELECT * FROM unnest(CAST(:leads AS text[]), CAST(:targets AS text[])) AS x (lead, target)),
    moves AS (
        SELECT e.tip_id, e.action, e.at, e.action = :assign AND lead(e.action)
            OVER (PARTITION BY e.tip_id, e.action IN (:assign, :recall) ORDER BY e.version) = :recall AS taken_back
        FROM handling_events e JOIN wanted ON wanted.tip_id = e.tip_id
    ),
    steps AS (
        SELECT tip_id,
            min(at) FILTER (WHERE action = :accept) AS accepted_at,
            min(at) FILTER (WHERE action = :assign AND taken_back IS NOT TRUE) AS assigned_at,
            max(at) FILTER (WHERE action = ANY (:ends)) AS concluded_at
        FROM moves GROUP BY tip_id
    ),
    proposals AS (
        SELECT DISTINCT ON (j.tip_id) j.tip_id, j.lead, j.dispute, j.needs_review
        FROM tip_jurisdictions j JOIN wanted ON wanted.tip_id = j.tip_id ORDER BY j.tip_id, j.decided_at, j.id
    ),
    dated AS (
        SELECT h.tip_id, h.version, h.unit_id, h.merged_into IS NOT NULL AS merged, h.division_code, h.overall_due_on,
            t.conduct_type, t.channel, r.score,
            h.status = ANY (:under_way) AS under_way, steps.assigned_at IS NOT NULL AS assigned,
            p.lead, p.dispute, p.needs_review, expected.target,
            (h.registered_at AT TIME ZONE 'Asia/Shanghai')::date AS registered_on,
            (steps.accepted_at AT TIME ZONE 'Asia/Shanghai')::date AS accepted_on,
            (steps.assigned_at AT TIME ZONE 'Asia/Shanghai')::date AS assigned_on,
            (h.accepted_at AT TIME ZONE 'Asia/Shanghai')::date AS begun_on,
            CASE WHEN h.status = ANY (:settled)
                 THEN (steps.concluded_at AT TIME ZONE 'Asia/Shanghai')::date END AS concluded_on
        FROM wanted
        JOIN handlings h ON h.tip_id = wanted.tip_id
        JOIN tips t ON t.id = wanted.tip_id
        LEFT JOIN steps ON steps.tip_id = wanted.tip_id
        LEFT JOIN proposals p ON p.tip_id = wanted.tip_id
        LEFT JOIN expected ON expected.lead = p.lead
        LEFT JOIN tip_ratings r ON r.tip_id = wanted.tip_id
    ),
    judged AS (
        SELECT d.*, CASE
            WHEN concluded_on IS NOT NULL THEN concluded_on <= overall_due_on
            WHEN under_way AND overall_due_on < :today THEN false
        END AS on_time
        FROM dated d
    )
    INSERT INTO tip_facts (
        tip_id, version, registered_on, unit_id, merged, division_code, conduct, channel, accept_days, dispatch_days,
        conclude_days, overall_due_on, on_time, matched, corrected, score
    )
    SELECT d.tip_id, d.version, d.registered_on, d.unit_id, d.merged, d.division_code,
        coalesce(d.conduct_type, 'unknown'), d.channel,
        accepted.number - registered.number, assigned.number - accepted.number,
        concluded.number - begun.number, CASE WHEN d.under_way AND d.on_time IS NULL THEN d.overall_due_on END,
        d.on_time,
        CASE WHEN d.lead IS NULL THEN 'none' WHEN d.dispute THEN 'dispute' WHEN d.needs_review THEN 'review'
             ELSE 'sure' END,
        CASE WHEN d.assigned AND d.lead IS NOT NULL AND d.unit_id IS NOT NULL THEN d.division_code <> d.target END,
        d.score
    FROM judged d
    LEFT JOIN worked registered ON registered.day = d.registered_on
    LEFT JOIN worked accepted ON accepted.day = d.accepted_on
    LEFT JOIN worked assigned ON assigned.day = d.assigned_on
    LEFT JOIN worked begun ON begun.day = d.begun_on
    LEFT JOIN worked concluded ON concluded.day = d.concluded_on
    ON CONFLICT (tip_id) DO UPDATE SET
        version = excluded.version, unit_id = excluded.unit_id, merged = excluded.merged,
        division_code = excluded.division_code,
        accept_days = excluded.accept_days, dispatch_days = excluded.dispatch_days,
        conclude_days = excluded.conclude_days, overall_due_on = excluded.overall_due_on,
        on_time = excluded.on_time, matched = excluded.matched, corrected = excluded.corrected, score = excluded.score
    RETURNING registered_on
""")


# Counting days ------------------------------------------------------------------------------------------------------

_FORGET: Final = text("DELETE FROM tip_counts WHERE grain = :grain AND day = ANY (:firsts)")
_BY_DAY: Final = text("""
    INSERT INTO tip_counts (grain, day, unit_id, division_code, measure, value, number)
    SELECT :grain, f.registered_on, CASE WHEN f.merged AND m.measure <> 'score' THEN 0 ELSE coalesce(f.unit_id, 0) END,
        coalesce(f.division_code, ''), m.measure, m.value, count(*)
    FROM tip_facts f CROSS JOIN LATERAL (VALUES
        ('intake', ''), ('conduct', f.conduct), ('channel', f.channel), ('matched', f.matched),
        ('accept', f.accept_days::text), ('dispatch', f.dispatch_days::text), ('conclude', f.conclude_days::text),
        ('on_time', f.on_time::text), ('corrected', f.corrected::text), ('score', f.score::text)
    ) AS m (measure, value)
    WHERE f.registered_on = ANY (:firsts) AND m.value IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
""")
_SUMMED: Final = text("""
    INSERT INTO tip_counts (grain, day, unit_id, division_code, measure, value, number)
    SELECT :grain, first, unit_id, division_code, measure, value, sum(number)
    FROM unnest(CAST(:firsts AS date[]), CAST(:lasts AS date[])) AS span (first, last)
    JOIN tip_counts ON grain = 'day' AND day BETWEEN first AND last
    GROUP BY 1, 2, 3, 4, 5, 6
""")
_OF_ALL: Final = text("""
    INSERT INTO tip_counts (grain, day, unit_id, division_code, measure, value, number)
    SELECT :grain, day, 0, '', measure, value, sum(number)
    FROM tip_counts WHERE grain = :of_each AND day = ANY (:firsts)
    GROUP BY 1, 2, 3, 4, 5, 6
""")


def _count_days(days: Collection[date]) -> None:
    """Count these days from the facts, the spans in which they lie from the days, and all places from each."""
    for grain in Grain:
        spans = sorted({span_of(grain, day) for day in days})
        firsts, lasts = [span.since for span in spans], [span.until for span in spans]
        given = {"grain": grain.value, "firsts": firsts, "lasts": lasts}
        db.session.execute(_FORGET, given)
        db.session.execute(_BY_DAY if grain is Grain.DAY else _SUMMED, given)
        given |= {"grain": grain.of_all, "of_each": grain.value}
        db.session.execute(_FORGET, given)
        db.session.execute(_OF_ALL, given)
