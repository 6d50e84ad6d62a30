"""The districts of one prefecture as outlines for a small map: drawn once per process, a few kilobytes.

The polygons of :mod:`app.geo.outlines`, thinned out for a picture of this size, so that they serve the eye alone.
Which division a point lies in is told by :mod:`app.geo.boundaries`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from app.geo.boundaries import Datum
from app.geo.divisions import divisions
from app.geo.outlines import MAP_NUMBER, outlines

APPROVAL: Final = f"底图：天地图，{MAP_NUMBER}"
WIDTH: Final = 800
_MARGIN: Final = 8.0
_FINEST: Final = 0.6
"""Corners nearer to a straight line than this, in units of the picture, are left out."""


@dataclass(frozen=True, slots=True)
class Place:
    """One district: its code, its name, an SVG path, and where its name is written."""

    code: str
    name: str
    path: str
    x: float
    y: float
    box: tuple[float, float, float, float]
    """West, north, east and south on the picture."""


@dataclass(frozen=True, slots=True)
class CityMap:
    """A prefecture as a picture of ``width`` by ``height`` units."""

    width: float
    height: float
    places: tuple[Place, ...]
    west: float
    north: float
    across: float
    """Units for a degree of longitude."""
    down: float
    """Units for a degree of latitude."""

    def place(self, longitude: float, latitude: float, datum: Datum) -> tuple[float, float] | None:
        """Where a point lies on the picture; none outside it."""
        if datum == "gcj02":
            from fast_geocn import gcj02_to_wgs84

            longitude, latitude = gcj02_to_wgs84(longitude, latitude)
        x, y = (longitude - self.west) * self.across + _MARGIN, (self.north - latitude) * self.down + _MARGIN
        return (round(x, 1), round(y, 1)) if 0 <= x <= self.width and 0 <= y <= self.height else None


@cache
def map_of(region_code: str) -> CityMap | None:
    """The map of a prefecture; none where the polygons do not know its districts."""
    return _drawn(_shapes(one.code for one in divisions().children(region_code)))


@cache
def prefectures_around(region_code: str) -> CityMap | None:
    """The map of the province of a prefecture, prefecture by prefecture; none where no polygon is known."""
    import shapely

    prefectures = [one.code for one in divisions().children(region_code[:2] + "0000")]
    above = {one.code: code for code in prefectures for one in divisions().children(code)}
    parts: dict[str, list[Any]] = {}
    for county, shape in _shapes(above).items():
        parts.setdefault(above[county], []).append(shape)
    return _drawn({code: shapely.union_all(shapes) for code, shapes in parts.items()})


def _drawn(shapes: dict[str, Any]) -> CityMap | None:
    import shapely
    from shapely.affinity import affine_transform

    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(list(shapes.values()))
    across = (WIDTH - 2 * _MARGIN) / (east - west)
    down = across / math.cos(math.radians((south + north) / 2))
    onto = [across, 0, 0, -down, _MARGIN - west * across, _MARGIN + north * down]
    drawn = {code: affine_transform(shape, onto).simplify(_FINEST) for code, shape in shapes.items()}
    places = tuple(_place(code, shape) for code, shape in drawn.items())
    return CityMap(WIDTH, round((north - south) * down + 2 * _MARGIN), places, west, north, across, down)


def _shapes(codes: Iterable[str]) -> dict[str, Any]:
    """Polygon by code, in degrees."""
    import shapely

    found = outlines(tuple(sorted(codes)))
    return {code: shapely.MultiPolygon([shapely.Polygon(ring) for ring in one.rings]) for code, one in found.items()}


def _place(code: str, shape: Any) -> Place:
    parts = getattr(shape, "geoms", [shape])
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    path = "".join("M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings)
    label = max(parts, key=lambda part: part.area).representative_point()
    return Place(code, divisions().name(code), path, round(label.x, 1), round(label.y, 1), shape.bounds)
