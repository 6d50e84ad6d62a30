"""The states of a payment and the table of what the bank may say of it (pure: no Flask, no database)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class PaymentState(StrEnum):
    """Where one attempt to pay a share stands."""

    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    """Taken out of its batch because the claim was corrected before the list left for the bank."""


RESULTS: Final[Mapping[PaymentState, frozenset[PaymentState]]] = {
    PaymentState.SENT: frozenset({PaymentState.PAID, PaymentState.FAILED, PaymentState.RETURNED}),
    PaymentState.PAID: frozenset({PaymentState.RETURNED}),
    PaymentState.FAILED: frozenset(),
    PaymentState.RETURNED: frozenset(),
    PaymentState.WITHDRAWN: frozenset(),
}
"""State → what the bank may say next. What failed, came back or was withdrawn is paid anew, as a further attempt."""
