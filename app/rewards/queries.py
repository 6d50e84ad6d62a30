"""Read-only selects of rewards: the list, one with its history, the payments of a year."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_

from app.foundation.database import db
from app.foundation.errors import OutOfScope
from app.foundation.permissions import Actor
from app.rewards import policy
from app.rewards.models import Reward, RewardEvent, RewardPayment, RewardShare
from app.rewards.states import RewardState
from app.tips.models import Tip, TipSubject


def reward_page(
    actor: Actor, states: Collection[str], after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Any]:
    """Rewards within sight with receipt number and subject, newest first; one row more than ``limit``."""
    statement = (
        policy.visible_rewards(actor)
        .join(Tip, Tip.id == Reward.tip_id)
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .add_columns(Tip.receipt_number, Tip.real_name, TipSubject.name)
    )
    if states:
        statement = statement.where(Reward.state.in_(states))
    if after:
        statement = statement.where(tuple_(Reward.opened_at, Reward.id) < tuple_(*after))
    return db.session.execute(statement.order_by(Reward.opened_at.desc(), Reward.id.desc()).limit(limit + 1)).all()


def counts(actor: Actor) -> dict[str, int]:
    """How many rewards within sight stand in each state."""
    seen = policy.visible_rewards(actor).with_only_columns(Reward.state, func.count()).group_by(Reward.state)
    found = {row[0]: row[1] for row in db.session.execute(seen)}
    return {state.value: found.get(state.value, 0) for state in RewardState}


def reward_for(actor: Actor, reward_id: UUID) -> Reward:
    """One reward within sight; raise ``OutOfScope``."""
    reward = db.session.scalar(policy.visible_rewards(actor).where(Reward.id == reward_id))
    if reward is None:
        raise OutOfScope("未找到该奖励事项", extra={"audit_object": ("reward", str(reward_id))})
    return reward


def reward_of_tip(actor: Actor, tip_id: UUID) -> Reward | None:
    """The reward of a tip, or the one that its reporter shares in, for who may see rewards."""
    share = db.session.get(RewardShare, tip_id)
    wanted = Reward.id == share.reward_id if share else Reward.tip_id == tip_id
    return db.session.scalar(policy.visible_rewards(actor).where(wanted))


def history_of(reward_id: UUID) -> Sequence[RewardEvent]:
    """The steps of a reward, the first one first."""
    steps = select(RewardEvent).where(RewardEvent.reward_id == reward_id).order_by(RewardEvent.version)
    return db.session.scalars(steps).all()


def shares_with_numbers(reward_id: UUID) -> Sequence[Any]:
    """Rows of share, receipt number, whether named, and payment or ``None``."""
    statement = (
        select(RewardShare, Tip.receipt_number, Tip.real_name, RewardPayment)
        .join(Tip, Tip.id == RewardShare.tip_id)
        .outerjoin(RewardPayment, RewardPayment.tip_id == RewardShare.tip_id)
        .where(RewardShare.reward_id == reward_id)
        .order_by(RewardShare.position)
    )
    return db.session.execute(statement).all()


def payments_of(year: int, limit: int = 500) -> Sequence[Any]:
    """The payments charged to a year with their receipt numbers, the latest first."""
    statement = (
        select(RewardPayment, Tip.receipt_number)
        .join(Tip, Tip.id == RewardPayment.tip_id)
        .where(RewardPayment.year == year)
        .order_by(RewardPayment.recorded_at.desc(), RewardPayment.id.desc())
        .limit(limit)
    )
    return db.session.execute(statement).all()


def people_of(reward: Reward) -> dict[UUID, str]:
    """Names of who acted on a reward, as its history keeps them."""
    steps = select(RewardEvent.actor_id, RewardEvent.actor_name).where(RewardEvent.reward_id == reward.id)
    return {row[0]: row[1] for row in db.session.execute(steps) if row[0] is not None}
