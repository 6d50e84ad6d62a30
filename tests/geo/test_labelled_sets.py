"""The bars of the labelled development addresses, which never enter the product.

``ADDRESS_SETS`` names the folder that holds ``addresses_dev.csv`` and ``addresses_dev_ncap.csv``; without it these
tests are skipped and say so.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from app.geo.address import match

FOLDER = os.environ.get("ADDRESS_SETS")
pytestmark = pytest.mark.skipif(not FOLDER, reason="ADDRESS_SETS is unset: no labelled addresses to measure on")
EASY = {"n_full", "n_county_first", "n_codeonly"}


def shares(name: str, *, hint: bool, keep=lambda row: True) -> tuple[float, float]:
    """Shares of right and of wrong counties, in percent."""
    rows = right = wrong = 0
    with (Path(FOLDER or "") / name).open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            expected = {c for c in (row["expected_county_code"], *row["accept_county_codes"].split("|")) if c}
            if not expected or row["kind"] == "n_codeonly" or not keep(row):
                continue
            county = match(row["address"], row["hint_code"] if hint else None).county
            rows += 1
            right += county in expected
            wrong += county is not None and county not in expected
    return 100 * right / rows, 100 * wrong / rows


@pytest.mark.parametrize(
    ("name", "hint", "keep", "right_at_least", "wrong_at_most"),
    [
        ("addresses_dev.csv", True, lambda row: True, 98.0, 0.3),
        ("addresses_dev.csv", False, lambda row: True, 91.0, 0.5),
        ("addresses_dev.csv", True, lambda row: row["kind"] not in EASY, 97.0, 0.4),
        ("addresses_dev.csv", True, lambda row: row["kind"] not in EASY and row["region"] == "XJ", 98.5, 0.1),
        ("addresses_dev.csv", True, lambda row: row["kind"] == "d_wrong_hint", 100.0, 0.0),
        ("addresses_dev_ncap.csv", False, lambda row: True, 97.5, 0.3),
    ],
    ids=["all-hint", "all-no-hint", "hard", "hard-xinjiang", "wrong-hint", "user-typed"],
)
def test_bar(name, hint, keep, right_at_least, wrong_at_most):
    right, wrong = shares(name, hint=hint, keep=keep)
    assert right >= right_at_least
    assert wrong <= wrong_at_most


@pytest.mark.parametrize("name", ["addresses_dev.csv", "addresses_dev_ncap.csv"])
def test_confidence_keeps_its_word(name):
    """Among answers with confidence ≥ c the share right is at least c, in ten bins."""
    told = []
    with (Path(FOLDER or "") / name).open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            expected = {c for c in (row["expected_county_code"], *row["accept_county_codes"].split("|")) if c}
            answer = match(row["address"], row["hint_code"])
            if expected and answer.county and row["kind"] != "n_codeonly":
                told.append((answer.confidence, answer.county in expected))
    for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99):
        right = [ok for confidence, ok in told if confidence >= level]
        assert sum(right) >= level * len(right), level
