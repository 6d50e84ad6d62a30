"""A new query code for a reporter who lost it. Real-name tips only: of an anonymous one nobody can say whose it is.

Three ways lead to it. The mini-program session that filed the tip gets the new code at once. Whoever has no session
leaves receipt number and phone, and the office rings the number that was given at filing: it never trusts a number
that is told now. The city's officer then issues the code, with a reason, in the auditor's and the reporter's sight.
Such a code opens less than the reporter's own, which stays good beside it; a code of the session's takes its place when
it is first used (:mod:`app.tips.access`): nobody can lock a reporter out, and nobody can decide instead of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Row, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.foundation.permissions import PUBLIC, Actor
from app.identity.models import Account
from app.outbox import service as outbox
from app.tips import guard, policy, receipts
from app.tips.access import BY_OFFICER
from app.tips.conversation import CONVERSATION_MOVED, tell_decision
from app.tips.models import ReissuedCode, Reporter, Tip
from app.tips.service import crypto, phone_index
from app.workflow import queries as handling_queries

REISSUED: Final = (
    "应举报人找回查询码的申请，工作人员已补发一个查询码。补发的查询码只能查看进展、留言和补充材料。"
    "如果不是您本人申请的，请立即留言或者致电我们"
)
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

    The reporter is told of it, so that a code that was never asked for is noticed.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: not this person's. Conflict: the tip is anonymous.
    """
    handling = handling_queries.handling_for(actor, tip_id)
    if not policy.can_reissue_code(actor, handling):
        raise Forbidden(
            "查询码由市级审核人与举报人核实后补发，承办单位不能补发", extra={"audit_object": ("tip", str(tip_id))}
        )
    if not reason.strip():
        raise InvalidInput(errors={"reason": ["补发查询码须说明核实举报人身份的情况"]})
    tip = db.session.get_one(Tip, tip_id)
    if db.session.get(Reporter, tip_id) is None:
        raise Conflict("匿名举报无法核实身份，不能补发查询码", code="anonymous_tip")
    audit.record(actor, "tips.reissue_code", "tip", tip_id, way="officer", reason=reason)
    tell_decision(actor, tip_id, REISSUED)
    return _issue(tip, BY_OFFICER, actor.account_id)


def issued_by_officers(tip_id: UUID) -> Sequence[Row[str, datetime]]:
    """Who issued codes of a tip to be read out, and when; newest first."""
    return db.session.execute(
        select(Account.display_name, ReissuedCode.issued_at)
        .join(Account, Account.id == ReissuedCode.account_id)
        .where(ReissuedCode.tip_id == tip_id)
        .order_by(ReissuedCode.issued_at.desc())
    ).all()


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
