"""The rules of a reward as data: tiers, terms, exclusions; and what they say of an amount. Pure.

The conditions and exclusions are those of 《乌鲁木齐市非法集资举报奖励实施细则》(2019) Art. 4 to 6. Its amounts were
not at hand; the default tier is the scale of 新疆生产建设兵团 (2020), marked provisional until the office enters its
own. The terms follow 《公民举报危害国家安全行为奖励办法》(2022) Art. 13, 15, 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

FEN: Final = Decimal("0.01")
TEN_THOUSAND: Final = 10_000


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of the scale: from which amount involved it holds, its limits, and the share where one is computed."""

    code: str
    text: str
    from_yuan: Decimal
    least_yuan: Decimal
    most_yuan: Decimal
    per_ten_thousand: Decimal | None = None

    def suggested(self, involved_yuan: Decimal | None) -> Decimal:
        """What the scale proposes for an amount involved, within the limits of the tier, down to the fen."""
        if self.per_ten_thousand is None or involved_yuan is None:
            return self.least_yuan
        share = (involved_yuan * self.per_ten_thousand / TEN_THOUSAND).quantize(FEN, rounding=ROUND_DOWN)
        return min(max(share, self.least_yuan), self.most_yuan)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules that hold on one day. Days are working days, months are calendar months from the notice."""

    source: str
    provisional: bool
    tiers: tuple[Tier, ...]
    exclusions: Mapping[str, str]
    decide_days: int
    collect_months: int
    longest_months: int
    anonymous_may_claim: bool

    def tier_of(self, involved_yuan: Decimal | None) -> Tier:
        """The highest tier that an amount reaches; the lowest where it is unknown."""
        reached = [tier for tier in self.tiers if tier.from_yuan <= (involved_yuan or 0)]
        return reached[-1] if reached else self.tiers[0]

    def tier(self, code: str) -> Tier | None:
        """A tier by its code."""
        return next((tier for tier in self.tiers if tier.code == code), None)


EXCLUSIONS: Final[Mapping[str, str]] = {
    "staff": "防范和处置非法集资工作人员及其直系亲属，或者受其授意的人",
    "in_procedure": "举报前线索已进入行政处理或者刑事立案程序",
    "suspect": "举报人涉嫌非法集资犯罪",
    "merit": "已因该事项在其他刑事案件中被认定立功",
    "other": "其他依规定不予奖励的情形",
}
"""实施细则 Art. 5."""

DEFAULT: Final[Mapping[str, Any]] = {
    "source": "《乌鲁木齐市非法集资举报奖励实施细则》第四条至第六条；金额暂按兵团2020年标准，待本市标准录入",
    "provisional": True,
    "tiers": [
        {
            "code": "standard",
            "text": "案值的万分之一，最低500元，最高50000元",
            "from_yuan": "0",
            "least_yuan": "500.00",
            "most_yuan": "50000.00",
            "per_ten_thousand": "1",
        }
    ],
    "exclusions": dict(EXCLUSIONS),
    "decide_days": 30,
    "collect_months": 6,
    "longest_months": 36,
    "anonymous_may_claim": True,
}


def read(data: Mapping[str, Any]) -> RuleSet:
    """The rules of a stored document; raise ``ValueError`` with a Chinese sentence where they contradict themselves."""
    tiers = tuple(sorted((_tier(one) for one in data["tiers"]), key=lambda tier: tier.from_yuan))
    if not tiers:
        raise ValueError("至少要有一个奖励档次")
    if len({tier.code for tier in tiers}) != len(tiers) or len({tier.from_yuan for tier in tiers}) != len(tiers):
        raise ValueError("奖励档次的代码和起点金额不能重复")
    if tiers[0].from_yuan != 0:
        raise ValueError("最低一档的起点金额应为 0")
    if not 0 < data["collect_months"] <= data["longest_months"]:
        raise ValueError("领取期限不能长于最长期限")
    return RuleSet(
        source=data["source"],
        provisional=data["provisional"],
        tiers=tiers,
        exclusions=dict(data["exclusions"]),
        decide_days=data["decide_days"],
        collect_months=data["collect_months"],
        longest_months=data["longest_months"],
        anonymous_may_claim=data["anonymous_may_claim"],
    )


def _tier(one: Mapping[str, Any]) -> Tier:
    share = one.get("per_ten_thousand")
    tier = Tier(
        one["code"],
        one["text"],
        Decimal(one["from_yuan"]),
        Decimal(one["least_yuan"]),
        Decimal(one["most_yuan"]),
        Decimal(share) if share is not None else None,
    )
    if not 0 < tier.least_yuan <= tier.most_yuan or tier.from_yuan < 0 or (share is not None and Decimal(share) <= 0):
        raise ValueError(f"档次“{tier.text}”的金额不合理")
    return tier
