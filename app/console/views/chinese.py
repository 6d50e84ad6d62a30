"""Days, moments and sums as officials write them: 2026年3月2日 (GB/T 9704: no leading noughts), 万元.

Pages use the filters ``day``, ``moment`` and ``wan`` of the same names.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from app.console.blueprint import pages
from app.foundation import clock

_WAN: Final = Decimal(10_000)


@pages.app_template_filter()
def day(on: date) -> str:
    """A day, or the day of a moment in Beijing time."""
    return clock.day_text(on)


@pages.app_template_filter()
def moment(at: datetime) -> str:
    """A moment that is in Beijing time already, to the minute."""
    return clock.moment_text(at)


@pages.app_template_filter()
def month(on: date) -> str:
    """The month of a day."""
    return f"{on.year}年{on.month}月"


@pages.app_template_filter()
def wan(yuan: Decimal) -> str:
    """A sum in 万元, without the unit."""
    return f"{yuan / _WAN:,.2f}"
