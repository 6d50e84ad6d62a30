"""What a reporter does after filing, as the page does it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text

from app.foundation.database import OPEN_WALL, transaction
from app.outbox import service as outbox
from tests import factories

CODES = ("receipt_number", "query_code")


def codes_of(receipt: dict[str, Any]) -> dict[str, str]:
    """The two numbers that a reporter keeps."""
    return {name: receipt[name] for name in CODES}


def call(client: FlaskClient, path: str, receipt: dict[str, Any], address: str = "203.0.113.9", **given: Any) -> Any:
    """Call a public path with the codes of ``receipt``."""
    body = codes_of(receipt) | given
    return client.post(f"/api/v1/tips/{path}", json=body, environ_overrides={"REMOTE_ADDR": address})


def progress(client: FlaskClient, receipt: dict[str, Any]) -> dict[str, Any]:
    """What the reporter sees."""
    answer = call(client, "query", receipt)
    assert answer.status_code == 200, answer.get_json()
    shown: dict[str, Any] = answer.get_json()
    return shown


def office_sees(client: FlaskClient, tip_id: UUID, username: str = "city.reviewer") -> dict[str, Any]:
    """What an officer sees."""
    answer = client.get(f"/api/v1/office/tips/{tip_id}", headers=factories.office_headers(username))
    assert answer.status_code == 200, answer.get_json()
    shown: dict[str, Any] = answer.get_json()
    return shown


def replied_tip(client: FlaskClient, **changes: Any) -> tuple[dict[str, Any], UUID]:
    """A tip that went all the way to its reply: (receipt, id)."""
    receipt = factories.file_tip(client, **changes)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": factories.XINSHI}),
        ("district.650104", "sign_for", {}),
        ("district.650104", "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "情况属实。"}),
        ("city.reviewer", "conclude", {}),
        ("city.reviewer", "reply", {"text": "您反映的情况已依法处理。"}),
    ):
        answer = factories.office_act(client, username, tip_id, action, **given)
        assert answer.status_code == 200, (action, answer.get_json())
    return receipt, tip_id


def run_outbox() -> None:
    """Let the outbox produce every effect that waits, one after the other."""
    with transaction(OPEN_WALL) as session:
        rows = session.execute(text("SELECT id FROM outbox_messages WHERE done_at IS NULL ORDER BY id")).all()
    for (message_id,) in rows:
        outbox.run_message(message_id)
