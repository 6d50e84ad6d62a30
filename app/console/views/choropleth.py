"""A map whose places are coloured by a figure, each opening the list behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from app.geo.city_map import CityMap, Place
from app.geo.outlines import MAP_NUMBER

_BANDS: Final = 4
_LETTERS: Final = 26
"""The size of a name on a map 800 units wide."""


def coloured(
    drawn: CityMap | None, title: str, values: Mapping[str, int], address: Callable[[str], str]
) -> dict[str, Any] | None:
    """The places of a map by how many tips they have; none without a map. The map's number stands beside it."""
    if drawn is None:
        return None
    most = max((values.get(place.code, 0) for place in drawn.places), default=0)
    return {
        "width": drawn.width,
        "height": drawn.height,
        "number": MAP_NUMBER,
        "title": title,
        "legend": legend(most, whole=True),
        "names": names([(place.name, (_inside(place, drawn.width), place.y)) for place in drawn.places], _LETTERS),
        "places": [
            {
                "name": place.name,
                "path": place.path,
                "band": band(values.get(place.code, 0), most),
                "value": shown(values.get(place.code, 0)),
                "href": address(place.code),
            }
            for place in drawn.places
        ],
    }


def _inside(place: Place, width: float) -> float:
    """Where a name is centred so that none of it is cut off."""
    half = len(place.name) * _LETTERS / 2
    return min(max(place.x, half), width - half)


def names(places: Sequence[tuple[str, tuple[float, float]]], letter: float) -> list[dict[str, Any]]:
    """The names that have room, the outer places first: the small ones lie together in the middle.

    Args:
        letter: how wide and high a letter is on the map; a name that would lie on another is left to its hint.
    """
    middle = [sum(place[n] for _, place in places) / max(len(places), 1) for n in (0, 1)]
    outward = sorted(places, key=lambda one: -sum((one[1][n] - middle[n]) ** 2 for n in (0, 1)))
    found: list[dict[str, Any]] = []
    for name, (x, y) in outward:
        if all(abs(y - one["y"]) > letter or abs(x - one["x"]) > letter * len(name) for one in found):
            found.append({"name": name, "x": x, "y": y})
    return found


def band(value: Any, most: Any) -> int:
    """0 for none, else one of four bands of equal width up to the largest."""
    if not value or not most:
        return 0
    return min(_BANDS, int(value * _BANDS / most) + (1 if value < most else 0))


def shown(value: Any) -> str:
    """A figure in words: money in 万元, all else as it is."""
    return f"{value / 10000:,.2f} 万元" if isinstance(value, Decimal) else f"{value:,}"


def legend(most: Any, *, whole: bool) -> list[dict[str, Any]]:
    """What each colour says; ``whole`` for what is counted."""
    steps = [most * step / _BANDS for step in range(_BANDS + 1)]
    if whole:
        steps = [int(step) for step in steps]
    return [{"band": 0, "text": "无"}] + [
        {"band": step, "text": f"至 {shown(steps[step])}"} for step in range(1, _BANDS + 1) if most
    ]
