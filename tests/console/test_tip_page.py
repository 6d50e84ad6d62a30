"""One tip: the evidence drawn on the address, files, the reporter behind masks, and what was said shown as it was said."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from app.console.views.jurisdiction import DISPUTE_SENTENCES
from app.geo import explanation
from tests import factories, rows
from tests.console.office import Officer, csrf_token
from tests.files import samples


def tip_with(client: FlaskClient, **changes: object) -> UUID:
    return factories.tip_id_of(factories.file_tip(client, **changes)["receipt_number"])


def test_the_evidence_is_drawn_on_the_address(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    page = officer("city.reviewer").text(f"/tips/{tip_id}")
    line = page.split("登记地址\n")[1].split('class="address-line">')[1].split("</p>")[0]
    drawn = re.sub(r"<rt>.*?</rt>|<rp>.*?</rp>|<[^>]+>", "", line)
    assert drawn == "新疆乌鲁木齐市新市区长春中路1号"
    assert re.search(r'class="ev ev-name" title="[^"]*乌鲁木齐市新市区">新市区', line)
    assert "依据《防范和处置非法集资条例》第二十条第一款，由新市区牵头" in page
    assert DISPUTE_SENTENCES["registered_and_operating_differ"] in page


def test_every_code_of_a_dispute_has_a_sentence() -> None:
    """What the engine can explain, the page can say; a code that it learns later is at least told as a doubt."""
    assert {*explanation._REASONS, "outside_region"} <= set(DISPUTE_SENTENCES)


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ({"kind": "organization", "registered_address": "某某路5号", "operating_address": None}, "未能识别"),
        ({"kind": "organization", "uscc": "91650100MA0000000X", "registered_address": None}, "统一社会信用代码"),
        ({"kind": "individual", "registered_address": "河南省郑州市金水区", "operating_address": None}, "住所地"),
    ],
)
def test_any_jurisdiction_makes_a_page(
    officer: Callable[[str], Officer], client: FlaskClient, subject: dict[str, object], told: str
) -> None:
    body = factories.tip_body()["subject"] | subject
    place = {"longitude": 87.6, "latitude": 43.8, "datum": "gcj02"}
    page = officer("city.reviewer").text(f"/tips/{tip_with(client, subject=body, place=place)}")
    assert told in page
    assert "举报位置" in page


def test_what_was_said_is_shown_as_text(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'&lt;</textarea><script>alert(2)</script>"
    body = factories.tip_body()
    body["subject"]["name"] = "古丽·" + hostile
    body["subject"]["registered_address"] = f"乌鲁木齐市新市区{hostile}"
    body["conduct"]["description"] = hostile
    tip = tip_with(client, **body)
    reviewer = officer("city.reviewer")
    for path in (f"/tips/{tip}", "/tips", "/"):
        page = reviewer.text(path)
        assert "<img" not in page
        assert "<script>" not in page
        assert hostile in unescape(page) or path != f"/tips/{tip}"


def test_days_are_written_as_officials_write_them(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    page = officer("city.reviewer").text(f"/tips/{tip_id}")
    assert "2025年3月1日" in page
    assert "2025-03-01" not in page


def test_an_anonymous_tip_says_that_nobody_can_be_named(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    person = officer("city.reviewer")
    page = person.text(f"/tips/{tip_id}")
    assert "系统不保存任何可以识别举报人身份的信息" in page
    assert "reveal-dialog" not in page
    answer = person.post(f"/tips/{tip_id}/identity", seen=f"/tips/{tip_id}", reason="电话回访")
    assert answer.status_code == 404
    assert "该线索为匿名举报" in answer.get_data(as_text=True)


def test_a_real_name_stays_behind_masks_until_a_reason_is_given(
    officer: Callable[[str], Officer], client: FlaskClient
) -> None:
    tip = tip_with(client, reporter=factories.REPORTER)
    person = officer("city.reviewer")
    page = person.text(f"/tips/{tip}")
    for secret in ("阿依古丽", "13900001234", "650102199001011234"):
        assert secret not in page
    assert "reveal-dialog" in page
    refused = person.post(f"/tips/{tip}/identity", seen=f"/tips/{tip}", reason="  ")
    assert refused.status_code == 422
    assert "13900001234" not in refused.get_data(as_text=True)
    opened = person.post(f"/tips/{tip}/identity", seen=f"/tips/{tip}", reason="核实举报细节，电话回访")
    told = opened.get_data(as_text=True)
    assert opened.status_code == 200
    assert "阿依古丽·测试" in told
    assert "13900001234" in told
    assert 'data-mark="测试市级审核人 市处置非法集资办公室（演示） 2026年3月2日 10:00"' in told
    assert opened.headers["Cache-Control"] == "no-store"
    assert "13900001234" not in person.text(f"/tips/{tip}"), "shown once"
    log = officer("auditor").text("/audit?action=tips.open_identity")
    assert "查看举报人身份" in log
    assert "核实举报细节，电话回访" in log
    assert "13900001234" not in log


@pytest.mark.parametrize(
    ("username", "status"), [("city.adjuster", 403), ("observer.650000", 403), ("district.650102", 404)]
)
def test_others_cannot_open_an_identity(
    officer: Callable[[str], Officer], client: FlaskClient, username: str, status: int
) -> None:
    tip = tip_with(client, reporter=factories.REPORTER)
    person = officer(username)
    answer = person.post(f"/tips/{tip}/identity", reason="想看看")
    assert answer.status_code == status
    assert "13900001234" not in answer.get_data(as_text=True)


def test_a_file_is_downloaded_and_the_download_is_remembered(
    officer: Callable[[str], Officer], client: FlaskClient
) -> None:
    photo = factories.upload(client, content=samples.png(7, 5), name="张三的转账.png").get_json()["id"]
    tip = tip_with(client, evidence=[photo])
    person = officer("city.reviewer")
    page = person.text(f"/tips/{tip}")
    assert "证据 1（图片）" in page
    assert "张三" not in page, "a reporter's file name may name the reporter"
    answer = person.get(f"/tips/{tip}/files/{photo}")
    assert answer.data == samples.png(7, 5)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download'") == 1
    assert photo in officer("auditor").text("/audit?action=files.download")


def test_a_file_opens_only_under_its_own_tip(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    photo = factories.upload(client).get_json()["id"]
    tip, other = tip_with(client, evidence=[photo]), tip_with(client)
    unused = factories.upload(client).get_json()["id"]
    reviewer = officer("city.reviewer")
    for path in (f"/tips/{other}/files/{photo}", f"/tips/{tip}/files/{unused}", f"/tips/{uuid4()}/files/{photo}"):
        assert reviewer.get(path).status_code == 404
    assert officer("district.650102").get(f"/tips/{tip}/files/{photo}").status_code == 404
    assert officer("observer.650000").get(f"/tips/{tip}/files/{photo}").status_code == 403
    assert f"/files/{photo}" not in officer("observer.650000").text(f"/tips/{tip}")
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download'") == 0


def test_the_list_is_filtered_and_paged(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    numbers = [factories.file_tip(client)["receipt_number"] for _ in range(23)]
    person = officer("city.reviewer")
    first = person.text("/tips?status=registered&q=&division=")
    assert first.count('class="row-link"') == 20
    following = unescape(re.search(r'href="(/tips\?[^"]*cursor=[^"]*)"', first)[1])  # type: ignore[index]
    assert "status=registered" in following
    second = person.text(following)
    assert second.count('class="row-link"') == 3
    assert {number for number in numbers if number in first + second} == set(numbers)
    assert person.text(f"/tips?q={numbers[0]}").count('class="row-link"') == 1
    assert "没有符合条件的线索" in person.text("/tips?q=没有这样的公司")
    assert "没有符合条件的线索" in person.text("/tips?overdue=true")
    assert person.text("/tips?dispute=true").count('class="row-link"') == 20


@pytest.mark.parametrize(
    "query", ["status=nothing", "division=abc", "cursor=!!!", "overdue=perhaps", "unknown=1", "q=%00"]
)
def test_an_address_with_impossible_filters_is_refused_as_a_page(officer: Callable[[str], Officer], query: str) -> None:
    answer = officer("city.reviewer").get(f"/tips?{query}")
    assert answer.status_code == 422
    assert "提交的内容有误" in answer.get_data(as_text=True)


def test_districts_are_offered_to_the_city_alone(officer: Callable[[str], Officer]) -> None:
    assert 'name="division"' in officer("city.reviewer").text("/tips")
    assert 'name="division"' not in officer("district.650104").text("/tips")


def test_the_page_carries_the_token_of_its_session(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    page = officer("city.reviewer").text(f"/tips/{tip_id}")
    assert csrf_token(page)
