"""The small map of one tip: the city's districts, who leads, who cooperates, and the reporter's point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.geo.city_map import APPROVAL, CityMap, map_of
from app.geo.service import region_code
from app.tips.models import Tip

_COUNTY_DIGITS = 6
_TALL, _LEAST, _AROUND = 0.75, 160, 1.3


def place_map(decision: Mapping[str, Any], tip: Tip) -> dict[str, Any] | None:
    """The map with its places marked; none where the polygons do not know this city."""
    drawn = map_of(region_code())
    if drawn is None:
        return None
    lead = (decision["lead"] or "")[:_COUNTY_DIGITS]
    others = {code[:_COUNTY_DIGITS] for code in decision["cooperating"]}
    point = None
    if tip.longitude is not None and tip.latitude is not None:
        point = drawn.place(float(tip.longitude), float(tip.latitude), tip.datum or "gcj02")  # type: ignore[arg-type]
    left, top, size, height = _frame(drawn, {lead, *others}, point)
    return {
        "frame": f"{left:.0f} {top:.0f} {size:.0f} {height:.0f}",
        "letters": round(size / 32, 1),
        "places": [
            {
                "path": one.path,
                "name": one.name,
                "x": one.x,
                "y": one.y,
                "kind": "lead" if one.code == lead else "other" if one.code in others else "",
            }
            for one in drawn.places
        ],
        "point": point,
        "approval": APPROVAL,
        "told": _told(drawn.places, lead, others, point is not None),
    }


def _frame(drawn: CityMap, marked: set[str], point: tuple[float, float] | None) -> tuple[float, float, float, float]:
    """The part of the picture that shows the marked places with some of what lies around them."""
    boxes = [one.box for one in drawn.places if one.code in marked]
    boxes += [(point[0], point[1], point[0], point[1])] if point else []
    if not boxes:
        return 0, 0, drawn.width, drawn.height
    west, north = min(box[0] for box in boxes), min(box[1] for box in boxes)
    east, south = max(box[2] for box in boxes), max(box[3] for box in boxes)
    size = min(max(east - west, (south - north) / _TALL, _LEAST) * _AROUND, drawn.width)
    height = min(size * _TALL, drawn.height)
    left = min(max((west + east - size) / 2, 0), drawn.width - size)
    return left, min(max((north + south - height) / 2, 0), drawn.height - height), size, height


def _told(outlines: Any, lead: str, others: set[str], pointed: bool) -> str:
    """The picture in words, for who does not see it."""
    names = {one.code: one.name for one in outlines}
    parts = [f"牵头 {names[lead]}" if lead in names else "牵头属地不在图内"]
    parts += [f"配合 {names[code]}" for code in sorted(others) if code in names]
    return "区县地图：" + "，".join([*parts, *(["举报位置已标出"] if pointed else [])])
