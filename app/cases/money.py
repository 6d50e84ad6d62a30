"""Money of a case, exactly: shares pro rata to the fen, and the ratio of restitution, which nobody types.

Decree 737 Art. 25 and 26: what was raised is returned to the participants in proportion. A fen is the smallest unit
that a bank pays, so shares are whole fen and their sum is the whole. Pure: no Flask, no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Final
from uuid import UUID

FEN: Final = Decimal("0.01")
_RATIO_STEP: Final = Decimal("0.0001")


def to_fen(yuan: Decimal) -> int:
    """Whole fen of an amount in yuan; raise ``ValueError`` where a fraction of a fen would be lost."""
    if not yuan.is_finite() or yuan != yuan.quantize(FEN):
        raise ValueError("an amount has two decimal places at most")
    return int(yuan.scaleb(2))


def to_yuan(fen: int) -> Decimal:
    """Yuan with two decimal places."""
    return Decimal(fen).scaleb(-2)


def distribute(total: int, claims: Mapping[UUID, int]) -> dict[UUID, int]:
    """Share ``total`` fen among ``claims`` (fen each) in proportion, by the largest remainder.

    Every share is the exact one rounded down or up to a fen, and nobody gets more than the own claim. Remainders that
    are equal go by the claim's id, so that the order in which claims are read changes nothing.

    Raises:
        ValueError: a negative amount, or more money than there are claims.
    """
    whole = sum(claims.values())
    if total < 0 or any(claim < 0 for claim in claims.values()):
        raise ValueError("amounts are not negative")
    if total > whole:
        raise ValueError("there is more to distribute than there are claims")
    if whole == 0:
        return dict.fromkeys(claims, 0)
    shares: dict[UUID, int] = {}
    remainders: list[tuple[int, UUID]] = []
    for claim_id, claim in claims.items():
        shares[claim_id], remainder = divmod(total * claim, whole)
        remainders.append((-remainder, claim_id))
    left = total - sum(shares.values())
    for _, claim_id in sorted(remainders)[:left]:
        shares[claim_id] += 1
    return shares


def ratio(returned: Decimal | None, due: Decimal | None) -> Decimal | None:
    """返还比例 = 已清退 / 应清退 with four places; ``None`` while it cannot be told (domain.md §4.4).

    Rounded down: a case that still owes one fen never shows as wholly returned.
    """
    if returned is None or not due:
        return None
    return (returned / due).quantize(_RATIO_STEP, rounding=ROUND_DOWN)
