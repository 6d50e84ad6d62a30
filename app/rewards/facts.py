"""What the records tell about one tip's reward: the facts that eligibility is computed from."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import exists, or_, select

from app.cases.models import CaseTip, FundraisingCase
from app.foundation.database import db
from app.rewards.eligibility import Facts
from app.rewards.models import Reward, RewardPayment
from app.tips.models import Reporter, Tip, TipCluster, TipEvidence, TipLink, TipSubject
from app.tips.progress import SETTLED_STATUSES, leading
from app.workflow import police
from app.workflow.models import Handling
from app.workflow.states import Outcome, PoliceState

_PROVED: Final = (Outcome.SUBSTANTIATED, Outcome.PARTLY_SUBSTANTIATED, Outcome.CASE_OPENED)


def facts_of(reward: Reward) -> Facts:
    """The facts of a reward's tip as the records stand now."""
    tip = db.session.get_one(Tip, reward.tip_id)
    return Facts(
        real_name=bool(db.session.scalar(select(exists().where(Reporter.tip_id == tip.id)))),
        claimed_with_code=reward.claimed_with_code,
        has_leads=_has_leads(tip),
        substantiated=substantiated(tip.id),
        known_before=_known_before(tip),
        first=is_first(tip),
        rewarded_before=bool(
            db.session.scalar(
                select(exists().where(RewardPayment.tip_id == tip.id, RewardPayment.reward_id != reward.id))
            )
        ),
    )


def _has_leads(tip: Tip) -> bool:
    """Somebody or something named, and what happened or a file that shows it."""
    subject = db.session.get_one(TipSubject, tip.id)
    files = db.session.scalar(select(exists().where(TipEvidence.tip_id == tip.id)))
    return bool((subject.name or subject.uscc or subject.online_presence) and (tip.description or files))


def settled(tip_id: UUID) -> bool:
    """Whether a tip, or the one it follows, is concluded; one that was opened again is not."""
    return leading(tip_id).status in SETTLED_STATUSES


def substantiated(tip_id: UUID) -> bool | None:
    """What the verification of a tip, or of the one it follows, found; ``None`` where nobody has found it yet.

    What went to the police is proved once they have filed a case (实施细则 Art. 4 (3)); until then they will say.
    """
    handling = leading(tip_id)
    if handling.outcome == Outcome.TRANSFERRED_POLICE:
        return True if police.latest(handling.tip_id, PoliceState.FILED) else None
    return None if handling.outcome is None else handling.outcome in _PROVED


def _known_before(tip: Tip) -> bool | None:
    """A case that was on the register before the tip came was known; everything else a person has to say."""
    tips = [tip.id, leading(tip.id).tip_id]
    known = db.session.scalar(
        select(
            exists()
            .where(CaseTip.tip_id.in_(tips), FundraisingCase.id == CaseTip.case_id)
            .where(FundraisingCase.registered_at < tip.registered_at)
        )
    )
    return True if known else None


def is_first(tip: Tip) -> bool:
    """Whether nobody reported the same fact earlier, by the server's time: among what is linked and what was merged."""
    link = db.session.get(TipLink, tip.id)
    if link is not None and link.cluster_id is not None:
        first = db.session.get_one(TipCluster, link.cluster_id)
        if first.first_tip_id != tip.id:
            return False
    main = leading(tip.id).tip_id
    earlier = exists().where(
        Handling.tip_id == Tip.id,
        or_(Handling.merged_into == main, Handling.tip_id == main),
        Tip.registered_at < tip.registered_at,
    )
    return not db.session.scalar(select(earlier))
