"""From the names found in a text to one division: the reading that every name agrees with.

The walk goes left to right and keeps the units that the names so far can mean; each further name narrows them. Names
that fit nothing are kept as rivals, never averaged in. What the names leave open is settled by ``repair.py``. Each way
of knowing has a rule name, and the confidence is that rule's share of right answers (``confidence.py``).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from app.geo.gazetteer import Gazetteer, Reading

PREFECTURE, COUNTY = 2, 3
_HIGHEST_COUNTY = 999_999
FULL, SHORT, STEM = 2, 1, 0
Hit = tuple[int, int, int]  # number of the name, start, end
Mark = tuple[int, int, int, str]  # start, end, code meant, how known

NAMED_AFTER = re.compile(
    "[东西南北中上下前后新老外内]{0,2}(?:大?[路街巷弄]|大道|胡同|公路|高速|立交|[一二三四五六七八九十][路街巷])"
    "|(?:大?桥|新?村|屯|庄|镇|乡|苑|花园|花苑|家园|小区|公寓|大厦|大楼|广场|市场|商[场城厦]|宾馆|酒店|饭店|医院|大?学"
    "|中学|小学|公司|集团|银行|火?车?站|机场|公园|里|山庄|山水|名[都城苑]|豪[庭园])"
)
_BETWEEN = frozenset(("", "省", "市", "县", "市辖区", "辖区", "城区", "市区", "的", ":", "中国"))
_ZONE_WORDS = re.compile(
    "(?:国家|省|级|高新|新|经济|技术|产业|工业|农业|科技|开发|示范|高科|经开|园|边境|合作|保税|综合|自由|贸易|试验"
    "|区|[()-])+"
)


def _passes_over(gap: str) -> bool:
    """True for what may stand between two units of one chain: marks, 市辖区, a zone without a name."""
    return gap.strip("-—–,，、()/·.。 ") in _BETWEEN or _ZONE_WORDS.fullmatch(gap) is not None


def zone_words(text: str, start: int) -> bool:
    """True when a zone without a name of its own follows (边境经济合作区, 工业园区)."""
    found = _ZONE_WORDS.match(text, start)
    return found is not None and found[0].endswith("区")


class Found(NamedTuple):
    """What a text says: codes as numbers (0 where not told), the rule that decided, candidates, marks on the text."""

    prefecture: int
    county: int
    township: int
    candidates: tuple[int, ...]
    rule: str
    marks: list[Mark]
    province: int


def _below(readings: tuple[Reading, ...], kept: tuple[Reading, ...]) -> list[Reading]:
    """The readings that lie in a unit of ``kept``."""
    if len(kept) == 1:
        level = kept[0][0]
        above = kept[0][level]
        return [r for r in readings if r[0] > level and r[level] == above]
    return [r for r in readings if any(r[0] > k[0] and r[k[0]] == k[k[0]] for k in kept)]


def _same_above(county: Reading, above: tuple[int, ...]) -> bool:
    province, prefecture = above
    return county[2] == prefecture if prefecture else county[1] == province


def repeated(text: str, marks: list[Mark], start: int, end: int) -> bool:
    """True when a name was said before, in a shorter or a longer form: it may mean the same unit again."""
    name = text[start:end]
    for mark in marks:
        before = text[mark[0] : mark[1]]
        if name.startswith(before) or before.startswith(name):
            return True
    return False


class Walk:
    """One left-to-right walk over the names of one text, and what it leaves: ``kept`` readings and unused names."""

    __slots__ = (
        "end",
        "gaz",
        "hint",
        "kept",
        "marks",
        "restarted",
        "rivals",
        "text",
        "towns",
        "weak",
        "zone_end",
        "zones",
    )

    def __init__(self, text: str, gaz: Gazetteer, hint: int) -> None:
        self.text = text
        self.gaz = gaz
        self.hint = hint
        self.kept: tuple[Reading, ...] = ()
        self.end = 0
        self.zone_end = -1
        self.restarted = False  # a name above was said again: the chain may be told a second time
        self.marks: list[Mark] = []
        self.rivals: list[tuple[int, int, tuple[Reading, ...]]] = []
        self.towns: list[Hit] = []
        self.weak: list[Hit] = []
        self.zones: list[Hit] = []

    def run(self, hits: list[Hit]) -> None:
        """Take every name into account, in order."""
        gaz = self.gaz
        units_end, towns_end, weak_end = gaz.units_end, gaz.towns_end, gaz.weak_end
        units = gaz.units
        for place, hit in enumerate(hits):
            number = hit[0]
            if number < units_end:
                followed = place + 1 < len(hits) and hits[place + 1][1] == hit[2]
                self.unit(hit, units[number], followed)
                continue
            if number in gaz.zones:
                self.zones.append(hit)
                if hit[1] == self.end:
                    self.zone_end = hit[2]
            if number < towns_end:
                self.towns.append(hit)
            elif number < weak_end:
                self.weak.append(hit)

    def unit(self, hit: Hit, readings: tuple[Reading, ...], followed: bool) -> None:
        """Narrow what is kept by one name of a unit; ``followed``: another name follows at once."""
        _, start, end = hit
        if self.text.startswith("市场", end - 1):
            return  # 奎屯市场 is a market, not the city
        strength = readings[0][6]
        if start not in (self.end, self.zone_end) and not _passes_over(self.text[self.end : start]):
            if strength != FULL or NAMED_AFTER.match(self.text, end):
                return
        elif strength == STEM and not followed and NAMED_AFTER.match(self.text, end):
            return
        kept = self.kept
        if not kept:
            self.accept(start, end, readings)
            return
        below = _below(readings, kept)
        if below:
            again: list[Reading] = []
            if self.restarted or self.repeated(start, end):  # 金华金华市义乌市: not the former county of that name
                again = [k for k in kept if any(k[4] == r[4] for r in readings)]
            self.accept(start, end, (*below, *again), again[0] if again else None)
            return
        same = [k for k in kept if any(k[4] == r[4] or (k[0] > r[0] and k[r[0]] == r[r[0]]) for r in readings)]
        if same:
            self.restarted = self.restarted or any(r[0] < k[0] for r in readings for k in same)
            said = next(r for r in readings for k in same if k[4] == r[4] or (k[0] > r[0] and k[r[0]] == r[r[0]]))
            self.accept(start, end, tuple(same), said)
        elif strength == FULL:
            self.contradict(start, end, readings)

    def contradict(self, start: int, end: int, readings: tuple[Reading, ...]) -> None:
        """Note a name that fits nothing kept, where it can be a unit at all.

        It can inside the same prefecture (宁波市海曙区宁波市镇海区) or after a prefecture of its own
        (浦东新区浙江省青田县); elsewhere it is a local name that another unit bears too (阿克苏市新城区).
        """
        above = [k[1:3] for k in self.kept] + [r[1:3] for _, _, rival in self.rivals for r in rival if r[0] < COUNTY]
        possible = tuple(r for r in readings if r[0] < COUNTY or any(_same_above(r, a) for a in above))
        if possible:
            self.rivals.append((start, end, possible))

    def repeated(self, start: int, end: int) -> bool:
        """As the function of that name, for the names so far."""
        return repeated(self.text, self.marks, start, end)

    def said(self) -> list[str]:
        """The names accepted so far."""
        return [self.text[mark[0] : mark[1]] for mark in self.marks]

    def accept(self, start: int, end: int, readings: tuple[Reading, ...], said: Reading | None = None) -> None:
        """Keep these readings and remember where they were said; ``said`` is the unit named where it is another."""
        self.kept = readings
        self.end = end
        said = said or readings[0]
        self.marks.append((start, end, said[4], said[5]))

    def answer(self, county: int, rule: str, marks: list[Mark] | None = None) -> Found:
        """The answer for one county, with the township if the text names one of it."""
        gaz = self.gaz
        told = self.marks if marks is None else marks
        town = self.township(county, told)
        if self.zones and rule != "zone":
            mark_zones(gaz, self.zones, county, told)
        candidates = tuple(dict.fromkeys((county, *(r[3] for r in self.kept if r[3]))))
        return Found(gaz.prefecture_of.get(county, 0), county, town, candidates, rule, told, county // 10000 * 10000)

    def township(self, county: int, marks: list[Mark]) -> int:
        """The first township named in the text that lies in this county, marked on the way; 0 for none."""
        for number, start, end in self.towns:
            for code in self.gaz.towns(number):
                if code // 1000 == county:
                    marks.append((start, end, code, "township"))
                    return code
        return 0


def settle(kept: tuple[Reading, ...], hint: int) -> tuple[Reading, ...]:
    """Of several readings those under the hint, then those of living memory, then the fullest names, if any."""
    if len(kept) > 1 and hint:
        kept = tuple(r for r in kept if hint in (r[2], r[1])) or kept
    if len(kept) > 1:
        kept = tuple(r for r in kept if r[7]) or kept
    if len(kept) > 1:
        strongest = max(r[6] for r in kept)
        kept = tuple(r for r in kept if r[6] == strongest)
    return kept


def mark_zones(gaz: Gazetteer, hits: list[Hit], county: int, marks: list[Mark]) -> None:
    """Mark zones and XPCC units named in the text that lie in the county: another office may be in charge there."""
    for number, start, end in hits:
        if any(county in gaz.zone_table[zone].counties for zone in gaz.zones[number]):
            marks.append((start, end, county, "zone"))


def true_marks(marks: list[Mark], county: int, prefecture: int, province: int) -> list[Mark]:
    """Marks of ambiguous names hold the first meaning until the rest of the text decides: say the one that holds."""
    true: list[Mark] = []
    for start, end, code, how in marks:
        if code > _HIGHEST_COUNTY:
            told = code
        elif code % 10000 == 0:
            told = province
        else:
            told = prefecture if code % 100 == 0 and prefecture else county
        true.append((start, end, told, how))
    return true


def counties_in(kept: tuple[Reading, ...]) -> list[int]:
    """The counties among the readings, once each."""
    return list(dict.fromkeys(r[3] for r in kept if r[0] == COUNTY))


def allowed(walk: Walk, kept: tuple[Reading, ...], county: int) -> bool:
    """True when a county agrees with what is kept, or with the hint where nothing is kept."""
    prefecture = walk.gaz.prefecture_of.get(county, county)
    province = county // 10000 * 10000
    if kept:
        return any((0, province, prefecture, county)[r[0]] == r[r[0]] for r in kept)
    return bool(walk.hint) and walk.hint in (prefecture, province)


def conclude(walk: Walk, county: int, town: int, rule: str, marks: list[Mark]) -> Found:
    """The answer for one county, or for a prefecture without counties."""
    if county in walk.gaz.whole_prefectures:
        return Found(county, 0, town, (county,), "whole_prefecture", marks, county // 10000 * 10000)
    prefecture = walk.gaz.prefecture_of.get(county, 0)
    return Found(prefecture, county, town, (county,), rule, marks, county // 10000 * 10000)
