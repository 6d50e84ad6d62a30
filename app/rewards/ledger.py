"""The ledger: dated rules, the budget of each year, and what of it is paid, promised and left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, exists, extract, func, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, DeadlineBeyondCalendar, Forbidden, InvalidInput
from app.foundation.permissions import Actor, Permission
from app.rewards import rules
from app.rewards.models import Reward, RewardBudget, RewardPayment, RewardRules, RewardShare
from app.rewards.money import remaining
from app.rewards.rules import RuleSet
from app.rewards.states import PROMISED
from app.workflow.deadlines import WorkingCalendar


def rules_today() -> RuleSet:
    """The rules that hold today."""
    return rules_at(clock.now())


def rules_at(moment: datetime) -> RuleSet:
    """The rules that held at a moment: the newest row that had begun, the default before any was entered."""
    row = db.session.scalar(
        select(RewardRules.rules)
        .where(RewardRules.valid_from <= clock.beijing(moment).date(), RewardRules.changed_at <= moment)
        .order_by(RewardRules.valid_from.desc(), RewardRules.id.desc())
        .limit(1)
    )
    return rules.read(row or rules.DEFAULT)


def decide_by(begun: datetime, calendar: WorkingCalendar) -> date | None:
    """The day by which a review that began then is decided; none beyond the calendar, which must not keep a claim out.

    The days are those of the rules of its beginning.
    """
    try:
        return calendar.add(clock.beijing(begun).date(), rules_at(begun).decide_days)
    except DeadlineBeyondCalendar:
        return None


def set_rules(actor: Actor, given: Mapping[str, Any], valid_from: date) -> RuleSet:
    """Let other rules hold from a day on; raise ``InvalidInput`` for the past or rules that contradict themselves.

    The exclusions are the regulation's own and stay. Returns the rules that hold today.
    """
    _refuse_who_may_not(actor)
    if valid_from < clock.today():
        raise InvalidInput(errors={"valid_from": ["生效日期不能早于今天：已作出的决定不追溯改变"]})
    document = {**given, "tiers": [_stored(tier) for tier in given["tiers"]], "exclusions": dict(rules.EXCLUSIONS)}
    try:
        rules.read(document)
    except ValueError as fault:
        raise InvalidInput(errors={"tiers": [str(fault)]}) from fault
    row = RewardRules(valid_from=valid_from, rules=document, changed_by=actor.account_id, changed_at=clock.now())
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "rewards.set_rules", "reward_rules", row.id, valid_from=valid_from.isoformat())
    return rules_today()


def _stored(tier: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in tier.items()}


def set_budget(actor: Actor, year: int, yuan: Decimal, reason: str) -> None:
    """Set the budget of a year; raise ``Conflict`` below what is paid and promised already."""
    _refuse_who_may_not(actor)
    held = balance(year, lock=True)
    if yuan < held.paid + held.promised:
        raise Conflict(f"{year} 年已发放和已决定的奖励共 {held.paid + held.promised} 元，预算不能低于此数")
    row = RewardBudget(year=year, yuan=yuan, reason=reason, changed_by=actor.account_id, changed_at=clock.now())
    db.session.add(row)
    db.session.flush()
    before = str(held.budget) if held.budget is not None else None
    audit.record(actor, "rewards.set_budget", "reward_budget", year, before=before, after=str(yuan), reason=reason)


def _refuse_who_may_not(actor: Actor) -> None:
    if not actor.may(Permission.REWARD_APPROVE):
        raise Forbidden("奖励的规则和预算由市级负责人设定")


@dataclass(frozen=True, slots=True)
class Balance:
    """One year of the ledger; ``budget`` is ``None`` until one was set."""

    year: int
    budget: Decimal | None
    paid: Decimal
    promised: Decimal

    @property
    def left(self) -> Decimal | None:
        """What may still be promised."""
        return None if self.budget is None else remaining(self.budget, self.paid, self.promised)


def balance(year: int, *, lock: bool = False) -> Balance:
    """One year of the ledger; ``lock`` lets nobody else promise or pay until the transaction ends."""
    if lock:
        db.session.execute(select(func.pg_advisory_xact_lock(7_401_002, year)))
    budget = select(RewardBudget.yuan).where(RewardBudget.year == year).order_by(RewardBudget.id.desc()).limit(1)
    paid = select(func.coalesce(func.sum(RewardPayment.yuan), 0)).where(RewardPayment.year == year)
    return Balance(
        year,
        db.session.scalar(budget),
        db.session.scalar(paid) or Decimal(0),
        db.session.scalar(_promised(year)) or Decimal(0),
    )


def _promised(year: int) -> Select[Any]:
    """Shares that were decided in the year and wait to be collected; what nobody asked for in its term is free."""
    decided_in = extract("year", func.timezone("Asia/Shanghai", Reward.decided_at))
    unpaid = ~exists().where(RewardPayment.tip_id == RewardShare.tip_id)
    in_time = RewardShare.claimed_at.is_not(None) | (Reward.collect_by >= clock.today())
    return (
        select(func.coalesce(func.sum(RewardShare.yuan), 0))
        .join(Reward, Reward.id == RewardShare.reward_id)
        .where(Reward.state.in_(sorted(PROMISED)), decided_in == year, unpaid, in_time)
    )


def refuse_beyond_budget(yuan: Decimal, year: int) -> None:
    """Refuse to promise more than the year holds; of two decisions at once the second counts the first."""
    held = balance(year, lock=True)
    if held.left is None:
        raise Conflict(f"{year} 年的奖励预算尚未设定，请先在奖励台账中设定", code="no_budget")
    if yuan > held.left:
        raise Conflict(f"{year} 年奖励预算余额 {held.left} 元，不足支付本次奖励", code="budget_exceeded")
