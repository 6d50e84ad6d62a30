"""Which names mean which units: computed from the tables when the prepared form is built, never at start-up.

Strength 2 is a name that stands by itself (official name, or an alias with its suffix). Strength 1 is a short one with
a suffix (城区, 沙区, 邱县), strength 0 a stem: both count only where they directly follow the unit above or open the
address, and a stem only where no road or estate is named after it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple

from app.geo.normalise import fold

FULL, SHORT, STEM = 2, 1, 0
_ADMIN_SUFFIX = ("省", "市", "区", "县", "旗", "州", "盟", "林区", "特区")
_TOWN_SUFFIX = (
    "街道", "镇", "乡", "苏木", "办", "场", "团", "区", "管委会", "委员会", "工业园", "产业园", "工业城", "商业城",
    "处",
)  # fmt: skip
_GENERAL = re.compile(
    "(?:高新|新|经济|技术|产业|工业|农业|现代|科技|创业|开发|示范|管理|生态|物流|循环|综合|旅游|保税|加工|出口|园"
    "|区|城|街道|直辖|村级|县|市|委员会|管委会|集聚|聚集|集中|中心|国家|省级|农|林|牧|渔|场|度假|风景|名胜|商务"
    "|化工|镇|乡)+"
)
_ROAD_ENDING = ("路", "街", "道", "巷", "桥", "门", "大街", "新村", "小区", "广场", "公园")
_OFFICES = ("街道办事处", "街办", "办事处")
_SHORTEST_TOWN_STEM = 3
_ANY_TOWN = "市区"  # once an official name; in an address it means the built-up part of any city
_STEMS_STILL_USED_SINCE = "2000"
_REMEMBERED_SINCE = "2020"

Row = dict[str, str]
Reading = tuple[int, int, str, int, int, int]


class NameIndex(NamedTuple):
    """``names``: patterns and what units and zones they mean; the township codes of the n-th township pattern are
    ``town_codes[town_places[n]:town_places[n + 1]]``, minus a county's code where a unit has no current code.
    """

    names: dict[str, Any]
    town_codes: array[int]
    town_places: array[int]


class _Index:
    """Collects readings by folded name."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.current = {row["code"]: row for row in rows if row["status"] == "current"}
        self.admin: dict[str, dict[Reading, None]] = {}
        self.towns: dict[str, dict[int, None]] = {}
        self.zones: dict[str, dict[int, None]] = {}
        self.was_prefecture = {
            row["code"]: row["successor_codes"].split("|")
            for row in rows
            if row["level"] == "2" and row["status"] == "abolished" and row["successor_codes"]
        }

    def add_admin(
        self, name: str, code: str, how: str, strength: int, seen_under: int = 0, recent: bool = True
    ) -> None:
        """``seen_under``: today's prefecture of the unit that an abolished county once belonged to."""
        name = fold(name)
        if len(name) > 1 and name != _ANY_TOWN:
            level = int(self.current[code]["level"])
            self.admin.setdefault(name, {})[(level, int(code), how, strength, seen_under, int(recent))] = None

    def add_town(self, name: str, code: int) -> None:
        """``code``: a current township, or minus the county's code where the unit has no current code."""
        name = fold(name)
        if len(name) > 1:
            self.towns.setdefault(name, {})[code] = None

    def prefecture(self, code: str) -> int:
        """Prefecture of a current county or prefecture; 0 where the province holds the county directly."""
        row = self.current[code]
        above = row["code"] if row["level"] == "2" else row["parent_code"]
        return int(above) if self.current.get(above, {}).get("level") == "2" else 0


def _strength(name: str) -> int:
    if not name.endswith(_ADMIN_SUFFIX):
        return STEM
    return FULL if len(name) > 2 else SHORT  # noqa: PLR2004  # 沙区, 城区, 邱县: too general to stand anywhere


def _add_current(index: _Index, row: Row) -> None:
    code = row["code"]
    index.add_admin(row["name"], code, "name", _strength(row["name"]))
    index.add_admin(row["short_name"], code, "alias", STEM)
    for alias in filter(None, row["aliases"].split("|")):
        how = "zone" if "高新区" in alias or "经开区" in alias else "alias"
        index.add_admin(alias, code, how, _strength(alias) if "(" not in fold(alias) else FULL)


def _add_abolished(index: _Index, row: Row) -> None:
    """Former counties and prefectures by their full names; successors carry the prefecture the old text may name."""
    old_above = row["parent_code"]
    above = [old_above] if old_above in index.current else index.was_prefecture.get(old_above, [])
    for successor in filter(None, row["successor_codes"].split("|")):
        new = index.prefecture(successor)
        contexts = {int(code) for code in above if index.current[code]["level"] == "2"} - {new}
        for name in _former_names(row):
            strength = _strength(name)
            recent = row["valid_to"] >= _REMEMBERED_SINCE
            renamed = name not in _names(index.current[successor])
            for context in sorted({0, *contexts} if renamed else contexts):
                index.add_admin(name, successor, "old_name", strength, context, recent)


def _former_names(row: Row) -> list[str]:
    """Full names always; the stem only of units that people living today still call by it."""
    names = [row["name"], *filter(None, row["aliases"].split("|"))]
    return [*names, row["short_name"]] if row["valid_to"] >= _STEMS_STILL_USED_SINCE else names


def _names(row: Row) -> set[str]:
    return {row["name"], row["short_name"], *row["aliases"].split("|")}


def _add_town(index: _Index, row: Row) -> None:
    if row["status"] == "current":
        codes = [int(row["code"])]
    elif row["status"] == "statistical":
        codes = [-int(row["parent_code"])] if row["parent_code"] in index.current else []
    else:
        codes = [int(code) for code in row["successor_codes"].split("|") if len(code) == 9]  # noqa: PLR2004
    names = {row["name"]}
    names |= {alias for alias in row["aliases"].split("|") if alias and not alias.endswith(_OFFICES)}
    stem = row["short_name"]
    if row["type"] == "街道":
        names |= {stem + "办", stem + "街办"}
    if len(stem) >= _SHORTEST_TOWN_STEM and not stem.endswith(_ROAD_ENDING):
        names.add(stem)
    county = index.current.get(row["parent_code"], {}).get("name", "")
    for name in names:
        if (county and name.startswith(county)) or _GENERAL.fullmatch(name):
            continue  # the county's own name must be read, not hidden inside a longer one; 工业园区 names no place
        for code in codes:
            index.add_town(name, code)


def _add_zone(index: _Index, number: int, zone: Row) -> None:
    names = [zone["name"], *zone["aliases"].split("|")]
    for name in filter(None, names):
        folded = fold(name).replace(" ", "")
        if not _GENERAL.fullmatch(folded):  # 高新区 and 工业园区 name no place
            index.zones.setdefault(folded, {})[number] = None


def _indexed(rows: list[Row], zones: list[Row]) -> _Index:
    index = _Index(rows)
    for row in rows:
        if row["level"] == "4":
            _add_town(index, row)
        elif row["status"] == "current":
            _add_current(index, row)
        elif row["status"] == "abolished" and row["successor_codes"]:
            _add_abolished(index, row)
    for number, zone in enumerate(zones):
        _add_zone(index, number, zone)
    return index


def name_index(rows: list[Row], zones: list[Row]) -> NameIndex:
    """Patterns in four runs (units, strong townships, weak townships, zones only) and what each of them means."""
    index = _indexed(rows, zones)
    strong = sorted(n for n in index.towns if n not in index.admin and n.endswith(_TOWN_SUFFIX))
    weak = sorted(n for n in index.towns if n not in index.admin and not n.endswith(_TOWN_SUFFIX))
    zoned = sorted(n for n in index.zones if n not in index.admin and n not in index.towns)
    patterns = [*sorted(index.admin), *strong, *weak, *zoned]
    counties = [r for r in index.current.values() if r["level"] in {"2", "3"}]
    names = {
        "patterns": "\n".join(patterns),
        "runs": [len(index.admin), len(index.admin) + len(strong), len(patterns) - len(zoned)],
        "admin": [list(index.admin[name]) for name in patterns[: len(index.admin)]],
        "zones": {
            str(i): sorted(index.zones[n]) for i, n in enumerate(patterns) if n in index.zones and n not in index.admin
        },
        "counties": sorted([int(r["code"]), index.prefecture(r["code"])] for r in counties if r["level"] == "3"),
        "spellings": _spellings(index, rows),
        "cities": sorted(int(row["code"]) for row in counties if row["type"] == "县级市"),
        "whole_prefectures": _without_counties(index),
        "zone_table": [_zone(zone) for zone in zones],
    }
    codes, places = array("i"), array("I", [0])
    for name in (*strong, *weak):
        codes.extend(sorted(index.towns[name], reverse=True))
        places.append(len(codes))
    return NameIndex(names, codes, places)


def _zone(zone: Row) -> list[Any]:
    counties = [int(code) for code in zone["admin_county_codes"].split("|") if code]
    prefectures = [int(code) for code in zone["prefecture_code"].split("|") if code]
    return [zone["zone_id"], zone["name"], zone["kind"], prefectures, counties, zone["confidence"], _aliases(zone)]


def _without_counties(index: _Index) -> list[int]:
    """Prefectures such as 441900 whose townships hang on them directly."""
    above = {row["parent_code"] for row in index.current.values() if row["level"] == "3"}
    return sorted(int(c) for c, row in index.current.items() if row["level"] == "2" and c not in above)


def _aliases(zone: Row) -> list[str]:
    return [alias for alias in zone["aliases"].split("|") if alias]


def _spellings(index: _Index, rows: list[Row]) -> dict[str, list[list[str | int]]]:
    """Prefecture (province where it holds counties directly) → full county names, today's before former ones."""
    found: dict[str, dict[str, int]] = {}
    for row in sorted(rows, key=lambda row: row["status"] != "current"):
        code = row["code"] if row["status"] == "current" else row["successor_codes"]
        if row["level"] != "3" or row["status"] not in {"current", "abolished"} or code not in index.current:
            continue
        if index.current[code]["level"] == "3":
            found.setdefault(index.current[code]["parent_code"], {}).setdefault(row["name"], int(code))
    return {unit: [[name, code] for name, code in names.items()] for unit, names in sorted(found.items())}
