"""Money of a case: yuan and fen are the same money, and the ratio follows from the amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cases.money import ratio, to_fen, to_yuan

FEN = st.integers(0, 10**14)


class TestAmounts:
    @given(FEN)
    def test_fen_and_yuan_are_the_same_money(self, fen: int) -> None:
        assert to_fen(to_yuan(fen)) == fen
        assert str(to_yuan(fen))[-3] == "."

    @pytest.mark.parametrize("amount", ["0.001", "1.005", "NaN", "Infinity"])
    def test_no_fraction_of_a_fen_is_lost_in_silence(self, amount: str) -> None:
        with pytest.raises(ValueError, match="two decimal places"):
            to_fen(Decimal(amount))


class TestRatio:
    @pytest.mark.parametrize(
        ("returned", "due", "expected"),
        [
            ("25", "100", "0.2500"),
            ("1", "3", "0.3333"),
            ("2", "3", "0.6666"),
            ("0", "3", "0.0000"),
            ("3", "3", "1.0000"),
        ],
    )
    def test_is_what_was_returned_of_what_is_due(self, returned: str, due: str, expected: str) -> None:
        assert str(ratio(Decimal(returned), Decimal(due))) == expected

    def test_is_not_whole_while_a_fen_is_owed(self) -> None:
        assert ratio(Decimal("9999999999.99"), Decimal(10**10)) == Decimal("0.9999")

    @pytest.mark.parametrize(("returned", "due"), [(None, Decimal(1)), (Decimal(1), None), (Decimal(0), Decimal(0))])
    def test_is_not_told_before_both_are_known(self, returned: Decimal | None, due: Decimal | None) -> None:
        assert ratio(returned, due) is None
