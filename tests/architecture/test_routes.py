"""Laws about doors: every route names who may enter, no write under a read permission, no answer without a shape."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.foundation.http import OPEN_TECHNICAL_ENDPOINTS, Audience, Policy, endpoint, page, refuse_undeclared_routes
from app.foundation.permissions import ROLE_PERMISSIONS, Actor, Permission, Role
from tests import factories

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def _rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in OPEN_TECHNICAL_ENDPOINTS]


def _policy(app: Flask, rule: Rule) -> Policy:
    policy: Policy = app.view_functions[rule.endpoint].policy  # type: ignore[attr-defined]
    return policy


def _path(rule: Rule) -> str:
    """A path of the rule with arguments that fit and mean nothing."""
    filled = re.sub(r"<uuid:\w+>", str(uuid4()), rule.rule)
    return re.sub(r"<(?:\w+:)?\w+>", "1", filled)


def test_every_route_names_a_policy(session_app: Flask) -> None:
    assert all(isinstance(_policy(session_app, rule), Policy) for rule in _rules(session_app))


def test_an_undeclared_route_keeps_the_program_from_starting() -> None:
    app = Flask("undeclared", static_folder=None)
    app.add_url_rule("/forgotten", "forgotten", lambda: "")
    with pytest.raises(RuntimeError, match="/forgotten"):
        refuse_undeclared_routes(app)


def test_open_technical_routes_only_serve_files(session_app: Flask) -> None:
    found = [rule for rule in session_app.url_map.iter_rules() if rule.endpoint in OPEN_TECHNICAL_ENDPOINTS]
    assert all((rule.methods or set()) <= {"GET", "HEAD", "OPTIONS"} for rule in found)
    assert all("static" in rule.endpoint for rule in found)


def test_no_write_under_a_read_permission(session_app: Flask) -> None:
    """A changing method either changes under a changing permission, or says that it changes nothing itself."""
    wrong = [
        f"{rule.rule} {_policy(session_app, rule)}"
        for rule in _rules(session_app)
        if _policy(session_app, rule).changes and _policy(session_app, rule).permission.reads_only
    ]
    assert wrong == []


def test_reading_methods_change_nothing(session_app: Flask) -> None:
    wrong = [
        rule.rule
        for rule in _rules(session_app)
        if not (rule.methods or set()) & CHANGING and _policy(session_app, rule).changes
    ]
    assert wrong == []


@pytest.mark.parametrize("declare", [endpoint, page])
def test_declaring_a_write_under_a_read_permission_is_refused(declare: Any) -> None:
    with pytest.raises(TypeError, match="read permission"):
        declare(audience=Audience.OFFICER, permission=Permission.TIP_READ, changes=True)


def test_office_routes_are_for_officers(session_app: Flask) -> None:
    wrong = [
        rule.rule
        for rule in _rules(session_app)
        if rule.rule.startswith("/api/v1/office/")
        and _policy(session_app, rule).audience is not Audience.OFFICER
        and rule.rule != "/api/v1/office/session"  # where one becomes one
    ]
    assert wrong == []


def _office_calls(app: Flask) -> list[tuple[str, str]]:
    return sorted(
        (method, _path(rule))
        for rule in _rules(app)
        if rule.rule.startswith("/api/v1/office/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if (method, rule.rule) != ("POST", "/api/v1/office/session")
    )


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic b2ZmaWNlcjpwYXNz", "Bearer"])
def test_every_office_route_refuses_strangers(app: Flask, client: FlaskClient, header: str | None) -> None:
    headers = {"Authorization": header} if header else None
    for method, path in _office_calls(app):
        answer = client.open(path, method=method, json={} if method in CHANGING else None, headers=headers)
        assert answer.status_code == 401, (method, path, answer.get_json())
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["code"] == "not_signed_in"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_every_office_route_refuses_the_public(app: Flask, client: FlaskClient) -> None:
    """A mini-program token is good, but for another audience."""
    headers = factories.reporter_headers()
    for method, path in _office_calls(app):
        answer = client.open(path, method=method, json={} if method in CHANGING else None, headers=headers)
        assert answer.status_code == 401, (method, path)


def test_console_pages_refuse_strangers(app: Flask, client: FlaskClient) -> None:
    """Without a cookie a page leads to the sign-in or refuses; it never shows itself."""
    for rule in _rules(app):
        if _policy(app, rule).audience is not Audience.CONSOLE:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = client.open(_path(rule), method=method)
            assert answer.status_code in {301, 302, 303, 400, 401, 403}, (method, rule.rule, answer.status_code)


UNKNOWN = ["/api/v1/nothing", "/api/v1/office/nothing", "/api/v1/office/tips/not-a-uuid", "/api/v2/tips", "/api/"]


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_route_answers_a_problem_document(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method)
    problem = answer.get_json()
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert set(problem) >= {"type", "title", "status", "code", "request_id"}
    assert (problem["status"], problem["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/api/v1/tips"), ("PUT", "/api/v1/tips"), ("GET", "/api/v1/session"), ("GET", "/api/v1/tips/query"),
     ("POST", "/api/v1/office/tips"), ("PATCH", "/api/v1/office/audit")],
)  # fmt: skip
def test_a_wrong_method_answers_a_problem_document(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == 405
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["code"] == "method_not_allowed"
    assert answer.headers["Allow"]


def test_role_table_names_every_role_and_grants_nobody_everything() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert all(granted < set(Permission) for granted in ROLE_PERMISSIONS.values())


def test_administrators_see_no_business_data() -> None:
    """Three administrators apart (GB/T 22239-2019): none reads tips, and each has a power the other two lack."""
    business = {
        p for p in Permission if p.value.partition(".")[0] in {"tip", "identity", "evidence", "reassignment", "case"}
    }
    administrators = [Role.SYS_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR]
    for role in administrators:
        assert not ROLE_PERMISSIONS[role] & business
        others = set().union(*(ROLE_PERMISSIONS[other] for other in administrators if other is not role))
        assert ROLE_PERMISSIONS[role] - others


def test_readers_of_the_audit_log_are_auditors_alone() -> None:
    assert [role for role in Role if Permission.AUDIT_READ in ROLE_PERMISSIONS[role]] == [Role.AUDITOR]


def test_observers_and_leaders_write_no_handling() -> None:
    written = {
        p
        for p in Permission
        if p.value.startswith(("tip.", "reassignment.", "evidence.", "case.")) and not p.reads_only
    }
    assert not ROLE_PERMISSIONS[Role.PROVINCE_OBSERVER] & written
    assert ROLE_PERMISSIONS[Role.CITY_LEADER] & written == {Permission.TIP_LEAD, Permission.CASE_LEAD}


def test_an_actor_without_grants_may_nothing() -> None:
    assert not any(Actor(kind="officer").may(permission) for permission in Permission)
    assert Actor(kind="officer").wall == ""
