"""Former counties whose land went mainly to one successor, and the words that tell the other one.

A public decision says which townships went where. A text that names one of them is decided by it. One that names none
is told the main successor as the leading candidate, openly ambiguous: a person decides.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from app.geo.chain import Found, Walk, counties_in
from app.geo.gazetteer import Reading

LEADING = "main_successor"
"""Rule of an answer that names the leading candidate of a divided county."""
_TABLE = Path(__file__).parent / "data" / "splits.csv"
_ROAD = re.compile("[东西南北中]?(?:大?[路街巷]|大道|立交|高架)")


class Split(NamedTuple):
    """One divided county: its name, the main successor, and words of the text → the successor that they tell."""

    name: str
    main: int
    words: dict[str, int]


@cache
def splits() -> dict[frozenset[int], Split]:
    """Divided counties by the set of their successors."""
    rows: dict[str, list[dict[str, str]]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            rows.setdefault(row["former"], []).append(row)
    found = {}
    for parts in rows.values():
        main = next(int(row["successor"]) for row in parts if row["main"] == "1")
        words = {word: int(row["successor"]) for row in parts for word in row["words"].split("|") if word}
        found[frozenset(int(row["successor"]) for row in parts)] = Split(parts[0]["name"], main, words)
    return found


def by_split(walk: Walk, kept: tuple[Reading, ...]) -> Found | None:
    """江干区九堡家苑 by its township; 江干区 alone as 上城区, the leading candidate, with 钱塘区 beside it."""
    counties = counties_in(kept)
    split = splits().get(frozenset(counties))
    if split is None or walk.rivals or not walk.marks:
        return None
    start, end, _, how = walk.marks[-1]
    if not split.name.startswith(walk.text[start:end]):
        return None
    told = _told(walk.text, end, split)
    if len({county for _, _, county in told}) == 1:
        return walk.answer(told[0][2], "town_of_candidates", [*walk.marks, (*told[0], "township")])
    others = tuple(county for county in counties if county != split.main)
    meanings = [(start, end, county, how) for county in (split.main, *others)]
    prefecture = walk.gaz.prefecture_of.get(split.main, 0)
    marks = [*walk.marks[:-1], *meanings]
    return Found(prefecture, split.main, 0, (split.main, *others), LEADING, marks, split.main // 10000 * 10000)


def _told(text: str, begin: int, split: Split) -> list[tuple[int, int, int]]:
    """(start, end, successor) of the words after the name; roads named after a township lead beyond it."""
    found = []
    for word, county in split.words.items():
        start = text.find(word, begin)
        if start >= 0 and not _ROAD.match(text, start + len(word)):
            found.append((start, start + len(word), county))
    return sorted(found)
