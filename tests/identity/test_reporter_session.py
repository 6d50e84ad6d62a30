"""Sessions of the mini-program: revocable, and never a trace towards an anonymous tip."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.foundation import clock
from app.identity.models import WechatUser
from tests import factories


def test_signing_out_ends_every_token_of_the_person(client: FlaskClient) -> None:
    headers = factories.reporter_headers()
    assert client.get("/api/v1/tips", headers=headers).status_code == 200
    assert client.delete("/api/v1/session", headers=headers).status_code == 200
    assert client.get("/api/v1/tips", headers=headers).status_code == 401


def test_only_the_day_of_a_first_sign_in_is_stored(client: FlaskClient, session: Session) -> None:
    answer = client.post("/api/v1/session", json={"code": "somebody-new"})
    assert answer.status_code == 201
    stored = session.scalars(select(WechatUser)).one()
    assert stored.created_at == stored.tokens_valid_from == clock.start_of_today()
