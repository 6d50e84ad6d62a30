"""County names with one character dropped, two swapped, or one replaced: looked for inside one prefecture only."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from app.geo.gazetteer import Gazetteer

_SHORTEST_FOR_ANY_EDIT = 4
_SHORT = 3
_SUFFIXES = "区县市旗"
# Endings of words that are no county's name however near they come to one.
_GENERAL = (
    "新区", "小区", "社区", "片区", "园区", "厂区", "校区", "东区", "西区", "南区", "北区", "发区", "业区", "作区",
    "范区", "城区", "市区", "县区", "库区", "矿区", "地区", "景区", "宅区", "活区", "城市", "超市", "门市", "一区",
    "二区", "三区", "四区", "五区", "六区", "开区", "税区", "游区", "理区", "属区", "寓区", "务区",
)  # fmt: skip
_TABLE = Path(__file__).parent / "data" / "homophones.csv"


@cache
def _sounds() -> dict[str, frozenset[str]]:
    sounds: dict[str, set[str]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            for char in row["characters"]:
                sounds.setdefault(char, set()).add(row["pinyin"])
    return {char: frozenset(heard) for char, heard in sounds.items()}


def sound_alike(one: str, other: str) -> bool:
    """True when two characters share a reading, tones aside."""
    sounds = _sounds()
    return not sounds.get(one, frozenset()).isdisjoint(sounds.get(other, frozenset()))


def misspelt_county(text: str, start: int, unit: int, gaz: Gazetteer) -> tuple[int, int, int] | None:
    """(county, start, end) when exactly one county under ``unit`` is one slip away from the words at ``start``."""
    head = text[start : start + 16]
    if not any(suffix in head for suffix in _SUFFIXES):
        return None
    endings = gaz.spellings.get(unit, {})
    found: dict[int, int] = {}
    first, second = head[0], head[1:2]
    for length, char in enumerate(head, 1):
        names = endings.get(char)
        if names is None or not second:
            continue
        word = head[:length]
        if length <= _SHORT and word.endswith(_GENERAL):
            continue
        for size in (length, length + 1, length - 1):
            for name, code in names.get(size, ()):
                # One slip leaves one of the first two characters in its place, or one place further.
                near = name[0] == first or name[1] == second or name[1] == first or name[0] == second
                if near and _one_slip(word, name):
                    found.setdefault(code, length)
    if len(found) != 1:
        return None
    county, length = next(iter(found.items()))
    number = gaz.unit_names.get(head[:length])
    if number is not None and any(reading.county for reading in gaz.units[number]):
        return None  # it is the right name of another county
    return county, start, start + length


def _one_slip(word: str, name: str) -> bool:
    if word == name:
        return False
    if len(word) == len(name):
        wrong = [i for i, (a, b) in enumerate(zip(word, name, strict=True)) if a != b]
        if len(wrong) == 1:
            return _replaced(word, name, wrong[0])
        first, last = wrong[0], wrong[-1]
        return last == first + 1 and word[first] == name[last] and word[last] == name[first]
    if len(word) < len(name):
        return len(name) >= _SHORTEST_FOR_ANY_EDIT and _dropped(word, name)
    return len(name) >= _SHORTEST_FOR_ANY_EDIT and _dropped(name, word)


def _replaced(word: str, name: str, place: int) -> bool:
    if len(name) >= _SHORTEST_FOR_ANY_EDIT:
        return True
    return sound_alike(word[place], name[place]) or (place == 1 and name[-1] == "县")


def _dropped(short: str, long: str) -> bool:
    """True when ``short`` is ``long`` without one character."""
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
