"""Quiet hours: nobody's telephone rings at night (pure)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from app.foundation import clock


def end_of_quiet(hours: tuple[time, time] | None, moment: datetime) -> datetime | None:
    """When the quiet hours that ``moment`` lies in end; ``None`` outside of them.

    ``hours``: (beginning, end) on Beijing's clock, the beginning included, the end not; they may pass midnight.
    """
    if hours is None:
        return None
    begins, ends = hours
    local = clock.beijing(moment)
    present = local.time()
    past_midnight = begins > ends
    if not (present >= begins or present < ends if past_midnight else begins <= present < ends):
        return None
    day = local.date() + timedelta(days=1 if past_midnight and present >= begins else 0)
    return datetime.combine(day, ends, clock.BEIJING)
