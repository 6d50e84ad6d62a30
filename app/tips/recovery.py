"""A new query code for a reporter who lost it. Real-name tips only: of an anonymous one nobody can say whose it is.

Three ways lead to it. The mini-program session that filed the tip gets the new code at once. Whoever has no session
leaves receipt number and phone, and the office rings the number that was given at filing: it never trusts a number
that is told now. The officer then issues the code, with a reason, in the auditor's sight.
The old code stays good until the new one is first used (:mod:`app.tips.access`): nobody can lock a reporter out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.foundation.permissions import PUBLIC, Actor
from app.outbox import service as outbox
from app.tips import guard, policy, receipts
from app.tips.conversation import CONVERSATION_MOVED
from app.tips.models import ReissuedCode, Reporter, Tip
from app.tips.service import crypto, phone_index
from app.workflow import queries as handling_queries

_NO_INDEX: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class NewCode:
    """A receipt number with its new code; shown once, kept as a digest."""

    receipt_number: str
    query_code: str


def ask_for_call_back(receipt_number: str, phone: str) -> None:
    """Ask the office to ring the phone of a tip, when ``phone`` is the one given at filing. Says nothing either way."""
    number = receipts.normalised(receipt_number)
    row = db.session.execute(
        select(Tip.id, Reporter.phone_index)
        .outerjoin(Reporter, Reporter.tip_id == Tip.id)
        .where(Tip.receipt_number == number)
    ).one_or_none()
    tip_id, index = row or (None, None)
    given = phone_index(phone)
    same = Crypto.same(given, index or _NO_INDEX)
    if not guard.may_send_code(number, given) or tip_id is None or not same:
        return
    audit.record(PUBLIC, "tips.ask_new_code", "tip", tip_id)
    outbox.leave(CONVERSATION_MOVED, tip_id=str(tip_id), event_id=str(new_id()), kind="recovery")


def issue_to_session(receipt_number: str, openid_index: bytes) -> NewCode:
    """A new code for the session that filed the tip; raise ``NotFound`` for anybody else's number."""
    number = receipts.normalised(receipt_number)
    own = select(Tip).join(Reporter, Reporter.tip_id == Tip.id)
    tip = db.session.scalar(own.where(Tip.receipt_number == number, Reporter.openid_index == openid_index))
    if tip is None:
        raise NotFound("在您的实名举报中未找到该受理编号")
    if not guard.may_send_code(number, openid_index):
        raise Conflict("今天已多次找回查询码，请明天再试或致电我们", code="too_many_codes")
    audit.record(PUBLIC, "tips.reissue_code", "tip", tip.id, way="session")
    return _issue(tip, "session")


def issue_by_officer(actor: Actor, tip_id: UUID, reason: str) -> NewCode:
    """A new code for the officer to read out to the reporter, whom he has rung at the number given at filing.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: not this person's. Conflict: the tip is anonymous.
    """
    handling = handling_queries.handling_for(actor, tip_id)
    if not policy.can_open_identity(actor, handling):
        raise Forbidden("您无权为举报人补发查询码", extra={"audit_object": ("tip", str(tip_id))})
    if not reason.strip():
        raise InvalidInput(errors={"reason": ["补发查询码须说明核实举报人身份的情况"]})
    tip = db.session.get_one(Tip, tip_id)
    if db.session.get(Reporter, tip_id) is None:
        raise Conflict("匿名举报无法核实身份，不能补发查询码", code="anonymous_tip")
    audit.record(actor, "tips.reissue_code", "tip", tip_id, way="officer", reason=reason)
    return _issue(tip, "officer", actor.account_id)


def _issue(tip: Tip, way: str, account_id: UUID | None = None) -> NewCode:
    code = receipts.query_code(crypto(), tip.receipt_number, None)
    db.session.add(
        ReissuedCode(
            id=new_id(),
            tip_id=tip.id,
            code_digest=receipts.code_digest(crypto(), tip.receipt_number, code),
            way=way,
            account_id=account_id,
            issued_at=clock.now(),
        )
    )
    db.session.flush()
    return NewCode(tip.receipt_number, code)
