"""How sure each way of knowing is.

Each rule of ``chain.py`` and ``repair.py`` has one confidence, never above the share of right answers it reached on
the labelled development addresses; ``bench/geo`` prints the table that checks it (right among confidence ≥ c is at
least c).
"""

from __future__ import annotations

from typing import NamedTuple

from app.geo.chain import Found
from app.geo.match import Status


class Rule(NamedTuple):
    """One way of knowing: its confidence and the status it gives."""

    confidence: float
    status: Status


_AMONG_CANDIDATES = 0.9  # the district is one of the candidates in nine of ten ambiguous development addresses
_WEAK = frozenset(("company_name", "namesake"))  # they name candidates and never tell a county
RULES: dict[str, Rule] = {
    "name": Rule(0.99, "matched"),
    "alias": Rule(0.99, "matched"),
    "old_name": Rule(0.98, "matched"),
    "hint": Rule(0.98, "matched"),
    "likeliest": Rule(0.98, "matched"),
    "lone_stem": Rule(0.95, "matched"),
    "township": Rule(0.97, "matched"),
    "hinted_township": Rule(0.97, "matched"),
    "town_of_candidates": Rule(0.93, "matched"),
    "town_variant": Rule(0.95, "matched"),
    "weak_township": Rule(0.9, "matched"),
    "lone_township": Rule(0.93, "matched"),
    "seat": Rule(0.9, "matched"),
    "village": Rule(0.85, "matched"),
    "company_name": Rule(0.4, "unknown"),
    "namesake": Rule(0.6, "unknown"),
    "zone": Rule(0.88, "matched"),
    "typo": Rule(0.95, "matched"),
    "stem_city": Rule(0.9, "matched"),
    "whole_prefecture": Rule(0.98, "matched"),
    "main_successor": Rule(0.85, "ambiguous"),
    "ambiguous": Rule(0.0, "ambiguous"),
    "prefecture": Rule(0.9, "unknown"),
    "province": Rule(0.9, "unknown"),
    "unknown": Rule(0.0, "unknown"),
}


def weigh(found: Found) -> tuple[float, list[tuple[int, float]]]:
    """Confidence of the answer, and the ranked alternatives with their scores."""
    confidence = RULES[found.rule].confidence
    if found.county and len(found.candidates) == 1:
        return confidence, [(found.county, confidence)]
    if found.county:
        others = [code for code in found.candidates if code != found.county]
        share = round((1 - confidence) / max(len(others), 1), 3)
        return confidence, [(found.county, confidence), *((code, share) for code in others)]
    if found.candidates and found.rule == "ambiguous":
        share = round(_AMONG_CANDIDATES / len(found.candidates), 3)
        return share, [(code, share) for code in found.candidates]
    if found.rule in _WEAK:
        share = round(confidence / len(found.candidates), 3)
        return share, [(code, share) for code in found.candidates]
    lowest = found.prefecture or found.province
    return (confidence, [(lowest, confidence)]) if lowest else (0.0, [])
