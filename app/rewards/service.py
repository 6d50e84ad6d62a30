"""Commands on rewards. :func:`_write` is the one place where a reward's state changes; two people decide.

Order of the checks: scope → version the person saw → policy → table; then the row, its history and the audit row
together, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, exists, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import Row, db, insert_rows, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope, StaleVersion, TransitionNotAllowed
from app.foundation.permissions import PROGRAM, Actor, Permission
from app.rewards import eligibility, facts, ledger, paying, policy
from app.rewards.eligibility import Finding, Verdict
from app.rewards.models import Reward, RewardEvent, RewardPayment, RewardShare
from app.rewards.money import split
from app.rewards.rules import RuleSet
from app.rewards.states import ACTION_TEXTS, PROMISED, REWARD, RewardAction, RewardState
from app.rewards.terms import months_after
from app.tips import conversation
from app.tips.models import TipLink
from app.tips.progress import leading
from app.tips.queries import tip_of_receipt
from app.workflow.calendar import region_calendar
from app.workflow.states import Transition, find

Given = Mapping[str, Any]


def act(actor: Actor, reward_id: UUID, action: str, expected_version: int, given: Given) -> Reward:
    """Do ``action`` on a reward.

    Raises:
        OutOfScope: no such reward within sight. StaleVersion: somebody else was faster.
        Forbidden: not this person's action, or the second step after the own first one.
        TransitionNotAllowed: the state does not allow it. InvalidInput: a needed field is missing or wrong.
        Conflict: conditions that are not met, or money that the year does not hold.
    """
    reward = locked(actor, reward_id)
    if reward.version != expected_version:
        raise StaleVersion(extra={"current_version": reward.version, "current_status": reward.state})
    row = _allowed(actor, reward, action)
    missing = [name for name in row.needs if given.get(name) in (None, "")]
    if missing:
        raise InvalidInput(errors={name: ["此项必填"] for name in missing})
    target = _EFFECTS[RewardAction(action)](actor, reward, given)
    _write(actor, reward, RewardAction(action), target, given.get("reason") or "")
    return reward


def locked(actor: Actor, reward_id: UUID) -> Reward:
    """A reward within sight, locked until the transaction ends; raise ``OutOfScope``."""
    statement = policy.visible_rewards(actor).where(Reward.id == reward_id)
    reward = db.session.scalar(statement.with_for_update().execution_options(populate_existing=True))
    if reward is None:
        raise OutOfScope("未找到该奖励事项", extra={"audit_object": ("reward", str(reward_id))})
    return reward


def _allowed(actor: Actor, reward: Reward, action: str) -> Transition:
    about = {"audit_object": ("reward", str(reward.id))}
    text = ACTION_TEXTS[RewardAction(action)]
    rows = [row for row in REWARD if row.action == action and row.permission is not None]
    if not any(actor.may(row.permission) for row in rows if row.permission):
        raise Forbidden(f"您无权{text}", extra=about)
    row = find(REWARD, action, reward.state)
    if row is None or row.permission is None:
        raise TransitionNotAllowed(f"奖励处于“{RewardState(reward.state).text}”状态，不能{text}", extra=about)
    if not policy.can_move(actor, reward, row):
        raise Forbidden("提出意见、作出决定和登记发放不能由同一人办理，应当回避的也不能办理", extra=about)
    return row


def available(actor: Actor, reward: Reward) -> list[Transition]:
    """The moves that this person can make now."""
    return [row for row in REWARD if reward.state in row.sources and policy.can_move(actor, reward, row)]


def assess(reward: Reward, answers: Mapping[str, bool]) -> list[Finding]:
    """Every condition of a reward as the records and these answers have it now.

    Rules that changed after the decision do not touch it.
    """
    return eligibility.findings(facts.facts_of(reward), answers, ledger.rules_at(reward.decided_at or clock.now()))


def _refuse_what_changed(reward: Reward, way_out: str) -> None:
    """Refuse while the tip is handled again, or where the conditions are not all met any more (实施细则 Art. 4)."""
    if not facts.settled(reward.tip_id):
        told = f"线索已重新办理，尚未办结，请待办结后再办；不再符合奖励条件的，{way_out}"
        raise Conflict(told, code="tip_reopened")
    wrong = "；".join(one.text for one in assess(reward, reward.answers) if one.met is not True)
    if wrong:
        raise Conflict(f"情况有变化，奖励条件已不全部符合：{wrong}。{way_out}", code="not_eligible")


# What an action does besides changing the state ---------------------------------------------------------------------


def _propose(actor: Actor, reward: Reward, given: Given) -> RewardState:
    """Propose a sum: every condition met, within the limits of its tier, shared among who reported jointly."""
    answers, rules = dict(given.get("answers") or {}), ledger.rules_today()
    found = assess(reward, answers)
    if eligibility.verdict(found) is not Verdict.ELIGIBLE:
        wrong = "；".join(one.text for one in found if one.met is not True)
        raise Conflict(f"奖励条件未全部符合：{wrong}", code="not_eligible")
    _check_amount(rules, given)
    _keep_proposal(actor, reward, found, answers, given)
    _share(actor, reward, given.get("joint") or [])
    return RewardState.PROPOSED


def _check_amount(rules: RuleSet, given: Given) -> None:
    tier = rules.tier(given["tier"])
    if tier is None:
        raise InvalidInput(errors={"tier": ["现行规则中没有这个档次"]})
    if not tier.least_yuan <= given["yuan"] <= tier.most_yuan:
        raise InvalidInput(errors={"yuan": [f"该档次的奖励在 {tier.least_yuan} 元至 {tier.most_yuan} 元之间"]})


def _keep_proposal(actor: Actor, reward: Reward, found: list[Finding], answers: dict[str, bool], given: Given) -> None:
    reward.answers, reward.findings = answers, [asdict(one) for one in found]
    reward.tier, reward.yuan, reward.opinion = given.get("tier"), given.get("yuan"), given["reason"]
    reward.proposed_by, reward.proposed_at = actor.account_id, clock.now()
    reward.decided_by = reward.decided_at = None


def _share(actor: Actor, reward: Reward, numbers: list[str]) -> None:
    """Share the sum among this tip's reporter and those of the joint tips, to the fen."""
    assert reward.yuan is not None  # noqa: S101  # the proposal has just set it
    if db.session.get(RewardShare, reward.tip_id) is not None:
        raise Conflict("本件已作为联名举报列入另一件奖励", code="rewarded_elsewhere")
    joint = [_joint_tip(actor, reward, number) for number in numbers]
    try:
        shares = split(reward.yuan, [reward.tip_id, *joint])
    except ValueError as fault:
        raise InvalidInput(errors={"joint": ["同一件举报只能填写一次，且每人至少一分钱"]}) from fault
    for position, (tip_id, yuan) in enumerate(shares.items()):
        db.session.add(RewardShare(tip_id=tip_id, reward_id=reward.id, position=position, yuan=yuan))


def _joint_tip(actor: Actor, reward: Reward, number: str) -> UUID:
    """A joint tip: about the same matter, and not rewarded on its own."""
    tip_id = tip_of_receipt(actor, number)
    if tip_id is None or not _same_matter(reward.tip_id, tip_id):
        raise InvalidInput(errors={"joint": [f"{number} 与本件不是同一事项的举报"]})
    other = db.session.scalar(select(Reward).where(Reward.tip_id == tip_id).with_for_update())
    if db.session.get(RewardShare, tip_id) or (other is not None and other.state != RewardState.OPEN):
        raise Conflict(f"{number} 已另行办理奖励", code="rewarded_elsewhere")
    return tip_id


def _same_matter(one: UUID, other: UUID) -> bool:
    if leading(one).tip_id == leading(other).tip_id:
        return True
    clusters = {link.cluster_id for link in (db.session.get(TipLink, one), db.session.get(TipLink, other)) if link}
    return len(clusters) == 1 and None not in clusters


def _propose_refusal(actor: Actor, reward: Reward, given: Given) -> RewardState:
    """Propose to refuse, with the reasons as they stand and one's own words."""
    answers = dict(given.get("answers") or {})
    _keep_proposal(actor, reward, assess(reward, answers), answers, {"reason": given["reason"]})
    return RewardState.REFUSAL_PROPOSED


def _approve(actor: Actor, reward: Reward, _given: Given) -> RewardState:
    """Decide as proposed: refuse, or promise the money of this year and tell the reporters at once."""
    reward.decided_by, reward.decided_at = actor.account_id, clock.now()
    if reward.state == RewardState.REFUSAL_PROPOSED:
        conversation.tell_decision(actor, reward.tip_id, "经审查，您的举报不符合奖励条件。")
        return RewardState.REFUSED
    assert reward.yuan is not None  # noqa: S101  # a proposal names it
    _refuse_what_changed(reward, "请退回重审")
    ledger.refuse_beyond_budget(reward.yuan, clock.today().year)
    reward.told_at = clock.now()
    reward.collect_by = months_after(clock.today(), ledger.rules_today().collect_months)
    for share in shares_of(reward.id):
        if share.tip_id != reward.tip_id:
            _join(share.tip_id)
        text = f"您的举报经查证属实，决定给予奖励 {share.yuan} 元，请于 {reward.collect_by} 前领取，逾期视为放弃。"
        conversation.tell_decision(actor, share.tip_id, text)
    return RewardState.GRANTED


def _join(tip_id: UUID) -> None:
    """The own reward of a joint tip goes into the common one."""
    own = db.session.scalar(select(Reward).where(Reward.tip_id == tip_id).with_for_update())
    if own is None:
        return
    if find(REWARD, RewardAction.JOIN, own.state) is None:
        raise Conflict("联名的一件举报已另行办理奖励，请退回重审", code="rewarded_elsewhere")
    _write(PROGRAM, own, RewardAction.JOIN, RewardState.JOINED, "")


def _send_back(_actor: Actor, reward: Reward, _given: Given) -> RewardState:
    _drop_proposal(reward)
    return RewardState.OPEN


def _drop_proposal(reward: Reward) -> None:
    db.session.execute(delete(RewardShare).where(RewardShare.reward_id == reward.id))
    reward.tier = reward.yuan = None


def _reopen(actor: Actor, reward: Reward, _given: Given) -> RewardState:
    """New facts: the review begins again, and again two people decide. What was granted is taken back and told."""
    if reward.state != RewardState.REFUSED:
        _take_back(actor, reward)
    reward.proposed_by = reward.proposed_at = reward.decided_by = reward.decided_at = None
    reward.decide_by = ledger.decide_by(clock.now(), region_calendar())
    return RewardState.OPEN


def _take_back(actor: Actor, reward: Reward) -> None:
    """Promise nothing any more, as long as nobody was paid; joint reports are reviewed on their own again."""
    if paying.paid_of(reward):
        told = "已有份额发放，不能重新审查；其余份额在线索重新查证属实以前不能发放"
        raise Conflict(told, code="already_paid")
    for share in shares_of(reward.id):
        if share.tip_id != reward.tip_id:
            _part(share.tip_id)
        text = "因有新情况，奖励事项重新审查，此前告知的奖励决定不再执行，结果另行告知。"
        conversation.tell_decision(actor, share.tip_id, text)
    _drop_proposal(reward)
    reward.told_at = reward.collect_by = None


def _part(tip_id: UUID) -> None:
    """The own reward of a joint tip leaves the common one; where it had none before, one may have been opened since."""
    own = db.session.scalar(select(Reward).where(Reward.tip_id == tip_id).with_for_update())
    if own is not None and find(REWARD, RewardAction.PART, own.state) is not None:
        own.decide_by = ledger.decide_by(clock.now(), region_calendar())
        _write(PROGRAM, own, RewardAction.PART, RewardState.OPEN, "")


def _extend(_actor: Actor, reward: Reward, given: Given) -> RewardState:
    """Give more time to collect, up to the longest term after the notice."""
    until: date = given["until"]
    assert reward.told_at is not None  # noqa: S101  # told when it was granted
    longest = months_after(clock.beijing(reward.told_at).date(), ledger.rules_today().longest_months)
    if until <= max(reward.collect_by or until, clock.today()) and reward.collect_by is not None:
        raise InvalidInput(errors={"until": ["应晚于原领取期限和今天"]})
    if until > longest:
        raise InvalidInput(errors={"until": [f"最长可以延长到 {longest}"]})
    collected = _revive(reward)
    reward.collect_by = until
    return RewardState.CLAIMED if collected else RewardState.GRANTED


def _revive(reward: Reward) -> bool:
    """Promise again what has lapsed, whose money was free meanwhile; return whether anybody has asked for his share."""
    assert reward.decided_at is not None  # noqa: S101  # it was granted
    paid = paying.paid_of(reward)
    found = [(paying.standing(reward, share, paid=share.tip_id in paid), share.yuan) for share in shares_of(reward.id)]
    lapsed = sum((yuan for state, yuan in found if state is RewardState.LAPSED), Decimal(0))
    if lapsed:
        ledger.refuse_beyond_budget(lapsed, clock.beijing(reward.decided_at).year)
    return any(state in {RewardState.CLAIMED, RewardState.PAID} for state, _ in found)


def _pay(actor: Actor, reward: Reward, given: Given) -> RewardState:
    """Pay one share, as long as the reasons for the decision still stand."""
    _refuse_what_changed(reward, "请由市级负责人“重新审查”，另行作出决定")
    everything_paid = paying.pay(actor, reward, shares_of(reward.id), given)
    return RewardState.PAID if everything_paid else RewardState.CLAIMED


_EFFECTS: Final[Mapping[RewardAction, Callable[[Actor, Reward, Given], RewardState]]] = {
    RewardAction.PROPOSE: _propose,
    RewardAction.PROPOSE_REFUSAL: _propose_refusal,
    RewardAction.APPROVE: _approve,
    RewardAction.SEND_BACK: _send_back,
    RewardAction.PAY: _pay,
    RewardAction.EXTEND: _extend,
    RewardAction.REOPEN: _reopen,
}


def shares_of(reward_id: UUID) -> list[RewardShare]:
    """The shares of a reward, the first reporter's first."""
    rows = select(RewardShare).where(RewardShare.reward_id == reward_id).order_by(RewardShare.position)
    db.session.flush()
    return list(db.session.scalars(rows))


# The program's own moves ---------------------------------------------------------------------------------------------


def note_claim(reward: Reward) -> None:
    """A reporter asked for the money; called by :mod:`app.rewards.claiming` with the reward locked."""
    _write(PROGRAM, reward, RewardAction.CLAIM, RewardState.CLAIMED, "")


def note_recount(actor: Actor, reward: Reward, decide_by: date) -> None:
    """Set the term that the present calendar says, and keep both days in the history (domain rule 9)."""
    before = f"由{clock.day_text(reward.decide_by)}" if reward.decide_by else ""
    reward.decide_by = decide_by
    reason = f"按现行工作日历重新计算，审查期限{before}改为{clock.day_text(decide_by)}"
    _write(actor, reward, RewardAction.RECOUNT, RewardState(reward.state), reason)


def lapse_some(most: int = 200) -> int:
    """Let rewards lapse whose term is over, where no share waits to be paid; return how many. Twice lapses once.

    Of joint reporters who asked in time is paid first; what the others lost is free from the end of the term on.
    """
    waiting = exists().where(
        RewardShare.reward_id == Reward.id,
        RewardShare.claimed_at.is_not(None),
        ~exists().where(RewardPayment.tip_id == RewardShare.tip_id),
    )
    over = (
        select(Reward)
        .where(Reward.state.in_(sorted(PROMISED)), Reward.collect_by < clock.today(), ~waiting)
        .order_by(Reward.collect_by)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    lapsed = db.session.scalars(over).all()
    for reward in lapsed:
        _write(PROGRAM, reward, RewardAction.LAPSE, RewardState.LAPSED, "领取期限届满")
    return len(lapsed)


# The one writer -------------------------------------------------------------------------------------------------------


def _write(actor: Actor, reward: Reward, action: RewardAction, target: RewardState, reason: str) -> None:
    """Change the state, and write history and audit row with it. The only function that does."""
    source = reward.state
    reward.state = target.value
    reward.version += 1
    event = {
        "id": new_id(),
        "reward_id": reward.id,
        "version": reward.version,
        "at": clock.now(),
        "actor_id": actor.account_id,
        "actor_name": actor.name,
        "actor_role": _role_of(actor, action),
        "action": action.value,
        "from_state": source,
        "to_state": target.value,
        "reason": reason,
    }
    logged = audit.event_row(actor, f"rewards.{action}", "reward", reward.id, from_state=source, to_state=target.value)
    db.session.flush()
    insert_rows([Row(RewardEvent, event), logged])


def _role_of(actor: Actor, action: RewardAction) -> str:
    permission: Permission | None = next((row.permission for row in REWARD if row.action == action), None)
    role = actor.role_for(permission)
    return role.value if role else ""
