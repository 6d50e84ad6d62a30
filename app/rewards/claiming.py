"""The reporter's side of a reward: where it stands, and asking for it. Nothing is told of any other reporter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import Row, db, new_id
from app.foundation.errors import Conflict, InvalidInput, NotFound
from app.foundation.permissions import PUBLIC, Actor
from app.outbox import service as outbox
from app.rewards import facts, ledger, paying, service
from app.rewards.models import Reward, RewardPayment, RewardShare
from app.rewards.states import RewardState
from app.tips import progress
from app.tips.models import Reporter, Tip
from app.tips.queries import tip_of_receipt
from app.workflow import service as workflow
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling
from app.workflow.police import OPEN_REVIEW
from app.workflow.states import Action


@progress.adds_when_settled
def status_of(tip_id: UUID) -> dict[str, Any] | None:
    """What the reporter of a tip reads of the reward; ``None`` where there is none and none can be asked for."""
    share = db.session.get(RewardShare, tip_id)
    reward = db.session.get(Reward, share.reward_id) if share else None
    if reward is None or reward.told_at is None:
        share, reward = None, db.session.scalar(select(Reward).where(Reward.tip_id == tip_id))
    if reward is None:
        return _nothing_yet(tip_id)
    return _shown(reward, share)


def _nothing_yet(tip_id: UUID) -> dict[str, Any] | None:
    if facts.substantiated(tip_id) is not True:
        return None
    return {"status": "none", "status_text": "可以申请奖励", "yuan": None, "collect_by": None, "can_claim": True}


def _shown(reward: Reward, share: RewardShare | None) -> dict[str, Any]:
    state = _standing(reward, share) if share else RewardState(reward.state)
    return {
        "status": state.value,
        "status_text": state.public_text,
        "yuan": share.yuan if share else None,
        "collect_by": reward.collect_by if share else None,
        "can_claim": state is RewardState.GRANTED and share is not None,
    }


def _standing(reward: Reward, share: RewardShare) -> RewardState:
    """Where the own share stands; while nobody has collected anything, payments need no look."""
    collected = reward.state in {RewardState.CLAIMED, RewardState.LAPSED}
    payment = select(RewardPayment.id).where(RewardPayment.tip_id == share.tip_id)
    return paying.standing(reward, share, paid=collected and db.session.scalar(payment) is not None)


def claim(tip: Tip, query_code: str, claim_code: str | None, payee: Mapping[str, str] | None) -> dict[str, Any]:
    """Ask for a reward, or for the money of one that was granted.

    Raises:
        NotFound: an anonymous tip without its claim code. TooManyRequests: too many wrong ones.
        InvalidInput: an anonymous reporter who would name a payee. Conflict: nothing can be asked for now.
    """
    if not tip.real_name:
        _check_claim_code(tip, query_code, claim_code or "")
        if payee:
            raise InvalidInput(errors={"payee": ["匿名举报请凭号码到受理单位领取，不要填写姓名和账号"]})
    share = db.session.get(RewardShare, tip.id)
    granted = _locked(share.reward_id) if share else None
    if share is None or granted is None or granted.told_at is None:
        _apply(tip)
    else:
        _collect(granted, share, payee)
    return status_of(tip.id) or {}


def _check_claim_code(tip: Tip, query_code: str, claim_code: str) -> None:
    right = paying.fits(tip.receipt_number, query_code, claim_code)
    paying.settle_claim(tip.receipt_number, right=right)
    if not right:
        raise NotFound("领奖码不正确，请核对后再试", code="claim_code_wrong")


def _locked(reward_id: UUID) -> Reward:
    found = select(Reward).where(Reward.id == reward_id).with_for_update()
    return db.session.scalars(found.execution_options(populate_existing=True)).one()


def _apply(tip: Tip) -> None:
    """Open the review for a reporter who asks himself; once. A first request answers a later one too."""
    if not facts.settled(tip.id) or facts.substantiated(tip.id) is not True:
        raise Conflict("您的举报尚未办结或者未查证属实，暂不能申请奖励", code="nothing_to_claim")
    if open_rewards([tip.id], claimed_with_code=not tip.real_name):
        audit.record(PUBLIC, "rewards.apply", "tip", tip.id)


def _collect(reward: Reward, share: RewardShare, payee: Mapping[str, str] | None) -> None:
    if _standing(reward, share) not in {RewardState.GRANTED, RewardState.CLAIMED}:
        raise Conflict("奖励已发放或者已超过领取期限", code="nothing_to_claim")
    if payee:
        # Naming a payee takes the reporter's own code, so the last one named is the reporter's.
        share.sealed_payee = paying.sealed_payee(share.tip_id, payee)
        audit.record(PUBLIC, "rewards.name_payee", "tip", share.tip_id)
    if share.claimed_at is None:
        share.claimed_at = clock.now()
        service.note_claim(reward)


# Opening the review --------------------------------------------------------------------------------------------------


@workflow.accompanies(Action.RECORD_RECEIPT)  # the police may have filed a case before their receipt came
@workflow.accompanies(Action.CONCLUDE)
def leave_word(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> list[Row]:
    """Leave a message about a concluded matter; whether anybody is to be rewarded is found in the background."""
    return [outbox.message_row(OPEN_REVIEW, tip_id=str(handling.tip_id))]


def open_concluded(main_tip_id: UUID) -> int:
    """Open the review for every named reporter of a concluded matter who wants a reward; return how many are new."""
    if facts.substantiated(main_tip_id) is not True:
        return 0
    wanting = (
        select(Reporter.tip_id)
        .join(Handling, Handling.tip_id == Reporter.tip_id)
        .where(Reporter.wants_reward, (Handling.tip_id == main_tip_id) | (Handling.merged_into == main_tip_id))
    )
    return open_rewards(list(db.session.scalars(wanting)), claimed_with_code=False)


def open_by_officer(actor: Actor, receipt_number: str) -> Reward:
    """Open the review of a concluded tip by hand; the one that is open already where there is one.

    Raises:
        InvalidInput: no such tip within sight. Conflict: it is not concluded, or found to be unfounded.
    """
    tip_id = tip_of_receipt(actor, receipt_number)
    if tip_id is None:
        raise InvalidInput(errors={"receipt_number": ["没有这个受理编号的线索"]})
    if not facts.settled(tip_id) or facts.substantiated(tip_id) is False:
        raise Conflict("线索尚未办结或者未查证属实，不能审查奖励", code="nothing_to_reward")
    if open_rewards([tip_id], claimed_with_code=False):
        audit.record(actor, "rewards.open", "tip", tip_id)
    return db.session.scalars(select(Reward).where(Reward.tip_id == tip_id)).one()


def open_rewards(tip_ids: list[UUID], *, claimed_with_code: bool) -> int:
    """Open reviews, one a tip however often it is asked for; return how many are new."""
    if not tip_ids:
        return 0
    moment = clock.now()
    decide_by = ledger.decide_by(moment, region_calendar())
    rows = [
        {
            "id": new_id(),
            "tip_id": tip_id,
            "state": RewardState.OPEN.value,
            "version": 1,
            "opened_at": moment,
            "decide_by": decide_by,
            "claimed_with_code": claimed_with_code,
        }
        for tip_id in tip_ids
    ]
    added = insert(Reward).on_conflict_do_nothing(index_elements=["tip_id"]).returning(Reward.id)
    return len(db.session.scalars(added, rows).all())
