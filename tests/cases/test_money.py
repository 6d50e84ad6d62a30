"""Money of a case: shares add up to the fen whatever the claims, and the ratio follows from the amounts."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cases.money import distribute, ratio, to_fen, to_yuan

FEN = st.integers(0, 10**14)
CLAIMS = st.dictionaries(st.uuids(), FEN, min_size=1, max_size=40)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[int, dict[UUID, int]]:
    """A total that the claims can take, and the claims."""
    claims = draw(CLAIMS)
    return draw(st.integers(0, sum(claims.values()))), claims


class TestDistribute:
    @given(rounds())
    def test_the_parts_are_the_whole(self, given_round: tuple[int, dict[UUID, int]]) -> None:
        total, claims = given_round
        shares = distribute(total, claims)
        assert set(shares) == set(claims)
        assert sum(shares.values()) == total

    @given(rounds())
    def test_every_share_is_the_exact_one_to_the_fen_and_within_the_claim(
        self, given_round: tuple[int, dict[UUID, int]]
    ) -> None:
        total, claims = given_round
        whole = sum(claims.values())
        for claim_id, share in distribute(total, claims).items():
            exact = Fraction(total * claims[claim_id], whole) if whole else Fraction(0)
            assert abs(share - exact) < 1
            assert 0 <= share <= claims[claim_id]

    @given(rounds(), st.randoms(use_true_random=False))
    def test_the_order_of_the_claims_changes_nothing(
        self, given_round: tuple[int, dict[UUID, int]], chance: random.Random
    ) -> None:
        total, claims = given_round
        shuffled = list(claims.items())
        chance.shuffle(shuffled)
        assert distribute(total, dict(shuffled)) == distribute(total, claims)

    @given(rounds())
    def test_a_larger_claim_never_gets_less(self, given_round: tuple[int, dict[UUID, int]]) -> None:
        total, claims = given_round
        shares = distribute(total, claims)
        by_claim = sorted(claims, key=lambda one: (claims[one], shares[one]))
        for smaller, larger in itertools.pairwise(by_claim):
            assert shares[smaller] <= shares[larger]

    def test_a_fen_that_three_equal_claims_cannot_share_goes_by_id(self) -> None:
        first, second, third = UUID(int=1), UUID(int=2), UUID(int=3)
        assert distribute(100, {third: 50, first: 50, second: 50}) == {first: 34, second: 33, third: 33}

    @pytest.mark.parametrize(("total", "claims"), [(-1, [5]), (6, [5]), (1, []), (1, [0]), (3, [5, -1])])
    def test_what_cannot_be_shared_is_refused(self, total: int, claims: list[int]) -> None:
        with pytest.raises(ValueError, match=r"negative|more to distribute"):
            distribute(total, {UUID(int=number): claim for number, claim in enumerate(claims)})


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
