"""Sessions of the office's people: whose each is, where it comes from, and what ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select, update

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, read_rows
from app.foundation.errors import NotFound, NotSignedIn
from app.foundation.http import Audience
from app.foundation.permissions import Actor, Role, held_back, officer
from app.identity import delegation, passwords
from app.identity.models import Account, StaffSession, Unit

SEEN_EVERY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from: the network address and the browser, as the request tells them."""

    address: str = field(repr=False)
    agent: str = field(default="", repr=False)


def actor_of_session(session_id: UUID, audience: Audience) -> Actor:
    """The officer of a live session; raise ``NotSignedIn`` when it is revoked, expired or idle too long.

    A session begun in another role than the present one is over. While a step of the sign-in is due, the actor may do
    that step and nothing else.
    """
    return _actor_and_last_look(session_id, audience)[0]


class Person(Protocol):
    """What a request asks of an account: the account itself, or a row with these columns of it."""

    id: Any
    display_name: Any
    role: Any
    unit_id: Any
    must_change_password: Any
    password_changed_at: Any
    sealed_otp_secret: Any


def officer_of(
    account: Person, unit_name: str, division_code: str, acting: frozenset[Role], session_id: UUID | None = None
) -> Actor:
    """The person of an account that serves today, in a session or, for a job, in none."""
    return officer(
        account.id,
        account.display_name,
        Role(account.role),
        account.unit_id,
        unit_name,
        division_code,
        session_id,
        acting,
    )


def actor_at_console(session_id: UUID) -> tuple[Actor, bool]:
    """The officer of a live console session, and whether :func:`touch_session` is due; raise ``NotSignedIn``."""
    actor, seen_at = _actor_and_last_look(session_id, Audience.CONSOLE)
    return actor, seen_at < clock.now() - SEEN_EVERY


def _actor_and_last_look(session_id: UUID, audience: Audience) -> tuple[Actor, datetime]:
    moment, given = clock.now(), {"session_id": session_id, "audience": audience.value, "today": clock.today()}
    found = read_rows(_OF_SESSION, now=moment, **given)
    if not found:
        raise NotSignedIn("登录已失效，请重新登录")
    row = found[0]
    if audience is Audience.CONSOLE and row.seen_at < moment - passwords.rules().console_idle:
        raise NotSignedIn("长时间未操作，请重新登录")
    acting = frozenset(Role(role) for role in row.acting)
    actor = officer_of(row, row.unit_name, row.division_code, acting, session_id)
    step = due_step(row, row.signed_in_at)
    return held_back(actor, step) if step else actor, row.seen_at


# Every request of the office asks it.
_OF_SESSION: Final = (
    select(
        Account.id,
        Account.display_name,
        Account.role,
        Account.unit_id,
        Account.must_change_password,
        Account.password_changed_at,
        Account.sealed_otp_secret,
        StaffSession.created_at.label("signed_in_at"),
        StaffSession.seen_at,
        Unit.name.label("unit_name"),
        Unit.division_code,
        func.array(delegation.acting_roles_of(Account.id).scalar_subquery()).label("acting"),
    )
    .join(StaffSession, StaffSession.account_id == Account.id)
    .join(Unit, Unit.id == Account.unit_id)
    .where(
        StaffSession.id == bindparam("session_id"),
        StaffSession.audience == bindparam("audience"),
        StaffSession.revoked_at.is_(None),
        StaffSession.expires_at > bindparam("now"),
        Account.in_office(bindparam("today")),
        or_(StaffSession.role.is_(None), StaffSession.role == Account.role),
    )
)


def due_step(account: Person, signed_in_at: datetime) -> str:
    """What this person must do before anything else: ``password``, ``second_factor``, or nothing.

    A password grows too old between sign-ins, never in the middle of a piece of work.
    """
    rules = passwords.rules()
    aged = rules.password_age is not None and account.password_changed_at < signed_in_at - rules.password_age
    if account.must_change_password or aged:
        return "password"
    asked = rules.second_factor_roles is None or account.role in rules.second_factor_roles
    return "second_factor" if asked and account.sealed_otp_secret is None else ""


def touch_session(session_id: UUID) -> None:
    """Remember that the person is still there (the idle time-out counts from it)."""
    db.session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.seen_at < clock.now() - SEEN_EVERY)
        .values(seen_at=clock.now())
    )


def own_sessions(actor: Actor) -> Sequence[StaffSession]:
    """Where this person is signed in, the latest first."""
    return db.session.scalars(
        select(StaffSession)
        .where(
            StaffSession.account_id == actor.account_id,
            StaffSession.revoked_at.is_(None),
            StaffSession.expires_at > clock.now(),
        )
        .order_by(StaffSession.seen_at.desc(), StaffSession.id.desc())
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
