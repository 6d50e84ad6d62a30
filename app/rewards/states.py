"""The states of a reward and the table of its moves (pure). Two people decide: who approves has not proposed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from app.foundation.permissions import Permission as P  # noqa: N817  # the table is read by its columns
from app.workflow.states import Transition


class RewardState(StrEnum):
    """Where a reward stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    REFUSAL_PROPOSED = "refusal_proposed"
    GRANTED = "granted"
    CLAIMED = "claimed"
    PAID = "paid"
    REFUSED = "refused"
    LAPSED = "lapsed"
    JOINED = "joined"

    @property
    def text(self) -> str:
        """The state as the office says it."""
        return STATE_TEXTS[self]

    @property
    def public_text(self) -> str:
        """The state as the reporter reads it: nothing of the reasons, nothing of other reporters."""
        return PUBLIC_TEXTS[self]


STATE_TEXTS: Final[Mapping[RewardState, str]] = {
    RewardState.OPEN: "待审查",
    RewardState.PROPOSED: "拟奖励，待决定",
    RewardState.REFUSAL_PROPOSED: "拟不奖励，待决定",
    RewardState.GRANTED: "已决定，待领取",
    RewardState.CLAIMED: "已申领，待发放",
    RewardState.PAID: "已发放",
    RewardState.REFUSED: "不予奖励",
    RewardState.LAPSED: "逾期视为放弃",
    RewardState.JOINED: "并入联名举报",
}
PUBLIC_TEXTS: Final[Mapping[RewardState, str]] = {
    **dict.fromkeys(
        (RewardState.OPEN, RewardState.PROPOSED, RewardState.REFUSAL_PROPOSED, RewardState.JOINED), "奖励事项正在审查"
    ),
    RewardState.GRANTED: "已决定给予奖励，请在期限内领取",
    RewardState.CLAIMED: "已收到领取申请，等待发放",
    RewardState.PAID: "奖励已发放",
    RewardState.REFUSED: "经审查，不符合奖励条件",
    RewardState.LAPSED: "超过领取期限，视为放弃",
}
IN_REVIEW: Final = frozenset({RewardState.OPEN, RewardState.PROPOSED, RewardState.REFUSAL_PROPOSED})
"""States in which the term to decide runs."""
PROMISED: Final = frozenset({RewardState.GRANTED, RewardState.CLAIMED})
"""States in which the money is decided and not all of it paid."""
_BY_SHARE: Final = PROMISED | {RewardState.LAPSED}


def of_share(state: RewardState, *, claimed: bool, paid: bool, over: bool) -> RewardState:
    """Where one reporter's share of a reward stands; ``over``: its term to collect has passed.

    Joint reporters collect each for himself: one may be paid while another has not asked, or asked too late.
    """
    if state not in _BY_SHARE:
        return state
    if paid or claimed:
        return RewardState.PAID if paid else RewardState.CLAIMED
    return RewardState.LAPSED if over else RewardState.GRANTED


class RewardAction(StrEnum):
    """What can be done to a reward."""

    PROPOSE = "propose"
    PROPOSE_REFUSAL = "propose_refusal"
    APPROVE = "approve"
    SEND_BACK = "send_back"
    CLAIM = "claim"
    PAY = "pay"
    EXTEND = "extend"
    LAPSE = "lapse"
    REOPEN = "reopen"
    JOIN = "join"
    PART = "part"
    RECOUNT = "recount"


ACTION_TEXTS: Final[Mapping[RewardAction, str]] = {
    RewardAction.PROPOSE: "提出奖励意见",
    RewardAction.PROPOSE_REFUSAL: "提出不予奖励意见",
    RewardAction.APPROVE: "批准",
    RewardAction.SEND_BACK: "退回重审",
    RewardAction.CLAIM: "举报人申领",
    RewardAction.PAY: "登记发放",
    RewardAction.EXTEND: "延长领取期限",
    RewardAction.LAPSE: "逾期视为放弃",
    RewardAction.REOPEN: "重新审查",
    RewardAction.JOIN: "并入联名举报",
    RewardAction.PART: "恢复单独审查",
    RewardAction.RECOUNT: "重新计算审查期限",
}
S, A = RewardState, RewardAction


def _row(
    action: RewardAction, sources: set[RewardState], *targets: RewardState, under: P | None, **more: object
) -> Transition:
    return Transition(action, frozenset(sources), targets, under, **more)  # type: ignore[arg-type]


REWARD: Final[tuple[Transition, ...]] = (
    _row(A.PROPOSE, {S.OPEN}, S.PROPOSED, under=P.REWARD_PROPOSE, needs=("yuan", "tier", "reason")),
    _row(A.PROPOSE_REFUSAL, {S.OPEN}, S.REFUSAL_PROPOSED, under=P.REWARD_PROPOSE, needs=("reason",)),
    _row(
        A.APPROVE,
        {S.PROPOSED, S.REFUSAL_PROPOSED},
        S.GRANTED,
        S.REFUSED,
        under=P.REWARD_APPROVE,
        irreversible=True,
    ),
    _row(A.SEND_BACK, {S.PROPOSED, S.REFUSAL_PROPOSED}, S.OPEN, under=P.REWARD_APPROVE, needs=("reason",)),
    _row(A.CLAIM, {S.GRANTED, S.CLAIMED}, S.CLAIMED, under=None),
    _row(
        A.PAY,
        {S.GRANTED, S.CLAIMED},
        S.CLAIMED,
        S.PAID,
        under=P.REWARD_PAY,
        needs=("receipt_number", "voucher_number", "paid_on"),
        irreversible=True,
    ),
    _row(
        A.EXTEND,
        {S.GRANTED, S.CLAIMED, S.LAPSED},
        S.GRANTED,
        S.CLAIMED,
        under=P.REWARD_APPROVE,
        needs=("until", "reason"),
    ),
    _row(A.LAPSE, {S.GRANTED, S.CLAIMED}, S.LAPSED, under=None),
    _row(A.REOPEN, {S.REFUSED}, S.OPEN, under=P.REWARD_APPROVE, needs=("reason",)),
    _row(A.REOPEN, set(PROMISED), S.OPEN, under=P.REWARD_APPROVE, needs=("reason",), irreversible=True),
    _row(A.JOIN, {S.OPEN}, S.JOINED, under=None),
    _row(A.PART, {S.JOINED}, S.OPEN, under=None),
    _row(A.RECOUNT, set(IN_REVIEW), under=None),
)
