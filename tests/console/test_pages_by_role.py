"""Who sees which page: every page for every role, and what it must and must not show."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation.permissions import Role
from tests import factories
from tests.console.office import Officer

OFFICERS = {
    Role.CITY_REVIEWER: "city.reviewer",
    Role.CITY_ADJUSTER: "city.adjuster",
    Role.CITY_LEADER: "city.leader",
    Role.DISTRICT_HANDLER: "district.650104",
    Role.PROVINCE_OBSERVER: "observer.650000",
    Role.AUDITOR: "auditor",
    Role.SYS_ADMIN: "sysadmin",
    Role.SECURITY_ADMIN: "secadmin",
}
SEES_TIPS = {"city.reviewer", "city.adjuster", "city.leader", "district.650104", "observer.650000"}


def expected(username: str, path: str) -> int:
    if path == "/":
        return 303 if username == "auditor" else 200
    if path in {"/notices", "/notices/contact"}:
        return 200
    if path == "/audit":
        return 200 if username == "auditor" else 403
    if path == "/deliveries":
        return 200 if username in {"city.reviewer", "city.leader", "sysadmin"} else 403
    return 200 if username in SEES_TIPS else 403


def test_every_role_has_an_officer_here() -> None:
    assert set(OFFICERS) == set(Role)


@pytest.mark.parametrize("username", OFFICERS.values())
def test_every_page_for_every_role(officer: Callable[[str], Officer], tip_in_district: UUID, username: str) -> None:
    person = officer(username)
    for path in (
        "/",
        "/tips",
        f"/tips/{tip_in_district}",
        "/reassignments",
        "/notices",
        "/notices/contact",
        "/deliveries",
        "/audit",
    ):
        answer = person.get(path)
        assert answer.status_code == expected(username, path), path
        assert answer.mimetype == "text/html"


@pytest.mark.parametrize("username", OFFICERS.values())
def test_every_link_of_the_navigation_opens(officer: Callable[[str], Officer], username: str) -> None:
    person = officer(username)
    home = person.get("/", follow_redirects=True).get_data(as_text=True)
    links = set(home.split('id="sidebar"')[1].split("</nav>")[0].split('href="')[1:])
    addresses = {link.split('"')[0] for link in links if link.startswith("/") and not link.startswith("/static")}
    assert addresses
    for address in addresses:
        assert person.get(address, follow_redirects=True).status_code == 200, address


@pytest.mark.parametrize("username", ["sysadmin", "secadmin"])
def test_everything_that_an_administrator_keeps_opens(officer: Callable[[str], Officer], username: str) -> None:
    person = officer(username)
    areas = person.text("/").split('aria-label="管理事项"')[1].split("</nav>")[0]
    addresses = {link.split('"')[0] for link in areas.split('href="')[1:]}
    addresses = {address for address in addresses if not address.startswith("/static")}
    assert len(addresses) >= 5
    for address in addresses:
        assert person.get(address).status_code == 200, address


def test_auditors_land_on_the_log(officer: Callable[[str], Officer]) -> None:
    assert officer("auditor").get("/").headers["Location"] == "/audit"


@pytest.mark.parametrize(("username", "command"), [("sysadmin", "units import"), ("secadmin", "keys status")])
def test_administrators_read_which_commands_serve_them(
    officer: Callable[[str], Officer], username: str, command: str
) -> None:
    page = officer(username).text("/")
    assert f"flask --app wsgi {command}" in page
    assert "本人登录情况" in page


@pytest.mark.parametrize(
    "path", ["/tips/{id}", "/reassignments/{id}", "/tips/{id}/files/{id}", "/reassignments/{id}/files/{id}"]
)
def test_what_does_not_exist_is_the_404_page(officer: Callable[[str], Officer], path: str) -> None:
    answer = officer("city.reviewer").get(path.format(id=uuid4()))
    assert answer.status_code == 404
    assert "没有找到" in answer.get_data(as_text=True)


def test_another_districts_tip_is_the_404_page_and_is_remembered(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    stranger = officer("district.650102")
    answer = stranger.get(f"/tips/{tip_in_district}")
    assert answer.status_code == 404
    assert str(tip_in_district) not in stranger.text("/tips")
    assert "瑞丰源" not in stranger.text("/tips?q=瑞丰源").split('id="results"')[1]
    log = officer("auditor").text(f"/audit?q={tip_in_district}&result=refused")
    assert "打开线索" in log
    assert "不在权限范围内" in log


def test_an_unknown_address_is_a_page_in_the_frame_of_the_person(officer: Callable[[str], Officer], app: Flask) -> None:
    signed_in = officer("city.reviewer").get("/no/such/page")
    assert signed_in.status_code == 404
    assert 'id="sidebar"' in signed_in.get_data(as_text=True)
    stranger = app.test_client().get("/no/such/page")
    assert stranger.status_code == 404
    assert 'id="sidebar"' not in stranger.get_data(as_text=True)
    assert "没有找到" in stranger.get_data(as_text=True)


def test_home_counts_what_the_list_behind_it_shows(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    for _ in range(3):
        factories.file_tip(client)
    reviewer = officer("city.reviewer")
    counter = reviewer.text("/").split('href="/tips?status=registered"')[1].split("</a>")[0]
    assert '<span class="counter-number">3</span>' in counter
    assert reviewer.text("/tips?status=registered").count('class="row-link"') == 3
