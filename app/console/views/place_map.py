"""The small map of one tip: the city's districts, who leads, who cooperates, and the reporter's point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.geo.city_map import APPROVAL, map_of
from app.geo.service import region_code
from app.tips.models import Tip

_COUNTY_DIGITS = 6


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
    return {
        "width": drawn.width,
        "height": drawn.height,
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


def _told(outlines: Any, lead: str, others: set[str], pointed: bool) -> str:
    """The picture in words, for who does not see it."""
    names = {one.code: one.name for one in outlines}
    parts = [f"牵头 {names[lead]}" if lead in names else "牵头属地不在图内"]
    parts += [f"配合 {names[code]}" for code in sorted(others) if code in names]
    return "区县地图：" + "，".join([*parts, *(["举报位置已标出"] if pointed else [])])
