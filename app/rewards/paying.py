"""Paying a share: who collects is recognised, the voucher is kept, the year's ledger is charged.

A named reporter is recognised by the office's own means (the identity behind the tip, opened with a reason). An
anonymous one shows query code and claim code at the desk; they are checked here and kept nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import db
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.foundation.permissions import Actor, Permission
from app.rewards import policy
from app.rewards.models import Reward, RewardPayment, RewardShare
from app.rewards.states import RewardState, of_share
from app.tips import guard, receipts, recovery
from app.tips.models import Reporter, Tip
from app.tips.service import crypto, unsealed
from app.workflow import exclusions

_ANOTHER_NAME: Final = "收款人姓名与举报人登记的姓名不一致或者无从核对，请按登记的电话与举报人核实后再发放"


def pay(actor: Actor, reward: Reward, shares: Sequence[RewardShare], given: Mapping[str, Any]) -> bool:
    """Record the payment of one share; return whether every share is paid now.

    Raises:
        InvalidInput: no such share, codes that do not fit, a day in the future or before the decision.
        Conflict: it is paid already, or nobody asked for it in its term.
    """
    tip = _tip_of_share(shares, given["receipt_number"])
    share, paid = next(one for one in shares if one.tip_id == tip.id), paid_of(reward)
    _refuse_settled(standing(reward, share, paid=tip.id in paid))
    assert reward.decided_at is not None and actor.account_id is not None  # noqa: S101, PT018  # granted, by an officer
    if not clock.beijing(reward.decided_at).date() <= given["paid_on"] <= clock.today():
        raise InvalidInput(errors={"paid_on": ["发放日期应在决定之后且不晚于今天"]})
    if not tip.real_name:
        _check_codes(tip, given.get("query_code") or "", given.get("claim_code") or "")
    payment = RewardPayment(
        reward_id=reward.id,
        tip_id=tip.id,
        year=clock.beijing(reward.decided_at).year,
        yuan=share.yuan,
        voucher_number=given["voucher_number"],
        paid_on=given["paid_on"],
        recorded_by=actor.account_id,
        recorded_at=clock.now(),
    )
    db.session.add(payment)
    db.session.flush()
    return paid | {tip.id} == {one.tip_id for one in shares}


def paid_of(reward: Reward) -> set[UUID]:
    """The tips whose share of a reward is paid."""
    return set(db.session.scalars(select(RewardPayment.tip_id).where(RewardPayment.reward_id == reward.id)))


def standing(reward: Reward, share: RewardShare, *, paid: bool) -> RewardState:
    """Where one share of a reward stands today."""
    over = reward.collect_by is not None and reward.collect_by < clock.today()
    return of_share(RewardState(reward.state), claimed=share.claimed_at is not None, paid=paid, over=over)


def _refuse_settled(share: RewardState) -> None:
    if share is RewardState.PAID:
        raise Conflict("这一份已经发放", code="already_paid")
    if share is RewardState.LAPSED:
        told = "这一份超过领取期限无人申领，视为放弃；确需发放的，请先由市级负责人延长领取期限"
        raise Conflict(told, code="share_lapsed")


def _tip_of_share(shares: Sequence[RewardShare], receipt_number: str) -> Tip:
    number = receipts.normalised(receipt_number)
    tip = db.session.scalar(
        select(Tip).where(Tip.receipt_number == number, Tip.id.in_([share.tip_id for share in shares]))
    )
    if tip is None:
        raise InvalidInput(errors={"receipt_number": ["这件举报不在本次奖励之内"]})
    return tip


def _check_codes(tip: Tip, query_code: str, claim_code: str) -> None:
    number, shown = tip.receipt_number, receipts.normalised(query_code)
    digest = receipts.code_digest(crypto(), number, shown)
    right = Crypto.same(digest, tip.query_code_digest) and fits(number, shown, claim_code)
    settle_claim(number, right=right)
    if not right:
        raise InvalidInput(errors={"claim_code": ["匿名举报凭查询码和领奖码领取，两组号码有误"]})


def settle_claim(receipt_number: str, *, right: bool) -> None:
    """Count wrong claim codes of one tip, apart from its query codes; raise ``TooManyRequests`` while it is locked."""
    guard.settle_attempt(f"claim:{receipt_number}", guard.Caller(f"claim:{receipt_number}"), right=right)


def fits(receipt_number: str, query_code: str, claim_code: str) -> bool:
    """Whether a claim code belongs to a receipt number and its right query code."""
    right = receipts.claim_code(crypto(), receipt_number, receipts.normalised(query_code))
    return Crypto.same(right.encode(), receipts.normalised(claim_code).encode())


# Where a named reporter wants the money -----------------------------------------------------------------------------


def sealed_payee(tip_id: UUID, payee: Mapping[str, str]) -> bytes:
    """The payee as it is kept: sealed, bound to the share."""
    return crypto().seal(json.dumps(dict(payee), ensure_ascii=False).encode(), bound_to=_bound(tip_id))


def open_payee(actor: Actor, reward_id: UUID, receipt_number: str, reason: str) -> dict[str, Any]:
    """Where the money goes, opened for a stated reason, with warnings for whoever pays; always audited.

    Raises:
        OutOfScope, Forbidden as for every reward; NotFound: nothing was given.
    """
    reward = db.session.scalar(policy.visible_rewards(actor).where(Reward.id == reward_id))
    if reward is None or not actor.may(Permission.REWARD_PAY):
        raise Forbidden("收款信息只供办理发放的人员查看", extra={"audit_object": ("reward", str(reward_id))})
    exclusions.refuse_excluded(actor, reward.tip_id)
    if not reason.strip():
        raise InvalidInput(errors={"reason": ["查看收款信息须说明理由"]})
    share = db.session.scalar(
        select(RewardShare)
        .join(Tip, Tip.id == RewardShare.tip_id)
        .where(RewardShare.reward_id == reward_id, Tip.receipt_number == receipts.normalised(receipt_number))
    )
    if share is None or share.sealed_payee is None:
        raise NotFound("举报人没有填写收款信息")
    opened: dict[str, str] = json.loads(crypto().open(share.sealed_payee, bound_to=_bound(share.tip_id)))
    audit.record(actor, "rewards.open_payee", "reward", reward_id, reason=reason)
    return opened | {"warnings": _warnings(share.tip_id, opened["name"])}


def _warnings(tip_id: UUID, payee: str) -> list[str]:
    """What speaks against paying to ``payee``: another name than the reporter's, a code that an officer issued."""
    reporter = db.session.get(Reporter, tip_id)
    name = unsealed(reporter).get("name") if reporter else None
    told = [] if _letters(payee) == _letters(name or "") else [_ANOTHER_NAME]
    return told + [
        f"{clock.moment_text(at)} 由{by}为本举报补发过查询码，请按登记的电话向举报人核实收款信息后再发放"
        for by, at in recovery.issued_by_officers(tip_id)
    ]


def _letters(name: str) -> str:
    """A name without the dots and spaces that people write in different ways."""
    return "".join(filter(str.isalnum, name))


def _bound(tip_id: UUID) -> bytes:
    return b"reward-payee:" + tip_id.bytes
