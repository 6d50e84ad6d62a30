"""What tests need to exist: the office, signed-in officers, tips filed through the real service. All persons invented."""

from __future__ import annotations

import io
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import select

from app.demo.office import demo_accounts, demo_units
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, new_id, transaction
from app.foundation.http import Audience
from app.foundation.permissions import PROGRAM, Actor, Role
from app.identity import passwords, service, tokens
from app.identity.models import Account, Unit
from app.outbox import service as outbox
from app.workflow import calendar
from app.workflow.models import Handling

PASSWORD = "Correct-Horse-7"

XINSHI, TIANSHAN, SHUIMOGOU = "650104", "650102", "650105"


def make_office() -> None:
    """Units, calendar and accounts of the demo; all accounts share one password (hashed once: argon2 is slow)."""
    forget_sessions()
    hashed = passwords.hash_password(PASSWORD)
    with transaction(OPEN_WALL):
        service.import_units(PROGRAM, demo_units())
        with calendar.SEED.open(encoding="utf-8") as source:
            calendar.import_calendar(PROGRAM, source)
        units = {unit.division_code: unit.id for unit in db.session.scalars(select(Unit))}
        second = [
            {"username": "city.reviewer2", "role": Role.CITY_REVIEWER.value, "division": "650100"},
            {"username": "city.adjuster2", "role": Role.CITY_ADJUSTER.value, "division": "650100"},
        ]
        for line in [*demo_accounts(), *second]:
            db.session.add(
                Account(
                    id=new_id(),
                    username=line["username"],
                    display_name=f"测试{Role(line['role']).text}",
                    password_hash=hashed,
                    role=line["role"],
                    unit_id=units[line["division"]],
                    password_changed_at=clock.now(),
                    created_at=clock.now(),
                )
            )
    db.session.remove()


def colleague_of(username: str) -> str:
    """A second person of the same unit and role."""
    with transaction(OPEN_WALL):
        person = db.session.scalars(select(Account).where(Account.username == username)).one()
        columns = {column.name: getattr(person, column.name) for column in Account.__table__.columns}
        name = f"{username}.colleague"
        db.session.add(Account(**columns | {"id": new_id(), "username": name}))
    return name


def actor(username: str) -> Actor:
    """A signed-in officer by user name ("city.reviewer", "district.650104", …)."""
    with transaction(OPEN_WALL):
        account = db.session.scalars(select(Account).where(Account.username == username)).one()
        return service.open_session(account, Audience.OFFICER)[1]


def office_headers(username: str) -> dict[str, str]:
    """The Authorization header of an officer who signs in at the first call of a test's day."""
    key = username, clock.today()
    if key not in _signed_in:
        person = actor(username)
        assert person.session_id is not None
        _signed_in[key], _ = tokens.issue(Audience.OFFICER, str(person.account_id), person.session_id, clock.now())
    return {"Authorization": f"Bearer {_signed_in[key]}"}


def forget_sessions() -> None:
    """Whoever signed in has to do so again."""
    _signed_in.clear()


_signed_in: dict[tuple[str, date], str] = {}


def reporter_headers(openid: str = "openid-of-a-test") -> dict[str, str]:
    """The Authorization header of a mini-program session."""
    with transaction(OPEN_WALL):
        token, _ = service.sign_in_reporter(openid)
    return {"Authorization": f"Bearer {token}"}


def tip_body(**changes: Any) -> dict[str, Any]:
    """A complete tip about an invented company, registered in 新市区 and operating in 天山区."""
    body: dict[str, Any] = {
        "client_request_id": str(uuid4()),
        "subject": {
            "kind": "organization",
            "name": "乌鲁木齐瑞丰源投资咨询有限公司",
            "uscc": None,
            "registered_address": "新疆乌鲁木齐市新市区长春中路1号",
            "operating_address": "新疆乌鲁木齐市天山区解放北路2号",
            "contact": "0991-1234567",
            "online_presence": [],
        },
        "conduct": {
            "type": "entrusted_wealth",
            "description": "承诺年化百分之十八，保本付息，面向社会公开宣传。",
            "promised_return": "年化18%",
            "publicity": ["seminar", "wechat_group"],
            "started_on": "2025-03-01",
            "ongoing": True,
            "amount_yuan": "200000.00",
            "participants": 60,
            "loss_yuan": None,
        },
        "place": None,
        "district_guess": None,
        "relation": "participant",
        "reporter": None,
        "evidence": [],
    }
    return body | changes


REPORTER = {
    "name": "阿依古丽·测试",
    "phone": "13900001234",
    "id_number": "650102199001011234",
    "wants_reward": True,
    "reply_channel": "wechat",
}


def file_tip(client: FlaskClient, headers: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """File a tip through the API; returns the receipt."""
    answer = client.post("/api/v1/tips", json=tip_body(**changes), headers=headers)
    assert answer.status_code == 201, answer.get_json()
    receipt: dict[str, Any] = answer.get_json()
    return receipt


def tip_id_of(receipt_number: str) -> UUID:
    """The id behind a receipt number."""
    from app.tips.models import Tip

    with transaction(OPEN_WALL):
        return db.session.scalars(select(Tip.id).where(Tip.receipt_number == receipt_number)).one()


def office_act(client: FlaskClient, username: str, tip_id: UUID, action: str, **given: Any) -> Any:
    """Do an action as an officer with the version that stands now; returns the response."""
    if "expected_version" not in given:
        with transaction(OPEN_WALL):
            given["expected_version"] = (
                db.session.scalar(select(Handling.version).where(Handling.tip_id == tip_id)) or 1
            )
    body = {"action": action, **given}
    return client.post(f"/api/v1/office/tips/{tip_id}/actions", json=body, headers=office_headers(username))


def clear_subject() -> dict[str, Any]:
    """The same company without a place of operation: nothing about where its tip belongs is in dispute."""
    subject: dict[str, Any] = tip_body()["subject"]
    return subject | {"operating_address": None}


def verifying_tip(client: FlaskClient, division: str = XINSHI, **changes: Any) -> UUID:
    """A tip that was accepted, assigned to ``division`` and signed for there."""
    tip_id = tip_id_of(file_tip(client, **changes)["receipt_number"])
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": division}),
        (f"district.{division}", "sign_for", {}),
    ):
        answer = office_act(client, username, tip_id, action, **given)
        assert answer.status_code == 200, answer.get_json()
    return tip_id


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def upload(
    client: FlaskClient, headers: dict[str, str] | None = None, content: bytes = PNG, name: str = "照片.png"
) -> Any:
    """Send one file; officers' door when headers are those of an officer."""
    path = "/api/v1/office/uploads" if headers else "/api/v1/uploads"
    return client.post(path, data={"file": (io.BytesIO(content), name)}, headers=headers)


def crypto_of(app: Flask | None = None) -> Any:
    """The crypto provider of the application under test."""
    return (app or current_app).extensions["shudi_crypto"]


def deliver() -> None:
    """Run what is due, and what becomes due by it, as relay and worker would."""
    while True:
        with transaction(OPEN_WALL):
            due = outbox.claim_due(100)
        if not due:
            return
        for message_id in due:
            outbox.run_message(message_id)
