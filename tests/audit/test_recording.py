"""A row is written with its deed: rolled back with it, and kept where a refusal must be seen."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.audit import chain, service
from app.audit.models import AuditEvent
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import Conflict
from app.foundation.permissions import PROGRAM
from tests import factories
from tests.moments import MONDAY_MORNING


def events(action: str) -> list[AuditEvent]:
    with transaction(OPEN_WALL) as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


def test_a_row_tells_who_when_what_and_on_what(app: Flask) -> None:
    officer = factories.actor("district.650104")
    with clock.stopped_at(MONDAY_MORNING), transaction(OPEN_WALL):
        service.record(officer, "tests.deed", "thing", 7, colour="red")
    (row,) = events("tests.deed")
    assert (row.at, row.object_type, row.object_id, row.details) == (MONDAY_MORNING, "thing", "7", {"colour": "red"})
    assert (row.actor_kind, row.actor_id, row.actor_name) == ("officer", officer.account_id, officer.name)
    assert (row.actor_role, row.unit_id, row.succeeded) == ("district_handler", officer.unit_id, True)
    assert (row.seq, row.digest) == (None, None), "sealed later, not on the path of the deed"


def test_a_deed_that_fails_afterwards_leaves_no_row(app: Flask) -> None:
    with pytest.raises(Conflict), transaction(OPEN_WALL):
        service.record(PROGRAM, "tests.deed", "thing", 1)
        raise Conflict
    assert events("tests.deed") == []


def test_a_deed_of_the_api_and_its_row_come_together(client: FlaskClient) -> None:
    tip_id = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
    assert factories.office_act(client, "city.reviewer", tip_id, "accept").status_code == 200
    (row,) = events("workflow.accept")
    assert (row.object_id, row.succeeded, row.actor_role) == (str(tip_id), True, "city_reviewer")


def test_a_refused_deed_leaves_the_refusal_alone(client: FlaskClient) -> None:
    tip_id = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
    answer = factories.office_act(client, "city.reviewer", tip_id, "archive")
    assert answer.status_code == 409
    assert [row for row in events("workflow.archive") if row.succeeded] == []
    with transaction(OPEN_WALL) as session:
        refused = list(session.scalars(select(AuditEvent).where(AuditEvent.succeeded.is_(False))))
    assert [(row.object_id, row.details["code"], row.actor_role) for row in refused] == [
        (str(tip_id), "transition_not_allowed", "city_reviewer")
    ]


def test_a_permission_that_is_missing_is_remembered(client: FlaskClient) -> None:
    assert client.get("/api/v1/office/audit", headers=factories.office_headers("city.leader")).status_code == 403
    (row,) = events("office_audit.list_events")
    assert (row.succeeded, row.details, row.actor_role) == (False, {"code": "forbidden"}, "city_leader")


def test_a_slip_of_the_pen_is_no_matter_for_the_auditor(client: FlaskClient) -> None:
    headers = factories.office_headers("auditor")
    assert client.get("/api/v1/office/audit?limit=0", headers=headers).status_code == 422
    assert events("office_audit.list_events") == []


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor_name = '他人'",
        "UPDATE audit_events SET details = '{}'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER USER",
    ],
)
def test_the_program_itself_cannot_change_the_log(app: Flask, statement: str, sealed: bool) -> None:
    with transaction(OPEN_WALL):
        service.record(PROGRAM, "tests.deed", "thing", 1)
    if sealed:
        with transaction(OPEN_WALL):
            assert chain.seal_pending(factories.crypto_of())
    with pytest.raises(DBAPIError, match=r"append-only|permission denied|must be owner"), transaction(OPEN_WALL):
        db.session.execute(text(statement))
    (row,) = events("tests.deed")
    assert row.actor_name == "系统"


def test_a_seal_is_set_once(app: Flask) -> None:
    with transaction(OPEN_WALL):
        assert chain.seal_pending(factories.crypto_of()), "the office of the tests has left rows"
    with pytest.raises(DBAPIError, match="append-only"), transaction(OPEN_WALL):
        db.session.execute(text("UPDATE audit_events SET digest = previous_digest"))


@pytest.mark.parametrize("statement", ["DELETE FROM audit_events", "UPDATE audit_events SET actor_name = '他人'"])
def test_even_the_owner_meets_the_trigger(app: Flask, statement: str) -> None:
    with transaction(OPEN_WALL):
        service.record(PROGRAM, "tests.deed", "thing", 1)
    with pytest.raises(DBAPIError, match="append-only"), transaction(OPEN_WALL):
        db.session.execute(text("RESET ROLE"))
        db.session.execute(text(statement))
