"""Handing over everything open when somebody leaves: requests, notices, delegations; the account opens nothing after.

Tips and queues belong to units and roles, so they stay where they are; what hangs on a person goes to the successor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select, update

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Forbidden, InvalidInput
from app.foundation.permissions import Actor, Permission
from app.identity import sessions
from app.identity.models import Account, Delegation
from app.identity.units import counts_open_items
from app.outbox import service as outbox
from app.workflow.models import Handling, Reassignment
from app.workflow.states import OPEN_REASSIGNMENTS, OPEN_STATUSES

HANDED_OVER: Final = "notifications.handed_over"
"""The outbox topic: what the leaver has not read, the successor reads."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What changed hands."""

    requests: int
    delegations: int


def hand_over(actor: Actor, leaver_name: str, successor_name: str) -> HandedOver:
    """Give a leaver's open items to a colleague of the same unit and role, and close the account.

    The successor becomes the applicant of the leaver's open requests, and by that none of their reviewers.

    Raises:
        Forbidden: only who manages accounts. InvalidInput: unknown people, another unit or role.
    """
    leaver, successor = _pair(actor, leaver_name, successor_name)
    requests = db.session.scalars(
        update(Reassignment)
        .where(Reassignment.applicant_id == leaver.id, Reassignment.status.in_(sorted(OPEN_REASSIGNMENTS)))
        .values(applicant_id=successor.id)
        .returning(Reassignment.id)
        .execution_options(synchronize_session=False)
    ).all()
    given = HandedOver(len(requests), _end_delegations(leaver))
    leaver.active = False
    db.session.flush()
    sessions.end_all_of(leaver.id)
    outbox.leave(HANDED_OVER, leaver=str(leaver.id), successor=str(successor.id))
    audit.record(
        actor,
        "workflow.hand_over",
        "account",
        leaver.id,
        successor=str(successor.id),
        requests=[str(r) for r in requests],
    )
    return given


def would_hand_over(actor: Actor, leaver_name: str, successor_name: str) -> HandedOver:
    """What :func:`hand_over` would give; raises as it does."""
    leaver, _ = _pair(actor, leaver_name, successor_name)
    asked = select(func.count()).where(
        Reassignment.applicant_id == leaver.id, Reassignment.status.in_(sorted(OPEN_REASSIGNMENTS))
    )
    acting = select(func.count()).select_from(Delegation).where(*_running(leaver))
    return HandedOver(db.session.scalar(asked) or 0, db.session.scalar(acting) or 0)


def _pair(actor: Actor, leaver_name: str, successor_name: str) -> tuple[Account, Account]:
    if not actor.may(Permission.ACCOUNT_MANAGE):
        raise Forbidden("只有系统管理员可以办理移交")
    leaver, successor = _account("from", leaver_name), _account("to", successor_name)
    if leaver.id == successor.id or (leaver.unit_id, leaver.role) != (successor.unit_id, successor.role):
        raise InvalidInput(errors={"to": ["须移交给本单位同一职责的另一名同事"]})
    return leaver, successor


def _running(leaver: Account) -> tuple[ColumnElement[bool], ...]:
    either = or_(Delegation.from_account_id == leaver.id, Delegation.to_account_id == leaver.id)
    return either, Delegation.ended_at.is_(None)


def _account(field: str, username: str) -> Account:
    found = db.session.scalar(select(Account).where(Account.username == username, Account.active).with_for_update())
    if found is None:
        raise InvalidInput(errors={field: ["没有这个在用账号"]})
    return found


def _end_delegations(leaver: Account) -> int:
    ended = db.session.scalars(
        update(Delegation)
        .where(*_running(leaver))
        .values(ended_at=clock.now())
        .returning(Delegation.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


@counts_open_items("在办线索")
def open_tips_of(unit_id: int) -> int:
    """Tips that a unit holds and that are not at their end."""
    held = select(func.count()).select_from(Handling)
    return db.session.scalar(held.where(Handling.unit_id == unit_id, Handling.status.in_(sorted(OPEN_STATUSES)))) or 0


@counts_open_items("在办的属地调整")
def open_requests_of(unit_id: int) -> int:
    """Open requests for reassignment that would take a tip from a unit or give it one."""
    either = or_(Reassignment.from_unit_id == unit_id, Reassignment.to_unit_id == unit_id)
    waiting = select(func.count()).select_from(Reassignment)
    return db.session.scalar(waiting.where(either, Reassignment.status.in_(sorted(OPEN_REASSIGNMENTS)))) or 0
