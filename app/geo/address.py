"""Address text → division, with the characters that decided it.

``match`` is the one entry for a single address; ``bulk.py`` writes whole files through the same engine.
"""

from __future__ import annotations

from app.geo import uscc as credit_code
from app.geo.chain import Found
from app.geo.confidence import RULES, weigh
from app.geo.divisions import divisions
from app.geo.gazetteer import Gazetteer, gazetteer
from app.geo.match import Alternative, Evidence, Match, Status
from app.geo.normalise import normalise
from app.geo.reading import resolve

__all__ = ["Alternative", "Evidence", "Match", "Status", "match"]


def match(address: str | None, hint_code: str | None = None, uscc: str | None = None) -> Match:
    """Tell province, prefecture, county and township of an address; never raises on any text.

    Args:
        address: the text as a person typed it, in any style.
        hint_code: the office's own prefecture (or province); only settles what the text leaves open.
        uscc: unified social credit code of the party; its digits 3 to 8 only settle what the text leaves open.
    """
    gaz = gazetteer()
    text, positions = normalise(address or "")
    found = resolve(text, gaz, hint_number(hint_code, gaz))
    answer = to_match(found, address or "", positions)
    if uscc and (answer.county is None or answer.status == "ambiguous"):
        return _settled_by(answer, uscc)
    return answer


def hint_number(hint_code: str | None, gaz: Gazetteer) -> int:
    """A hint as the number of a prefecture (of a province where there is none above a county); 0 for no use."""
    code = (hint_code or "").strip()
    if not (code.isascii() and code.isdigit() and len(code) in (6, 9)):
        return 0
    number = int(code[:6])
    above = gaz.prefecture_of.get(number)
    if above is not None:
        return above or number // 10000 * 10000
    return number


def to_match(found: Found, text: str, positions: list[int] | None) -> Match:
    """The engine's answer in the contract's shape; ``positions`` lead back to the text as it was typed."""
    prefecture, county, township, _, rule, marks, province = found
    confidence, alternatives = weigh(found)
    if positions is not None:
        marks = [(positions[start], positions[end - 1] + 1 if end else 0, code, how) for start, end, code, how in marks]
    return Match(
        str(province) if province else None,
        str(prefecture) if prefecture else None,
        str(county) if county else None,
        str(township) if township else None,
        RULES[rule].status,
        confidence,
        [Alternative(str(code), score) for code, score in alternatives],
        [
            Evidence(text[start:end], start, end, str(code), how) if end else Evidence(str(code), 0, 0, str(code), how)
            for start, end, code, how in marks
        ],
    )


def _settled_by(answer: Match, uscc: str) -> Match:
    """Let the credit code's registration authority decide between what the text allows."""
    said = credit_code.parse(uscc).registration
    if said.county is None:
        return answer
    # Candidates of an ambiguous name bind; the weak ones of a company's name or a road do not.
    candidates = answer.alternatives if answer.status == "ambiguous" else []
    allowed = {one.code for one in candidates if divisions().county_of(one.code)}
    agrees = said.county in allowed if allowed else answer.prefecture in (None, said.prefecture)
    if not agrees or (answer.province and answer.province != said.province):
        return answer
    return Match(
        said.province,
        said.prefecture,
        said.county,
        None,
        "matched",
        said.confidence,
        [Alternative(said.county, said.confidence), *(a for a in answer.alternatives if a.code != said.county)],
        [*answer.evidence, *said.evidence],
    )
