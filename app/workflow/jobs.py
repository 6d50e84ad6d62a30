"""What the periodic clock runs here."""

from __future__ import annotations

from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM
from app.workflow import reassignment, recount, sweeping


def sweep_clocks() -> None:
    """Mark what is pressing and warn of it, and end what nobody proved in time.

    Twice is safe: a warning exists once for each kind and due date, and a request ends once.
    """
    with transaction(OPEN_WALL):
        recount.count_again(PROGRAM)  # what another process counted by the calendar before it was replaced
        sweeping.warn_of_undecided()
        reassignment.end_unproved()
    more = True
    while more:
        with transaction(OPEN_WALL):
            more = sweeping.sweep_some() > 0
