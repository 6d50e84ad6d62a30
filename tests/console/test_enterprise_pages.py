"""Looking an enterprise up: the list, one of them with its history, and who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import unescape
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from app.enterprises.models import Enterprise
from app.enterprises.states import RegistrationStatus
from app.foundation.database import OPEN_WALL, transaction
from tests.console.office import Officer
from tests.enterprises.lists import NOVEMBER, code, known, line
from tests.geo.knowing import nothing_known

NAME = "乌鲁木齐云杉源商务有限公司"


@pytest.fixture(autouse=True)
def _register(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        known(line("白桦林<b>商行</b>", uscc=code(1), registered_address="沙依巴克区松涛路4号"))
        told = {"registered_address": "乌鲁木齐市新市区云杉街3号", "status": RegistrationStatus.MOVED_OUT}
        known(line(NAME, uscc=code(1), **told), as_of=NOVEMBER)
        known(*(line(f"青松{number}号合作社", uscc=code(100 + number)) for number in range(25)))
        yield


def id_of(name: str) -> UUID:
    with transaction(OPEN_WALL) as session:
        return session.scalars(select(Enterprise.id).where(Enterprise.name == name)).one()


@pytest.mark.parametrize("q", ["云杉源", "白桦林", code(1), "雲杉源"])
def test_found_by_any_of_its_names(officer: Callable[[str], Officer], q: str) -> None:
    page = officer("district.650104").text(f"/enterprises?q={q}")
    assert NAME in page
    assert "青松" not in page


def test_one_with_its_history(officer: Callable[[str], Officer]) -> None:
    page = officer("district.650105").text(f"/enterprises/{id_of(NAME)}")
    assert 'class="ev ev-name"' in page, "the evidence is drawn on the address"
    assert "迁出" in page
    assert 'class="crumbs"' in page
    assert 'href="/enterprises">市场主体</a></li>' in page
    assert "白桦林&lt;b&gt;商行&lt;/b&gt;" in page, "what a list holds is text, never markup"
    history = unescape(page.split('id="h-changes"')[1])
    for told in ("沙依巴克区松涛路4号", "乌鲁木齐市新市区云杉街3号", "乌鲁木齐市沙依巴克区", "2025"):
        assert told in history


def test_pages_follow_each_other(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    first = person.text("/enterprises")
    assert first.count('class="row-link"') == 20
    following = unescape(first.split('href="/enterprises?')[1].split('"')[0])
    assert person.text(f"/enterprises?{following}").count('class="row-link"') == 6


def test_filtered_by_status(officer: Callable[[str], Officer]) -> None:
    page = officer("city.leader").text("/enterprises?status=moved_out")
    assert page.count('class="row-link"') == 1


def test_nothing_found_says_what_to_do(officer: Callable[[str], Officer]) -> None:
    person = officer("city.adjuster")
    assert "没有符合条件的市场主体" in person.text("/enterprises?q=没有这家")
    assert "至少输入两个字" in person.text("/enterprises?q=云")


@pytest.mark.parametrize("username", ["auditor", "sysadmin", "secadmin", "observer.650000"])
def test_not_everybody_may(officer: Callable[[str], Officer], username: str) -> None:
    person = officer(username)
    assert person.get("/enterprises").status_code == 403
    assert person.get(f"/enterprises/{id_of(NAME)}").status_code == 403


def test_what_does_not_exist_is_the_404_page(officer: Callable[[str], Officer]) -> None:
    assert officer("city.reviewer").get(f"/enterprises/{uuid4()}").status_code == 404


@pytest.mark.parametrize("query", ["status=gone", f"q={'云' * 201}", "cursor=x", "page=2"])
def test_bad_addresses_are_refused(officer: Callable[[str], Officer], query: str) -> None:
    assert officer("city.reviewer").get(f"/enterprises?{query}").status_code in {400, 422}
