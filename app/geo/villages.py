"""Communities and villages of Xinjiang: read only where nothing else tells the county, and loaded only then."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import ahocorasick_rs

from app.geo import prepared
from app.geo.divisions import divisions

XINJIANG = 65
_SHORTEST = 2
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
