"""How a round shares a sum: whatever the claims, the parts are the whole, exact to the fen, nobody gets too much.

The statement that the product runs is given invented claims, and its answer is held against fractions without limit.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from fractions import Fraction
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cases.sharing import shares_of
from app.foundation.database import db

FEN = st.integers(1, 10**14)
CLAIMS = st.dictionaries(st.uuids(), FEN, min_size=1, max_size=40)
_GIVEN = "SELECT id, fen FROM unnest(%(ids)s::uuid[], %(fens)s::bigint[]) AS given (id, fen)"

pytestmark = pytest.mark.usefixtures("app")
on_one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[int, dict[UUID, int]]:
    """A total that the claims can take, and the claims."""
    claims = draw(CLAIMS)
    return draw(st.integers(1, sum(claims.values()))), claims


def distribute(total: int, claims: Mapping[UUID, int]) -> dict[UUID, int]:
    values = {"total": total, "ids": list(claims), "fens": list(claims.values())}
    answer = db.session.connection().exec_driver_sql(shares_of(_GIVEN), values)
    return dict(answer.all())


def expected(total: int, claims: Mapping[UUID, int]) -> dict[UUID, int]:
    """The largest remainder, written down as it is defined."""
    whole = sum(claims.values())
    exact = {one: Fraction(total * claim, whole) for one, claim in claims.items()}
    shares = {one: int(share) for one, share in exact.items()}
    by_remainder = sorted(claims, key=lambda one: (shares[one] - exact[one], one))
    for one in by_remainder[: total - sum(shares.values())]:
        shares[one] += 1
    return shares


@on_one_database
@given(rounds())
def test_is_the_largest_remainder(given_round: tuple[int, dict[UUID, int]]) -> None:
    assert distribute(*given_round) == expected(*given_round)


@on_one_database
@given(rounds())
def test_the_parts_are_the_whole_and_nobody_gets_more_than_is_owed(given_round: tuple[int, dict[UUID, int]]) -> None:
    total, claims = given_round
    shares = distribute(total, claims)
    assert set(shares) == set(claims)
    assert sum(shares.values()) == total
    whole = sum(claims.values())
    for claim_id, share in shares.items():
        assert 0 <= share <= claims[claim_id]
        assert abs(share - Fraction(total * claims[claim_id], whole)) < 1


@on_one_database
@given(rounds(), st.randoms(use_true_random=False))
def test_order_changes_nothing_and_a_larger_claim_never_gets_less(
    given_round: tuple[int, dict[UUID, int]], chance: random.Random
) -> None:
    total, claims = given_round
    shares = distribute(total, claims)
    shuffled = list(claims.items())
    chance.shuffle(shuffled)
    assert distribute(total, dict(shuffled)) == shares
    by_claim = sorted(claims, key=lambda one: (claims[one], shares[one]))
    assert all(shares[smaller] <= shares[larger] for smaller, larger in itertools.pairwise(by_claim))


def test_a_fen_that_three_equal_claims_cannot_share_goes_by_id() -> None:
    first, second, third = UUID(int=1), UUID(int=2), UUID(int=3)
    assert distribute(100, {third: 50, first: 50, second: 50}) == {first: 34, second: 33, third: 33}


def test_rounds_one_after_the_other_end_at_the_claims(app: Flask) -> None:
    """However a sum is cut into rounds, the last fen settles every claim, and none is ever beyond its own."""
    chance = random.Random(7)
    owed = {UUID(int=n): chance.randrange(1, 10**6) for n in range(1, 30)}
    left = dict(owed)
    while sum(left.values()):
        shares = distribute(
            min(sum(left.values()), chance.randrange(1, 3 * 10**6)), {k: v for k, v in left.items() if v}
        )
        for claim_id, fen in shares.items():
            left[claim_id] -= fen
            assert left[claim_id] >= 0
    assert set(left.values()) == {0}
