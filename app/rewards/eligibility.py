"""Whether a tip may be rewarded, with every reason. Pure.

《乌鲁木齐市非法集资举报奖励实施细则》Art. 4 (three conditions, all together), Art. 5 (exclusions), Art. 6 (the first
reporter; joint reports are one). What no record can tell is asked of a person, and until it is answered nothing is
decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.rewards.rules import RuleSet


class Verdict(StrEnum):
    """What the findings say together."""

    ELIGIBLE = "eligible"
    NOT_ELIGIBLE = "not_eligible"
    OPEN = "open"


VERDICT_TEXTS: Final[Mapping[Verdict, str]] = {
    Verdict.ELIGIBLE: "符合奖励条件",
    Verdict.NOT_ELIGIBLE: "不符合奖励条件",
    Verdict.OPEN: "尚有事项待审查人员确认",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the records tell of a tip; ``None`` is what they cannot tell."""

    real_name: bool
    claimed_with_code: bool
    has_leads: bool
    substantiated: bool | None
    known_before: bool | None
    first: bool
    rewarded_before: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition: met, not met, or ``None`` while a person has to say; ``question`` is the name of that answer."""

    code: str
    text: str
    met: bool | None
    basis: str
    question: str | None = None


KNOWN_BEFORE: Final = "known_before"
SUBSTANTIATED: Final = "substantiated"
HELPFUL: Final = "helpful"
JOINT: Final = "joint"
_CONDITIONS: Final = "实施细则第四条"
_EXCLUSIONS: Final = "实施细则第五条"
_FIRST: Final = "实施细则第六条"


def findings(facts: Facts, answers: Mapping[str, bool], rules: RuleSet) -> list[Finding]:
    """Every condition and exclusion with what is known of it. ``answers`` are a person's, by question."""
    return [
        Finding("real_name", "实名举报，有联系方式（匿名举报凭领奖码申请）", _is_known(facts, rules), _CONDITIONS),
        Finding("leads", "提供基本线索和证据", facts.has_leads, _CONDITIONS),
        _answered(
            "new", "举报的情况事先未被有关部门掌握", _not(facts.known_before), KNOWN_BEFORE, answers, _CONDITIONS
        ),
        _answered("substantiated", "经查证属实", facts.substantiated, SUBSTANTIATED, answers, _CONDITIONS),
        _first(facts, answers),
        Finding("once", "同一举报未领取过奖励", not facts.rewarded_before, _CONDITIONS),
        *(
            _answered(code, f"不属于：{text}", None, code, answers, _EXCLUSIONS)
            for code, text in rules.exclusions.items()
        ),
    ]


def _is_known(facts: Facts, rules: RuleSet) -> bool:
    return facts.real_name or (facts.claimed_with_code and rules.anonymous_may_claim)


def _not(known: bool | None) -> bool | None:
    return None if known is None else not known


def _answered(
    code: str, text: str, recorded: bool | None, question: str, answers: Mapping[str, bool], basis: str
) -> Finding:
    """What the records say; where they are silent the answer. Only ``substantiated`` is answered in the positive."""
    if recorded is not None:
        return Finding(code, text, recorded, basis)
    answer = answers.get(question)
    met = answer if question == SUBSTANTIATED or answer is None else not answer
    return Finding(code, text, met, basis, question)


def _first(facts: Facts, answers: Mapping[str, bool]) -> Finding:
    """The first reporter; another one jointly with him, or where his report helped (at discretion)."""
    if facts.first:
        return Finding("first", "同一事实最先举报（以登记时间为准）", met=True, basis=_FIRST)
    if answers.get(JOINT):
        return Finding("first", "与最先举报人联名，按同一举报奖励", met=True, basis=_FIRST, question=JOINT)
    helped = answers.get(HELPFUL)
    return Finding("first", "不是最先举报，但对查处有帮助，酌情奖励", met=helped, basis=_FIRST, question=HELPFUL)


def verdict(found: Sequence[Finding]) -> Verdict:
    """One unmet condition refuses; one open question leaves it open; everything met rewards."""
    if any(one.met is False for one in found):
        return Verdict.NOT_ELIGIBLE
    return Verdict.OPEN if any(one.met is None for one in found) else Verdict.ELIGIBLE
