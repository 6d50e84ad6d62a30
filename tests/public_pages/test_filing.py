"""Reporting on the web page without scripts, without an account and without a cookie."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories, rows
from tests.files import samples
from tests.public_pages.visitor import read, send, words

STATEMENT = {
    "subject__name": "乌鲁木齐瑞丰源投资咨询有限公司",
    "subject__operating_address": "新疆乌鲁木齐市天山区解放北路2号",
    "subject__registered_address": "新疆乌鲁木齐市新市区长春中路1号",
    "subject__online_presence": "瑞丰源理财\r\n\r\nhttps://example.invalid/",
    "conduct__description": "承诺保本付息。",
    "conduct__type": "entrusted_wealth",
    "conduct__publicity": ["seminar", "sms"],
    "conduct__ongoing": "yes",
    "conduct__amount_band": "1m_5m",
    "conduct__participants": "60",
    "conduct__started_on": "2025-03-01",
    "relation": "participant",
    "truthful": "1",
}


def _new(client: FlaskClient) -> str:
    answer = client.get("/report/new")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def _file(client: FlaskClient, **changes: Any) -> Any:
    return send(client, _new(client), "/report/new", **STATEMENT | changes)


def _codes(html: str) -> dict[str, str]:
    fields = read(html).forms[-1][1]
    return {name: fields[name] for name in ("receipt_number", "query_code")}


def test_an_anonymous_statement_is_filed_and_can_be_followed(client: FlaskClient) -> None:
    answer = _file(client)
    assert answer.status_code == 201, words(answer.get_data(as_text=True))
    html = answer.get_data(as_text=True)
    codes = _codes(html)
    assert codes["receipt_number"] in words(html)
    assert codes["query_code"] in words(html)
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.post("/api/v1/tips/query", json=codes).status_code == 200
    stored = rows.scalar("SELECT to_jsonb(t) || to_jsonb(s) FROM tips t JOIN tip_subjects s ON s.tip_id = t.id")
    wanted = {
        "channel": "web",
        "real_name": False,
        "conduct_type": "entrusted_wealth",
        "publicity": ["seminar", "sms"],
        "ongoing": True,
        "amount_band": "1m_5m",
        "participants": 60,
        "started_on": "2025-03-01",
        "online_presence": ["瑞丰源理财", "https://example.invalid/"],
        "relation": "participant",
    }
    assert {name: stored[name] for name in wanted} == wanted


def test_a_named_reporter_is_sealed(client: FlaskClient) -> None:
    given = {f"reporter__{name}": factories.REPORTER[name] for name in ("name", "phone", "id_number")}
    answer = _file(client, naming="named", reporter__wants_reward="1", reporter__reply_channel="sms", **given)
    assert answer.status_code == 201
    assert rows.scalar("SELECT wants_reward FROM reporters")
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any(factories.REPORTER["phone"] in line for line in stored)


def test_what_a_person_typed_and_then_hid_is_not_sent_on(client: FlaskClient) -> None:
    """Name and phone left in the form of an anonymous tip must not make it a named one."""
    answer = _file(client, naming="anonymous", reporter__name="某人", reporter__phone="13900001234")
    assert answer.status_code == 201
    assert rows.scalar("SELECT count(*) FROM reporters") == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"truthful": None}, "truthful"),
        ({"conduct__amount_yuan": "很多"}, "conduct-amount_yuan"),
        ({"conduct__participants": "几十"}, "conduct-participants"),
        ({"naming": "named", "reporter__phone": "123"}, "reporter-phone"),
        (
            {"subject__name": "", "subject__online_presence": "", "conduct__description": ""},
            "subject-name",
        ),
    ],
)
def test_a_fault_is_named_and_nothing_is_lost(client: FlaskClient, change: dict[str, Any], field: str) -> None:
    answer = _file(client, **change)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert f'href="#{field}"' in html
    assert f'id="{field}"' in html
    values = read(html).forms[0][1]
    assert values["subject.operating_address"] == STATEMENT["subject__operating_address"]
    assert values.getlist("conduct.publicity") == ["seminar", "sms"]
    assert rows.scalar("SELECT count(*) FROM tips") == 0


def test_sending_the_same_form_twice_files_one_tip(client: FlaskClient) -> None:
    form = _new(client)
    answers = [send(client, form, "/report/new", **STATEMENT) for _ in range(2)]
    pages = [answer.get_data(as_text=True) for answer in answers]
    assert _codes(pages[0]) == _codes(pages[1])
    assert rows.scalar("SELECT count(*) FROM tips") == 1


def test_another_statement_sent_by_going_back_is_another_tip_and_not_lost(client: FlaskClient) -> None:
    form = _new(client)
    first = send(client, form, "/report/new", **STATEMENT)
    other = STATEMENT | {"subject__name": "乌鲁木齐另一家投资有限公司"}
    told = send(client, form, "/report/new", **other)
    assert (first.status_code, told.status_code) == (201, 409)
    page = told.get_data(as_text=True)
    assert "此前提交的举报已经收到" in page
    again = send(client, page, "/report/new")
    assert again.status_code == 201
    assert _codes(again.get_data(as_text=True)) != _codes(first.get_data(as_text=True))
    names = rows.scalar("SELECT array_agg(name ORDER BY name) FROM tip_subjects")
    assert sorted(names) == sorted([STATEMENT["subject__name"], other["subject__name"]])


def test_the_proposal_names_the_district_and_the_reason(client: FlaskClient) -> None:
    answer = _file(client, preview="1")
    assert answer.status_code == 200
    text = words(answer.get_data(as_text=True))
    assert "建议由新疆维吾尔自治区乌鲁木齐市新市区办理" in text
    assert "第二十条" in text
    assert rows.scalar("SELECT count(*) FROM tips") == 0
    unknown = words(_file(client, preview="1", **dict.fromkeys(_ADDRESSES, "")).get_data(as_text=True))
    assert "暂时看不出由哪里办理" in unknown


_ADDRESSES = ("subject__operating_address", "subject__registered_address", "subject__name")


def test_files_of_a_refused_form_need_not_be_sent_again(client: FlaskClient) -> None:
    first = _file(client, truthful=None, file=[(io.BytesIO(samples.png(9, 9)), "一.png")])
    assert first.status_code == 422
    second = send(client, first.get_data(as_text=True), "/report/new", truthful="1")
    assert second.status_code == 201
    assert rows.scalar("SELECT count(*) FROM tip_evidence") == 1


def test_a_wrong_file_is_told_and_the_rest_stays(client: FlaskClient) -> None:
    sent = [(io.BytesIO(b"#!/bin/sh\n"), "坏.png"), (io.BytesIO(samples.png(9, 9)), "好.png")]
    first = _file(client, file=sent)
    assert first.status_code == 422
    assert "坏.png" in words(first.get_data(as_text=True))
    assert send(client, first.get_data(as_text=True), "/report/new").status_code == 201
    assert rows.scalar("SELECT count(*) FROM tip_evidence") == 1


def test_no_page_sets_a_cookie_or_needs_a_script(client: FlaskClient) -> None:
    for path in ("", "new", "follow", "recover", "privacy", "rewards", "verify"):
        answer = client.get(f"/report/{path}")
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        html = answer.get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|<style", html)
        assert "https://" not in html.replace("https://example", "")
    assert "Set-Cookie" not in _file(client).headers


def test_every_page_shows_how_else_to_report(client: FlaskClient) -> None:
    """条例 Art. 16: telephone and mailbox are public."""
    for path in ("", "new", "follow", "privacy", "rewards"):
        html = client.get(f"/report/{path}").get_data(as_text=True)
        assert 'href="tel:0991-0000100"' in html
        assert 'href="mailto:demo@city.example"' in html


def test_the_privacy_notice_says_what_the_law_asks(client: FlaskClient) -> None:
    """PIPL Art. 17: who, purpose and manner, kinds, retention, rights."""
    text = words(client.get("/report/privacy").get_data(as_text=True))
    for part in ("谁处理您的信息", "为什么处理", "处理哪些信息", "保存多久", "您的权利", "市处置非法集资办公室"):
        assert part in text


def test_a_larger_text_stays_from_page_to_page(client: FlaskClient) -> None:
    html = client.get("/report/?view=large").get_data(as_text=True)
    assert 'data-view="large"' in html
    assert "/report/new?view=large" in html
    assert "view=nonsense" not in client.get("/report/?view=nonsense").get_data(as_text=True)


def test_a_form_sent_by_another_site_is_refused(client: FlaskClient) -> None:
    answer = client.post("/report/follow", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_what_was_typed_is_shown_as_text(client: FlaskClient) -> None:
    html = _file(client, truthful=None, subject__name="<script>alert(1)</script>").get_data(as_text=True)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
