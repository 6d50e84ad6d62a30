"""One normalised text → what it says: the quick reading of plain addresses and the close reading of all others."""

from __future__ import annotations

from collections.abc import Sequence

from app.geo.chain import COUNTY, FULL, SHORT, Found, Hit, Mark, Walk, mark_zones, repeated, true_marks
from app.geo.gazetteer import Gazetteer, Reading
from app.geo.repair import repair
from app.geo.splits import LEADING


# long because three quarters of all addresses end here, in one loop without calls.
def resolve(text: str, gaz: Gazetteer, hint: int) -> Found:  # noqa: C901, PLR0911, PLR0912, PLR0915
    """Read one normalised text; ``hint`` is a prefecture or province code, 0 for none.

    Three quarters of all addresses open with an unbroken chain of names down to a county: they are read here, in one
    loop without calls. Whatever is not as plain goes through ``read_closely``, which gives the same answer for these
    too (a property test compares both); that is why this function may be longer than others.
    """
    hits = gaz.find(text)
    units_end, towns_end, units, zones = gaz.units_end, gaz.towns_end, gaz.units, gaz.zones
    kept: Sequence[Reading] = ()
    level = end = 0
    marks: list[Mark] = []
    towns: list[Hit] = []
    special: list[Hit] = []
    for hit in hits:
        number, start, stop = hit
        if number >= units_end:
            if number < towns_end:
                towns.append(hit)
            if number in zones:
                special.append(hit)
            continue
        readings = units[number]
        if level == COUNTY:
            for r in readings:
                if r[6] == FULL or r[4] in kept[0] or (len(kept) > 1 and any(r[4] in k for k in kept)):
                    return read_closely(text, gaz, hint, hits)
            continue
        if start != end:
            return read_closely(text, gaz, hint, hits)
        if level == 0:
            kept = readings
        elif len(kept) == 1:
            above = kept[0][level]
            if len(readings) > 1:
                if any(r[4] == above for r in readings) and repeated(text, marks, start, stop):
                    return read_closely(text, gaz, hint, hits)
                kept = [r for r in readings if r[level] == above and r[0] > level]
            else:
                only = readings[0]
                kept = readings if only[level] == above and only[0] > level else ()
        else:
            if any(r[4] == k[4] for r in readings for k in kept) and repeated(text, marks, start, stop):
                return read_closely(text, gaz, hint, hits)
            kept = [r for r in readings if any(r[0] > k[0] and r[k[0]] == k[k[0]] for k in kept)]
        if not kept:
            return read_closely(text, gaz, hint, hits)
        reading = kept[0]
        level = reading[0]
        marks.append((start, stop, reading[4], reading[5]))
        end = stop
    if level != COUNTY or text.startswith("市场", end - 1):
        return read_closely(text, gaz, hint, hits)
    if reading[6] != FULL:
        if reading[6] != SHORT or len(kept) > 1 or len(marks) == 1:
            return read_closely(text, gaz, hint, hits)
        marks = true_marks(marks, reading[3], reading[2], reading[1])  # 乌鲁木齐市沙区
    rule = reading[5]
    candidates: tuple[int, ...] = (reading[3],)
    if len(kept) > 1:
        hinted = [r for r in kept if hint in (r[2], r[1])] if hint else ()
        if len(hinted) != 1 or any(r[0] != COUNTY for r in kept):
            return read_closely(text, gaz, hint, hits)
        reading = hinted[0]
        candidates = tuple(dict.fromkeys((reading[3], *[r[3] for r in kept])))
        if len(candidates) > 1:
            rule = "hint"
            marks = true_marks(marks, reading[3], reading[2], reading[1])
    county, township = reading[3], 0
    for number, start, stop in towns:
        for code in gaz.towns(number):
            if code // 1000 == county:
                marks.append((start, stop, code, "township"))
                township = code
                break
        if township:
            break
    if special:
        mark_zones(gaz, special, county, marks)
    if rule == "hint":
        marks.append((0, 0, hint, "hint"))
    return Found(gaz.prefecture_of[county], county, township, candidates, rule, marks, county // 10000 * 10000)


def read_closely(text: str, gaz: Gazetteer, hint: int, hits: list[Hit]) -> Found:
    """The full reading of a text: every name weighed, and repaired where the names leave the county open."""
    walk = Walk(text, gaz, hint)
    walk.run(hits)
    kept = walk.kept
    if len(kept) == 1 and kept[0][0] == COUNTY and kept[0][6] == FULL and not walk.rivals:
        return walk.answer(kept[0][3], kept[0][5])
    prefecture, county, township, candidates, rule, marks, province = found = repair(walk)
    if not county or rule == LEADING:
        return found
    marks = true_marks(marks, county, prefecture, province)
    if rule == "hint":
        marks.append((0, 0, hint, "hint"))
    return Found(prefecture, county, township, candidates, rule, marks, province)
