"""Communities and villages of Xinjiang: read only where nothing else tells the county, and loaded only then.

Many bear the name of a road or estate (扬子江路社区). An address that names such a road lies near it, but not always
in the same county: so a namesake is a candidate and never an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import ahocorasick_rs

from app.geo import prepared
from app.geo.divisions import divisions
from app.geo.local_names import places_between
from app.geo.normalise import fold

XINJIANG = 65
_SHORTEST = 2
_CUT_OFF = re.compile("社区居?民?委?员?$")  # the list cuts long names off: 克拉玛依东路社区居委
_FORMS = {"居委会": ("社区",), "村委会": ("村",)}


@lru_cache(maxsize=1)
def _table(_edition: Path) -> tuple[Any, list[dict[int, tuple[int, int]]]]:
    """Automaton, and for each name: prefecture → (county, township or 0), without prefectures where it is ambiguous."""
    found: dict[str, dict[int, set[tuple[int, int]]]] = {}
    tree = divisions()
    for row in prepared.village_rows():
        town = int(row["town_code_current"]) if tree.is_current(row["town_code_current"]) else 0
        today = tree.successors((row["town_code_current"] or row["nbs_town_code"])[:6])
        if len(today) != 1:
            continue  # the county was split since: the village alone does not tell which part
        county = int(today[0])
        for name in _names(row):
            found.setdefault(name, {}).setdefault(_prefecture(county), set()).add((county, town))
    names = sorted(found)
    meanings = []
    for name in names:
        by_prefecture = {}
        for prefecture, places in found[name].items():
            counties = {county for county, _ in places}
            if len(counties) == 1:
                by_prefecture[prefecture] = (counties.pop(), next(iter(places))[1] if len(places) == 1 else 0)
        meanings.append(by_prefecture)
    kind = ahocorasick_rs.MatchKind.LeftmostLongest
    return ahocorasick_rs.AhoCorasick(names, matchkind=kind, store_patterns=False), meanings


@lru_cache(maxsize=1)
def _namesakes(_edition: Path) -> dict[str, dict[int, tuple[int, ...]]]:
    """Road or estate → prefecture → counties in which a community or village bears its name."""
    found: dict[str, dict[int, set[int]]] = {}
    tree = divisions()
    for row in prepared.village_rows():
        name = _CUT_OFF.sub("", fold(row["short_name"]))
        if not places_between(name, 0, len(name)):
            continue  # no road or estate bears this name
        for code in tree.successors((row["town_code_current"] or row["nbs_town_code"])[:6]):
            found.setdefault(name, {}).setdefault(_prefecture(int(code)), set()).add(int(code))
    return {name: {unit: tuple(sorted(counties)) for unit, counties in units.items()} for name, units in found.items()}


def counties_of_namesakes(name: str, prefecture: int) -> tuple[int, ...]:
    """Counties of a prefecture in which a community or village bears the name of this road or estate."""
    return _namesakes(prepared.edition()).get(name, {}).get(prefecture // 100, ())


def _prefecture(county: int) -> int:
    return county // 100


def _names(row: dict[str, str]) -> Iterator[str]:
    short = row["short_name"]
    if len(short) >= _SHORTEST:
        for ending, forms in _FORMS.items():
            if row["name"].endswith(ending):
                yield from (short + form for form in forms)


def villages_in(text: str, start: int) -> Iterator[tuple[int, int, int, int]]:
    """(county, township or 0, start, end) of every village named after ``start``, for each prefecture that has one."""
    automaton, meanings = _table(prepared.edition())
    for number, begin, end in automaton.find_matches_as_indexes(text[start:]):
        for county, town in meanings[number].values():
            yield county, town, start + begin, start + end
