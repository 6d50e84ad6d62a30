"""Outlines for a drawn map agree with the engine that tells where a point lies."""

from __future__ import annotations

import re

from app.geo.boundaries import locate
from app.geo.outlines import on_paper, outlines

URUMQI = ("650102", "650103", "650104", "650105", "650106", "650107", "650109", "650121")


def test_the_place_of_each_name_lies_in_its_division() -> None:
    found = outlines(URUMQI)
    assert set(found) == set(URUMQI)
    for code, outline in found.items():
        assert locate(*outline.inside, "wgs84").division == code


def test_what_has_no_polygon_is_left_out() -> None:
    assert set(outlines(("650102", "650171"))) <= {"650102"}
    assert on_paper({}, 640) == (0, {})


def test_a_sheet_holds_every_point_and_north_is_up() -> None:
    height, drawn = on_paper(outlines(URUMQI), 640)
    points = [(float(x), float(y)) for path, _ in drawn.values() for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]
    assert all(0 <= x <= 640 and 0 <= y <= height for x, y in points)
    assert drawn["650109"][1][1] < drawn["650121"][1][1], "米东区 lies north of 乌鲁木齐县"
