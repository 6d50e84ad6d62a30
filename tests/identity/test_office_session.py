"""Officers sign in by API: what is told, what is counted, and what ends a session."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pyotp
import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from app.audit.models import AuditEvent
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.http import Audience
from app.identity import lockout, passwords, service, tokens
from app.identity.models import Account, StaffSession
from tests import factories, rows
from tests.conftest import OWN_HASHER
from tests.moments import MONDAY_MORNING
from tests.threads import at_once

PATH = "/api/v1/office/session"
WORK = "/api/v1/office/delegations"
USER = "district.650104"


@pytest.fixture(autouse=True)
def held_clock() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield


def sign_in(client: FlaskClient, password: str = factories.PASSWORD, username: str = USER, **more: Any) -> Any:
    return client.post(PATH, json={"username": username, "password": password, "otp": None, **more})


def fail(client: FlaskClient, times: int, username: str = USER) -> list[int]:
    return [sign_in(client, "Wrong-Horse-7", username).status_code for _ in range(times)]


def change(**values: Any) -> None:
    with transaction(OPEN_WALL) as session:
        session.execute(update(Account).where(Account.username == USER).values(**values))


def account() -> Account:
    with transaction(OPEN_WALL) as session:
        return session.scalars(
            select(Account).where(Account.username == USER).execution_options(populate_existing=True)
        ).one()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def work(client: FlaskClient, token: str) -> Any:
    return client.get(WORK, headers=bearer(token))


def events(action: str) -> list[AuditEvent]:
    with transaction(OPEN_WALL) as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


class TestSigningIn:
    def test_gives_a_token_that_opens_the_office(self, client: FlaskClient) -> None:
        answer = sign_in(client)
        assert answer.status_code == 201
        told = answer.get_json()
        assert told["actor"] == {
            "role": "district_handler",
            "unit": "新市区处置非法集资办公室（演示）",
            "division": "650104",
            "name": "测试区县承办人",
        }
        assert datetime.fromisoformat(told["expires_at"]) == MONDAY_MORNING + timedelta(hours=8)
        assert work(client, told["token"]).status_code == 200
        (row,) = events("identity.sign_in")
        assert (row.object_id, row.succeeded, row.details) == (str(account().id), True, {"audience": "officer"})

    def test_with_a_wrong_password_is_refused_and_remembered(self, client: FlaskClient) -> None:
        answer = sign_in(client, "Wrong-Horse-7")
        assert answer.status_code == 401
        assert answer.get_json()["code"] == "sign_in_failed"
        (row,) = events("office_session.open_officer_session")
        assert (row.object_id, row.succeeded, row.details) == (str(account().id), False, {"code": "sign_in_failed"})

    def test_unknown_disabled_and_wrong_get_the_same_answer(self, client: FlaskClient) -> None:
        answers = [sign_in(client, "Wrong-Horse-7"), sign_in(client, username="nobody.at.all")]
        change(active=False)
        answers.append(sign_in(client))
        told = [answer.get_json() | {"request_id": ""} for answer in answers]
        assert told[0] == told[1] == told[2]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.headers.get("WWW-Authenticate") for answer in answers}) == 1

    def test_unknown_costs_a_hash_like_a_known_one(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        class Counting:
            def verify(self, password_hash: str, _password: str) -> bool:
                asked.append(password_hash)
                return True

        monkeypatch.setattr(passwords, "_hasher", Counting())
        assert sign_in(client, username="nobody.at.all").status_code == 401, "not even when the dummy fits"
        assert sign_in(client).status_code == 201
        first, second = (extract_parameters(one) for one in asked)
        assert first == second, "and the same cost"

    @pytest.mark.parametrize(
        "username", ["District.650104", " district.650104", "district.650104 ", "district_650104", "%"]
    )
    def test_a_name_is_that_name_alone(self, client: FlaskClient, username: str) -> None:
        assert sign_in(client, username=username).status_code == 401

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"username": USER}, "password"),
            ({"password": "x"}, "username"),
            ({"username": USER, "password": ""}, "password"),
            ({"username": USER, "password": "x" * 129}, "password"),
            ({"username": "x" * 65, "password": "x"}, "username"),
            ({"username": "a\x00b", "password": "x"}, "username"),
            ({"username": USER, "password": ["x"]}, "password"),
            ({"username": USER, "password": "x", "role": "auditor"}, "role"),
        ],
    )
    def test_what_cannot_be_a_sign_in_is_named(self, client: FlaskClient, body: dict[str, Any], field: str) -> None:
        answer = client.post(PATH, json=body)
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])

    def test_tells_the_password_nowhere(self, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(0):
            sign_in(client)
            sign_in(client, "Wrong-Horse-7")
        assert factories.PASSWORD not in caplog.text
        assert "Wrong-Horse-7" not in caplog.text
        assert all("Horse" not in str(row.details) for row in events("office_session.open_officer_session"))


class TestLock:
    def test_five_failures_lock_even_the_right_password(self, client: FlaskClient) -> None:
        assert fail(client, 5) == [401] * 5
        answer = sign_in(client)
        assert (answer.status_code, answer.get_json()["code"]) == (429, "account_locked")
        wait = lockout.LOCK_TIME.total_seconds()
        assert int(answer.headers["Retry-After"]) == pytest.approx(wait, abs=1)
        assert events("office_session.open_officer_session")[-1].details == {"code": "account_locked"}

    def test_ends_with_time_and_not_before(self, client: FlaskClient) -> None:
        fail(client, 5)
        with clock.stopped_at(MONDAY_MORNING + lockout.LOCK_TIME - timedelta(seconds=1)):
            assert sign_in(client).status_code == 429
        with clock.stopped_at(MONDAY_MORNING + lockout.LOCK_TIME):
            assert sign_in(client).status_code == 201

    def test_is_not_made_longer_by_trying(self, client: FlaskClient) -> None:
        fail(client, 5)
        assert fail(client, 3) == [429] * 3
        assert lockout.locked_until(USER) == MONDAY_MORNING + lockout.LOCK_TIME

    def test_after_it_five_more_may_be_tried(self, client: FlaskClient) -> None:
        fail(client, 5)
        with clock.stopped_at(MONDAY_MORNING + lockout.LOCK_TIME):
            assert fail(client, 6) == [401] * 5 + [429]

    def test_a_success_forgets_the_failures(self, client: FlaskClient) -> None:
        fail(client, 4)
        assert sign_in(client).status_code == 201
        assert fail(client, 4) == [401] * 4
        assert sign_in(client).status_code == 201

    def test_a_name_that_nobody_has_locks_alike(self, client: FlaskClient) -> None:
        """Six tries tell nothing: the answers do not differ, nor what is written but for the object in the audit log."""
        before, told = rows.row_counts(), []
        for username in (USER, "nobody.at.all"):
            answers = [sign_in(client, "Wrong-Horse-7", username) for _ in range(7)]
            told.append([(one.status_code, one.get_json() | {"request_id": ""}) for one in answers])
        assert told[0] == told[1]
        assert [status for status, _ in told[1]] == [401] * 5 + [429] * 2
        assert rows.growth(before) == {"sign_in_attempts": 2, "audit_events": 14}

    def test_a_name_that_nobody_has_costs_the_same(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """One hash and the same statements, locked or not: nobody learns from the time either."""
        hashed: list[str] = []
        verify = passwords._hasher.verify

        class Counting:
            def verify(self, password_hash: str, password: str) -> bool:
                hashed.append(password_hash)
                return verify(password_hash, password)

        monkeypatch.setattr(passwords, "_hasher", Counting())
        told = []
        for username in (USER, "nobody.at.all"):
            asked: list[str] = []

            def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
                if re.search("accounts|sign_in_attempts", statement):  # savepoints are numbered
                    asked.append(statement)  # noqa: B023  # taken away before the next one

            event.listen(db.engine, "before_cursor_execute", note)
            try:
                fail(client, 6, username)
            finally:
                event.remove(db.engine, "before_cursor_execute", note)
            told.append((asked, len(hashed)))
            hashed.clear()
        assert told[0][1] == told[1][1] == lockout.MOST_FAILURES
        assert told[0][0] == told[1][0]
        assert len(told[0][0]) > lockout.MOST_FAILURES

    def test_the_name_is_kept_as_a_digest_and_forgotten_after_a_day(self, client: FlaskClient) -> None:
        fail(client, 5, "nobody.at.all")
        assert not any("nobody" in line for line in rows.dump()["sign_in_attempts"])
        with clock.stopped_at(MONDAY_MORNING + lockout.REMEMBERED + timedelta(seconds=1)):
            fail(client, 1)
            assert len(rows.dump()["sign_in_attempts"]) == 1, "its own row alone"

    def test_four_failures_of_yesterday_are_forgotten(self, client: FlaskClient) -> None:
        fail(client, 4)
        with clock.stopped_at(MONDAY_MORNING + lockout.REMEMBERED + timedelta(seconds=1)):
            assert fail(client, 5) == [401] * 5

    def test_locks_one_account_alone(self, client: FlaskClient) -> None:
        fail(client, 5)
        assert sign_in(client, username="district.650102").status_code == 201

    def test_does_not_end_a_session_that_is_open(self, client: FlaskClient) -> None:
        token = sign_in(client).get_json()["token"]
        fail(client, 5)
        assert work(client, token).status_code == 200


def test_guesses_at_the_same_moment_are_no_more_than_the_lock_allows(committed_app: Flask) -> None:
    def guess() -> int:
        return sign_in(committed_app.test_client(), "Wrong-Horse-7").status_code

    answers = at_once(committed_app, [guess] * (lockout.MOST_FAILURES + 3))
    assert Counter(answers) == {401: lockout.MOST_FAILURES, 429: 3}
    assert sign_in(committed_app.test_client()).status_code == 429


class TestSecondFactor:
    @pytest.fixture
    def secret(self, app: Flask) -> str:
        secret = pyotp.random_base32()
        change(sealed_otp_secret=service.crypto().seal(secret.encode(), bound_to=b"otp:" + account().id.bytes))
        return secret

    def test_is_asked_for_where_it_was_set_up(self, client: FlaskClient, secret: str) -> None:
        code = pyotp.TOTP(secret).at(MONDAY_MORNING)
        wrong = str((int(code) + 1) % 10**6).zfill(6)
        assert [sign_in(client, otp=given).status_code for given in (None, "", wrong, code)] == [401, 401, 401, 201]

    def test_a_code_of_a_minute_ago_is_stale(self, client: FlaskClient, secret: str) -> None:
        code = pyotp.TOTP(secret).at(MONDAY_MORNING - timedelta(seconds=90))
        assert sign_in(client, otp=code).status_code == 401

    def test_failures_of_it_lock_too(self, client: FlaskClient, secret: str) -> None:
        assert [sign_in(client).status_code for _ in range(6)] == [401] * 5 + [429]


class TestSession:
    def test_signing_out_ends_this_session_alone(self, client: FlaskClient) -> None:
        one, other = (sign_in(client).get_json()["token"] for _ in range(2))
        assert client.delete(PATH, headers=bearer(one)).status_code == 200
        assert (work(client, one).status_code, work(client, other).status_code) == (401, 200)
        assert client.delete(PATH, headers=bearer(one)).status_code == 401
        assert len(events("identity.sign_out")) == 1

    def test_ends_with_the_account(self, client: FlaskClient) -> None:
        token = sign_in(client).get_json()["token"]
        change(active=False)
        assert work(client, token).status_code == 401
        change(active=True)
        assert work(client, token).status_code == 200

    def test_ends_after_eight_hours(self, client: FlaskClient) -> None:
        token = sign_in(client).get_json()["token"]
        with clock.stopped_at(MONDAY_MORNING + timedelta(hours=8, seconds=-1)):
            assert work(client, token).status_code == 200
        with clock.stopped_at(MONDAY_MORNING + timedelta(hours=8)):
            answer = work(client, token)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token_expired")

    def test_takes_the_time_from_the_clock_alone(self, client: FlaskClient) -> None:
        with clock.stopped_at(clock.now() + timedelta(days=3650)):
            assert work(client, sign_in(client).get_json()["token"]).status_code == 200

    def test_ends_on_the_server_whatever_the_token_says(self, client: FlaskClient) -> None:
        token = sign_in(client).get_json()["token"]
        with transaction(OPEN_WALL) as session:
            session.execute(update(StaffSession).values(expires_at=MONDAY_MORNING))
        assert work(client, token).status_code == 401

    def test_ends_at_once_with_a_changed_role(self, client: FlaskClient) -> None:
        token = sign_in(client).get_json()["token"]
        assert client.get("/api/v1/office/audit", headers=bearer(token)).status_code == 403
        change(role="auditor")
        assert client.get("/api/v1/office/audit", headers=bearer(token)).status_code == 401
        anew = sign_in(client).get_json()["token"]
        assert client.get("/api/v1/office/audit", headers=bearer(anew)).status_code == 200


class TestToken:
    @pytest.fixture
    def claims(self, client: FlaskClient) -> dict[str, Any]:
        token = sign_in(client).get_json()["token"]
        return jwt.decode(token, options={"verify_signature": False})

    def test_holds_ids_alone(self, claims: dict[str, Any]) -> None:
        assert set(claims) == {"aud", "sub", "jti", "iat", "exp"}
        assert (claims["aud"], claims["sub"]) == ("officer", str(account().id))

    def test_signed_again_the_same_opens(self, app: Flask, client: FlaskClient, claims: dict[str, Any]) -> None:
        """The forgeries below are refused for what they change, not for how this test signs."""
        assert work(client, jwt.encode(claims, app.config["SECRET_KEY"], "HS256")).status_code == 200

    @pytest.mark.parametrize(
        "change_of",
        [
            {"aud": "reporter"},
            {"aud": "console"},
            {"jti": str(uuid4())},
            {"jti": "no id"},
            {"exp": None},
            {"exp": "never"},
            {"exp": 1},
            {"sub": None},
            {"iat": None},
            {"jti": None},
            {"aud": None},
        ],
    )
    def test_of_another_kind_opens_nothing(
        self, app: Flask, client: FlaskClient, claims: dict[str, Any], change_of: dict[str, Any]
    ) -> None:
        changed = {name: value for name, value in (claims | change_of).items() if value is not None}
        assert work(client, jwt.encode(changed, app.config["SECRET_KEY"], "HS256")).status_code == 401

    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    def test_forged_opens_nothing(self, app: Flask, client: FlaskClient, claims: dict[str, Any]) -> None:
        forged = [
            jwt.encode(claims, "another-secret-" + "x" * 40, "HS256"),
            jwt.encode(claims, None, "none"),
            jwt.encode(claims, app.config["SECRET_KEY"], "HS512"),
            "no.token.atall",
            "",
        ]
        assert [work(client, token).status_code for token in forged] == [401] * len(forged)

    @pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
    def test_is_a_bearer_token(self, client: FlaskClient, scheme: str) -> None:
        token = sign_in(client).get_json()["token"]
        assert client.get(WORK, headers={"Authorization": f"{scheme} {token}"}).status_code == 401

    def test_of_the_console_is_no_token_of_the_office(self, client: FlaskClient) -> None:
        with transaction(OPEN_WALL) as session:
            row, _ = service.open_session(session.get_one(Account, account().id), Audience.CONSOLE)
        token, _ = tokens.issue(Audience.OFFICER, str(account().id), row.id, MONDAY_MORNING)
        assert work(client, token).status_code == 401

    def test_of_a_reporter_is_none_of_an_officer_and_the_other_way_round(self, client: FlaskClient) -> None:
        assert client.get(WORK, headers=factories.reporter_headers()).status_code == 401
        assert client.get("/api/v1/tips", headers=bearer(sign_in(client).get_json()["token"])).status_code == 401


class TestPasswords:
    def test_are_kept_as_argon2id_with_a_salt_of_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passwords, "_hasher", OWN_HASHER)
        one, other = (passwords.hash_password("Correct-Horse-7") for _ in range(2))
        assert one != other
        kept = extract_parameters(one)
        assert kept.type is Type.ID
        # RFC 9106 section 4 (second recommended option), OWASP's least: 19 MiB and two passes.
        assert kept.memory_cost >= 19 * 1024
        assert kept.time_cost >= 2
        assert kept.salt_len >= 16

    def test_fit_or_do_not(self) -> None:
        kept = passwords.hash_password("Correct-Horse-7")
        assert passwords.matches(kept, "Correct-Horse-7")
        for wrong in ("correct-Horse-7", "Correct-Horse-7 ", "", "Correct-Horse-7\x00"):
            assert not passwords.matches(kept, wrong)

    @pytest.mark.parametrize("kept", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$broken"])
    def test_nothing_fits_what_is_no_hash(self, kept: str | None) -> None:
        assert not passwords.matches(kept, "a password that nobody has")
