"""What the periodic clock runs here."""

from __future__ import annotations

from app.cases import reminders
from app.foundation.database import OPEN_WALL, transaction


def sweep_cases() -> None:
    """Remind of what is due and supervise what was missed. Twice is safe: a reminder exists once for its due date."""
    with transaction(OPEN_WALL):
        reminders.sweep()
