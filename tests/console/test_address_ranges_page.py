"""The security administrator's page of networks by role, and the page that somebody outside of them sees."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from tests import factories, rows
from tests.console.office import Officer, Visitor

OUTSIDE = {"REMOTE_ADDR": "203.0.113.7"}


def test_a_range_is_set_and_who_is_outside_reads_why(app: Flask, officer: Callable[[str], Officer]) -> None:
    admin, handler = officer("secadmin"), officer("district.650104")
    given = {"role": "district_handler", "networks": "127.0.0.0/8", "reason": "等保要求"}
    assert admin.post("/address-ranges", seen="/address-ranges", **given).status_code == 303
    page = admin.text("/address-ranges")
    assert "127.0.0.0/8" in page
    assert "等保要求" in page
    assert handler.get("/tips").status_code == 200
    answer = handler.get("/tips", environ_base=OUTSIDE)
    told = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "不能从当前网络地址使用本系统" in told
    assert "请回到办公网络后再试" in told
    assert "举报线索</span>" not in told, "no menu of what does not open"
    visitor = Visitor(app)
    sent = {"username": "district.650104", "password": factories.PASSWORD, "csrf_token": visitor.token("/sign-in")}
    refused = visitor.open("/sign-in", method="POST", data=sent, environ_base=OUTSIDE)
    assert refused.status_code == 403
    assert "请回到办公网络后再试" in refused.get_data(as_text=True)


def test_shutting_oneself_out_asks_once_more(officer: Callable[[str], Officer]) -> None:
    admin = officer("secadmin")
    assert 'name="even_without_me"' not in admin.text("/address-ranges")
    given = {"role": "security_admin", "networks": "10.1.0.0/16", "reason": "等保要求<b>"}
    answer = admin.post("/address-ranges", seen="/address-ranges", **given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "您现在的地址 127.0.0.1 不在所填范围内" in page
    assert 'name="even_without_me"' in page
    assert "等保要求&lt;b&gt;" in page
    assert rows.row_counts()["address_ranges"] == 0
    confirmed = admin.post("/address-ranges", seen="/address-ranges", even_without_me="true", **given)
    assert confirmed.status_code == 303
    assert admin.get("/address-ranges").status_code == 403


def test_faults_stand_beside_their_fields(officer: Callable[[str], Officer]) -> None:
    given = {"role": "auditor", "networks": "10.1.0.1/16 办公室", "reason": "x"}
    answer = officer("secadmin").post("/address-ranges", seen="/address-ranges", **given)
    assert answer.status_code == 422
    assert "不是网段或者地址：10.1.0.1/16、办公室" in answer.get_data(as_text=True)


def test_is_no_page_for_others(officer: Callable[[str], Officer]) -> None:
    for username in ("sysadmin", "auditor", "city.leader"):
        assert officer(username).get("/address-ranges").status_code == 403
