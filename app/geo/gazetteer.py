"""All names of the tables in one automaton, and what each name can mean.

``find`` reports the longest names from left to right without overlaps (about 1.5 µs an address). A name is known by its
number; numbers run units, strong townships, weak townships, zones, so that one comparison tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import ahocorasick_rs

from app.geo import prepared


class Reading(NamedTuple):
    """One unit that a name can mean; codes as numbers, 0 where the level does not apply.

    ``prefecture`` is the one the text may put above the unit: for former units it can be the former one's successor.
    ``strength``: 2 a name that stands by itself, 1 a short one with a suffix, 0 a stem.
    ``recent``: borne today, or until so lately that people still use it for that place.
    """

    level: int
    province: int
    prefecture: int
    county: int
    code: int
    how: str
    strength: int
    recent: bool


class Zone(NamedTuple):
    """A functional zone or XPCC unit without a code of its own; ``counties`` are those it may belong to."""

    zone_id: str
    name: str
    kind: str
    prefectures: tuple[int, ...]
    counties: tuple[int, ...]
    confidence: str
    aliases: tuple[str, ...]

    @property
    def is_xpcc(self) -> bool:
        """True for units of the Xinjiang Production and Construction Corps, which has its own supervision."""
        return "兵团" in self.kind or "兵团" in self.name


class Gazetteer:
    """Names → readings. Built from the prepared form in about a third of a second, then read-only."""

    def __init__(self, names: dict[str, Any], towns: tuple[Sequence[int], Sequence[int]]) -> None:
        patterns: list[str] = names["patterns"].split("\n")
        runs: list[int] = names["runs"]
        self.units_end, self.towns_end, self.weak_end = runs
        self.prefecture_of: dict[int, int] = {county: above for county, above in names["counties"]}  # noqa: C416
        self.whole_prefectures = frozenset(names["whole_prefectures"])
        self.units: list[tuple[Reading, ...]] = [self._readings(raw) for raw in names["admin"]]
        self.town_codes, self.town_places = towns
        self.zones: dict[int, tuple[int, ...]] = {int(n): tuple(ids) for n, ids in names["zones"].items()}
        self.zone_table = [
            Zone(zone_id, name, kind, tuple(prefectures), tuple(counties), confidence, tuple(aliases))
            for zone_id, name, kind, prefectures, counties, confidence, aliases in names["zone_table"]
        ]
        self.general_zones = _general_zones(self.zone_table)
        self.spellings = {int(unit): _by_ending(pairs) for unit, pairs in names["spellings"].items()}
        self._cities = frozenset(names["cities"])
        self.city_word_names = tuple(name for name in patterns[: self.units_end] if name.startswith("市"))  # 市南区
        self.unit_names: dict[str, int] = {name: number for number, name in enumerate(patterns[: self.units_end])}
        self._automaton = ahocorasick_rs.AhoCorasick(
            patterns,
            matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
            store_patterns=False,
        )
        self.find = self._automaton.find_matches_as_indexes

    def is_city(self, county: int) -> bool:
        """True for county-level cities."""
        return county in self._cities

    def towns(self, number: int) -> Sequence[int]:
        """Townships that a name of the township runs means: a current code, or minus the county's where it has none."""
        place = number - self.units_end
        return self.town_codes[self.town_places[place] : self.town_places[place + 1]]

    def is_town(self, number: int) -> bool:
        """True for names of the township runs."""
        return self.units_end <= number < self.weak_end

    def _readings(self, raw: list[list[Any]]) -> tuple[Reading, ...]:
        return tuple(self._reading(*one) for one in raw)

    def _reading(self, level: int, code: int, how: str, strength: int, seen_under: int, recent: int) -> Reading:
        province = (seen_under or code) // 10000 * 10000
        prefecture = seen_under or (code if level == 2 else self.prefecture_of.get(code, 0))  # noqa: PLR2004
        return Reading(level, province, prefecture, code if level == 3 else 0, code, how, strength, bool(recent))  # noqa: PLR2004


Spellings = dict[str, dict[int, list[tuple[str, int]]]]


def _by_ending(pairs: list[tuple[str, int]]) -> Spellings:
    """Last character → length → (name, county): what a misspelt name is compared with."""
    found: Spellings = {}
    for name, code in pairs:
        found.setdefault(name[-1], {}).setdefault(len(name), []).append((name, code))
    return found


def _general_zones(zones: list[Zone]) -> dict[tuple[int, str], tuple[int, ...]]:
    """(prefecture, 高新 or 经济) → counties of the only zone of that kind there."""
    found: dict[tuple[int, str], list[Zone]] = {}
    for zone in zones:
        kind = "高新" if "高新" in zone.name else "经济" if "经济技术开发" in zone.name else ""
        if kind and len(zone.prefectures) == 1:
            found.setdefault((zone.prefectures[0], kind), []).append(zone)
    return {key: those[0].counties for key, those in found.items() if len(those) == 1}


def gazetteer() -> Gazetteer:
    """The gazetteer of this process; built on the first call, and again after another list was put in force."""
    return _gazetteer(prepared.edition())


@lru_cache(maxsize=1)
def _gazetteer(edition: Path) -> Gazetteer:
    return Gazetteer(prepared.load_names(edition), prepared.load_towns(edition))
