"""Money of a reward, to the fen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from app.cases.money import to_fen, to_yuan


def split(total_yuan: Decimal, reporters: Sequence[UUID]) -> dict[UUID, Decimal]:
    """Share a reward among joint reporters alike; the fen that are left go to the first of them, one each.

    Raises:
        ValueError: nobody, somebody twice, a fraction of a fen, or less than a fen for each.
    """
    fen = to_fen(total_yuan)
    if not reporters or len(set(reporters)) != len(reporters):
        raise ValueError("the reporters of a joint report are named once each")
    share, left = divmod(fen, len(reporters))
    if share < 1:
        raise ValueError("there is less than a fen for each")
    return {reporter: to_yuan(share + (number < left)) for number, reporter in enumerate(reporters)}


def remaining(budget_yuan: Decimal, paid_yuan: Decimal, promised_yuan: Decimal) -> Decimal:
    """What a year's budget still holds: without what was paid and what was decided and waits to be collected."""
    return budget_yuan - paid_yuan - promised_yuan
