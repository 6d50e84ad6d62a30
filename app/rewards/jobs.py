"""What the periodic clock and the outbox run here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM
from app.outbox.service import handles
from app.rewards import claiming, recount, service
from app.workflow.police import OPEN_REVIEW


@handles(OPEN_REVIEW)
def open_review(payload: dict[str, Any]) -> None:
    """Open the reviews of a concluded matter that was proved. Twice is safe: a tip has one reward."""
    claiming.open_concluded(UUID(payload["tip_id"]))


def lapse_rewards() -> None:
    """Mend terms to decide, and let uncollected rewards lapse. Twice is safe: neither finds again what it has done."""
    with transaction(OPEN_WALL):
        recount.count_again(PROGRAM)  # what another process counted by the calendar before it was replaced
        service.lapse_some()
