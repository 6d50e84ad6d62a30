"""Moments at which tests hold the clock; the calendar of the tests reaches to the end of 2026."""

from __future__ import annotations

from datetime import date, datetime

from app.foundation.clock import BEIJING

MONDAY_MORNING = datetime(2026, 3, 2, 10, 0, tzinfo=BEIJING)
"""An ordinary Monday; the next days off are 4 to 6 April."""


def morning_of(day: date) -> datetime:
    """Ten o'clock in Beijing on ``day``."""
    return datetime(day.year, day.month, day.day, 10, 0, tzinfo=BEIJING)
