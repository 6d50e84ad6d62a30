"""Signing in and out: new session, idle time, local return addresses, and text that survives a lost session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from app.console.sign_in import local_path
from app.foundation import clock
from app.foundation.config import SignInRules
from app.identity.service import CONSOLE_LIFETIME
from tests import factories
from tests.console.office import Officer, csrf_token
from tests.moments import MONDAY_MORNING

CONSOLE_IDLE = SignInRules().console_idle


def test_a_page_without_a_session_leads_to_the_sign_in_and_back(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/tips?status=registered")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=/tips?status%3Dregistered"
    page = client.get(answer.headers["Location"]).get_data(as_text=True)
    sent = {"username": "city.reviewer", "password": factories.PASSWORD, "next": "/tips?status=registered"}
    answer = client.post("/sign-in", data=sent | {"csrf_token": csrf_token(page)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tips?status=registered")


def test_a_background_request_without_a_session_is_told_where_to_go(app: Flask) -> None:
    seen = {"HX-Request": "true", "HX-Current-URL": "http://localhost/tips?dispute=true"}
    answer = app.test_client().get("/tips?q=a", headers=seen)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/tips?dispute%3Dtrue"


def test_a_background_request_from_elsewhere_names_no_foreign_page(app: Flask) -> None:
    seen = {"HX-Request": "true", "HX-Current-URL": "http://evil.example/tips"}
    assert app.test_client().get("/tips", headers=seen).headers["HX-Redirect"] == "/sign-in?next=/"


def test_the_cookie_is_closed_to_scripts_and_to_other_sites(app: Flask, officer: Callable[[str], Officer]) -> None:
    client = app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    sent = {"username": "city.reviewer", "password": factories.PASSWORD, "csrf_token": csrf_token(page)}
    app.config["SESSION_COOKIE_SECURE"] = True
    try:
        cookie = client.post(
            "/sign-in", data=sent, base_url="https://localhost", headers={"Referer": "https://localhost/"}
        )
    finally:
        app.config["SESSION_COOKIE_SECURE"] = False
    given = cookie.headers["Set-Cookie"]
    assert "HttpOnly" in given
    assert "SameSite=Lax" in given
    assert "Secure" in given


def test_a_sign_in_begins_a_new_session_and_a_new_token(app: Flask) -> None:
    client = app.test_client()
    before = csrf_token(client.get("/sign-in").get_data(as_text=True))
    old = client.get_cookie("shudi_session")
    sent = {"username": "city.reviewer", "password": factories.PASSWORD, "csrf_token": before}
    assert client.post("/sign-in", data=sent).status_code == 303
    new = client.get_cookie("shudi_session")
    assert old is not None
    assert new is not None
    assert old.value != new.value
    assert client.post("/sign-out", data={"csrf_token": before}).status_code == 400, "the token of before is void"


def test_signing_out_ends_the_session_on_the_server(app: Flask, officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    stolen = person.client.get_cookie("shudi_session")
    assert stolen is not None
    assert person.post("/sign-out").headers["Location"] == "/sign-in"
    person.client.set_cookie("shudi_session", stolen.value)
    assert person.get("/tips").status_code == 303


def test_idleness_ends_a_session_with_a_message(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    with clock.stopped_at(MONDAY_MORNING + CONSOLE_IDLE - timedelta(minutes=1)):
        assert person.get("/tips").status_code == 200
    with clock.stopped_at(MONDAY_MORNING + 2 * CONSOLE_IDLE + timedelta(minutes=1)):
        answer = person.get("/tips")
        assert answer.status_code == 303
        assert "长时间未操作，请重新登录" in person.text(answer.headers["Location"])
        assert "长时间未操作" not in person.text("/sign-in"), "said once"


def test_no_session_outlives_half_a_day(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    step = CONSOLE_IDLE - timedelta(minutes=1)
    for number in range(1, CONSOLE_LIFETIME // step + 1):
        with clock.stopped_at(MONDAY_MORNING + number * step):
            assert person.get("/notices").status_code == 200
    with clock.stopped_at(MONDAY_MORNING + CONSOLE_LIFETIME + timedelta(seconds=1)):
        assert person.get("/notices").status_code == 303


def test_text_typed_into_a_lost_session_comes_back_after_the_sign_in(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    person = officer("district.650104")
    path = f"/tips/{tip_in_district}"
    token = person.token(path)
    typed = {"action": "submit_feedback", "outcome": "SUBSTANTIATED", "text": "查明：<b>三名</b>股东\r\n均已到案。🀄"}
    with clock.stopped_at(MONDAY_MORNING + 2 * CONSOLE_IDLE):
        answer = person.open(
            f"{path}/actions",
            method="POST",
            data={"csrf_token": token, "expected_version": "4", **typed},
            headers={"Referer": f"http://localhost{path}"},
        )
        page = answer.get_data(as_text=True)
        assert answer.status_code == 401
        assert "您刚才填写的内容已保留" in page
        assert "&lt;b&gt;三名&lt;/b&gt;" in page
        kept = "查明：<b>三名</b>股东\n均已到案。🀄"
        sent = {"username": "district.650104", "password": factories.PASSWORD, "kept": kept, "next": path}
        after = person.open("/sign-in", method="POST", data={"csrf_token": csrf_token(page), **sent})
        told = after.get_data(as_text=True)
        assert after.status_code == 200
        assert "&lt;b&gt;三名&lt;/b&gt;股东\n均已到案。🀄" in told
        assert f'href="{path}"' in told
        assert person.get(path).status_code == 200


def test_wrong_credentials_say_neither_which_nor_the_password(app: Flask) -> None:
    client = app.test_client()
    for username in ("city.reviewer", "nobody"):
        page = client.get("/sign-in").get_data(as_text=True)
        sent = {"username": username, "password": "Wrong-Horse-8", "csrf_token": csrf_token(page)}
        answer = client.post("/sign-in", data=sent)
        told = answer.get_data(as_text=True)
        assert answer.status_code == 401
        assert "用户名、密码或动态码不正确" in told
        assert f'value="{username}"' in told
        assert "Wrong-Horse-8" not in told


def test_five_failures_lock_the_account(app: Flask) -> None:
    client = app.test_client()
    for _ in range(5):
        page = client.get("/sign-in").get_data(as_text=True)
        client.post("/sign-in", data={"username": "city.leader", "password": "x", "csrf_token": csrf_token(page)})
    sent = {"username": "city.leader", "password": factories.PASSWORD, "csrf_token": csrf_token(page)}
    answer = client.post("/sign-in", data=sent)
    assert answer.status_code == 429
    assert "账号已暂时锁定" in answer.get_data(as_text=True)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("username", ["", "a" * 65, "city\x00reviewer"])
def test_impossible_user_names_are_refused_on_the_page(app: Flask, username: str) -> None:
    client = app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    sent = {"username": username, "password": factories.PASSWORD, "csrf_token": csrf_token(page)}
    answer = client.post("/sign-in", data=sent)
    assert answer.status_code == 422
    assert "has-error" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
        "/tips\r\nSet-Cookie: a=b",
    ],
)
def test_nobody_is_sent_elsewhere(app: Flask, address: str) -> None:
    with app.test_request_context("/"):
        assert local_path(address) == "/"
    client = app.test_client()
    page = client.get("/sign-in", query_string={"next": address}).get_data(as_text=True)
    assert 'name="next" value="/"' in page
    sent = {
        "username": "city.reviewer",
        "password": factories.PASSWORD,
        "next": address,
        "csrf_token": csrf_token(page),
    }
    assert client.post("/sign-in", data=sent).headers["Location"] == "/"


def test_who_is_signed_in_is_not_asked_again(officer: Callable[[str], Officer]) -> None:
    answer = officer("city.reviewer").get("/sign-in?next=/notices")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/notices")
