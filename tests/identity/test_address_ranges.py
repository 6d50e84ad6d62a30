"""Networks by role: at the sign-in and at each request, dated, and hard to shut oneself out with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app
from app.audit.models import AuditEvent
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import Forbidden, InvalidInput
from app.foundation.permissions import PROGRAM, Role
from app.identity import address_ranges
from tests import factories
from tests.moments import MONDAY_MORNING

WORK = "/api/v1/office/delegations"
INSIDE, OUTSIDE = "10.1.2.3", "203.0.113.7"


@pytest.fixture(autouse=True)
def held_clock() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield


def allow(role: Role, text: str, **more: Any) -> None:
    with transaction(OPEN_WALL):
        address_ranges.set_networks(
            PROGRAM, role, address_ranges.parsed(text), more.pop("starts_at", None), "等保要求", address=None, **more
        )


def status(client: FlaskClient, headers: dict[str, str], address: str) -> int:
    return client.get(WORK, headers=headers, environ_base={"REMOTE_ADDR": address}).status_code


def test_each_request_and_each_sign_in_from_outside_is_refused(client: FlaskClient) -> None:
    headers, other = factories.office_headers("district.650104"), factories.office_headers("city.reviewer")
    allow(Role.DISTRICT_HANDLER, "10.1.0.0/16, 192.168.0.5\n2001:db8::/32")
    assert [status(client, headers, one) for one in (INSIDE, "192.168.0.5", "2001:db8::1", "::ffff:10.1.2.3")] == [
        200
    ] * 4
    assert [status(client, headers, one) for one in (OUTSIDE, "10.2.0.1", "2001:db9::1", "")] == [403] * 4
    assert status(client, other, OUTSIDE) == 200, "another role is another matter"
    body = {"username": "district.650104", "password": factories.PASSWORD}
    answer = client.post("/api/v1/office/session", json=body, environ_base={"REMOTE_ADDR": OUTSIDE})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "address_not_allowed")
    assert "办公网络" in answer.get_json()["detail"]
    with transaction(OPEN_WALL) as session:
        told = session.scalars(select(AuditEvent).where(~AuditEvent.succeeded).order_by(AuditEvent.id.desc())).first()
    assert told is not None
    assert told.details == {"code": "address_not_allowed"}


def test_what_the_caller_says_of_the_address_counts_for_nothing(client: FlaskClient) -> None:
    headers = factories.office_headers("district.650104")
    allow(Role.DISTRICT_HANDLER, "10.1.0.0/16")
    assert status(client, headers | {"X-Forwarded-For": INSIDE}, OUTSIDE) == 403


def test_a_proxy_of_ones_own_is_believed_as_far_as_the_setting_says(session_app: Flask) -> None:
    from dataclasses import replace

    behind = create_app(replace(session_app.extensions["shudi_settings"], trusted_proxies=1))
    seen: list[str | None] = []
    behind.before_request_funcs.setdefault(None, []).append(
        lambda: seen.append(__import__("flask").request.remote_addr)
    )
    behind.test_client().get("/healthz", headers={"X-Forwarded-For": f"{INSIDE}, {OUTSIDE}"})
    assert seen == [OUTSIDE], "the last hop alone: what stood before it was said by the caller"


def test_rows_are_dated_and_the_newest_counts(client: FlaskClient) -> None:
    headers = factories.office_headers("district.650104")
    allow(Role.DISTRICT_HANDLER, "10.1.0.0/16", starts_at=MONDAY_MORNING + timedelta(hours=1))
    assert status(client, headers, OUTSIDE) == 200
    with clock.stopped_at(MONDAY_MORNING + timedelta(hours=1)):
        assert status(client, headers, OUTSIDE) == 403
        allow(Role.DISTRICT_HANDLER, "")
        assert status(client, headers, OUTSIDE) == 200
    with transaction(OPEN_WALL) as session:
        rows = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "identity.set_networks").order_by(AuditEvent.id)
        ).all()
    assert [(row.details["before"], row.details["after"]) for row in rows] == [
        ([], ["10.1.0.0/16"]),
        (["10.1.0.0/16"], []),
    ]


def test_who_acts_in_a_role_is_bound_by_its_networks_too(client: FlaskClient) -> None:
    leader = factories.office_headers("city.leader")
    body = {"to": "city.reviewer", "starts_on": "2026-03-02", "ends_on": "2026-03-03", "reason": "出差"}
    assert client.post(WORK, json=body, headers=leader).status_code == 201
    allow(Role.CITY_LEADER, "10.1.0.0/16")
    reviewer = factories.office_headers("city.reviewer")
    assert [status(client, reviewer, one) for one in (INSIDE, OUTSIDE)] == [200, 403]


def test_nobody_shuts_himself_out_without_having_read_so(app: Flask) -> None:
    person = factories.actor("secadmin")
    networks = address_ranges.parsed("10.1.0.0/16")

    def set_own(address: str, **more: bool) -> None:
        address_ranges.set_networks(person, Role.SECURITY_ADMIN, networks, None, "等保要求", address=address, **more)

    with pytest.raises(InvalidInput) as refused:
        set_own(OUTSIDE)
    assert "您本人将无法登录" in refused.value.errors["even_without_me"][0]
    set_own(INSIDE)
    set_own(OUTSIDE, even_without_me=True)


@pytest.mark.parametrize("username", ["sysadmin", "auditor", "city.leader"])
def test_is_for_the_security_administrator_alone(app: Flask, username: str) -> None:
    with pytest.raises(Forbidden):
        address_ranges.set_networks(factories.actor(username), Role.AUDITOR, (), None, "x", address=INSIDE)


@pytest.mark.parametrize("text", ["10.1.0.1/16", "10.1.0", "办公室", "10.1.0.0/33", "1" * 5000, "10.0.0.0/8 x"])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        address_ranges.parsed(text)
    assert list(refused.value.errors) == ["networks"]


def test_the_past_is_not_rewritten(app: Flask) -> None:
    with pytest.raises(InvalidInput) as refused:
        allow(Role.AUDITOR, "10.1.0.0/16", starts_at=MONDAY_MORNING - timedelta(minutes=5))
    assert list(refused.value.errors) == ["starts_at"]
