"""What an address names below its district: roads, estates, house numbers; to learn them and to know them again.

Everything here reads the text in the gazetteer's form (``normalise``) and leaves out what the matcher already read as a
division, so that the same place gives the same name however much of the official prefix was typed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from app.geo.match import Match
from app.geo.normalise import normalise

_LOCAL_EVIDENCE = frozenset(("zone", "village", "learnt", "precedent"))
_LEADING = re.compile(
    "(?:现?位于|坐落于?|座落于?|(?:我?家)?现?住在?|开在|设在|地址[为是]?|地点[为是]?|[在于与和及的号栋幢楼院层室弄])+"
)
_PLACE = re.compile(
    "([\u4e00-\u9fff]{2,10}?)(大道|大街|公路|胡同|[路街巷弄]"
    "|小区|社区|花园|花苑|家园|佳苑|雅苑|名苑|公寓|大厦|大楼|写字楼|广场|新村|商[城场]|市场|国际城|[科产工][技业]园区?)"
)
_ROADS = ("道", "路", "街", "巷", "弄", "胡同")
_NUMBER = re.compile("[\u4e00-\u9fff]{0,6}?[0-9]+(?:[-之][0-9]+)?号")
_RUN = re.compile("[\u4e00-\u9fff]+")
_BEFORE_A_NAME = frozenset("省市区县旗州盟乡镇村街道路号院栋楼场团于在址点是为住与和及")
_SHORTEST_PATTERN = 4


class Place(NamedTuple):
    """One road or estate in a normalised text."""

    name: str
    start: int
    end: int

    @property
    def is_road(self) -> bool:
        """True for roads, which can cross a border; estates and buildings stand in one place."""
        return self.name.endswith(_ROADS)


class LocalText:
    """A normalised address, with what the matcher read in it: ``spans`` are the places of divisions in ``plain``."""

    __slots__ = ("address", "plain", "positions", "spans")

    def __init__(self, address: str, found: Match) -> None:
        self.address = address
        self.plain, self.positions = normalise(address)
        told = [e for e in found.evidence if e.end and e.how not in _LOCAL_EVIDENCE]
        self.spans = _merged(sorted((self._plain_place(e.start), self._plain_place(e.end)) for e in told))

    def _plain_place(self, place: int) -> int:
        return place if self.positions is None else bisect_left(self.positions, place)

    def typed_place(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the plain text stands in the text as it was typed."""
        if self.positions is None:
            return start, end
        return self.positions[start], self.positions[end - 1] + 1

    def begins_at(self, start: int) -> bool:
        """True where a name can begin: not in the middle of a longer one (南湖北路 is no 湖北路)."""
        if start == 0 or any(end == start for _, end in self.spans):
            return True
        before = self.plain[start - 1]
        return before in _BEFORE_A_NAME or not _RUN.match(before)

    def places(self) -> list[Place]:
        """Roads and estates from left to right, without overlaps."""
        found: list[Place] = []
        edges = [0, *(edge for span in self.spans for edge in span), len(self.plain)]
        for begin, stop in zip(edges[::2], edges[1::2], strict=True):
            found += places_between(self.plain, begin, stop)
        return found


def places_between(plain: str, begin: int, stop: int) -> list[Place]:
    """Roads and estates of one stretch of a normalised text that names no division."""
    return [place for run in _RUN.finditer(plain, begin, stop) for place in _places_of(plain, run.start(), run.end())]


def _places_of(plain: str, begin: int, stop: int) -> Iterator[Place]:
    while begin < stop:
        leading = _LEADING.match(plain, begin, stop)
        begin = leading.end() if leading else begin
        place = _PLACE.match(plain, begin, stop)
        if place is None:
            return
        yield Place(place[0], place.start(), place.end())
        begin = place.end()


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted stretches with those that overlap joined."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def pattern_of(address: str, found: Match) -> str | None:
    """What makes an address this address and no other: from its first road or estate to its house number.

    None where the text is too general: a road without a number can lie in several districts.
    """
    text = LocalText(address, found)
    places = text.places()
    if not places:
        return _zone_pattern(text, found)
    for place in places:
        number = _NUMBER.match(text.plain, place.end)
        if number is not None:
            return text.plain[place.start : number.end()]
    if all(place.is_road for place in places):
        return None
    return text.plain[places[0].start : places[-1].end]


def _zone_pattern(text: LocalText, found: Match) -> str | None:
    zone = next((e for e in found.evidence if e.how == "zone" and e.end), None)
    if zone is None:
        return None
    plain = normalise(zone.text)[0]
    number = _NUMBER.match(text.plain, text.plain.find(plain) + len(plain))
    return plain + number[0] if number else None


def local_part(address: str, found: Match) -> str | None:
    """The normalised text behind the divisions, for a pattern that a person writes; None where it is too short."""
    text = LocalText(address, found)
    begin = max((end for _, end in text.spans), default=0)
    rest = text.plain[begin:].strip("()、,，.。:：-")
    return rest if len(rest) >= _SHORTEST_PATTERN else None
