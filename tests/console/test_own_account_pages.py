"""My account: password, second factor, recovery codes, sessions; the second step of the sign-in; what comes first."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pyotp
import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.console.views.own_account import qr_code
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.identity import second_factor
from app.identity.models import Account, RecoveryCode
from app.identity.service import CODE_AWAITED
from tests import factories, rows
from tests.console.office import Officer, Visitor, csrf_token
from tests.moments import MONDAY_MORNING
from tests.signing_in import sign_in_rules

NEW = "Blue-Kettle-9"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return unescape(found[1])


def enrol(person: Officer) -> tuple[str, list[str]]:
    """Scan the code of the page and give the first code: the secret, and the recovery codes shown."""
    page = person.text("/account/second-factor")
    secret = re.search(r'qr-secret">([A-Z2-7 ]+)<', page)
    assert secret
    key = secret[1].replace(" ", "")
    data = {"csrf_token": csrf_token(page), "offer": field(page, "offer"), "code": pyotp.TOTP(key).at(clock.now())}
    answer = person.open("/account/second-factor", method="POST", data=data)
    told = answer.get_data(as_text=True)
    assert answer.status_code == 200, told
    return key, re.findall(r'<li class="code">([^<]+)</li>', told)


def first_step(visitor: Visitor, username: str = "city.reviewer", **more: str) -> str:
    answer = visitor.post("/sign-in", seen="/sign-in", username=username, password=factories.PASSWORD, **more)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def second_step(visitor: Visitor, page: str, code: str, **more: str) -> TestResponse:
    return visitor.open("/sign-in/code", method="POST", data={"csrf_token": csrf_token(page), "otp": code, **more})


def set_account(username: str, **values: object) -> None:
    with transaction(OPEN_WALL) as session:
        session.execute(update(Account).where(Account.username == username).values(**values))


class TestPassword:
    def test_is_changed_with_the_present_one(self, officer: Callable[[str], Officer]) -> None:
        here, there = officer("city.reviewer"), officer("city.reviewer")
        given = {"present": factories.PASSWORD, "password": NEW, "repeated": NEW}
        assert here.post("/account/password", seen="/account/password", **given).headers["Location"] == "/account"
        page = here.text("/account")
        assert "密码已修改" in page
        assert there.get("/account").status_code == 303

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"present": "Wrong-Horse-7"}, "当前密码不正确"),
            ({"repeated": "Blue-Kettle-8"}, "两次输入的新密码不一致"),
            ({"password": "short", "repeated": "short"}, "密码应为 10 至 128 位"),
            ({"password": factories.PASSWORD, "repeated": factories.PASSWORD}, "最近 5 次用过"),
            ({"password": ""}, "此项必填"),
        ],
    )
    def test_that_cannot_be_is_refused_on_the_page(
        self, officer: Callable[[str], Officer], changed: dict[str, str], told: str
    ) -> None:
        given = {"present": factories.PASSWORD, "password": NEW, "repeated": NEW} | changed
        answer = officer("city.reviewer").post("/account/password", seen="/account/password", **given)
        page = answer.get_data(as_text=True)
        assert answer.status_code in {401, 422}
        assert told in page
        assert not any(secret in page for secret in (factories.PASSWORD, NEW, "Wrong-Horse-7"))

    def test_guesses_of_the_present_one_count(self, officer: Callable[[str], Officer], app: Flask) -> None:
        person = officer("city.reviewer")
        given = {"present": "Wrong-Horse-7", "password": NEW, "repeated": NEW}
        for _ in range(5):
            person.post("/account/password", seen="/account/password", **given)
        answer = person.post("/account/password", seen="/account/password", **given | {"present": factories.PASSWORD})
        assert answer.status_code == 429

    def test_comes_first_after_a_reset_and_leads_on_then(self, officer: Callable[[str], Officer]) -> None:
        set_account("city.reviewer", must_change_password=True)
        person = officer("city.reviewer")
        answer = person.get("/tips?dispute=true")
        assert (answer.status_code, answer.headers["Location"]) == (
            303,
            "/account/password?next=/tips?dispute%3Dtrue",
        )
        background = person.get("/tips", headers={"HX-Request": "true"})
        assert background.headers["HX-Redirect"].startswith("/account/password?next=")
        page = person.text(answer.headers["Location"])
        assert "须先修改密码" in page
        assert 'href="/tips"' not in page, "no door that does not open"
        assert person.get("/session/alive").status_code == 200, "typing a password is being there"
        given = {"present": factories.PASSWORD, "password": NEW, "repeated": NEW, "next": field(page, "next")}
        done = person.open("/account/password", method="POST", data={"csrf_token": csrf_token(page), **given})
        assert done.headers["Location"] == "/tips?dispute=true"
        assert person.get("/tips").status_code == 200

    def test_is_asked_for_a_week_before_it_grows_too_old(self, app: Flask, officer: Callable[[str], Officer]) -> None:
        set_account("city.reviewer", password_changed_at=MONDAY_MORNING - timedelta(days=84))
        with sign_in_rules(app, password_age=timedelta(days=90)):
            assert "密码将在 7 天内到期" in officer("city.reviewer").text("/")
            set_account("city.reviewer", password_changed_at=MONDAY_MORNING - timedelta(days=80))
            assert "到期" not in officer("city.reviewer").text("/account/password")

    def test_whoever_will_not_change_it_can_sign_out(self, officer: Callable[[str], Officer]) -> None:
        set_account("city.reviewer", must_change_password=True)
        person = officer("city.reviewer")
        assert person.post("/sign-out", seen="/account/password").headers["Location"] == "/sign-in"
        assert person.get("/account/password").headers["Location"].startswith("/sign-in")


class TestSecondFactor:
    def test_is_set_up_by_scanning_and_asked_for_from_then_on(
        self, app: Flask, officer: Callable[[str], Officer]
    ) -> None:
        secret, codes = enrol(officer("city.reviewer"))
        assert len(codes) == 10
        visitor = Visitor(app)
        assert second_step(visitor, first_step(visitor), codes[0]).status_code == 303
        assert "还剩 9 个" in visitor.text("/notices")
        visitor = Visitor(app)
        page = first_step(visitor, next="/tips", kept="未提交的文字")
        assert "输入动态码" in page
        assert visitor.get("/tips").status_code == 303, "half is nothing"
        with clock.stopped_at(MONDAY_MORNING + timedelta(seconds=30)):
            sent = {"next": field(page, "next"), "kept": field(page, "kept")}
            wrong = second_step(visitor, page, "000000", **sent)
            assert wrong.status_code == 401
            told = wrong.get_data(as_text=True)
            assert field(told, "kept") == "未提交的文字"
            right = second_step(visitor, page, pyotp.TOTP(secret).at(clock.now()), **sent)
            assert "未提交的文字" in right.get_data(as_text=True)
            assert visitor.get("/tips").status_code == 200

    def test_a_used_code_opens_nothing(self, app: Flask, officer: Callable[[str], Officer]) -> None:
        secret, _ = enrol(officer("city.reviewer"))
        visitor = Visitor(app)
        page = first_step(visitor)
        assert second_step(visitor, page, pyotp.TOTP(secret).at(MONDAY_MORNING)).status_code == 401

    def test_failures_lock_it_like_the_password(self, app: Flask, officer: Callable[[str], Officer]) -> None:
        _, codes = enrol(officer("city.reviewer"))
        visitor = Visitor(app)
        page = first_step(visitor)
        assert [second_step(visitor, page, "000000").status_code for _ in range(6)] == [401] * 5 + [429]
        assert second_step(visitor, page, codes[0]).status_code == 429

    def test_the_first_step_counts_for_five_minutes(self, app: Flask, officer: Callable[[str], Officer]) -> None:
        _, codes = enrol(officer("city.reviewer"))
        visitor = Visitor(app)
        page = first_step(visitor)
        with clock.stopped_at(MONDAY_MORNING + CODE_AWAITED + timedelta(seconds=1)):
            answer = second_step(visitor, page, codes[0])
            told = answer.get_data(as_text=True)
        assert answer.status_code == 401
        assert "请重新输入用户名和密码" in told
        assert 'name="password"' in told
        with clock.stopped_at(MONDAY_MORNING):
            assert second_step(visitor, told, codes[0]).status_code == 401, "forgotten"

    def test_nothing_comes_of_the_second_step_alone(self, app: Flask) -> None:
        visitor = Visitor(app)
        answer = second_step(visitor, visitor.text("/sign-in"), "123456")
        assert answer.status_code == 401
        assert 'name="password"' in answer.get_data(as_text=True)

    def test_a_wrong_code_shows_the_same_picture_again(self, officer: Callable[[str], Officer]) -> None:
        person = officer("city.reviewer")
        page = person.text("/account/second-factor")
        data = {"csrf_token": csrf_token(page), "offer": field(page, "offer"), "code": "000000"}
        answer = person.open("/account/second-factor", method="POST", data=data)
        told = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "请核对手机时间" in told
        assert re.findall(r'class="qr-ink" d="([^"]+)"', told) == re.findall(r'class="qr-ink" d="([^"]+)"', page)

    def test_recovery_codes_are_shown_once_and_made_anew(self, officer: Callable[[str], Officer]) -> None:
        person = officer("city.reviewer")
        _, codes = enrol(person)
        page = person.text("/account")
        assert "10 个，共 10 个" in page
        assert not any(code in page for code in codes)
        answer = person.post("/account/recovery-codes", seen="/account", otp=codes[0])
        assert answer.status_code == 200
        anew = re.findall(r'<li class="code">([^<]+)</li>', answer.get_data(as_text=True))
        assert len(anew) == 10
        assert not set(anew) & set(codes)
        refused = person.post("/account/recovery-codes", seen="/account", otp=codes[1])
        assert refused.status_code == 401
        assert "不正确，或者已经用过" in refused.get_data(as_text=True)

    def test_a_double_click_makes_one_set_of_codes(self, officer: Callable[[str], Officer]) -> None:
        """The second arrival of the same form finds its code used."""
        person = officer("city.reviewer")
        page = person.text("/account/second-factor")
        secret = re.search(r'qr-secret">([A-Z2-7 ]+)<', page)
        assert secret
        code = pyotp.TOTP(secret[1].replace(" ", "")).at(clock.now())
        data = {"csrf_token": csrf_token(page), "offer": field(page, "offer"), "code": code}
        answers = [person.open("/account/second-factor", method="POST", data=data) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 401]
        assert rows.row_counts()["recovery_codes"] == 10

    def test_comes_first_where_the_office_demands_it(self, app: Flask, officer: Callable[[str], Officer]) -> None:
        with sign_in_rules(app, second_factor_roles=frozenset({"city_reviewer"})):
            person = officer("city.reviewer")
            assert person.get("/").headers["Location"] == "/account/second-factor?next=/"
            assert person.get("/notices").status_code == 303
            assert person.post("/notices/read-all", seen="/account/password").status_code == 303
            enrol(person)
            assert person.get("/tips").status_code == 200
            assert officer("city.leader").get("/").status_code == 200

    def test_the_secret_is_in_no_address_and_on_no_other_page(self, officer: Callable[[str], Officer]) -> None:
        person = officer("city.reviewer")
        page = person.text("/account/second-factor")
        secret = re.search(r'qr-secret">([A-Z2-7 ]+)<', page)
        assert secret
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', page)
        assert not any(secret[1].replace(" ", "") in one or "otpauth" in one for one in addresses)
        assert "<script" not in page.split("</head>")[1]

    def test_the_picture_says_who_issues(self) -> None:
        told = second_factor.address_of("ABCDEFGH" * 4, "city.reviewer")
        assert told.startswith(
            "otpauth://totp/%E5%B1%9E%E5%9C%B0:city.reviewer?secret=ABCDEFGHABCDEFGHABCDEFGHABCDEFGH&issuer=%E5%B1%9E%E5%9C%B0"
        )
        drawn = qr_code(told)
        assert drawn["path"].startswith("M4 4h1v1h-1zM5 4h1v1h-1z"), "the corner behind the quiet zone"
        assert drawn["size"] > 2 * 4 + 21


class TestSessions:
    def test_are_listed_with_device_address_and_times(self, app: Flask, officer: Callable[[str], Officer]) -> None:
        visitor = Visitor(app)
        sent = {"username": "city.reviewer", "password": factories.PASSWORD, "csrf_token": visitor.token("/sign-in")}
        seen = {"headers": {"User-Agent": EDGE}, "environ_base": {"REMOTE_ADDR": "10.1.2.3"}}
        assert visitor.open("/sign-in", method="POST", data=sent, **seen).status_code == 303
        factories.office_headers("city.reviewer")
        person = officer("city.reviewer")
        shown = person.text("/account")
        assert "Edge · Windows" in shown
        assert "10.1.2.3" in shown
        assert "接口" in shown
        assert shown.count("（当前）") == 1
        assert "Edge" not in officer("city.leader").text("/account")

    def test_are_ended_one_by_one_or_all_but_this(self, officer: Callable[[str], Officer]) -> None:
        here, *others = (officer("city.reviewer") for _ in range(3))
        page = here.text("/account")
        (first, second) = re.findall(r'action="(/account/sessions/[0-9a-f-]{36}/end)"', page)
        assert here.post(first, seen="/account").status_code == 303
        assert here.post(first, seen="/account").status_code == 404, "twice is once"
        assert sorted(one.get("/notices").status_code for one in others) == [200, 303]
        assert officer("city.leader").post(second, seen="/account").status_code == 404
        assert here.post("/account/sessions/end-others", seen="/account").status_code == 303
        assert [one.get("/notices").status_code for one in (here, *others)] == [200, 303, 303]


def test_a_page_left_open_over_a_new_sign_in_gets_its_token(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    answer = person.get("/session/alive")
    told = answer.get_json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert person.open("/notices/read-all", method="POST", data={"csrf_token": told["token"]}).status_code == 303
    assert f'data-account="{told["account"]}"' in person.text("/notices")
    with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=16)):
        assert person.get("/session/alive").status_code == 303


def test_typing_keeps_the_session_and_silence_ends_it(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    for minutes in (10, 20, 30):
        with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=minutes)):
            assert person.get("/session/alive").status_code == 200
    with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=46)):
        assert person.get("/notices").status_code == 303


def test_the_idle_time_is_the_offices_own(app: Flask, officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    with sign_in_rules(app, console_idle=timedelta(minutes=30)):
        assert 'data-idle="1800"' in person.text("/notices")
        with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=29)):
            assert person.get("/notices").status_code == 200


def test_codes_and_secrets_are_no_part_of_what_the_models_show() -> None:
    shown = repr(Account(sealed_otp_secret=b"secret")) + repr(RecoveryCode(digest=b"digest"))
    assert "secret" not in shown
    assert "digest=" not in shown
