"""Rules, eligibility, money and terms: pure, and held by properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rewards import eligibility, rules
from app.rewards.eligibility import Facts, Verdict, findings, verdict
from app.rewards.money import remaining, split
from app.rewards.terms import months_after

RULES = rules.read(rules.DEFAULT)
GOOD = Facts(
    real_name=True,
    claimed_with_code=False,
    has_leads=True,
    substantiated=True,
    known_before=None,
    first=True,
    rewarded_before=False,
)
NOTHING_AGAINST = {"known_before": False, **dict.fromkeys(rules.EXCLUSIONS, False)}
TRUTHS = st.sampled_from([True, False, None])
facts = st.builds(
    Facts,
    real_name=st.booleans(),
    claimed_with_code=st.booleans(),
    has_leads=st.booleans(),
    substantiated=TRUTHS,
    known_before=TRUTHS,
    first=st.booleans(),
    rewarded_before=st.booleans(),
)
questions = [eligibility.KNOWN_BEFORE, eligibility.SUBSTANTIATED, eligibility.HELPFUL, eligibility.JOINT]
answers = st.dictionaries(st.sampled_from([*questions, *rules.EXCLUSIONS]), st.booleans())
yuan = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10**9), places=2)


def _verdict(told: Facts, said: dict[str, bool]) -> Verdict:
    return verdict(findings(told, said, RULES))


class TestEligibility:
    def test_the_three_conditions_the_first_and_nothing_against(self) -> None:
        assert _verdict(GOOD, NOTHING_AGAINST) is Verdict.ELIGIBLE

    @pytest.mark.parametrize(
        "change",
        [
            {"real_name": False},
            {"has_leads": False},
            {"substantiated": False},
            {"known_before": True},
            {"rewarded_before": True},
        ],
    )
    def test_each_condition_alone_refuses(self, change: dict[str, Any]) -> None:
        assert _verdict(replace(GOOD, **change), NOTHING_AGAINST) is Verdict.NOT_ELIGIBLE

    @pytest.mark.parametrize("code", [*rules.EXCLUSIONS, "known_before"])
    def test_each_exclusion_alone_refuses(self, code: str) -> None:
        assert _verdict(GOOD, NOTHING_AGAINST | {code: True}) is Verdict.NOT_ELIGIBLE

    @pytest.mark.parametrize("code", [*rules.EXCLUSIONS, "known_before"])
    def test_what_nobody_has_answered_leaves_it_open(self, code: str) -> None:
        assert _verdict(GOOD, {name: said for name, said in NOTHING_AGAINST.items() if name != code}) is Verdict.OPEN

    def test_a_later_reporter_only_jointly_or_where_the_report_helped(self) -> None:
        later = replace(GOOD, first=False)
        assert _verdict(later, NOTHING_AGAINST) is Verdict.OPEN
        assert _verdict(later, NOTHING_AGAINST | {"helpful": False}) is Verdict.NOT_ELIGIBLE
        assert _verdict(later, NOTHING_AGAINST | {"helpful": True}) is Verdict.ELIGIBLE
        assert _verdict(later, NOTHING_AGAINST | {"joint": True}) is Verdict.ELIGIBLE

    def test_an_anonymous_reporter_with_the_code_where_the_rules_allow_it(self) -> None:
        anonymous = replace(GOOD, real_name=False, claimed_with_code=True)
        assert _verdict(anonymous, NOTHING_AGAINST) is Verdict.ELIGIBLE
        strict = rules.read({**rules.DEFAULT, "anonymous_may_claim": False})
        assert verdict(findings(anonymous, NOTHING_AGAINST, strict)) is Verdict.NOT_ELIGIBLE

    @given(facts, answers)
    def test_eligible_only_when_every_reason_is_met(self, told: Facts, said: dict[str, bool]) -> None:
        found = findings(told, said, RULES)
        assert (verdict(found) is Verdict.ELIGIBLE) == all(one.met is True for one in found)
        assert (verdict(found) is Verdict.NOT_ELIGIBLE) == any(one.met is False for one in found)
        assert len({one.code for one in found}) == len(found) == 6 + len(rules.EXCLUSIONS)

    @given(facts, answers, st.sampled_from(list(rules.EXCLUSIONS)))
    def test_an_exclusion_never_helps(self, told: Facts, said: dict[str, bool], code: str) -> None:
        assert _verdict(told, said | {code: True}) is Verdict.NOT_ELIGIBLE

    @given(facts, answers, st.sampled_from([*questions, *rules.EXCLUSIONS]), st.booleans())
    def test_an_answer_never_overrules_the_records(
        self, told: Facts, said: dict[str, bool], code: str, answer: bool
    ) -> None:
        recorded = [one for one in findings(told, said, RULES) if one.question is None and one.code != "first"]
        after = {one.code: one.met for one in findings(told, said | {code: answer}, RULES)}
        assert all(after[one.code] == one.met for one in recorded)


class TestMoney:
    @given(yuan, st.integers(1, 40))
    def test_shares_are_alike_to_the_fen_and_nothing_is_lost(self, total: Decimal, people: int) -> None:
        reporters = [UUID(int=number) for number in range(people)]
        if total * 100 < people:
            with pytest.raises(ValueError, match="less than a fen"):
                split(total, reporters)
            return
        shares = split(total, reporters)
        assert sum(shares.values()) == total
        assert max(shares.values()) - min(shares.values()) <= Decimal("0.01")
        assert list(shares) == reporters
        assert list(shares.values()) == sorted(shares.values(), reverse=True), "what is left goes to the first"

    @pytest.mark.parametrize("reporters", [[], [UUID(int=1), UUID(int=1)]])
    def test_nobody_and_twice_is_refused(self, reporters: list[UUID]) -> None:
        with pytest.raises(ValueError, match="once each"):
            split(Decimal(100), reporters)

    def test_a_fraction_of_a_fen_is_refused(self) -> None:
        with pytest.raises(ValueError, match="decimal places"):
            split(Decimal("0.005"), [UUID(int=1)])

    @given(yuan, yuan, yuan)
    def test_what_is_left_is_exact(self, budget: Decimal, paid: Decimal, promised: Decimal) -> None:
        assert remaining(budget, paid, promised) + paid + promised == budget


class TestTiers:
    @given(st.none() | yuan)
    def test_what_the_scale_proposes_lies_within_its_tier(self, involved: Decimal | None) -> None:
        tier = RULES.tier_of(involved)
        proposed = tier.suggested(involved)
        assert tier.least_yuan <= proposed <= tier.most_yuan
        assert proposed == proposed.quantize(rules.FEN)

    @pytest.mark.parametrize(
        ("involved", "proposed"),
        [(None, "500.00"), ("1000000", "500.00"), ("12345678.99", "1234.56"), ("9999999999", "50000.00")],
    )
    def test_one_in_ten_thousand_between_its_limits(self, involved: str | None, proposed: str) -> None:
        amount = Decimal(involved) if involved else None
        assert RULES.tier_of(amount).suggested(amount) == Decimal(proposed)

    def test_the_highest_tier_reached_holds(self) -> None:
        tiers = [
            {"code": f"t{start}", "text": "档", "from_yuan": str(start), "least_yuan": "1", "most_yuan": "2"}
            for start in (5000, 0, 100)
        ]
        found = rules.read({**rules.DEFAULT, "tiers": tiers})
        codes = [found.tier_of(Decimal(amount)).code for amount in (0, 99, 100, 4999, 5000)]
        assert codes == ["t0", "t0", "t100", "t100", "t5000"]

    @pytest.mark.parametrize(
        "change",
        [
            {"tiers": []},
            {"tiers": [{"code": "a", "text": "档", "from_yuan": "1", "least_yuan": "1", "most_yuan": "2"}]},
            {"tiers": [{"code": "a", "text": "档", "from_yuan": "0", "least_yuan": "3", "most_yuan": "2"}]},
            {"tiers": [{"code": "a", "text": "档", "from_yuan": "0", "least_yuan": "0", "most_yuan": "2"}]},
            {"collect_months": 40},
        ],
    )
    def test_rules_that_contradict_themselves_are_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"[一-鿿]"):
            rules.read({**rules.DEFAULT, **change})


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2090, 1, 1)), st.integers(1, 120))
def test_terms_end_on_the_same_day_of_the_month_or_its_last(start: date, months: int) -> None:
    end = months_after(start, months)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or end.day in {28, 29, 30}
    assert end.day <= start.day
