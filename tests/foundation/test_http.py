"""Doors: declared or not opened, refused in one shape, and silent about what went wrong inside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.foundation import errors
from app.foundation.database import OPEN_WALL, db, enter_wall
from app.foundation.http import LARGEST_JSON_BYTES, Audience, endpoint, page, refuse_undeclared_routes, registry
from app.foundation.http_errors import status_of
from app.foundation.permissions import Actor, Permission
from tests import factories
from tests.rows import growth, row_counts

SIGN_IN = "/api/v1/office/session"


class TestDeclaration:
    def test_a_write_under_a_read_permission_is_refused_at_once(self) -> None:
        with pytest.raises(TypeError, match=r"tip\.read"):
            endpoint(audience=Audience.OFFICER, permission=Permission.TIP_READ)
        with pytest.raises(TypeError, match=r"tip\.read"):
            page(permission=Permission.TIP_READ, changes=True)

    def test_a_route_without_a_policy_keeps_the_program_from_starting(self) -> None:
        app = Flask("careless", static_folder=None)
        app.add_url_rule("/open", "open", lambda: "everybody")
        with pytest.raises(RuntimeError, match=r"/open \(open\)"):
            refuse_undeclared_routes(app)

    def test_a_declared_one_does_not(self) -> None:
        app = Flask("careful", static_folder=None)
        view = endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, changes=False)(lambda _actor: {})
        app.add_url_rule("/open", "open", view)
        refuse_undeclared_routes(app)


@pytest.fixture
def door(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    """Answers a request by an officer's door behind which the test puts what it likes."""

    def ask(behind: Callable[[], Any]) -> Any:
        view = endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE)(lambda _actor, **_: behind())
        monkeypatch.setitem(app.view_functions, "office_session.open_officer_session", view)
        return app.test_client().post(SIGN_IN, json={})

    return ask


Door = Callable[[Callable[[], Any]], Any]


def raising(fault: BaseException) -> Callable[[], Any]:
    def behind() -> Any:
        raise fault

    return behind


class TestRefusal:
    def test_is_a_problem_document(self, door: Door) -> None:
        fault = errors.Conflict(
            "已有进行中的申请", errors={"reason": ["请说明"]}, extra={"version": 7}, code="open_request"
        )
        answer = door(raising(fault))
        assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.get_json() == {
            "type": "urn:shudi:problem:open_request",
            "title": "与现有情况冲突",
            "detail": "已有进行中的申请",
            "status": 409,
            "code": "open_request",
            "errors": {"reason": ["请说明"]},
            "version": 7,
            "request_id": answer.headers["X-Request-Id"],
        }

    def test_keeps_the_object_for_the_auditor(self, door: Door) -> None:
        answer = door(raising(errors.SignInFailed(extra={"audit_object": ("account", "who")})))
        assert "who" not in answer.get_data(as_text=True)

    def test_undoes_what_was_done_before(self, door: Door, app: Flask) -> None:
        before = row_counts()

        def behind() -> Any:
            db.session.execute(
                text("INSERT INTO units (division_code, name, kind, active) VALUES ('650171', '某区', 'zone', true)")
            )
            raise errors.InvalidInput

        assert door(behind).status_code == 422
        assert growth(before) == {}

    @pytest.mark.parametrize(
        ("fault", "header", "value"),
        [
            (errors.NotSignedIn(), "WWW-Authenticate", "Bearer"),
            (errors.TooManyRequests(extra={"retry_after": 60}), "Retry-After", "60"),
        ],
    )
    def test_tells_clients_what_to_do(self, door: Door, fault: errors.DomainError, header: str, value: str) -> None:
        assert door(raising(fault)).headers[header] == value

    def test_of_a_finer_kind_has_the_status_of_its_family(self) -> None:
        class Finer(errors.Conflict):
            code = "finer"

        assert status_of(Finer()) == 409


class TestFault:
    def test_inside_is_told_to_the_log_alone(self, door: Door, caplog: pytest.LogCaptureFixture) -> None:
        answer = door(raising(RuntimeError("connection string of db.example")))
        assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
        assert "db.example" not in answer.get_data(as_text=True)
        assert any(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)

    def test_of_the_database_is_a_503_and_quotes_no_value(self, door: Door, caplog: pytest.LogCaptureFixture) -> None:
        fault = OperationalError("SELECT :phone", {"phone": "13900001234"}, Exception("at db.example"))
        answer = door(raising(fault))
        assert (answer.status_code, answer.get_json()["code"]) == (503, "service_unavailable")
        for told in (answer.get_data(as_text=True), caplog.text):
            assert "13900001234" not in told
            assert "db.example" not in told

    @pytest.mark.parametrize(
        ("path", "method", "status", "code"),
        [
            ("/api/v1/nothing", "GET", 404, "not_found"),
            (SIGN_IN, "GET", 405, "method_not_allowed"),
        ],
    )
    def test_of_the_address_is_a_problem_too(
        self, client: FlaskClient, path: str, method: str, status: int, code: str
    ) -> None:
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)
        assert answer.mimetype == "application/problem+json"
        assert ("Allow" in answer.headers) is (status == 405)


class TestBody:
    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'"x"', b"null", b'{"username": NaN}', b"[" * 100_000])
    def test_that_is_no_json_object_is_refused(self, client: FlaskClient, body: bytes) -> None:
        answer = client.post(SIGN_IN, data=body, content_type="application/json")
        assert answer.status_code in {400, 422}, answer.status_code
        assert answer.mimetype == "application/problem+json"

    def test_that_is_too_long_is_refused(self, client: FlaskClient) -> None:
        body = b'{"username": "' + b"x" * LARGEST_JSON_BYTES + b'"}'
        assert client.post(SIGN_IN, data=body, content_type="application/json").status_code == 413


def test_a_request_sees_nothing_before_it_is_known_whose_it_is(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread has served somebody with an open wall before."""
    factories.file_tip(client)
    enter_wall(OPEN_WALL)
    seen: list[Any] = []

    def authenticator() -> Actor:
        seen.append(db.session.scalar(text("SELECT count(*) FROM handlings")))
        raise errors.NotSignedIn

    monkeypatch.setitem(registry(app).authenticators, Audience.OFFICER, authenticator)
    assert client.get("/api/v1/office/tips").status_code == 401
    assert seen == [0]
    assert db.session.scalar(text("SELECT count(*) FROM handlings")) == 1, "the test itself sees it"
