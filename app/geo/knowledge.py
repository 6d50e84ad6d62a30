"""What the office itself knows about places: agreed zones, local names, precedents, roads learnt from its own tips.

Pure: ``current.py`` loads it from the database. It is applied after the matcher has read an address, and never against
an explicit text: names of the office settle what the text leaves open, an agreed zone says who takes it, a precedent
(a decision by the common superior, Article 20 paragraph 2) stands where the address alone tells nothing certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import ahocorasick_rs

from app.geo.divisions import divisions
from app.geo.local_names import LocalText
from app.geo.match import Alternative, Evidence, Match
from app.geo.normalise import normalise

SURE_OF_ALIAS = 0.95
SURE_OF_AGREEMENT = 0.97
SURE_OF_PRECEDENT = 0.97
_NAMES_A_COUNTY = frozenset(("name", "alias", "old_name", "township", "village", "typo"))
_NAMED_AFTER = ("路", "街", "大道", "巷", "公路", "立交", "大桥")
_COUNTY_DIGITS = 6


@dataclass(frozen=True, slots=True)
class KnownZone:
    """A functional zone: ``division`` takes its tips, or the XPCC does; neither means that nothing was agreed.

    ``counties`` are those it is known to lie in: a text that names one of them does not contradict the agreement.
    """

    names: tuple[str, ...]
    division: str | None = None
    xpcc: bool = False
    counties: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnownPrecedent:
    """A decision about an address: ``pattern`` is its local part in normalised form, ``reference`` how it is cited."""

    pattern: str
    division: str
    decided_on: date
    reference: str

    def to_dict(self) -> dict[str, str]:
        """For the answer that cites it."""
        decided_on = self.decided_on.isoformat()
        return {
            "pattern": self.pattern,
            "division": self.division,
            "decided_on": decided_on,
            "reference": self.reference,
        }


@dataclass(frozen=True, slots=True)
class LearntPlace:
    """A road or estate: ``count`` of ``total`` concluded tips about it ended in ``division``."""

    division: str
    count: int
    total: int

    @property
    def confidence(self) -> float:
        """Rule of succession: three of three say 0.8, thirty of thirty 0.97."""
        return round((self.count + 1) / (self.total + 2), 3)


class Reading(NamedTuple):
    """What a text says with the office's knowledge: match, stable reasons to look closer, the zone if one is named."""

    match: Match
    reasons: tuple[str, ...] = ()
    zone: KnownZone | None = None


class Citation(NamedTuple):
    """A precedent that fits a text, and the match that it makes of it."""

    precedent: KnownPrecedent
    match: Match


class _Names:
    """Names in one automaton; where several fit, the longest counts."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        kind = ahocorasick_rs.MatchKind.LeftmostLongest
        self._automaton = ahocorasick_rs.AhoCorasick(self.names, matchkind=kind) if self.names else None

    def find(self, text: LocalText) -> list[tuple[str, int, int]]:
        """(name, start, end) of every name that begins where a name can begin and that no road is named after."""
        if self._automaton is None:
            return []
        hits: list[tuple[str, int, int]] = []
        last_end = 0
        for number, start, end in self._automaton.find_matches_as_indexes(text.plain):
            if (start == last_end or text.begins_at(start)) and not _goes_on(text.plain, start, end):
                hits.append((self.names[number], start, end))
                last_end = end
        return hits


def _goes_on(plain: str, start: int, end: int) -> bool:
    """True where the name is only part of a number (104团 in 2104团) or a road is named after it."""
    within_number = plain[start].isdigit() and plain[start - 1 : start].isdigit()
    number_goes_on = plain[end - 1].isdigit() and plain[end : end + 1].isdigit()
    return within_number or number_goes_on or plain.startswith(_NAMED_AFTER, end)


class OfficeKnowledge:
    """Read-only; names may be given as typed. Later entries of one name replace earlier ones."""

    def __init__(
        self,
        zones: Iterable[KnownZone] = (),
        aliases: Mapping[str, str] | None = None,
        precedents: Iterable[KnownPrecedent] = (),
        learnt: Mapping[str, LearntPlace] | None = None,
    ) -> None:
        self.zones = {normalise(name)[0]: zone for zone in zones for name in zone.names}
        self.aliases = {normalise(text)[0]: code for text, code in (aliases or {}).items()}
        self.precedents = {one.pattern: one for one in precedents}
        self.learnt = dict(learnt or {})
        self._zone_names = _Names(self.zones)
        self._alias_names = _Names(self.aliases)
        self._patterns = _Names(self.precedents)

    def __bool__(self) -> bool:
        return bool(self.zones or self.aliases or self.precedents or self.learnt)

    @cached_property
    def public(self) -> OfficeKnowledge:
        """Without what comes from tips: the public must not learn from an answer that others reported an address."""
        named = OfficeKnowledge(aliases=self.aliases)
        named.zones, named._zone_names = self.zones, self._zone_names
        return named

    def read(self, address: str | None, found: Match) -> Reading:
        """The matcher's answer with what the office knows about the words of the text."""
        if not self or not address:
            return Reading(found)
        text = LocalText(address, found)
        for name, start, end in self._zone_names.find(text):
            zone = self.zones[name]
            if zone.division is None or _agrees(found, zone.division):
                return _with_zone(text, found, zone, (start, end))
        if not found.district:
            settled = self._by_alias(text, found)
            if settled is None and (learnt := self._by_learnt(text, found)):
                return Reading(learnt, ("learnt_place",))
            return Reading(settled or found)
        return Reading(found)

    def _by_alias(self, text: LocalText, found: Match) -> Match | None:
        hits = [hit for hit in self._alias_names.find(text) if _agrees(found, self.aliases[hit[0]])]
        if len({divisions().county_of(self.aliases[name]) for name, _, _ in hits}) != 1:
            return None
        name, start, end = max(hits, key=lambda hit: len(self.aliases[hit[0]]))
        return _settled(text, found, self.aliases[name], SURE_OF_ALIAS, (start, end, "alias"))

    def _by_learnt(self, text: LocalText, found: Match) -> Match | None:
        """Only where nothing names a county: an ambiguous text names several."""
        if found.status != "unknown" or not self.learnt:
            return None
        hits = [(self.learnt[place.name], place) for place in text.places() if place.name in self.learnt]
        hits = [hit for hit in hits if _agrees(found, hit[0].division)]
        if len({learnt.division for learnt, _ in hits}) != 1:
            return None
        learnt, place = max(hits, key=lambda hit: hit[0].confidence)
        return _settled(text, found, learnt.division, learnt.confidence, (place.start, place.end, "learnt"))

    def cite(self, address: str | None, found: Match) -> Citation | None:
        """The precedent for this address, the longest pattern first; None where there is none."""
        if not self.precedents or not address:
            return None
        text = LocalText(address, found)
        hits = [hit for hit in self._patterns.find(text) if _agrees(found, self.precedents[hit[0]].division)]
        if not hits:
            return None
        pattern, start, end = max(hits, key=lambda hit: len(hit[0]))
        precedent = self.precedents[pattern]
        match = _settled(text, found, precedent.division, SURE_OF_PRECEDENT, (start, end, "precedent"))
        return Citation(precedent, match)


EMPTY = OfficeKnowledge()


def draws_on_history(decision: Mapping[str, Any]) -> bool:
    """True where a decision (in the contract's form) rests on other tips: a precedent or a learnt road."""
    sources = decision["sources"].values()
    return "precedent" in decision["sources"] or any(e["how"] == "learnt" for s in sources for e in s["evidence"])


def _agrees(found: Match, division: str) -> bool:
    """False where the text names another prefecture or province."""
    tree = divisions()
    levels = ((found.prefecture, tree.prefecture_of(division)), (found.province, tree.province_of(division)))
    return all(said is None or said == known for said, known in levels)


def _with_zone(text: LocalText, found: Match, zone: KnownZone, span: tuple[int, int]) -> Reading:
    if zone.xpcc or zone.division is None:
        reasons = () if zone.xpcc else ("zone_without_agreed_unit",)
        return Reading(found, reasons, zone)
    named = _named_county(found)
    if named and named != divisions().county_of(zone.division) and named not in zone.counties:
        return Reading(found, ("zone_and_address_differ",), zone)
    return Reading(_settled(text, found, zone.division, SURE_OF_AGREEMENT, (*span, "zone")), (), zone)


def _named_county(found: Match) -> str | None:
    """The county that words of the text name, as opposed to one concluded from a zone or a hint."""
    named = any(e.end and e.how in _NAMES_A_COUNTY and e.means[:_COUNTY_DIGITS] == found.county for e in found.evidence)
    return found.district if named else None


def _settled(text: LocalText, found: Match, division: str, confidence: float, mark: tuple[int, int, str]) -> Match:
    """``found`` with the county (and township) of ``division``, marked on the text as it was typed."""
    tree = divisions()
    county = tree.county_of(division)
    same_county = (found.township or "").startswith(county or division)
    start, end = text.typed_place(mark[0], mark[1])
    evidence = Evidence(text.address[start:end], start, end, division, mark[2])
    apart = [e for e in found.evidence if not e.end or e.end <= start or e.start >= end]
    others = [a for a in found.alternatives if a.code != county and tree.county_of(a.code)]
    share = round((1 - confidence) / max(len(others), 1), 3)
    return Match(
        province=tree.province_of(division),
        prefecture=tree.prefecture_of(division),
        county=county,
        township=division if county != division else found.township if same_county else None,
        status="matched",
        confidence=confidence,
        alternatives=[Alternative(county or division, confidence), *(Alternative(a.code, share) for a in others)],
        evidence=[*apart, evidence],
    )
