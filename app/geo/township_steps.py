"""Steps of ``repair.py`` that read townships: whole names, stems, former ranks, and the seat named like its county."""

from __future__ import annotations

import re

from app.geo.chain import COUNTY, NAMED_AFTER, Found, Hit, Walk, allowed, conclude, counties_in
from app.geo.divisions import divisions
from app.geo.gazetteer import Reading
from app.geo.normalise import fold

_TOWN_WORD = re.compile("([\u4e00-\u9fff]{2,6}?)(街道办事处|街道办|办事处|街道|街办|镇|乡|苏木)")
_TOWN_FORMS = ("街道", "镇", "乡")


def counties_of_town(walk: Walk, kept: tuple[Reading, ...], hit: Hit) -> dict[int, int]:
    """County → township (0 where it has no current code) for one township name, as far as the rest allows."""
    found: dict[int, int] = {}
    for code in walk.gaz.towns(hit[0]):
        county = code // 1000 if code > 0 else -code
        if allowed(walk, kept, county):
            found.setdefault(county, max(code, 0))
    if len(found) > 1 and walk.hint:
        hinted = {c: t for c, t in found.items() if walk.hint in (walk.gaz.prefecture_of.get(c), c // 10000 * 10000)}
        found = hinted or found
    return found


def by_township(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """The first township of the text whose name the rest leaves one county for."""
    for hit in walk.towns:
        found = counties_of_town(walk, kept, hit)
        if len(found) == 1:
            county, town = next(iter(found.items()))
            marks = [*walk.marks, (hit[1], hit[2], town or county, "township")]
            return conclude(walk, county, town, "township" if kept else "hinted_township", marks)
    return None if kept or walk.hint else _by_lone_township(walk)


def _by_lone_township(walk: Walk) -> Found | None:
    """Nothing but a township that opens the text and whose name the country has only once."""
    for number, start, end in walk.towns:
        codes = walk.gaz.towns(number)
        if start == 0 and len(codes) == 1:
            town, county = max(codes[0], 0), codes[0] // 1000 if codes[0] > 0 else -codes[0]
            return conclude(walk, county, town, "lone_township", [(start, end, town or county, "township")])
    return None


def by_town_of_candidates(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """江干区九堡, 普陀区沈家门: of several counties the one with a township of the name that follows at once."""
    if len(kept) < 2 or walk.rivals:  # noqa: PLR2004
        return None
    counties = counties_in(kept)
    if len(counties) < len({r[4] for r in kept}):
        return None
    after = walk.text[walk.end :].lstrip("-—,，、/·. ")
    begin = len(walk.text) - len(after)
    found: dict[int, tuple[int, int]] = {}
    for county in counties:
        for town in divisions().children(str(county)):
            stem = fold(town.short_name)
            if len(stem) > 1 and after.startswith(stem) and not NAMED_AFTER.match(after, len(stem)):
                found[county] = max(found.get(county, (0, 0)), (len(stem), int(town.code)))
    if len(found) != 1:
        return None
    county, (length, code) = next(iter(found.items()))
    return walk.answer(county, "town_of_candidates", [*walk.marks, (begin, begin + length, code, "township")])


def by_town_variant(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """A township under its former rank: 笕桥镇 where there is a 笕桥街道 today."""
    word = _TOWN_WORD.match(walk.text, walk.end)
    if word is None or not (kept or walk.hint):
        return None
    for form in _TOWN_FORMS:
        name = word[1] + form
        for number, start, end in walk.gaz.find(name)[:1]:
            if start == 0 and end == len(name) and walk.gaz.is_town(number):
                found = counties_of_town(walk, kept, (number, start, end))
                if len(found) == 1:
                    county, town = next(iter(found.items()))
                    marks = [*walk.marks, (word.start(), word.end(), town or county, "township")]
                    return conclude(walk, county, town, "town_variant", marks)
    return None


def by_seat(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """姜堰镇, 防城镇: the seat under the name of its county, where no township bears that name today."""
    word = _TOWN_WORD.match(walk.text, walk.end)
    number = walk.gaz.unit_names.get(word[1]) if word else None
    if word is None or number is None:
        return None
    counties = {r[3] for r in walk.gaz.units[number] if r[0] == COUNTY and r[7] and allowed(walk, kept, r[3])}
    if len(counties) != 1:
        return None
    county = counties.pop()
    return conclude(walk, county, 0, "seat", [*walk.marks, (word.start(), word.end(), county, "alias")])


def by_weak_township(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """A township's stem, only where it directly follows the prefecture."""
    for hit in walk.weak:
        if hit[1] == walk.end and kept:
            found = counties_of_town(walk, kept, hit)
            if len(found) == 1:
                county, town = next(iter(found.items()))
                return conclude(
                    walk, county, town, "weak_township", [*walk.marks, (hit[1], hit[2], town or county, "township")]
                )
    return None
