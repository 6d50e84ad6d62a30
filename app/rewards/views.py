"""Rewards put into the shape of the office API and of the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.foundation.database import db
from app.foundation.permissions import Actor
from app.rewards import eligibility, ledger, paying, queries, service
from app.rewards.eligibility import VERDICT_TEXTS, Finding
from app.rewards.models import Reward, RewardPayment, RewardShare
from app.rewards.states import PROMISED, RewardState
from app.tips.models import Tip, TipSubject
from app.tips.schemas import BAND_FLOORS


def line(
    reward: Reward, receipt_number: str, real_name: bool, subject_name: str | None
) -> dict[str, Any]:  # a row of the list
    """One line of the list."""
    return {
        "id": reward.id,
        "tip_id": reward.tip_id,
        "receipt_number": receipt_number,
        "subject_name": subject_name,
        "real_name": real_name,
        "state": reward.state,
        "state_text": RewardState(reward.state).text,
        "yuan": reward.yuan,
        "opened_at": reward.opened_at,
        "decide_by": reward.decide_by,
        "collect_by": reward.collect_by,
    }


def whole(actor: Actor, reward: Reward, answers: Mapping[str, bool] | None = None) -> dict[str, Any]:
    """One reward with its reasons, its money, and what this person can do now."""
    tip, subject = db.session.get_one(Tip, reward.tip_id), db.session.get_one(TipSubject, reward.tip_id)
    found = _findings(reward, answers)
    rules, involved = ledger.rules_today(), _involved(tip)
    return line(reward, tip.receipt_number, tip.real_name, subject.name) | {
        "version": reward.version,
        "verdict": eligibility.verdict(found).value,
        "verdict_text": VERDICT_TEXTS[eligibility.verdict(found)],
        "findings": found,
        "tiers": [
            {
                "code": tier.code,
                "text": tier.text,
                "least_yuan": tier.least_yuan,
                "most_yuan": tier.most_yuan,
                "suggested_yuan": tier.suggested(involved),
            }
            for tier in rules.tiers
        ],
        "suggested_tier": rules.tier_of(involved).code,
        "provisional_rules": rules.provisional,
        "tier": reward.tier,
        "opinion": reward.opinion,
        "shares": [share_view(reward, *row) for row in queries.shares_with_numbers(reward.id)],
        "history": queries.history_of(reward.id),
        "available_actions": [row.action for row in service.available(actor, reward)],
    }


def _findings(reward: Reward, answers: Mapping[str, bool] | None) -> list[Finding]:
    """While it is reviewed or money waits as things stand now, otherwise as they stood when it was proposed."""
    if reward.state in PROMISED:
        return service.assess(reward, reward.answers)
    if reward.state == RewardState.OPEN or not reward.findings:
        return service.assess(reward, reward.answers if answers is None else answers)
    return [Finding(**one) for one in reward.findings]


def _involved(tip: Tip) -> Any:
    return tip.amount_yuan if tip.amount_yuan is not None else BAND_FLOORS.get(tip.amount_band or "")


def share_view(
    reward: Reward, share: RewardShare, receipt_number: str, _real_name: bool, payment: RewardPayment | None
) -> dict[str, Any]:  # a row of the shares
    """One reporter's part."""
    state = paying.standing(reward, share, paid=payment is not None)
    return {
        "receipt_number": receipt_number,
        "yuan": share.yuan,
        "state": state.value,
        "state_text": state.text,
        "claimed_at": share.claimed_at,
        "has_payee": share.sealed_payee is not None,
        "paid_on": payment.paid_on if payment else None,
        "voucher_number": payment.voucher_number if payment else None,
    }
