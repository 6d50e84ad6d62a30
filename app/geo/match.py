"""The shape of an answer about one address; ``to_dict`` is *Match* of the contract, key for key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

Status = Literal["matched", "ambiguous", "unknown"]


class Evidence(NamedTuple):
    """Which characters mean what and how that is known.

    ``start`` and ``end`` are positions in the text as it was given; both 0 where the evidence is not in the text
    (hint, credit code, point). ``how``: name, alias, old_name, zone, township, village, hint, uscc, point, typo,
    learnt (the office's own concluded tips) or precedent (a decision about this address).
    """

    text: str
    start: int
    end: int
    means: str
    how: str


class Alternative(NamedTuple):
    """A division that the evidence allows; ``score`` in 0..1, alternatives are ranked by it."""

    code: str
    score: float


class Match(NamedTuple):
    """What the evidence says; a level that cannot be told is None, and only current codes appear.

    ``confidence`` belongs to the lowest level told. ``ambiguous``: the district is one of the alternatives, and nothing
    decides which; a county given with it is the leading one, where most of a divided county went. ``unknown``: the
    district cannot be told at all.
    """

    province: str | None = None
    prefecture: str | None = None
    county: str | None = None
    township: str | None = None
    status: Status = "unknown"
    confidence: float = 0.0
    alternatives: Sequence[Alternative] = ()
    evidence: Sequence[Evidence] = ()

    @property
    def district(self) -> str | None:
        """The unit that handles: the county, or the prefecture where it has no counties (东莞, 嘉峪关).

        None for an ambiguous answer: a leading candidate is no district yet.
        """
        if self.status == "ambiguous":
            return None
        if self.county:
            return self.county
        return self.prefecture if self.status == "matched" else None

    def to_dict(self) -> dict[str, Any]:
        """*Match* of the contract."""
        return {
            "province": self.province,
            "prefecture": self.prefecture,
            "county": self.county,
            "township": self.township,
            "status": self.status,
            "confidence": self.confidence,
            "alternatives": [{"code": code, "score": score} for code, score in self.alternatives],
            "evidence": [
                {"text": text, "start": start, "end": end, "means": means, "how": how}
                for text, start, end, means, how in self.evidence
            ],
        }


UNKNOWN = Match()
