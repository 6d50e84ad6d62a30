"""Sessions of the office's people: where each comes from, and what ends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select, update

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import NotFound
from app.foundation.permissions import Actor
from app.identity.models import StaffSession


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from: the network address and the browser, as the request tells them."""

    address: str = field(repr=False)
    agent: str = field(default="", repr=False)


def own_sessions(actor: Actor) -> Sequence[StaffSession]:
    """Where this person is signed in, the latest first."""
    return db.session.scalars(
        select(StaffSession)
        .where(
            StaffSession.account_id == actor.account_id,
            StaffSession.revoked_at.is_(None),
            StaffSession.expires_at > clock.now(),
        )
        .order_by(StaffSession.seen_at.desc())
    ).all()


def end_own(actor: Actor, session_id: UUID) -> None:
    """Sign oneself out somewhere else; raise ``NotFound`` for a session that is over or somebody else's."""
    if session_id not in {one.id for one in own_sessions(actor)}:
        raise NotFound("未找到该登录")
    db.session.execute(update(StaffSession).where(StaffSession.id == session_id).values(revoked_at=clock.now()))
    audit.record(actor, "identity.end_sessions", "account", actor.account_id or "", sessions=1)


def end_others(actor: Actor) -> int:
    """Sign oneself out everywhere but here; return how many sessions ended."""
    assert actor.account_id is not None  # noqa: S101  # an officer has an account
    ended = end_all_of(actor.account_id, but=actor.session_id)
    audit.record(actor, "identity.end_sessions", "account", actor.account_id, sessions=ended)
    return ended


def end_all_of(account_id: UUID, *, but: UUID | None = None) -> int:
    """End every session of an account, as a changed password or role and a closed account do; return how many."""
    running = update(StaffSession).where(StaffSession.account_id == account_id, StaffSession.revoked_at.is_(None))
    if but is not None:
        running = running.where(StaffSession.id != but)
    ended = db.session.scalars(running.values(revoked_at=clock.now()).returning(StaffSession.id))
    return len(ended.all())
