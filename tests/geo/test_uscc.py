from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.geo.uscc import ALPHABET, check_digit, parse


def code(region: str) -> str:
    body = f"91{region}MA7ABCDE1"
    return body + check_digit(body)


def test_a_right_code():
    read = parse(" 9165 0104-ma7abcde1" + check_digit("91650104MA7ABCDE1").lower())
    assert read.check_digit_ok
    assert read.registration.county == "650104"
    assert read.registration.evidence[0].how == "uscc"


@pytest.mark.parametrize("pilot", ["91350100M0001TGQXM", "91350211M0000XUF46", "91350203M0001FUE2P"])
def test_a_wrong_check_digit_warns_and_never_refuses(pilot):
    read = parse(pilot)
    assert read.well_formed
    assert not read.check_digit_ok
    assert read.registration.province == "350000"


@pytest.mark.parametrize(
    ("region", "county", "prefecture", "status"),
    [
        ("650104", "650104", "650100", "matched"),
        ("652303", "650109", "650100", "matched"),  # abolished: 米泉市
        ("650101", None, "650100", "unknown"),  # summary code 市辖区
        ("650100", None, "650100", "unknown"),
        ("650000", None, None, "unknown"),
        ("650171", "650106", "650100", "matched"),  # zone-style codes of Urumqi
        ("650172", "650104", "650100", "matched"),
        ("330104", None, "330100", "ambiguous"),  # 江干区, divided
        ("441900", None, "441900", "matched"),  # no counties there
        ("659001", "659001", None, "matched"),
        ("650198", None, "650100", "unknown"),  # no such unit, but its prefecture
        ("100000", None, None, "unknown"),
    ],
)
def test_digits_three_to_eight(region, county, prefecture, status):
    said = parse(code(region)).registration
    assert (said.county, said.prefecture, said.status) == (county, prefecture, status)


@given(st.text(max_size=40))
def test_any_text_is_read(text):
    read = parse(text)
    assert read.well_formed or read.registration.status == "unknown"


@given(st.text(alphabet=ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(ALPHABET))
def test_one_changed_character_is_noticed(body, place, char):
    whole = body + check_digit(body)
    changed = whole[:place] + char + whole[place + 1 :]
    assert parse(whole).check_digit_ok
    assert parse(changed).check_digit_ok == (changed == whole)


@pytest.mark.parametrize("text", [None, "", "91650104", "9165O104MA7ABCDE1X", "无"])
def test_what_is_no_code(text):
    read = parse(text)
    assert not read.well_formed
    assert read.registration.status == "unknown"
