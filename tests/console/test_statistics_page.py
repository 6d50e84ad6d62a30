"""The board of figures: every number opens a list of as many tips, for whoever may see them; and as a workbook."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.tips import jobs
from app.tips.models import TipRating
from tests import factories, rows
from tests.console.office import Officer

FIGURE = re.compile(r'class="(?:figure|counter-number)" href="(/tips\?[^"]+)">([^<]+)</a>')


@pytest.fixture
def counted(client: FlaskClient) -> list[UUID]:
    """Three tips: one only filed, one assigned elsewhere than proposed, one verified where proposed; then counted."""
    clear = factories.tip_body()["subject"] | {"operating_address": None}
    made = [
        factories.tip_id_of(factories.file_tip(client, subject=clear)["receipt_number"]),
        factories.tip_id_of(factories.file_tip(client)["receipt_number"]),
        factories.verifying_tip(client),
    ]
    factories.office_act(client, "city.reviewer", made[1], "accept")
    factories.office_act(client, "city.reviewer", made[1], "assign", division=factories.SHUIMOGOU)
    with transaction(OPEN_WALL):
        db.session.add(TipRating(tip_id=made[2], at=clock.now(), score=4, comment=None))
    jobs.count_tips()
    return made


def figures(page: str) -> dict[str, str]:
    return {unescape(href): text for href, text in FIGURE.findall(page)}


def test_every_figure_opens_a_list_of_as_many_tips(officer: Callable[[str], Officer], counted: list[UUID]) -> None:
    reviewer = officer("city.reviewer")
    found = figures(reviewer.text("/statistics"))
    assert len(found) > 15
    for href, text in found.items():
        if text.isdecimal() and "took=" not in href:
            assert reviewer.text(href).count("row-link") == int(text), href
    assert found["/tips?since=2026-02-01&until=2026-03-02"] == "3"
    assert found["/tips?since=2026-02-01&until=2026-03-02&took=accept"] == "2"
    assert found["/tips?since=2026-02-01&until=2026-03-02&score=4"] == "1"
    assert found["/tips?since=2026-02-01&until=2026-03-02&corrected=true"] == "1"


def test_a_district_sees_its_own_figures_and_no_map(officer: Callable[[str], Officer], counted: list[UUID]) -> None:
    handler = officer(f"district.{factories.XINSHI}")
    page = handler.text("/statistics")
    assert figures(page)["/tips?since=2026-02-01&until=2026-03-02"] == "1"
    assert "水磨沟区" not in page
    assert "choropleth" not in page
    assert figures(handler.text(f"/statistics?division={factories.SHUIMOGOU}")) == figures(page)


def test_the_city_narrows_the_board_to_a_district(officer: Callable[[str], Officer], counted: list[UUID]) -> None:
    page = officer("observer.650000").text(
        f"/statistics?division={factories.SHUIMOGOU}&since=2026-03-01&until=2026-03-02"
    )
    assert figures(page)["/tips?division=650105&since=2026-03-01&until=2026-03-02"] == "1"


def test_maps_bear_their_number_and_name_every_place(officer: Callable[[str], Officer], counted: list[UUID]) -> None:
    page = officer("city.leader").text("/statistics")
    assert page.count("审图号 GS(2024)0650号") == 4  # beside both maps, and for their pictures
    assert 'aria-label="水磨沟区：1"' in page
    assert 'aria-label="乌鲁木齐市：3"' in page
    assert 'aria-label="喀什地区：0"' in page


def test_a_long_period_is_told_by_month_and_beside_the_one_before(
    officer: Callable[[str], Officer], counted: list[UUID]
) -> None:
    reviewer = officer("city.reviewer")
    page = reviewer.text("/statistics?since=2025-12-01&until=2026-03-02")
    assert "每日登记线索" in page
    page = reviewer.text("/statistics?since=2025-03-03&until=2026-03-02")
    assert "按月登记线索" in page
    assert figures(page)["/tips?since=2026-03-01&until=2026-03-02"] == "3"
    assert "2024年3月3日" in page


def test_what_was_never_counted_says_so(officer: Callable[[str], Officer]) -> None:
    assert "数字尚不完整" in officer("city.reviewer").text("/statistics")
    jobs.count_tips()
    page = officer("city.reviewer").text("/statistics")
    assert "数据截至" in page
    assert "这段时间没有数据" in page


@pytest.mark.parametrize("asked", ["since=2026-03-05", "since=1900-01-01", "since=x", "division=7", "until=2026-13-01"])
def test_nonsense_is_told_by_field(officer: Callable[[str], Officer], asked: str) -> None:
    assert officer("city.reviewer").get(f"/statistics?{asked}").status_code == 422


@pytest.mark.parametrize("who", ["auditor", "sysadmin", "secadmin"])
def test_administrators_have_no_board(officer: Callable[[str], Officer], who: str) -> None:
    person = officer(who)
    assert person.get("/statistics").status_code == 403
    assert person.get("/statistics/export").status_code == 403


def test_the_workbook_says_the_same_and_who_took_it(officer: Callable[[str], Officer], counted: list[UUID]) -> None:
    answer = officer("city.reviewer").get("/statistics/export")
    assert answer.status_code == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    glance = book.get_sheet_by_name("概况").to_python()
    assert "测试市级审核人" in glance[1][0]
    told = {row[0]: row[1] for row in glance[3:]}
    assert (told["登记线索"], told["群众满意度"]) == ("3", "4.00 分")
    places = {row[0]: row[1] for row in book.get_sheet_by_name("各属地办理情况").to_python()[3:]}
    assert places["水磨沟区"] == 1
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.export_statistics'") == 1
