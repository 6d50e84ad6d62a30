"""Figures over the tips within sight: how many came, how long each step took, how sure the program was, who was glad.

Every figure is about the tips registered within some days (Beijing, both included), so that the queue with the same
days is the list behind it. They are read from counts that ``tips.counting`` keeps: of quarters, months, thirds of
months, and the days around.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import accumulate
from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from app.foundation.database import db, read_rows
from app.foundation.permissions import Actor, Permission
from app.tips.periods import Grain, Period, spans
from app.tips.statistics_models import WAY, StatisticsState, TipCount


class Took(StrEnum):
    """A step whose working days are counted."""

    ACCEPT = "accept"
    """From registration to acceptance."""
    DISPATCH = "dispatch"
    """From acceptance to the first assignment."""
    CONCLUDE = "conclude"
    """From acceptance (the latest, where a tip was reopened) to the conclusion that holds."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Division → measure → value → number of tips."""

    divisions: Mapping[str, Mapping[str, Counter[str]]]

    def among(self, codes: Iterable[str]) -> Tally:
        """The same of some divisions alone."""
        return Tally({code: self.divisions[code] for code in codes if code in self.divisions})

    @property
    def tips(self) -> int:
        """How many tips were registered."""
        return self.of("intake").total()

    def of(self, measure: str) -> Counter[str]:
        """Value → number of tips."""
        kept = [measures[measure] for measures in self.divisions.values() if measure in measures]
        if len(kept) == 1:
            return kept[0]
        found: Counter[str] = Counter()
        for numbers in kept:
            found.update(numbers)
        return found

    def days_of(self, step: Took, shares: Sequence[float]) -> list[int | None]:
        """The working days within which each share of the tips had taken a step; none where no tip has."""
        return percentiles({int(days): number for days, number in self.of(step.value).items()}, shares)

    def rate(self, measure: str, value: str) -> float | None:
        """The share of tips with this value among those that have one; none where none has."""
        known = self.of(measure)
        return known[value] / known.total() if known else None

    @property
    def score(self) -> float | None:
        """The mean of the ratings, 1 to 5."""
        given = self.of("score")
        return sum(int(score) * number for score, number in given.items()) / given.total() if given else None


def percentiles(numbers: Mapping[int, int], shares: Sequence[float]) -> list[int | None]:
    """The least value that at least each share of all does not exceed (nearest rank); none where there is nothing."""
    values = sorted(numbers)
    reached = list(accumulate(numbers[value] for value in values))
    return [values[bisect_left(reached, share * reached[-1])] if values else None for share in shares]


def tally(actor: Actor, period: Period, division: str | None = None, *, by_place: bool = True) -> Tally:
    """Every measure over the tips within sight that were registered in ``period``; of all places at once or of each."""
    of_all = actor.city_wide and division is None and not by_place
    values = (TipCount.measure, TipCount.value)
    grouped = (*values, TipCount.division_code) if by_place else values
    counted = _visible(actor, division).where(_slices(period, of_all=of_all))
    rows = db.session.execute(counted.with_only_columns(func.sum(TipCount.number), *grouped).group_by(*grouped))
    found: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for number, measure, value, *place in rows:
        found["".join(place)][measure][value] = number
    return Tally(found)


def values_of(actor: Actor, period: Period, measure: str, place: Sequence[ColumnElement[bool]]) -> Counter[str]:
    """Value of one measure → number of tips within sight, of all places or where the conditions on the counts hold."""
    counted = _visible(actor, None).where(TipCount.measure == measure, *place)
    rows = db.session.execute(
        counted.where(_slices(period, of_all=actor.city_wide and not place))
        .with_only_columns(TipCount.value, func.sum(TipCount.number))
        .group_by(TipCount.value)
    )
    return Counter({row[0]: row[1] for row in rows})


def since_each(actor: Actor, days: Sequence[date], until: date, division: str | None = None) -> list[int]:
    """How many tips were registered from each of these days, in order, until the day before the next or ``until``."""
    if not actor.may(Permission.TIP_READ) or not (actor.city_wide or actor.unit_id):
        return [0] * len(days)
    given = {"days": list(days), "since": days[0], "until": until}
    if actor.city_wide and division is None:
        rows = read_rows(_OF_ALL_PLACES, **given)
    else:
        rows = read_rows(_OF_A_PLACE, **given, unit_id=None if actor.city_wide else actor.unit_id, division=division)
    found = {row.run: row.number for row in rows}
    return [found.get(run, 0) for run in range(1, len(days) + 1)]


def _registered(grain: str, *where: ColumnElement[bool]) -> Select[tuple[int, int]]:
    """In the words of an index."""
    run = func.width_bucket(TipCount.day, bindparam("days", type_=ARRAY(Date))).label("run")
    return (
        select(run, func.sum(TipCount.number).label("number"))
        .where(
            TipCount.grain == literal_column(f"'{grain}'"),
            TipCount.measure == literal_column("'intake'"),
            TipCount.day.between(bindparam("since"), bindparam("until")),
            *where,
        )
        .group_by(run)
    )


_OF_ALL_PLACES: Final = _registered(Grain.DAY.of_all)
_OF_A_PLACE: Final = _registered(
    Grain.DAY.value,
    TipCount.unit_id == func.coalesce(bindparam("unit_id", type_=Integer), TipCount.unit_id),
    TipCount.division_code == func.coalesce(bindparam("division", type_=Text), TipCount.division_code),
)


def counted_at() -> datetime | None:
    """Up to when the figures are complete; none while they are being counted for the first time, or anew."""
    state = db.session.scalar(select(StatisticsState).where(StatisticsState.id == WAY))
    return state.counted_at if state and state.counted_to is None else None


def _visible(actor: Actor, division: str | None) -> Select[TipCount]:
    return select(TipCount).where(_within_sight(actor), TipCount.division_code == division if division else true())


def _within_sight(actor: Actor) -> ColumnElement[bool]:
    """The counts of tips that an actor may see: those of all units for the city, of the own unit for a district."""
    if not actor.may(Permission.TIP_READ):
        return false()
    return true() if actor.city_wide else TipCount.unit_id == actor.unit_id


def _slices(period: Period, *, of_all: bool) -> ColumnElement[bool]:
    """The counts that make up a period: none where it ends before it begins."""
    return or_(
        false(),
        *(
            and_(
                TipCount.grain == (grain.of_all if of_all else grain.value),
                TipCount.day.between(span.since, span.until),
            )
            for grain, span in spans(period)
        ),
    )
