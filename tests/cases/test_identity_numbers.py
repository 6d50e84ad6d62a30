"""Identity numbers: the check digit and the day hold, wherever and whenever somebody was born."""

from __future__ import annotations

import pytest

from app.cases.identity_numbers import is_identity_number


@pytest.mark.parametrize(
    "number",
    [
        "650102195001010019",  # born before the district had its code
        "650102197501010014",
        "650102199001010017",
        "11010519491231002X",
    ],
)
def test_right_numbers_hold(number: str) -> None:
    assert is_identity_number(number)


@pytest.mark.parametrize(
    "number",
    ["650102195001010018", "650102195002300017", "65010219500101001", "11010519491231002x", "０50102195001010019", ""],
)
def test_others_do_not(number: str) -> None:
    assert not is_identity_number(number)
