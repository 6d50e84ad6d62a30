"""When the names of a text leave the county open: hint, township, zone, misspelt name, village decide, in this order.

Runs for about one address in four; each step adds its own mark, so that an officer sees what decided.
"""

from __future__ import annotations

import re

from app.geo.chain import (
    COUNTY,
    FULL,
    PREFECTURE,
    STEM,
    Found,
    Mark,
    Walk,
    allowed,
    conclude,
    counties_in,
    settle,
    true_marks,
    zone_words,
)
from app.geo.gazetteer import Reading
from app.geo.local_names import places_between
from app.geo.misspelt import misspelt_county
from app.geo.splits import by_split
from app.geo.township_steps import (
    by_seat,
    by_town_of_candidates,
    by_town_variant,
    by_township,
    by_weak_township,
    counties_of_town,
)
from app.geo.villages import XINJIANG, counties_of_namesakes, villages_in

_GENERAL_ZONE = re.compile("高新技术(?:产业)?开发区|高新区|经济技术开发区|经开区")
_COMPANY = re.compile("(?:公司|集团|商行|商店|工厂|合作社|事务所|协会|中心|超市|酒店|[厂店行部社])[)]?$")
_PLACE_WORDS = re.compile("[路街巷号村]|[0-9]|大道|乡|镇|小区")
_SUFFIXES = ("区", "县", "市", "旗")


def repair(walk: Walk) -> Found:
    """The best answer for a walk that did not end at one county."""
    kept = _plausible(walk)
    if walk.rivals:
        kept = _with_rivals(walk, kept)
    for step in _STEPS:
        found = step(walk, kept)
        if found is not None:
            return found
    return _open(walk, kept)


def _plausible(walk: Walk) -> tuple[Reading, ...]:
    """The readings to go on with: a lone stem that contradicts the hint is no evidence at all."""
    kept = settle(_seat_of_region(walk), walk.hint)
    if len(walk.marks) == 1 and kept[0][6] != FULL and kept[0][0] != 1:
        hinted = tuple(r for r in kept if walk.hint in (r[2], r[1]))
        if walk.hint and not hinted:
            walk.marks.clear()
            walk.end = 0
            return ()
    return kept


def _seat_of_region(walk: Walk) -> tuple[Reading, ...]:
    """喀什地区喀什: after 地区, 州 or 盟 the bare name means the city in it, if nothing further was said."""
    if len(walk.kept) < 2:  # noqa: PLR2004
        return walk.kept
    counties = tuple(r for r in walk.kept if r[0] == COUNTY)
    if len(counties) == 1 and counties[0][6] == STEM:
        stem = walk.said()[-1]
        if any(name.startswith(stem) and name.endswith(("地区", "州", "盟")) for name in walk.said()):
            walk.marks[-1] = (*walk.marks[-1][:2], counties[0][4], counties[0][5])
            return counties
    return walk.kept


def _with_rivals(walk: Walk, kept: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Contradicting counties stand side by side, so that only a township can decide."""
    rivals = [(start, end, r) for start, end, readings in walk.rivals for r in readings if r[0] == COUNTY]
    if not rivals:
        return kept
    walk.marks.extend((start, end, r[4], r[5]) for start, end, r in rivals)
    walk.end = max(walk.end, rivals[-1][1])
    return (*kept, *(r for _, _, r in rivals))


def _by_readings(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    counties = counties_in(kept)
    if len(counties) == 1 and all(r[0] == COUNTY for r in kept):
        only = kept[0]
        longer = _longer_name(walk, only) if only[6] == STEM else None
        if longer is not None:
            return longer
        if only[6] == STEM and _is_company_name(walk.text):
            return Found(only[2], 0, 0, (only[3],), "company_name", walk.marks, only[1])
        lone = len(walk.marks) == 1 and only[6] != FULL and walk.hint not in (only[2], only[1])
        if lone:
            return walk.answer(counties[0], "lone_stem")
        if len(counties_in(walk.kept)) > 1:
            return walk.answer(counties[0], "hint" if walk.hint in (only[2], only[1]) else "likeliest")
        return walk.answer(counties[0], only[5])
    return None


def _is_company_name(text: str) -> bool:
    return _COMPANY.search(text) is not None and _PLACE_WORDS.search(text) is None


def _longer_name(walk: Walk, only: Reading) -> Found | None:
    """科尔沁左中翼旗 is no 科尔沁区: a stem that begins a misspelt longer name."""
    start, end = walk.marks[-1][:2]
    if walk.text[end : end + 1] in _SUFFIXES:
        return None
    hit = misspelt_county(walk.text, start, only[2] or only[1], walk.gaz)
    if hit is None or hit[2] - start <= end - start + 1:
        return None
    county, start, end = hit
    return walk.answer(county, "typo", [*walk.marks[:-1], (start, end, county, "typo")])


def _by_zone(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """A named zone, or the only 高新区 or 经开区 of the prefecture; open where it lies in several counties."""
    for number, start, end in walk.zones:
        for zone in walk.gaz.zones[number]:
            found = _zone_answer(walk, kept, walk.gaz.zone_table[zone].counties, start, end)
            if found is not None:
                return found
    word = _GENERAL_ZONE.match(walk.text, walk.end)
    if word is None:
        return None
    kind = "高新" if "高新" in word[0] else "经济"
    counties = walk.gaz.general_zones.get((_one_prefecture(walk, kept), kind), ())
    return _zone_answer(walk, kept, counties, word.start(), word.end())


def _zone_answer(
    walk: Walk, kept: tuple[Reading, ...], zone_counties: tuple[int, ...], start: int, end: int
) -> Found | None:
    counties = [c for c in zone_counties if allowed(walk, kept, c)] or ([] if kept else list(zone_counties))
    if not counties or counties_in(kept):
        return None
    marks = [*walk.marks, *((start, end, county, "zone") for county in counties)]
    if len(counties) == 1:
        return conclude(walk, counties[0], 0, "zone", marks)
    prefectures = {walk.gaz.prefecture_of.get(c, 0) for c in counties}
    prefecture = prefectures.pop() if len(prefectures) == 1 else 0
    return Found(prefecture, 0, 0, tuple(counties), "ambiguous", marks, counties[0] // 10000 * 10000)


def _by_misspelt(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    prefecture = _one_prefecture(walk, kept)
    if not prefecture or counties_in(kept):
        return None
    hit = misspelt_county(walk.text, walk.end, prefecture, walk.gaz)
    if hit is None:
        return None
    county, start, end = hit
    return walk.answer(county, "typo", [*walk.marks, (start, end, county, "typo")])


def _one_prefecture(walk: Walk, kept: tuple[Reading, ...]) -> int:
    """The prefecture (or province that holds counties directly) to search misspelt names in; 0 for none."""
    if not kept:
        return walk.hint
    units = {r[2] or r[1] for r in kept}
    if len(units) != 1:
        return 0
    unit = units.pop()
    if walk.hint and unit == walk.hint // 10000 * 10000:
        return walk.hint
    return unit


def _split_prefecture_word(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """青岛市南区: the 市 belongs to the district's name."""
    if len(kept) != 1 or kept[0][0] != PREFECTURE or not walk.text.startswith(walk.gaz.city_word_names, walk.end - 1):
        return None
    for number, start, end in walk.gaz.find(walk.text[walk.end - 1 : walk.end + 6])[:1]:
        if start == 0 and number < walk.gaz.units_end:
            below = [r for r in walk.gaz.units[number] if r[0] == COUNTY and r[2] == kept[0][2] and r[6] == FULL]
            if below:
                first, last = walk.marks[-1][0], walk.end - 1
                place = (last, last + end, below[0][3], below[0][5])
                return walk.answer(below[0][3], "name", [*walk.marks[:-1], (first, last, *walk.marks[-1][2:]), place])
    return None


def _by_stem(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """A stem that a city shares with the county around it, before a zone: 伊宁边境经济合作区 is the city's."""
    counties = counties_in(kept)
    prefectures = {r[2] for r in kept}
    if len(counties) < 2 or len(prefectures) > 1 or any(r[6] != STEM for r in kept):  # noqa: PLR2004
        return None
    cities = [c for c in counties if walk.gaz.is_city(c)]
    zone = zone_words(walk.text, walk.end)
    if len(cities) != 1 or not zone:
        return None
    start, _, _, how = walk.marks[-1]
    marks = [*walk.marks[:-1], (start, walk.end, cities[0], how)]
    others = tuple(c for c in counties if c != cities[0])
    return Found(prefectures.pop(), cities[0], 0, (cities[0], *others), "stem_city", marks, cities[0] // 10000 * 10000)


def _by_village(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """A community or village of Xinjiang whose name its prefecture has in one county only."""
    unit = _one_prefecture(walk, kept)
    if unit // 10000 != XINJIANG or counties_in(kept):
        return None
    for county, town, start, end in villages_in(walk.text, walk.end):
        if allowed(walk, kept, county):
            return conclude(walk, county, town, "village", [*walk.marks, (start, end, town or county, "village")])
    return None


def _by_namesake(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """Candidates where a township or community bears the name of the road (北京路街道): never an answer."""
    unit = _one_prefecture(walk, kept)
    if not unit or counties_in(kept):
        return None
    for place in places_between(walk.text, walk.end, len(walk.text)):
        counties = [c for c in _counties_of_namesakes(walk, kept, place.name, unit) if allowed(walk, kept, c)]
        if counties:
            province, prefecture = (kept[0][1], kept[0][2]) if len(kept) == 1 else (0, 0)
            marks = [*walk.marks, *((place.start, place.end, county, "village") for county in counties)]
            return Found(prefecture, 0, 0, tuple(counties), "namesake", marks, province)
    return None


def _counties_of_namesakes(walk: Walk, kept: tuple[Reading, ...], name: str, unit: int) -> dict[int, None]:
    found: dict[int, None] = {}
    town = name + "街道"
    for number, start, end in walk.gaz.find(town)[:1]:
        if start == 0 and end == len(town) and walk.gaz.is_town(number):
            found |= dict.fromkeys(counties_of_town(walk, kept, (number, start, end)))
    if unit // 10000 == XINJIANG:
        found |= dict.fromkeys(counties_of_namesakes(name, unit))
    return found


def _open(walk: Walk, kept: tuple[Reading, ...]) -> Found:
    """No county: the levels that all readings share, and the candidates."""
    counties = counties_in(kept)
    prefectures = {r[2] for r in kept}
    provinces = {r[1] for r in kept}
    prefecture = prefectures.pop() if len(prefectures) == 1 else 0
    province = provinces.pop() if len(provinces) == 1 else 0
    if prefecture in walk.gaz.whole_prefectures:
        return Found(
            prefecture,
            0,
            walk.township(prefecture, walk.marks),
            (prefecture,),
            "whole_prefecture",
            walk.marks,
            province,
        )
    if prefecture and any(r[0] == PREFECTURE for r in kept):
        return _whole_city(walk, prefecture, province)
    if len(counties) > 1 or (counties and len(kept) > 1):
        return Found(prefecture, 0, 0, tuple(counties), "ambiguous", _all_meanings(walk, counties), province)
    rule = "prefecture" if prefecture else "province" if province else "unknown"
    return Found(prefecture, 0, 0, (), rule, walk.marks, province)


def _whole_city(walk: Walk, prefecture: int, province: int) -> Found:
    """乌鲁木齐 alone is the city, not the county of that name in it; in the name of a company it is weak evidence."""
    marks = true_marks(walk.marks, prefecture, prefecture, province)
    if _is_company_name(walk.text):
        return Found(prefecture, 0, 0, (prefecture,), "company_name", marks, province)
    return Found(prefecture, 0, 0, (), "prefecture", marks, province)


def _all_meanings(walk: Walk, counties: list[int]) -> list[Mark]:
    """The last name marked once for each county that it can mean."""
    if not walk.marks or walk.rivals:
        return walk.marks
    start, end, _, how = walk.marks[-1]
    return [*walk.marks[:-1], *((start, end, county, how) for county in counties)]


_STEPS = (
    _split_prefecture_word,
    _by_readings,
    by_township,
    by_town_of_candidates,
    _by_zone,
    _by_misspelt,
    by_town_variant,
    by_seat,
    _by_stem,
    by_weak_township,
    _by_village,
    _by_namesake,
    by_split,
)
