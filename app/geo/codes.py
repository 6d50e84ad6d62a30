"""Codes found in registers, credit codes and maps → the units that stand for them today."""

from __future__ import annotations

from functools import lru_cache

from app.geo.divisions import divisions
from app.geo.gazetteer import Gazetteer, gazetteer

_COUNTY_DIGITS = 6
# GB/T 2260 has no zones; registries and statistics number them inside the prefecture. The two of Urumqi are run
# together with a district (functional_zones.csv, XJ-Z01 and XJ-Z02).
_URUMQI_ZONES: dict[str, tuple[str, ...]] = {"650171": ("650106",), "650172": ("650104",)}


def today(code: str) -> tuple[str, ...]:
    """Current codes for a six-digit code: itself, its successors, a zone's counties, else the unit above; () if none.

    More than one means that the former unit was split or the zone lies in several counties.
    """
    if len(code) != _COUNTY_DIGITS:
        return ()
    tree = divisions()
    found = tree.successors(code) or _zone_counties(gazetteer()).get(code, ())
    if found:
        return found
    above = (code[:4] + "00", code[:2] + "0000")
    return next(((unit,) for unit in above if tree.is_current(unit)), ())


@lru_cache(maxsize=1)
def _zone_counties(gaz: Gazetteer) -> dict[str, tuple[str, ...]]:
    found = dict(_URUMQI_ZONES)
    for zone in gaz.zone_table:
        code = zone.zone_id.removeprefix("NBS-")
        if len(code) == _COUNTY_DIGITS and code.isdigit():
            found[code] = tuple(str(county) for county in zone.counties)
    return found
