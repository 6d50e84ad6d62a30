"""Which office leads, which cooperate, who decides a dispute: 《防范和处置非法集资条例》 Article 20, by rule.

Paragraph 1: a unit's registered place leads, a person's domicile or habitual residence leads; where the conduct took
place, cooperates. Paragraph 2: a dispute is decided by the common superior. The reporter's own guess is the weakest
signal and never delays anything.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from app.geo.address import match
from app.geo.boundaries import locate
from app.geo.divisions import divisions
from app.geo.gazetteer import Gazetteer, Zone, gazetteer
from app.geo.knowledge import EMPTY, Citation, OfficeKnowledge, Reading
from app.geo.match import UNKNOWN, Match
from app.geo.normalise import fold
from app.geo.registered import RegisterEntry
from app.geo.uscc import parse

Outcome = Literal["assign", "xpcc", "other_prefecture", "other_province", "unknown"]
_DISPUTES = frozenset(
    (
        "registered_and_operating_differ",
        "uscc_and_address_differ",
        "point_and_address_differ",
        "guess_differs",
        "precedent_differs",
        "zone_and_address_differ",
        "register_and_address_differ",
        "company_deregistered",
        "company_moved",
    )
)
_NO_DELAY = frozenset(("guess_differs",))
_XINJIANG, _XPCC_CITIES = "650000", "6590"
_XPCC_WORDS = re.compile("兵团|(?:第|农)?[一二三四五六七八九十]{1,3}师(?![范傅资生大])")
_UNIT_WORDS = re.compile("公司|企业|集团|合作社|中心|事务所|基金会|协会|商行|工作室|有限合伙|店|厂")


class Accused(NamedTuple):
    """What a tip says about one accused party. ``kind``: organization, individual or unknown.

    ``place`` is ``{"longitude", "latitude", "datum"}`` of the conduct. For a person, ``registered_address`` is the
    domicile and ``operating_address`` where the person lives or acts. ``register``: what the register of enterprises
    says where the party is known there.
    """

    kind: str = "unknown"
    name: str | None = None
    uscc: str | None = None
    registered_address: str | None = None
    operating_address: str | None = None
    place: dict[str, Any] | None = None
    district_guess: str | None = None
    register: RegisterEntry | None = None


class Jurisdiction(NamedTuple):
    """The proposal of Article 20 with its reasons; ``lead`` is None where nothing tells it.

    ``dispute_reasons`` are stable codes; ``explanation`` is a Chinese sentence that an officer can read aloud.
    """

    lead: str | None
    cooperating: list[str]
    arbiter: str | None
    dispute: bool
    dispute_reasons: list[str]
    needs_review: bool
    rule: str
    sources: dict[str, Match]
    outcome: Outcome
    explanation: str = ""
    citation: Citation | None = None
    register: RegisterEntry | None = None
    lead_source: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """*Jurisdiction* of the contract, with ``outcome``, ``explanation`` and, if known, precedent and register."""
        cited = {"precedent": self.citation.precedent.to_dict()} if self.citation else {}
        if self.register:
            cited["register"] = self.register.to_dict()
        return {
            "lead": self.lead,
            "cooperating": self.cooperating,
            "arbiter": self.arbiter,
            "dispute": self.dispute,
            "dispute_reasons": self.dispute_reasons,
            "needs_review": self.needs_review,
            "rule": self.rule,
            "sources": {name: source.to_dict() for name, source in self.sources.items()},
            "outcome": self.outcome,
            "explanation": self.explanation,
            **cited,
        }


def decide(accused: Accused, region_code: str = "650100", knowledge: OfficeKnowledge = EMPTY) -> Jurisdiction:
    """Apply Article 20 to one accused party; ``region_code`` is the office's own prefecture and serves as the hint."""
    from app.geo.explanation import explain

    told = _told(accused, region_code, knowledge)
    sources = told.telling
    rule, lead_source = _lead_source(accused, told)
    lead = sources[lead_source].district if lead_source else None
    reasons = [*_reasons(accused, sources, lead_source, lead), *told.reasons]
    if lead is None and lead_source is None and divisions().is_current(accused.district_guess):
        rule, lead = "reporter_guess", divisions().county_of(accused.district_guess or "")
    cooperating = _cooperating(sources, lead)
    source = sources.get(lead_source or "", _best(sources))
    outcome = "xpcc" if _is_xpcc(accused, told, lead_source) else _outcome(lead, source, region_code)
    if outcome not in {"assign", "unknown"}:
        reasons.append("outside_region")
    decision = Jurisdiction(
        lead=lead,
        cooperating=cooperating,
        arbiter=_arbiter(lead, cooperating),
        dispute=any(reason in _DISPUTES for reason in reasons),
        dispute_reasons=list(dict.fromkeys(reasons)),
        needs_review=lead is None or rule not in _LEGAL_RULES or any(r not in _NO_DELAY for r in reasons),
        rule=rule,
        sources=told.sources,
        outcome=outcome,
        citation=told.citation,
        register=accused.register,
        lead_source=lead_source,
    )
    return explain(decision, region_code)


_REGISTRATION = ("registered", "register", "uscc")
_AGREED = 0.9  # below it a zone's county is only the list's guess, until the office agrees one
_LEGAL_RULES = frozenset(("unit_registered_place", "individual_domicile", "precedent"))


class _Told(NamedTuple):
    """What the signals say. ``telling`` differs from ``sources`` where a precedent speaks for an uncertain address.

    ``readings``: the addresses with the office's knowledge; ``decided``: the address for which the precedent speaks.
    """

    sources: dict[str, Match]
    telling: dict[str, Match]
    readings: dict[str, Reading]
    reasons: list[str]
    citation: Citation | None = None
    decided: str | None = None


def _told(accused: Accused, region_code: str, knowledge: OfficeKnowledge) -> _Told:
    addresses = _addresses(accused)
    readings = {name: knowledge.read(address, match(address, region_code)) for name, address in addresses.items()}
    found = {name: reading.match for name, reading in readings.items()}
    if _said(accused.uscc):
        found["uscc"] = parse(accused.uscc).registration
    if accused.place:
        found["point"] = _point(accused.place)
    reasons = [reason for reading in readings.values() for reason in reading.reasons]
    for about, address in addresses.items():
        citation = knowledge.cite(address, found[about])
        if citation is not None and not (about == "operating" and _registration_known(found)):
            return _cited(_Told(found, found, readings, reasons, citation), about)
    return _Told(found, found, readings, reasons)


def _addresses(accused: Accused) -> dict[str, str]:
    entered = accused.register.address if accused.register else None
    given = {
        "registered": accused.registered_address,
        "register": entered,
        "operating": accused.operating_address,
    }
    return {name: address for name, address in given.items() if address and _said(address)}


def _registration_known(found: dict[str, Match]) -> bool:
    return any(found[name].district for name in _REGISTRATION if name in found)


def _cited(told: _Told, about: str) -> _Told:
    """A precedent speaks where the address tells nothing certain; against an explicit one it only raises a dispute."""
    assert told.citation is not None  # noqa: S101  # narrows the type for the checker
    stated, decided = told.sources[about], told.citation.match
    told = told._replace(sources=told.sources | {"precedent": decided})
    if _certain(stated):
        differs = ["precedent_differs"] if stated.district != decided.district else []
        return told._replace(reasons=[*told.reasons, *differs])
    settled = [reason for reason in told.reasons if reason not in told.readings[about].reasons]
    return told._replace(telling=told.telling | {about: decided}, reasons=settled, decided=about)


def _certain(source: Match) -> bool:
    """True where words of the address, or an agreement about its zone, tell the district."""
    learnt = any(e.how == "learnt" for e in source.evidence)
    return source.district is not None and not learnt and not _zone_reasons(source)


def _said(text: str | None) -> bool:
    return bool(text and text.strip())


def _point(place: dict[str, Any]) -> Match:
    try:
        longitude, latitude = float(place["longitude"]), float(place["latitude"])
    except (KeyError, TypeError, ValueError):
        return UNKNOWN
    datum: Literal["wgs84", "gcj02"] = "wgs84" if place.get("datum") == "wgs84" else "gcj02"
    return locate(longitude, latitude, datum).to_match()


def _is_individual(accused: Accused) -> bool:
    if accused.kind == "unknown" and accused.register is None:
        name = accused.name or ""
        return not (accused.uscc or sounds_like_a_unit(name)) and 2 <= len(name) <= 3  # noqa: PLR2004
    return accused.kind == "individual"


def sounds_like_a_unit(name: str) -> bool:
    """Whether a name holds a word that units have and persons have not."""
    return _UNIT_WORDS.search(name) is not None


def _lead_source(accused: Accused, said: _Told) -> tuple[str, str | None]:
    """The rule that applies and the source that tells the leading place, the strongest first."""
    individual, sources = _is_individual(accused), said.telling
    told = next((name for name in _order(accused) if name in sources and sources[name].district), None)
    if told is not None and told == said.decided:
        return "precedent", told
    if told in _REGISTRATION:
        sure_kind = accused.kind != "unknown" or individual or accused.register is not None or told == "uscc"
        legal = "individual_domicile" if individual else "unit_registered_place"
        return (legal if sure_kind else "kind_unknown_registered_place"), told
    if told is not None:
        return ("individual_residence" if individual else "place_of_conduct"), told
    return "undetermined", None


def _order(accused: Accused) -> tuple[str, ...]:
    """Where the leading place is looked for: the register before what a reporter wrote, unless the unit left it."""
    if _is_individual(accused):
        return ("registered", "operating", "point")
    if accused.register is not None and accused.register.has_moved:
        return ("registered", "register", "uscc", "operating", "point")
    return ("register", "registered", "uscc", "operating", "point")


def _reasons(accused: Accused, sources: dict[str, Match], lead_source: str | None, lead: str | None) -> list[str]:
    reasons = [
        *_unclear(sources),
        *_differences(sources),
        *_zone_reasons(sources.get(lead_source or "", UNKNOWN)),
        *(accused.register.reasons() if accused.register else ()),
    ]
    guess = accused.district_guess
    if guess and lead and divisions().county_of(guess) not in {None, lead}:
        reasons.append("guess_differs")
    return list(dict.fromkeys(reasons))


def _unclear(sources: dict[str, Match]) -> list[str]:
    """An address that names no district, unless the register tells the registered one."""
    reasons = []
    for name in ("registered", "operating"):
        source = sources.get(name)
        settled = name == "registered" and _register_tells(sources) is not None
        if source is not None and source.district is None and not settled:
            reasons.append("ambiguous_address" if source.status == "ambiguous" else "unknown_address")
    if "point" in sources and sources["point"].confidence < 0.9 and not {"registered", "register"} & sources.keys():  # noqa: PLR2004
        reasons.append("point_near_border")
    return reasons


def _register_tells(sources: dict[str, Match]) -> Match | None:
    """The register's address where it tells a district."""
    entered = sources.get("register")
    return entered if entered is not None and entered.district else None


def _differences(sources: dict[str, Match]) -> list[str]:
    """Signals that contradict each other. A code keeps its digits when a unit moves: the register goes before it."""
    entered = _register_tells(sources)
    registered_by = entered or sources.get("registered", sources.get("uscc"))
    acting_at = sources.get("operating", sources.get("point"))
    pairs = (
        (registered_by, acting_at, "registered_and_operating_differ"),
        (entered, sources.get("registered"), "register_and_address_differ"),
        (None if entered else sources.get("registered"), sources.get("uscc"), "uscc_and_address_differ"),
        (sources.get("operating"), sources.get("point"), "point_and_address_differ"),
    )
    return [reason for one, other, reason in pairs if _differ(one, other)]


def _differ(one: Match | None, other: Match | None) -> bool:
    """True when both tell a level and tell it differently; silence is no contradiction."""
    if one is None or other is None:
        return False
    levels = ((one.district, other.district), (one.prefecture, other.prefecture), (one.province, other.province))
    told = next(((a, b) for a, b in levels if a and b), None)
    return told is not None and told[0] != told[1]


@lru_cache(maxsize=1)
def _zones_by_name(gaz: Gazetteer) -> dict[str, list[Zone]]:
    found: dict[str, list[Zone]] = {}
    for zone in gaz.zone_table:
        for name in (zone.name, *zone.aliases):
            found.setdefault(fold(name), []).append(zone)
    return found


def _is_xpcc(accused: Accused, told: _Told, lead_source: str | None) -> bool:
    """True for land of the Production and Construction Corps: its cities, its units, or its name in the text.

    What the office agreed about a zone, or decided about an address, goes before the list.
    """
    source = told.telling.get(lead_source or "", _best(told.telling))
    reading = told.readings.get(lead_source or "") or next((r for r in told.readings.values() if r.zone), None)
    if lead_source is not None and lead_source == told.decided:
        return False
    if reading and reading.zone and (reading.zone.xpcc or reading.zone.division):
        return reading.zone.xpcc
    return _on_corps_land(source, _addresses(accused).get(lead_source or ""))


def _on_corps_land(source: Match, address: str | None) -> bool:
    if (source.county or "").startswith(_XPCC_CITIES):
        return True
    listed = _zones_by_name(gazetteer())
    named = (zone for e in source.evidence if e.how == "zone" for zone in listed.get(fold(e.text), ()))
    if any(zone.is_xpcc for zone in named):
        return True
    return source.province == _XINJIANG and _XPCC_WORDS.search(address or "") is not None


def _zone_reasons(source: Match) -> list[str]:
    by_zone = any(e.how == "zone" for e in source.evidence)
    decided_by_zone = source.county is not None and source.confidence < _AGREED and by_zone
    return ["zone_without_agreed_unit"] if decided_by_zone else []


def _cooperating(sources: dict[str, Match], lead: str | None) -> list[str]:
    asked = ["register", "registered", "operating", "point"]
    if _register_tells(sources) is None:
        asked.insert(1, "uscc")
    places = [sources[name].district for name in asked if name in sources]
    return [place for place in dict.fromkeys(places) if place and place != lead]


def _arbiter(lead: str | None, cooperating: list[str]) -> str | None:
    return divisions().lowest_common_superior([lead, *cooperating]) if lead else None


def _best(sources: dict[str, Match]) -> Match:
    ranked = sorted(sources.values(), key=lambda source: source.province is None)
    return ranked[0] if ranked else UNKNOWN


def _outcome(lead: str | None, source: Match, region_code: str) -> Outcome:
    tree = divisions()
    province = tree.province_of(lead) if lead else source.province
    prefecture = tree.prefecture_of(lead) if lead else source.prefecture
    if province and province != tree.province_of(region_code):
        return "other_province"
    if (lead or prefecture) and prefecture != tree.prefecture_of(region_code):
        return "other_prefecture"
    return "assign" if lead else "unknown"
