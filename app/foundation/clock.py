"""The only source of time: UTC inside, Beijing time for people."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

BEIJING = ZoneInfo("Asia/Shanghai")

_stopped: ContextVar[datetime | None] = ContextVar("stopped_clock", default=None)


def now() -> datetime:
    """The present moment, in UTC, with its offset."""
    return _stopped.get() or datetime.now(UTC)


def span(first: date, last: date) -> tuple[datetime, datetime]:
    """The moments from the beginning of one Beijing day to the end of another (not included)."""
    return datetime.combine(first, time(), BEIJING), datetime.combine(last + timedelta(days=1), time(), BEIJING)


def today() -> date:
    """Today's date in Beijing, the date that working-day clocks count."""
    return now().astimezone(BEIJING).date()


def beijing(moment: datetime) -> datetime:
    """The same moment on the wall clock that an official reads."""
    return moment.astimezone(BEIJING)


def start_of_today() -> datetime:
    """The beginning of today in Beijing: the moment to store where the hour would tell too much of a person."""
    return datetime.combine(today(), time.min, BEIJING).astimezone(UTC)


def day_text(day: date) -> str:
    """A day as officials write it, without leading noughts (GB/T 9704—2012, 7.3.5): 2026年3月2日."""
    return f"{day.year}年{day.month}月{day.day}日"


def moment_text(at: datetime) -> str:
    """A moment on the wall clock of Beijing as officials write it, to the minute: 2026年3月2日 10:05."""
    local = beijing(at)
    return f"{day_text(local)} {local:%H:%M}"


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Hold the clock at ``moment`` within this context (simulations and tests of deadlines)."""
    token = _stopped.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _stopped.reset(token)
