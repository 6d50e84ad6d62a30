from __future__ import annotations

import math
import subprocess
import sys

import pytest

from app.geo.boundaries import CERTAIN_IN_TOWN_M, locate


def test_a_point_well_inside():
    found = locate(87.52, 43.87, "wgs84")
    assert found.division in {"650104", "650106"}
    assert found.distance_to_border_m is not None


def test_phones_report_an_offset_datum():
    """GCJ-02 lies some hundred metres off: the same numbers in both datums are different places."""
    as_phone, as_survey = locate(87.6, 43.8, "gcj02"), locate(87.6, 43.8, "wgs84")
    assert as_phone.distance_to_border_m != as_survey.distance_to_border_m


def test_near_a_border_is_not_certain_and_names_the_neighbour():
    found = locate(87.6, 43.8, "wgs84")
    assert found.distance_to_border_m < CERTAIN_IN_TOWN_M
    assert not found.certain
    assert found.near
    match = found.to_match()
    assert {a.code for a in match.alternatives} == {found.division, *found.near}
    assert match.confidence < 0.9


def test_walking_to_the_border_shrinks_the_distance_by_as_much():
    west, east = locate(87.6000, 43.8100, "wgs84"), locate(87.6010, 43.8100, "wgs84")
    if west.division == east.division:
        walked = 0.001 * 111_320 * math.cos(math.radians(43.81))
        assert abs(west.distance_to_border_m - east.distance_to_border_m) <= walked * 1.01


def test_a_polygon_of_2024_answers_with_todays_unit():
    assert locate(106.57, 29.60, "wgs84").division == "500157", "江北区 became part of 两江新区"


@pytest.mark.parametrize(
    ("longitude", "latitude"),
    [(2.35, 48.86), (0, 0), (180, 90), (-999, 5), (float("nan"), 43.8), (87.6, float("inf"))],
)
def test_elsewhere_is_unknown(longitude, latitude):
    found = locate(longitude, latitude, "wgs84")
    assert found.division is None
    assert found.to_match().status == "unknown"


def test_polygons_load_only_when_a_point_comes():
    script = (
        "import sys; from app.geo.jurisdiction import Accused, decide;"
        "decide(Accused('organization', registered_address='天山区'));"
        "print('shapely' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
