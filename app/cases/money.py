"""Money of a case, exactly: yuan and whole fen, and the ratio of restitution, which nobody types.

A fen is the smallest unit that a bank pays. How a sum is shared is in ``sharing.py``. Pure: no Flask, no database.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Final

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


def ratio(returned: Decimal | None, due: Decimal | None) -> Decimal | None:
    """返还比例 = 已清退 / 应清退 with four places; ``None`` while it cannot be told (domain.md §4.4).

    Rounded down: a case that still owes one fen never shows as wholly returned.
    """
    if returned is None or not due:
        return None
    return (returned / due).quantize(_RATIO_STEP, rounding=ROUND_DOWN)
