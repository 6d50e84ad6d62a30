"""Unified social credit code (GB 32100-2015) → division of the registration authority in its digits 3 to 8.

A wrong check digit warns and never refuses: codes of the pilot years fail the check and are legal.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.geo.codes import today
from app.geo.divisions import LEVEL_COUNTY, LEVEL_PREFECTURE, divisions
from app.geo.gazetteer import gazetteer
from app.geo.match import UNKNOWN, Alternative, Evidence, Match
from app.geo.normalise import fold

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18
_WEIGHTS = tuple(pow(3, i, 31) for i in range(LENGTH - 1))
_SEPARATORS = str.maketrans("", "", " \t\r\n-_·　")
_COUNTY_CONFIDENCE, _ZONE_CONFIDENCE = 0.9, 0.75


@dataclass(frozen=True, slots=True)
class CreditCode:
    """``text`` is the normalised code; ``well_formed`` tells length and alphabet, ``check_digit_ok`` only warns.

    ``region`` are digits 3 to 8; ``registration`` is what they say, ``unknown`` for codes that name no division.
    """

    text: str
    well_formed: bool
    check_digit_ok: bool
    region: str | None
    registration: Match


def parse(text: str | None) -> CreditCode:
    """Read a code as typed (spaces, full width and lower case are accepted); never raises."""
    code = fold((text or "")[:200]).translate(_SEPARATORS).upper()
    well_formed = len(code) == LENGTH and all(char in ALPHABET for char in code)
    region = code[2:8] if well_formed and code[2:8].isdigit() else None
    return CreditCode(
        text=code,
        well_formed=well_formed,
        check_digit_ok=well_formed and code[-1] == check_digit(code),
        region=region,
        registration=_registration(region) if region else UNKNOWN,
    )


def check_digit(code: str) -> str:
    """The check digit of the first 17 characters."""
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(code, _WEIGHTS, strict=False))
    return ALPHABET[(31 - total % 31) % 31]


def _registration(region: str) -> Match:
    codes = today(region)
    if not codes:
        return UNKNOWN
    known = divisions().get(region)
    confidence = _COUNTY_CONFIDENCE if known and known.status in {"current", "abolished"} else _ZONE_CONFIDENCE
    return _told(region, codes[0], confidence) if len(codes) == 1 else _split(region, codes)


def _evidence(region: str, means: str) -> Evidence:
    return Evidence(region, 0, 0, means, "uscc")


def _told(region: str, code: str, confidence: float) -> Match:
    tree = divisions()
    division = tree.get(code)
    level = division.level if division else 0
    whole = level == LEVEL_PREFECTURE and int(code) in gazetteer().whole_prefectures
    return Match(
        province=tree.province_of(code),
        prefecture=tree.prefecture_of(code),
        county=code if level == LEVEL_COUNTY else None,
        status="matched" if level == LEVEL_COUNTY or whole else "unknown",
        confidence=confidence,
        alternatives=[Alternative(code, confidence)],
        evidence=[_evidence(region, code)],
    )


def _split(region: str, codes: tuple[str, ...]) -> Match:
    """A former unit whose land went to several: the township or a person decides."""
    tree = divisions()
    provinces = {tree.province_of(code) for code in codes}
    prefectures = {tree.prefecture_of(code) for code in codes}
    share = round(_COUNTY_CONFIDENCE / len(codes), 3)
    return Match(
        province=provinces.pop() if len(provinces) == 1 else None,
        prefecture=prefectures.pop() if len(prefectures) == 1 else None,
        status="ambiguous",
        confidence=share,
        alternatives=[Alternative(code, share) for code in codes],
        evidence=[_evidence(region, code) for code in codes],
    )
