"""What administrators do about somebody else's sign-in, and what a person does about the own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.audit.models import AuditEvent
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import Conflict, Forbidden, InvalidInput, SignInFailed
from app.foundation.http import Audience
from app.foundation.permissions import Actor
from app.identity import account_security, lockout, own_account, passwords, second_factor, service, sessions
from app.identity.models import Account
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.signing_in import sign_in_rules
from tests.threads import at_once

PATH = "/api/v1/office/session"
USER = "district.650104"
NEW = "Blue-Kettle-9"


@pytest.fixture(autouse=True)
def held_clock() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield


def sign_in(client: FlaskClient, password: str = factories.PASSWORD, otp: str | None = None) -> Any:
    return client.post(PATH, json={"username": USER, "password": password, "otp": otp})


def lock() -> None:
    with transaction(OPEN_WALL):
        for _ in range(lockout.MOST_FAILURES):
            lockout.note_failure(USER)


def account() -> Account:
    with transaction(OPEN_WALL) as session:
        return session.scalars(
            select(Account).where(Account.username == USER).execution_options(populate_existing=True)
        ).one()


def last_event() -> AuditEvent:
    with transaction(OPEN_WALL) as session:
        return session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()


def enrolled(person: Actor) -> tuple[str, list[str]]:
    """The secret of a new device, and the recovery codes."""
    secret, offer = second_factor.offer(person)
    with transaction(OPEN_WALL):
        return secret, own_account.enrol_second_factor(person, offer, pyotp.TOTP(secret).at(clock.now()), "")


class TestReset:
    def test_gives_a_password_that_must_be_changed_and_ends_every_session(self, client: FlaskClient) -> None:
        token = sign_in(client).get_json()["token"]
        lock()
        with transaction(OPEN_WALL):
            password = account_security.reset_password(factories.actor("sysadmin"), account().id, "本人忘记")
        passwords.check_complexity(password, USER)
        assert client.get("/api/v1/office/delegations", headers={"Authorization": f"Bearer {token}"}).status_code == 401
        assert sign_in(client).status_code == 401, "the old one opens nothing"
        answer = sign_in(client, password)
        assert (answer.status_code, answer.get_json()["code"], answer.get_json()["step"]) == (
            403,
            "sign_in_unfinished",
            "password",
        )

    def test_leaves_an_audit_row_without_the_password(self, app: Flask) -> None:
        administrator = factories.actor("sysadmin")
        with transaction(OPEN_WALL):
            password = account_security.reset_password(administrator, account().id, "本人忘记")
        row = last_event()
        assert (row.action, row.object_id) == ("identity.reset_password", str(account().id))
        assert row.details == {"reason": "本人忘记", "sessions": 0}
        assert not any(password in line for lines in rows.dump().values() for line in lines)

    def test_first_passwords_fit_the_strictest_rules(self, app: Flask) -> None:
        with sign_in_rules(app, shortest_password=24, kinds_of_letters=4):
            made = {account_security.first_password() for _ in range(50)}
            for password in made:
                passwords.check_complexity(password, "district.650104")
        assert len(made) == 50

    @pytest.mark.parametrize("username", ["secadmin", "auditor", "city.leader"])
    def test_is_for_who_manages_accounts(self, app: Flask, username: str) -> None:
        with pytest.raises(Forbidden):
            account_security.reset_password(factories.actor(username), account().id, "x")

    def test_is_not_done_to_oneself(self, app: Flask) -> None:
        person = factories.actor("sysadmin")
        assert person.account_id is not None
        for deed in (account_security.reset_password, account_security.end_sessions):
            with pytest.raises(Forbidden):
                deed(person, person.account_id, "x")
        with pytest.raises(Forbidden):
            account_security.unlock(person, person.account_id)

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
    def test_asks_for_a_reason(self, app: Flask, reason: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            account_security.reset_password(factories.actor("sysadmin"), account().id, reason)
        assert list(refused.value.errors) == ["reason"]


def test_an_administrator_unlocks_before_the_time(client: FlaskClient) -> None:
    lock()
    assert sign_in(client).status_code == 429
    with transaction(OPEN_WALL):
        account_security.unlock(factories.actor("sysadmin"), account().id)
    row = last_event()
    assert (row.action, row.details["after"]) == ("identity.unlock", None)
    assert row.details["before"] == (MONDAY_MORNING + lockout.LOCK_TIME).astimezone(clock.UTC).isoformat()
    assert sign_in(client).status_code == 201


def test_an_administrator_signs_somebody_out_everywhere(client: FlaskClient) -> None:
    person = factories.actor(USER)
    with transaction(OPEN_WALL):
        assert account_security.end_sessions(factories.actor("secadmin"), account().id, "设备遗失") == 1
    assert sessions.own_sessions(person) == []
    assert last_event().details == {"reason": "设备遗失", "sessions": 1}


class TestOwnPassword:
    def test_ends_the_other_sessions_and_keeps_this_one(self, app: Flask) -> None:
        here, there = factories.actor(USER), factories.actor(USER)
        with transaction(OPEN_WALL):
            own_account.change_password(here, NEW)
        assert [one.id for one in sessions.own_sessions(here)] == [here.session_id]
        assert there.session_id not in {one.id for one in sessions.own_sessions(here)}
        assert last_event().details == {"forced": False, "sessions": 1}

    def test_is_none_of_the_last_five(self, app: Flask) -> None:
        person = factories.actor(USER)
        used = [factories.PASSWORD, *(f"Blue-Kettle-{number}" for number in range(5))]
        with transaction(OPEN_WALL):
            for password in used[1:]:
                own_account.change_password(person, password)
            for password in used[1:]:
                with pytest.raises(InvalidInput, match="提交的内容有误"):
                    own_account.change_password(person, password)
            own_account.change_password(person, used[0])

    def test_follows_the_rules_of_the_office(self, app: Flask) -> None:
        person = factories.actor(USER)
        with sign_in_rules(app, shortest_password=16, kinds_of_letters=4):
            with pytest.raises(InvalidInput) as refused:
                own_account.change_password(person, "Blue-Kettle-9ab")
            assert "16 至 128 位，至少含大写、小写、数字、符号中的四种" in refused.value.errors["password"][0]
            own_account.change_password(person, "Blue-Kettle-9abc")

    def test_grows_old_between_sign_ins_and_never_during_work(self, app: Flask, client: FlaskClient) -> None:
        with transaction(OPEN_WALL) as session:
            session.execute(update(Account).values(password_changed_at=MONDAY_MORNING - timedelta(days=90)))
        with sign_in_rules(app, password_age=timedelta(days=90)):
            token = {"Authorization": f"Bearer {sign_in(client).get_json()['token']}"}
            with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=1)):
                assert client.get("/api/v1/office/delegations", headers=token).status_code == 200
                assert sign_in(client).get_json()["step"] == "password"


class TestSecondFactor:
    def test_opens_once_with_each_code(self, client: FlaskClient) -> None:
        secret, _ = enrolled(factories.actor(USER))
        first = pyotp.TOTP(secret).at(MONDAY_MORNING)
        assert sign_in(client, otp=first).status_code == 401, "the code of the enrolment is used"
        with clock.stopped_at(MONDAY_MORNING + timedelta(seconds=30)):
            code = pyotp.TOTP(secret).at(clock.now())
            assert [sign_in(client, otp=code).status_code for _ in range(2)] == [201, 401]
            assert sign_in(client, otp=first).status_code == 401, "nor an older one that would still fit"

    def test_at_one_moment_one_code_opens_once(self, committed_app: Flask) -> None:
        secret, _ = enrolled(factories.actor(USER))
        code = pyotp.TOTP(secret).at(MONDAY_MORNING + timedelta(seconds=30))

        def use() -> int:
            with clock.stopped_at(MONDAY_MORNING + timedelta(seconds=30)):
                status: int = sign_in(committed_app.test_client(), otp=code).status_code
                return status

        try:
            assert sorted(at_once(committed_app, [use] * 2)) == [201, 401]
        finally:
            with transaction(OPEN_WALL) as session:  # accounts are kept from test to test
                session.execute(update(Account).values(sealed_otp_secret=None, otp_step=None))

    def test_ten_recovery_codes_open_once_each_and_are_stored_nowhere(self, client: FlaskClient) -> None:
        secret, codes = enrolled(factories.actor(USER))
        assert len(set(codes)) == 10
        written = codes[0].upper().replace("-", " ")
        assert [sign_in(client, otp=given).status_code for given in (written, codes[0], codes[1])] == [201, 401, 201]
        assert second_factor.recovery_codes_left(account().id) == 8
        with transaction(OPEN_WALL) as session:
            used = session.scalars(select(AuditEvent).where(AuditEvent.action == "identity.use_recovery_code")).all()
        assert [row.details for row in used] == [{"left": 9}, {"left": 8}]
        stored = [line for lines in rows.dump().values() for line in lines]
        for clear in (secret, secret.encode().hex(), *codes, *(code.replace("-", "") for code in codes)):
            assert not any(clear in line for line in stored)
        assert secret not in repr(account())

    def test_recovery_codes_of_a_colleague_open_nothing(self, client: FlaskClient) -> None:
        _, codes = enrolled(factories.actor("city.reviewer"))
        enrolled(factories.actor(USER))
        assert sign_in(client, otp=codes[0]).status_code == 401

    def test_new_recovery_codes_void_the_old_ones(self, client: FlaskClient) -> None:
        person = factories.actor(USER)
        _, codes = enrolled(person)
        with transaction(OPEN_WALL), pytest.raises(SignInFailed):
            own_account.remake_recovery_codes(person, "000000")
        with transaction(OPEN_WALL):
            anew = own_account.remake_recovery_codes(person, codes[0])
        assert [sign_in(client, otp=given).status_code for given in (codes[1], anew[0])] == [401, 201]

    def test_another_device_needs_a_code_of_the_present_one(self, app: Flask) -> None:
        person = factories.actor(USER)
        _, codes = enrolled(person)
        secret, offer = second_factor.offer(person)
        code = pyotp.TOTP(secret).at(MONDAY_MORNING)
        for proof in ("", "000000", code):
            with pytest.raises(SignInFailed):
                own_account.enrol_second_factor(person, offer, code, proof)
        assert len(own_account.enrol_second_factor(person, offer, code, codes[0])) == 10

    def test_an_offer_is_good_in_its_own_session_alone(self, app: Flask) -> None:
        secret, offer = second_factor.offer(factories.actor(USER))
        other = factories.actor(USER)
        for given in (offer, offer[:-8], "nonsense", ""):
            with pytest.raises(Conflict):
                own_account.enrol_second_factor(other, given, pyotp.TOTP(secret).at(MONDAY_MORNING), "")

    def test_the_security_administrator_removes_it_with_a_reason(self, client: FlaskClient) -> None:
        person = factories.actor(USER)
        enrolled(person)
        for username in ("sysadmin", "auditor"):
            with pytest.raises(Forbidden):
                account_security.remove_second_factor(factories.actor(username), account().id, "手机遗失")
        with transaction(OPEN_WALL):
            account_security.remove_second_factor(factories.actor("secadmin"), account().id, "手机遗失")
        assert (last_event().action, last_event().details) == (
            "identity.remove_second_factor",
            {"reason": "手机遗失", "sessions": 1},
        )
        assert rows.row_counts()["recovery_codes"] == 0
        assert sign_in(client).status_code == 201
        with pytest.raises(Conflict):
            account_security.remove_second_factor(factories.actor("secadmin"), account().id, "手机遗失")

    def test_is_demanded_of_the_roles_that_the_office_names(self, app: Flask, client: FlaskClient) -> None:
        with sign_in_rules(app, second_factor_roles=frozenset({"auditor"})):
            assert sign_in(client).status_code == 201
        with sign_in_rules(app, second_factor_roles=None):
            answer = sign_in(client)
            assert (answer.status_code, answer.get_json()["step"]) == (403, "second_factor")
            held = service.open_session(account(), Audience.OFFICER)[1]
            assert {permission.value for permission in held.permissions} == {"self.secure"}
