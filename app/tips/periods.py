"""Days of registration in a row, and the spans of the calendar for which counts are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
_LAST_THIRD = 21


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Days of registration, both included."""

    since: date
    until: date

    @property
    def before(self) -> Period:
        """As many days immediately before."""
        return Period(self.since - (self.until - self.since) - _DAY, self.since - _DAY)


class Grain(StrEnum):
    """For how long a count is kept: a day, a third of a month (旬), a month, a quarter."""

    DAY = "day"
    THIRD = "third"
    MONTH = "month"
    QUARTER = "quarter"

    @property
    def of_all(self) -> str:
        """The same over all places at once."""
        return f"all-{self.value}"


def span_of(grain: Grain, day: date) -> Period:
    """The span in which a day lies."""
    if grain is Grain.DAY:
        return Period(day, day)
    if grain is Grain.THIRD:
        first = day.replace(day=min((day.day - 1) // 10, 2) * 10 + 1)
        return Period(first, first + 9 * _DAY if first.day < _LAST_THIRD else _next_month(day) - _DAY)
    months = 3 if grain is Grain.QUARTER else 1
    first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return Period(first, _next_month(first.replace(month=first.month + months - 1)) - _DAY)


def spans(period: Period) -> Iterator[tuple[Grain, Period]]:
    """The period as runs of the longest spans that lie within it, in order and without a gap."""
    run: tuple[Grain, Period] | None = None
    day = period.since
    while day <= period.until:
        grain, span = next(found for found in _beginning(day) if found[1].until <= period.until)
        if run and run[0] is grain:
            run = grain, Period(run[1].since, span.until)
        else:
            if run:
                yield run
            run = grain, span
        day = span.until + _DAY
    if run:
        yield run


def _beginning(day: date) -> Iterator[tuple[Grain, Period]]:
    """Every span that begins on a day, the longest first."""
    for grain in reversed(Grain):
        span = span_of(grain, day)
        if span.since == day:
            yield grain, span


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
