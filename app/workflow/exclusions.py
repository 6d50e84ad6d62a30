"""Stepping aside (回避): a person with an interest reads and acts on nothing of a tip, nor of any about a company.

信访工作条例 Art. 28; 济南市12345条例 Art. 32 (the reporter may ask for it). Whoever steps aside may say so alone; the
leader decides it of others, and alone ends it; nobody ends the own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, bindparam, or_, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, new_id, read_rows, take_turn
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope
from app.foundation.permissions import Actor, Permission
from app.identity.models import Account
from app.workflow.disclosure import reads_statement
from app.workflow.models import Exclusion

AccusedReader = Callable[[UUID], Collection[str]]
_readers: list[AccusedReader] = []


def names_the_accused(reader: AccusedReader) -> AccusedReader:
    """Register what tells the names and codes of a tip's company; this room knows a tip by its id alone."""
    _readers.append(reader)
    return reader


def excluded(actor: Actor, tip_id: UUID) -> bool:
    """Whether this person stands aside from a tip."""
    return tip_id in excluded_from(actor, [tip_id])


def excluded_from(actor: Actor, tip_ids: Collection[UUID]) -> set[UUID]:
    """Which of these tips this person stands aside from."""
    if actor.account_id is None or not tip_ids:
        return set()
    rows = read_rows(_ASIDE, account_id=actor.account_id, tip_ids=list(tip_ids))
    found = {of_tip for of_tip, _ in rows if of_tip is not None}
    companies = {company for of_tip, company in rows if of_tip is None}
    if not companies:
        return found
    return found | {one for one in tip_ids if any(not companies.isdisjoint(reader(one)) for reader in _readers)}


_ASIDE: Final = select(Exclusion.tip_id, Exclusion.company).where(
    Exclusion.account_id == bindparam("account_id"),
    Exclusion.ended_at.is_(None),
    or_(Exclusion.tip_id == any_(bindparam("tip_ids", type_=ARRAY(Uuid))), Exclusion.company.is_not(None)),
)


def perhaps_excluded(actor: Actor, tip_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether :func:`excluded` is worth asking about a tip: for a statement that reads the tip anyway."""
    found = select(Exclusion.id).where(
        Exclusion.account_id == actor.account_id,
        Exclusion.ended_at.is_(None),
        or_(Exclusion.tip_id == tip_id, Exclusion.company.is_not(None)),
    )
    return found.exists()


def refuse_excluded(actor: Actor, tip_id: UUID) -> None:
    """Raise ``Forbidden`` for a person who stands aside: nothing of the tip is read or done (domain rule 13)."""
    if excluded(actor, tip_id):
        about = {"audit_object": ("tip", str(tip_id))}
        raise Forbidden(_ASIDE_TOLD, code="excluded", extra=about)


_ASIDE_TOLD: Final = (
    "您已对该线索回避，不能查看，也不能办理。回避登记有误或者回避情形已经消除的，请联系市级负责人解除回避；"
    "本人的回避不能由本人解除"
)


def exclude(actor: Actor, username: str | None, reason: str, *, tip_id: UUID | None, company: str | None) -> Exclusion:
    """Let a person (the actor where none is named) stand aside from a tip or from a company.

    Raises:
        Forbidden: another person, without being the leader; or somebody who reads no statements, to whom the
            refusals of a company's tips would tell which they are.
        InvalidInput: nobody, or neither tip nor company. Conflict: it is recorded already.
    """
    if not reads_statement(actor):
        raise Forbidden("您不查看、不办理举报内容，无需登记回避")
    account_id = _account(username) if username else actor.account_id
    if account_id != actor.account_id and not actor.may(Permission.TIP_LEAD):
        raise Forbidden("他人的回避由市级负责人决定")
    company = (company or "").strip() or None
    if (tip_id is None) == (company is None):
        raise InvalidInput(errors={"company": ["应指明一件线索或一家企业"]})
    take_turn(sha256(f"exclusion:{account_id}".encode()).digest())  # sent twice at once, it is recorded once
    same = select(Exclusion.id).where(
        Exclusion.account_id == account_id,
        Exclusion.ended_at.is_(None),
        Exclusion.tip_id == tip_id if tip_id else Exclusion.company == company,
    )
    if db.session.scalar(same) is not None:
        raise Conflict("已登记回避", code="already_excluded")
    row = Exclusion(
        id=new_id(), account_id=account_id, tip_id=tip_id, company=company, reason=reason,
        recorded_by=actor.account_id, recorded_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    about = ("tip", tip_id) if tip_id else ("account", account_id)
    audit.record(actor, "workflow.exclude", about[0], str(about[1]), account=str(account_id))
    return row


def exclusions_of(actor: Actor) -> Sequence[Exclusion]:
    """Exclusions that hold: the own ones, and those of everybody for the leader; the newest first."""
    newest_first = (Exclusion.recorded_at.desc(), Exclusion.id.desc())
    running = select(Exclusion).where(Exclusion.ended_at.is_(None)).order_by(*newest_first)
    if not actor.may(Permission.TIP_LEAD):
        running = running.where(Exclusion.account_id == actor.account_id)
    return db.session.scalars(running).all()


def _account(username: str) -> UUID:
    found = db.session.scalar(select(Account.id).where(Account.username == username))
    if found is None:
        raise InvalidInput(errors={"account": ["没有这个账号"]})
    return found


def can_end(actor: Actor, row: Exclusion) -> bool:
    """The leader, of anybody but himself: an interest is not judged by whoever has it."""
    return actor.may(Permission.TIP_LEAD) and row.account_id != actor.account_id


def end(actor: Actor, exclusion_id: UUID) -> Exclusion:
    """End an exclusion; the leader decides that the interest is gone, of anybody but himself.

    Raises:
        OutOfScope: none that holds, or not the leader. Forbidden: it is the own.
    """
    row = db.session.scalar(
        select(Exclusion).where(Exclusion.id == exclusion_id, Exclusion.ended_at.is_(None)).with_for_update()
    )
    if row is None or not actor.may(Permission.TIP_LEAD):
        raise OutOfScope("未找到该回避登记", extra={"audit_object": ("exclusion", str(exclusion_id))})
    if not can_end(actor, row):
        about = {"audit_object": ("exclusion", str(exclusion_id))}
        raise Forbidden("本人的回避不能由本人解除，请由另一位市级负责人或者代行其职责的人员决定", extra=about)
    row.ended_at = clock.now()
    db.session.flush()
    audit.record(actor, "workflow.end_exclusion", "account", row.account_id)
    return row
