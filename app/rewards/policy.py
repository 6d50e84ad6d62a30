"""Who sees rewards: the city's people who decide or pay them; districts and observers never."""

from __future__ import annotations

from sqlalchemy import Select, false, select, true

from app.foundation.permissions import Actor, Permission
from app.rewards.models import Reward
from app.workflow.exclusions import excluded
from app.workflow.states import Transition


def visible_rewards(actor: Actor) -> Select[Reward]:
    """Rewards within sight of ``actor``."""
    seen = true() if actor.may(Permission.REWARD_READ) and actor.city_wide else false()
    return select(Reward).where(seen)


def can_move(actor: Actor, reward: Reward, row: Transition) -> bool:
    """Whether a row is this person's: granted, not excluded, and not the second step after the own first."""
    if row.permission is None or not actor.may(row.permission) or excluded(actor, reward.tip_id):
        return False
    if row.permission is Permission.REWARD_APPROVE and reward.decided_by is None:
        return actor.account_id != reward.proposed_by
    return row.permission is not Permission.REWARD_PAY or actor.account_id != reward.decided_by
