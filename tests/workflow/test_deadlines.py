"""Working-day arithmetic: laws that hold for every calendar, start and length."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.errors import DeadlineBeyondCalendar
from app.workflow.deadlines import WorkingCalendar, days_back, end_of_day, warning_days

FIRST, LAST = date(2025, 1, 1), date(2027, 12, 31)
_DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
_DAY = timedelta(days=1)


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    off = draw(st.frozensets(st.sampled_from(_DAYS), max_size=80))
    made_up = draw(st.frozensets(st.sampled_from(_DAYS), max_size=20)) - off
    return WorkingCalendar(off, made_up, frozenset({2025, 2026, 2027}))


starts = st.sampled_from(_DAYS[:500])
lengths = st.integers(1, 60)


@given(calendars(), starts, lengths)
def test_adding_days_and_counting_them_gives_the_same_number(calendar: WorkingCalendar, start: date, n: int) -> None:
    assert calendar.count(start, calendar.add(start, n)) == n


@given(calendars(), starts, lengths)
def test_a_deadline_never_lands_on_a_day_off(calendar: WorkingCalendar, start: date, n: int) -> None:
    end = calendar.add(start, n)
    assert calendar.is_working(end)
    assert end > start


@given(calendars(), starts, lengths, lengths)
def test_adding_in_two_parts_is_adding_at_once(calendar: WorkingCalendar, start: date, n: int, m: int) -> None:
    assert calendar.add(calendar.add(start, n), m) == calendar.add(start, n + m)


@given(calendars(), starts, lengths)
def test_an_independent_count_agrees(calendar: WorkingCalendar, start: date, n: int) -> None:
    working = [
        day
        for day in _DAYS
        if day > start and (day in calendar.made_up or (day.weekday() < 5 and day not in calendar.off))
    ]
    assert calendar.add(start, n) == working[n - 1]


@given(calendars(), starts, st.integers(0, 400))
def test_counting_backwards_is_the_negative(calendar: WorkingCalendar, start: date, length: int) -> None:
    end = start + timedelta(days=length)
    assert calendar.count(end, start) == -calendar.count(start, end)


@given(calendars(), st.sampled_from(_DAYS[200:700]), st.integers(0, 60))
def test_going_back_is_undone_by_counting(calendar: WorkingCalendar, day: date, n: int) -> None:
    start = days_back(calendar, day, n)
    assert calendar.count(start, day) == n
    assert n == 0 or calendar.is_working(start + _DAY), "the latest such day"


@given(calendars(), starts, lengths)
def test_warnings_come_in_order_and_red_is_the_day_after(calendar: WorkingCalendar, start: date, n: int) -> None:
    yellow, orange, red = warning_days(calendar, start, n)
    assert start < yellow <= orange < red
    assert red == calendar.add(start, n) + _DAY
    assert 2 * calendar.count(start, yellow) >= n
    assert 5 * (n - calendar.count(start, orange)) <= n


def test_a_year_that_is_not_loaded_is_refused_and_named() -> None:
    calendar = WorkingCalendar(frozenset(), frozenset(), frozenset({2026}))
    assert calendar.add(date(2026, 12, 30), 1) == date(2026, 12, 31)
    with pytest.raises(DeadlineBeyondCalendar, match=r"2027.*系统管理员导入"):
        calendar.add(date(2026, 12, 30), 2)


def test_a_limit_is_at_least_a_day() -> None:
    with pytest.raises(ValueError, match="at least one"):
        WorkingCalendar(frozenset(), frozenset(), frozenset({2026})).add(date(2026, 3, 2), 0)


def test_a_day_ends_in_beijing() -> None:
    assert end_of_day(date(2026, 3, 2)).isoformat() == "2026-03-02T23:59:59+08:00"
