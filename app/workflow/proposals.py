"""A new finding of the district for a tip that the city's desk still holds."""

from __future__ import annotations

from app.foundation.database import db
from app.workflow.service import Opening, lock_for_reassignment
from app.workflow.states import WITH_CITY


def renew_proposal(found: Opening) -> bool:
    """Show a new finding in the city's queue; status, clock, version and history stay as they are.

    Returns whether it was noted: a unit that has the tip keeps it until somebody moves it.
    """
    handling = lock_for_reassignment(found.tip_id)
    if handling.unit_id is not None or handling.status not in WITH_CITY:
        return False
    handling.division_code = found.lead_division
    handling.dispute, handling.needs_review = found.dispute, found.needs_review
    db.session.flush()
    return True
