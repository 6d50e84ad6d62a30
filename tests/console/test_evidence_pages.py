"""Evidence looked at in the page: pictures, pages of a PDF, recordings; who opened it; and the small map."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from PIL import Image

from app.geo.city_map import APPROVAL, map_of
from tests import factories, rows
from tests.console.office import Officer
from tests.files import samples


def tip_with_file(client: FlaskClient, content: bytes, name: str) -> tuple[UUID, str]:
    file_id = factories.upload(client, content=content, name=name).get_json()["id"]
    return factories.tip_id_of(factories.file_tip(client, evidence=[file_id])["receipt_number"]), file_id


def test_a_picture_is_shown_as_its_clean_copy_and_the_look_is_told(
    officer: Callable[[str], Officer], client: FlaskClient
) -> None:
    tip_id, file_id = tip_with_file(client, samples.png(40, 30), "照片.png")
    reviewer = officer("city.reviewer")
    address = f"/tips/{tip_id}/files/{file_id}"
    assert f'href="{address}/view"' in reviewer.text(f"/tips/{tip_id}")
    assert "正在生成查看副本" in reviewer.text(f"{address}/view")
    factories.deliver()
    page = reviewer.text(f"{address}/view")
    assert f'src="{address}/picture"' in page
    assert "还没有人打开过" in page
    picture = reviewer.get(f"{address}/picture")
    assert picture.mimetype == "image/jpeg"
    assert picture.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    told = reviewer.text(f"{address}/view").split('id="h-opened"')[1].split("</section>")[0]
    assert "测试市级审核人" in told
    assert "2026年3月2日 10:00" in told


def test_a_pdf_comes_as_pictures_of_its_pages(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    paper = io.BytesIO()
    sheets = [Image.new("RGB", (300, 400), colour) for colour in ("white", "grey")]
    sheets[0].save(paper, "PDF", save_all=True, append_images=sheets[1:])
    tip_id, file_id = tip_with_file(client, paper.getvalue(), "合同.pdf")
    reviewer = officer("city.reviewer")
    address = f"/tips/{tip_id}/files/{file_id}"
    assert "正在生成查看副本" in reviewer.text(f"{address}/view")
    factories.deliver()
    assert f'data-pages="{address}/pages/1"' in reviewer.text(f"{address}/view")
    first = reviewer.get(f"{address}/pages/1")
    assert first.status_code == 200
    assert Image.open(io.BytesIO(first.data)).format == "JPEG"
    assert first.headers["X-Pages"] == "2"
    for number in (0, 999):
        assert reviewer.get(f"{address}/pages/{number}").status_code == 404
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download'") == 1


def test_a_recording_is_played_in_the_page(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    tip_id, file_id = tip_with_file(client, samples.wav(), "录音.wav")
    reviewer = officer("city.reviewer")
    address = f"/tips/{tip_id}/files/{file_id}"
    assert "<audio" in reviewer.text(f"{address}/view")
    played = reviewer.get(f"{address}/play")
    assert played.data == samples.wav()
    assert played.headers["Content-Disposition"] == "inline"
    assert reviewer.get(f"{address}/pages/1").status_code == 404


@pytest.mark.parametrize("way", ["view", "picture", "pages/1", "play"])
def test_no_way_of_looking_leads_around_the_wall(
    officer: Callable[[str], Officer], client: FlaskClient, way: str
) -> None:
    tip_id, file_id = tip_with_file(client, samples.pdf(), "合同.pdf")
    assert officer("district.650102").get(f"/tips/{tip_id}/files/{file_id}/{way}").status_code == 404
    assert officer("observer.650000").get(f"/tips/{tip_id}/files/{file_id}/{way}").status_code == 403
    assert officer("city.reviewer").get(f"/tips/{tip_id}/files/{uuid4()}/{way}").status_code == 404
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download' AND succeeded") == 0


def test_the_map_marks_who_leads_who_cooperates_and_the_point(
    officer: Callable[[str], Officer], client: FlaskClient
) -> None:
    place = {"longitude": 87.6, "latitude": 43.8, "datum": "wgs84"}
    tip_id = factories.tip_id_of(factories.file_tip(client, place=place)["receipt_number"])
    page = officer("city.reviewer").text(f"/tips/{tip_id}")
    assert APPROVAL in page
    assert re.search('区县地图：牵头 新市区，配合 天山区[^"]*，举报位置已标出', page)
    assert len(re.findall(r'<path class="map-place', page)) == 8
    assert 'class="map-place map-lead"' in page


def test_the_map_knows_its_city_and_nothing_else() -> None:
    drawn = map_of("650100")
    assert drawn is not None
    assert {one.name for one in drawn.places} >= {"天山区", "新市区", "乌鲁木齐县"}
    assert sum(len(one.path) for one in drawn.places) < 20_000, "a small picture"
    assert drawn.place(87.6, 43.8, "wgs84") is not None
    assert drawn.place(116.4, 39.9, "wgs84") is None
    assert map_of("999999") is None
