"""Trying addresses, and keeping zones, local names and precedents by forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from flask import Flask

from app.console.views.jurisdiction import match_view
from app.geo.match import UNKNOWN
from tests import rows
from tests.console.office import Officer
from tests.geo.knowing import nothing_known

ADDRESS = "乌鲁木齐市　新 市 区安宁渠镇四十户村８号"


@pytest.fixture(autouse=True)
def _nothing_known(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        yield


def tried(person: Officer, address: str, **fields: str) -> str:
    answer = person.post("/geo", seen="/geo", address=address, **fields)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def form_of(page: str, action: str) -> tuple[str, str]:
    """Address of a form by the name of its action, and the version in it."""
    found = re.search(rf'action="([^"]+)"[^>]*>(?:(?!</form>).)*?name="action" value="{action}"(?:(?!</form>).)*?'
                      r'name="expected_version" value="(\d+)"', page, re.DOTALL)  # fmt: skip
    assert found, f"no form {action}"
    return found[1], found[2]


def test_evidence_is_drawn_on_the_text_as_it_was_typed(officer: Callable[[str], Officer]) -> None:
    page = tried(officer("district.650104"), ADDRESS, own_city="true")
    drawn = page.split('class="address-line"')[1].split("</p>")[0]
    assert re.findall(r'<ruby class="ev ev-(\w+)"[^>]*>([^<]+)<', drawn) == [
        ("name", "乌鲁木齐市"),
        ("name", "新 市 区"),
        ("township", "安宁渠镇"),
    ]
    assert re.sub(r"<rp>.*?</rp>|<rt>.*?</rt>|<[^>]+>", "", drawn.split(">", 1)[1]).strip() == ADDRESS
    assert "乌鲁木齐市新市区安宁渠镇" in page
    assert "99%" in page


def test_what_cannot_be_told_is_said_with_its_candidates(officer: Callable[[str], Officer]) -> None:
    page = tried(officer("city.reviewer"), "克拉玛依东路30号", own_city="true")
    assert "地址本身不能确定区（县）" in page
    assert "水磨沟区" in page.split("候选属地及可信度")[1].split("</ol>")[0]


def test_the_own_city_is_a_hint_only_where_it_is_ticked(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    assert "已识别 · 乌鲁木齐市" in tried(person, "高新区飞翔路7号", own_city="true")
    assert "未能识别" in tried(person, "高新区飞翔路7号")
    assert "checked" in person.text("/geo").split('name="own_city"')[1].split(">")[0]


@pytest.mark.parametrize("address", ["", " ", "路" * 2001, "天山\x00区"])
def test_what_is_no_address_is_refused_on_the_page(officer: Callable[[str], Officer], address: str) -> None:
    answer = officer("city.reviewer").post("/geo", seen="/geo", address=address)
    assert answer.status_code == 422
    assert 'class="field-error"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("address", ["<script>alert(1)</script>天山区", "😀ئۈرۈمچى شەھىرى", "'\"--"])
def test_any_text_is_shown_as_text(officer: Callable[[str], Officer], address: str) -> None:
    page = tried(officer("city.reviewer"), address)
    assert "<script>alert" not in page
    drawn = page.split('class="address-line"')[1].split("</p>")[0].split(">", 1)[1]
    assert unescape(re.sub(r"<rp>.*?</rp>|<rt>.*?</rt>|<[^>]+>", "", drawn)).strip() == address


def test_trying_keeps_nothing(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    before = rows.row_counts()
    tried(person, ADDRESS)
    assert rows.growth(before) == {}


def test_a_zone_is_agreed_changed_and_withdrawn(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    assert "尚未约定由谁承办" not in tried(person, "空港产业新城1号", own_city="true")
    given = {"action": "add", "name": "空港产业新城", "aliases": "空港新城、空港", "taker": "nobody"}
    assert person.post("/geo/zones", seen="/geo/zones", **given).headers["Location"] == "/geo/zones"
    assert "尚未约定由谁承办" in tried(person, "空港产业新城1号", own_city="true")

    page = person.text("/geo/zones")
    action = re.search(r'name="action" value="(change-[0-9a-f-]+)"', page)[1]
    url, version = form_of(page, action)
    changed = given | {"action": action, "taker": "650104", "expected_version": version}
    assert person.post(url, seen="/geo/zones", **changed).status_code == 303
    assert "已识别 · 乌鲁木齐市新市区" in tried(person, "空港1号", own_city="true")

    stale = person.post(url, seen="/geo/zones", **changed)
    assert stale.status_code == 409

    page = person.text("/geo/zones")
    url, version = form_of(page, action.replace("change", "withdraw"))
    assert person.post(url, seen="/geo/zones", expected_version=version, reason="约定到期").status_code == 303
    assert "没有功能区约定" in person.text("/geo/zones")
    assert "未能识别" in tried(person, "空港1号", own_city="true")
    assert (
        rows.scalar(
            "SELECT count(*) FROM audit_events WHERE action IN ('geo.add_zone','geo.change_zone','geo.withdraw_zone')"
        )
        == 3
    )


def test_a_local_name_and_a_precedent_serve_the_next_address(officer: Callable[[str], Officer]) -> None:
    person = officer("city.leader")
    alias = {"action": "add", "text": "老满城", "division": "650103"}
    assert person.post("/geo/aliases", seen="/geo/aliases", **alias).status_code == 303
    assert "已识别 · 乌鲁木齐市沙依巴克区" in tried(person, "老满城5号院", own_city="true")
    decided = {
        "address": "乌鲁木齐市长春中路1号",
        "division": "650102",
        "decided_on": "2025-05-06",
        "reference": "乌处非办函〔2025〕3号",
    }
    assert person.post("/geo/precedents", seen="/geo/precedents", action="add", **decided).status_code == 303
    page = tried(person, "新市区长春中路1号2单元", own_city="true")
    assert "“长春中路1号”曾决定由乌鲁木齐市天山区牵头" in page
    assert "乌处非办函〔2025〕3号" in page


def test_a_refused_form_stays_open_with_what_was_typed(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    given = {
        "action": "add",
        "address": "新市区长春中路1号",
        "division": "650104",
        "decided_on": "2999-01-01",
        "note": "某备注",
    }
    answer = person.post("/geo/precedents", seen="/geo/precedents", **given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "决定日期不能晚于今天" in page
    assert 'value="新市区长春中路1号"' in page
    assert 'value="某备注"' in page


def test_districts_read_and_do_not_maintain(officer: Callable[[str], Officer]) -> None:
    officer("city.reviewer").post(
        "/geo/precedents",
        seen="/geo/precedents",
        action="add",
        address="长春中路1号",
        division="650102",
        decided_on="2025-05-06",
    )
    other, own = officer("district.650104"), officer("district.650102")
    for kind in ("zones", "aliases", "precedents"):
        assert 'name="action" value="add"' not in other.text(f"/geo/{kind}")
        assert (
            other.post(f"/geo/{kind}", seen="/geo", action="add", text="某别称", division="650104").status_code == 403
        )
    assert "长春中路1号" not in other.text("/geo/precedents"), "another district's decisions are out of sight"
    assert "长春中路1号" in own.text("/geo/precedents")


@pytest.mark.parametrize(
    ("username", "status"), [("city.adjuster", 200), ("observer.650000", 403), ("auditor", 403), ("sysadmin", 403)]
)
@pytest.mark.parametrize("path", ["/geo", "/geo/zones", "/geo/aliases", "/geo/precedents"])
def test_who_opens_the_pages(officer: Callable[[str], Officer], username: str, status: int, path: str) -> None:
    assert officer(username).get(path).status_code == status


def test_unknown_kinds_and_bad_cursors(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    assert person.get("/geo/roads").status_code == 404
    assert person.get("/geo/zones?cursor=x").status_code == 422


def test_pages_of_a_long_list(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    for number in range(23):
        person.post("/geo/aliases", seen="/geo/aliases", action="add", text=f"试验别称{number}号", division="650104")
    first = person.text("/geo/aliases")
    following = unescape(re.search(r'href="([^"]+)" rel="next"', first)[1])
    shown = [set(re.findall(r"试验别称\d+号", page)) for page in (first, person.text(following))]
    assert (len(shown[0]), len(shown[1]), shown[0] & shown[1]) == (20, 3, set())
    assert "试验别称7号" in person.text("/geo/aliases?q=别称7号")
    assert "试验别称8号" not in person.text("/geo/aliases?q=别称7号")


@pytest.mark.parametrize(
    ("places", "drawn"),
    [
        ([], []),
        ([(0, 0), (2, 4)], ["cd"]),  # what is not in the text has no place there
        ([(4, 6), (0, 2)], ["ab", "ef"]),
        ([(0, 4), (2, 6), (4, 6)], ["abcd", "ef"]),  # of two that overlap the first
    ],
)
def test_evidence_is_drawn_in_order_and_the_text_stays_whole(
    app: Flask, places: list[tuple[int, int]], drawn: list[str]
) -> None:
    evidence = [{"text": "", "start": start, "end": end, "means": "650104", "how": "name"} for start, end in places]
    match = UNKNOWN.to_dict() | {"evidence": evidence}
    with app.app_context():
        view = match_view("abcdef", match)
    assert [seen.text for _, seen in view["drawn"]] == drawn
    assert "".join(before + seen.text for before, seen in view["drawn"]) + view["rest"] == "abcdef"
