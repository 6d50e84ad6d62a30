"""Counting the terms of reviews again by a calendar that has changed (domain rule 9): each changed one leaves a step.

A term is the day on which the review began and the working days of that day's rules, so it follows from what is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from app.foundation.database import db
from app.foundation.permissions import Actor
from app.rewards import ledger, service
from app.rewards.models import Reward, RewardEvent
from app.rewards.states import IN_REVIEW, RewardAction
from app.workflow.calendar import follows_import, region_calendar
from app.workflow.deadlines import WorkingCalendar
from app.workflow.recount import Moved

_IN_REVIEW: Final = Reward.state.in_(sorted(IN_REVIEW))


@follows_import
def count_again(actor: Actor) -> int:
    """Give every open review the term that the present calendar says; return how many moved. Twice moves none."""
    count = 0
    for reward_id, _, after in list(_moved(region_calendar())):
        still_open = select(Reward).where(Reward.id == reward_id, _IN_REVIEW).with_for_update()
        reward = db.session.scalar(still_open.execution_options(populate_existing=True))
        if reward is not None:
            service.note_recount(actor, reward, after)
            count += 1
    return count


def effect_of(calendar: WorkingCalendar) -> list[Moved]:
    """What counting again by another calendar would move, by the days before and after; nothing is written."""
    found = Counter((before, after) for _, before, after in _moved(calendar))
    return [Moved(before, after, count) for (before, after), count in found.items()]


def _moved(calendar: WorkingCalendar) -> Iterator[tuple[UUID, date | None, date]]:
    """The open reviews whose term is another one by this calendar; one that ends beyond it keeps what it had."""
    begun_again = select(func.max(RewardEvent.at)).where(
        RewardEvent.reward_id == Reward.id, RewardEvent.action.in_([RewardAction.REOPEN, RewardAction.PART])
    )
    begun = func.coalesce(begun_again.scalar_subquery(), Reward.opened_at)
    reviews = select(Reward.id, Reward.decide_by, begun).where(_IN_REVIEW).order_by(Reward.id)
    for reward_id, before, began in db.session.execute(reviews).all():
        after = ledger.decide_by(began, calendar)
        if after is not None and after != before:
            yield reward_id, before, after
