"""Quiet hours, the pure part; what they do to a delivery stands in test_ladder.py."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.foundation import clock
from app.notifications.quiet import end_of_quiet

NIGHT = (time(23), time(9))
MOMENTS = st.integers(0, 10**9).map(lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=clock.BEIJING)


def test_a_night_passes_midnight() -> None:
    assert end_of_quiet(NIGHT, at(2, 22, 59)) is None
    assert end_of_quiet(NIGHT, at(2, 23)) == at(3, 9)
    assert end_of_quiet(NIGHT, at(3, 0)) == at(3, 9)
    assert end_of_quiet(NIGHT, at(3, 8, 59)) == at(3, 9)
    assert end_of_quiet(NIGHT, at(3, 9)) is None


def test_a_rest_at_noon() -> None:
    assert end_of_quiet((time(13), time(15)), at(2, 14)) == at(2, 15)
    assert end_of_quiet((time(13), time(15)), at(2, 15)) is None


@given(MOMENTS)
def test_without_quiet_hours_nothing_waits(moment: datetime) -> None:
    assert end_of_quiet(None, moment) is None


@given(TIMES, TIMES, MOMENTS)
def test_the_end_is_the_next_one_and_no_longer_quiet(begins: time, ends: time, moment: datetime) -> None:
    if begins == ends:
        return
    until = end_of_quiet((begins, ends), moment)
    if until is None:
        return
    assert moment < until <= moment + timedelta(days=1)
    assert clock.beijing(until).time() == ends
    assert end_of_quiet((begins, ends), until) is None


@given(TIMES, TIMES, MOMENTS)
def test_a_moment_is_quiet_by_day_or_by_the_other_hours(begins: time, ends: time, moment: datetime) -> None:
    """Of two spans that make up a day exactly one is quiet."""
    if begins != ends:
        both = [end_of_quiet((begins, ends), moment), end_of_quiet((ends, begins), moment)]
        assert both.count(None) == 1
