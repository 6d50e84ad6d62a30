"""Acting for an absent colleague: a role for a span of days, within one unit, never an administrator's.

Offices are small: one person may act in two roles, but the rules of two and three people count persons, not roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Date, Select, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope
from app.foundation.permissions import DELEGABLE_ROLES, Actor, Permission, Role
from app.identity.models import Account, Delegation

_LONGEST_DAYS: Final = 92


def in_force(day: date | BindParameter[date]) -> ColumnElement[bool]:
    """The delegations that hold on a day."""
    return (Delegation.starts_on <= day) & (Delegation.ends_on >= day) & Delegation.ended_at.is_(None)


def acting_roles(account_id: UUID) -> frozenset[Role]:
    """The roles of absent colleagues that this person acts in today; a colleague who has left delegates nothing."""
    rows = db.session.scalars(acting_roles_of(account_id), {"today": clock.today()})
    return frozenset(Role(role) for role in rows)


def acting_roles_of(account_id: UUID | InstrumentedAttribute[UUID]) -> Select[str]:
    """The same as a question, for one account or as a part of another question, on the day ``today``."""
    absent, today = aliased(Account), bindparam("today", type_=Date)
    return (
        select(Delegation.role)
        .join(absent, absent.id == Delegation.from_account_id)
        .where(Delegation.to_account_id == account_id, in_force(today), absent.in_office(today))
    )


def delegate(
    actor: Actor, from_username: str | None, to_username: str, starts_on: date, ends_on: date, reason: str
) -> Delegation:
    """Let ``to`` act in the role of ``from`` (the actor's own where none is named).

    Raises:
        Forbidden: only the absent person, or the security administrator, delegates.
        InvalidInput: unknown people, another unit, a role that is not delegated, days that make no sense.
    """
    absent = _account("from", from_username) if from_username else db.session.get(Account, actor.account_id)
    colleague = _account("to", to_username)
    if absent is None or (absent.id != actor.account_id and not actor.may(Permission.ROLE_GRANT)):
        raise Forbidden("只能委托本人的职责；代他人委托须由安全管理员办理")
    _check(absent, colleague, starts_on, ends_on)
    row = Delegation(
        id=new_id(),
        from_account_id=absent.id,
        to_account_id=colleague.id,
        role=absent.role,
        starts_on=starts_on,
        ends_on=ends_on,
        reason=reason,
        granted_by=actor.account_id,
        granted_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    days = f"{starts_on} – {ends_on}"
    audit.record(
        actor, "identity.delegate", "account", colleague.id, role=absent.role, absent=str(absent.id), days=days
    )
    return row


def _account(field: str, username: str) -> Account:
    found = db.session.scalar(select(Account).where(Account.username == username, Account.in_office(clock.today())))
    if found is None:
        raise InvalidInput(errors={field: ["没有这个在用账号"]})
    return found


def _check(absent: Account, colleague: Account, starts_on: date, ends_on: date) -> None:
    roles = {absent.granted_role, colleague.granted_role}
    if absent.id == colleague.id or absent.unit_id != colleague.unit_id:
        raise InvalidInput(errors={"to": ["须委托本单位的另一名同事"]})
    if not roles <= DELEGABLE_ROLES:
        raise InvalidInput(errors={"to": ["管理员、审计员和观察员的职责不能委托，也不能代行他人职责"]})
    if not clock.today() <= starts_on <= ends_on:
        raise InvalidInput(errors={"starts_on": ["起止日期应自今天起，且先后有序"]})
    if (ends_on - starts_on).days >= _LONGEST_DAYS:
        raise InvalidInput(errors={"ends_on": [f"一次委托最长 {_LONGEST_DAYS} 天"]})


def end(actor: Actor, delegation_id: UUID) -> Delegation:
    """End a delegation before its time: either person, or the security administrator."""
    row = db.session.scalar(
        select(Delegation).where(Delegation.id == delegation_id, _within_sight(actor)).with_for_update()
    )
    if row is None:
        raise OutOfScope("未找到该委托", extra={"audit_object": ("delegation", str(delegation_id))})
    if row.ended_at is not None or row.ends_on < clock.today():
        raise Conflict("该委托已结束", code="delegation_over")
    row.ended_at = clock.now()
    db.session.flush()
    audit.record(actor, "identity.end_delegation", "account", row.to_account_id, role=row.role)
    return row


def delegations(actor: Actor) -> Sequence[Delegation]:
    """Delegations within sight that hold now or will, the nearest first."""
    running = (Delegation.ends_on >= clock.today()) & Delegation.ended_at.is_(None)
    return db.session.scalars(
        select(Delegation).where(_within_sight(actor), running).order_by(Delegation.starts_on, Delegation.id)
    ).all()


def _within_sight(actor: Actor) -> ColumnElement[bool]:
    if actor.may(Permission.ROLE_GRANT):
        return Delegation.id.is_not(None)
    return or_(Delegation.from_account_id == actor.account_id, Delegation.to_account_id == actor.account_id)
