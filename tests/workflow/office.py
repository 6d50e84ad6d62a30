"""Handling as officers do it in tests: through the services, each person under the own name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.workflow import reassignment, service
from app.workflow.models import Handling, Reassignment
from tests import factories
from tests.moments import morning_of

HANDLER = f"district.{factories.XINSHI}"
OTHER = f"district.{factories.TIANSHAN}"


@contextmanager
def on(day: date) -> Iterator[None]:
    """The morning of a day."""
    with clock.stopped_at(morning_of(day)):
        yield


def handling(tip_id: UUID) -> Handling:
    return service.lock_for_reassignment(tip_id)


def do(username: str, tip_id: UUID, action: str, **given: Any) -> Handling:
    """One action with the version that stands."""
    person = factories.actor(username)
    with transaction(OPEN_WALL):
        return service.act(person, tip_id, action, handling(tip_id).version, given)


def registered(client: FlaskClient, **changes: Any) -> UUID:
    return factories.tip_id_of(factories.file_tip(client, **changes)["receipt_number"])


def assigned(client: FlaskClient, division: str = factories.XINSHI, **changes: Any) -> UUID:
    tip_id = registered(client, **changes)
    do("city.reviewer", tip_id, "accept")
    do("city.reviewer", tip_id, "assign", division=division)
    return tip_id


def verifying(client: FlaskClient, division: str = factories.XINSHI, **changes: Any) -> UUID:
    tip_id = assigned(client, division, **changes)
    do(f"district.{division}", tip_id, "sign_for")
    return tip_id


def evidence(client: FlaskClient, username: str) -> UUID:
    return UUID(factories.upload(client, factories.office_headers(username)).get_json()["id"])


def apply(
    client: FlaskClient, tip_id: UUID, to: str = factories.TIANSHAN, username: str = HANDLER, **changes: Any
) -> Reassignment:
    """A request with evidence."""
    given = {
        "to_division": to,
        "ground": "registered_elsewhere",
        "reason": "登记地在该区。",
    } | changes
    if "evidence" not in given:
        given["evidence"] = [evidence(client, username)]
    person = factories.actor(username)
    with transaction(OPEN_WALL):
        return reassignment.apply(person, tip_id, handling(tip_id).version, given)


def step(username: str, request: Reassignment, action: str, **given: Any) -> Reassignment:
    person = factories.actor(username)
    with transaction(OPEN_WALL):
        version = db.session.get_one(Reassignment, request.id, populate_existing=True).version
        return reassignment.act(person, request.id, action, version, {"reason": "理由。", "evidence": []} | given)


def moved(client: FlaskClient, tip_id: UUID, to: str, username: str) -> Reassignment:
    """A request carried through to the new unit's signature."""
    request = apply(client, tip_id, to, username)
    reviewer = "city.leader" if request.again else "city.reviewer2" if username == "city.reviewer" else "city.reviewer"
    step(reviewer, request, "approve")
    step("city.adjuster", request, "adjust")
    return step(f"district.{to}", request, "confirm")
