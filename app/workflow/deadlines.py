"""Working-day clocks: pure functions over a region's calendar.

The day of receipt is not counted (the first day is the next working day). A calendar never guesses: a year that is not
loaded raises ``DeadlineBeyondCalendar``, because plain weekdays would be wrong by whole holidays (Xinjiang 2025: four
days).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from app.foundation.clock import BEIJING
from app.foundation.errors import DeadlineBeyondCalendar

_SATURDAY = 5
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Days off and make-up working days of one region, complete for ``years``."""

    off: frozenset[date]
    made_up: frozenset[date]
    years: frozenset[int]

    def is_working(self, day: date) -> bool:
        """Whether offices work on ``day``; raise ``DeadlineBeyondCalendar`` for a year that is not loaded."""
        if day.year not in self.years:
            raise DeadlineBeyondCalendar(f"工作日历中没有 {day.year} 年，请系统管理员导入后再办理")
        if day in self.made_up:
            return True
        return day not in self.off and day.weekday() < _SATURDAY

    def add(self, start: date, working_days: int) -> date:
        """The date ``working_days`` (≥ 1) working days after ``start``, which is not counted itself."""
        if working_days < 1:
            raise ValueError("a limit is at least one working day")
        day = start
        while working_days:
            day += _DAY
            working_days -= self.is_working(day)
        return day

    def count(self, start: date, end: date) -> int:
        """Working days after ``start`` up to and including ``end``; negative when ``end`` lies before ``start``."""
        return -_counted(self, end, start) if end < start else _counted(self, start, end)


@lru_cache(maxsize=4096)
def _counted(calendar: WorkingCalendar, start: date, end: date) -> int:
    """Kept, because the lines of a list count from today to the same few days, request after request."""
    days = (end - start).days
    return sum(calendar.is_working(start + timedelta(days=n)) for n in range(1, days + 1))


def days_back(calendar: WorkingCalendar, day: date, working_days: int) -> date:
    """The latest day from which exactly ``working_days`` are counted up to and including ``day``."""
    while working_days:
        working_days -= calendar.is_working(day)
        day -= _DAY
    return day


def warning_days(calendar: WorkingCalendar, start: date, days: int) -> tuple[date, date, date]:
    """When half of a limit is used, when a fifth or less of it is left, and the first day after its end."""
    return (
        calendar.add(start, -(-days // 2)),
        calendar.add(start, days - days // 5),
        calendar.add(start, days) + _DAY,
    )


def end_of_day(day: date) -> datetime:
    """The last moment of ``day`` in Beijing: a limit of days ends with its day."""
    return datetime.combine(day, time(23, 59, 59), BEIJING)
