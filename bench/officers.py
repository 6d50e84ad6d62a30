"""Officers of the demo's office, signed in, for measurements that act in their name."""

from __future__ import annotations

from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.http import Audience
from app.foundation.permissions import Actor
from app.identity import service as identity
from app.identity import tokens
from app.identity.models import Account


def person(username: str, audience: Audience = Audience.OFFICER) -> Actor:
    """An officer of the demo's office, signed in."""
    with transaction(OPEN_WALL):
        account = db.session.scalars(select(Account).where(Account.username == username)).one()
        return identity.open_session(account, audience)[1]


def token_of(username: str) -> str:
    """A token of the office API for this officer."""
    actor = person(username)
    assert actor.session_id is not None
    return tokens.issue(Audience.OFFICER, str(actor.account_id), actor.session_id, clock.now())[0]
