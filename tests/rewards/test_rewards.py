"""A reward from the conclusion of a tip to its payment: two people, the first reporter, the year's money."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.errors import Conflict, DomainError, Forbidden, InvalidInput, StaleVersion, TransitionNotAllowed
from app.rewards import jobs, ledger
from app.rewards.models import Reward
from app.tips import jobs as tip_jobs
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.rewards import office
from tests.threads import at_once
from tests.tips import reporters


class TestOpening:
    def test_a_named_reporter_who_wants_it_is_considered_when_the_tip_is_concluded(self, client: FlaskClient) -> None:
        _, tip_id = office.concluded(client)
        reward = office.reward_of(tip_id)
        assert (reward.state, reward.decide_by) == ("open", date(2026, 4, 14))

    def test_run_twice_there_is_one_reward(self, client: FlaskClient) -> None:
        _, tip_id = office.concluded(client)
        jobs.open_review({"tip_id": str(tip_id)})
        assert rows.scalar("SELECT count(*) FROM rewards") == 1

    def test_nobody_else_is(self, client: FlaskClient) -> None:
        office.concluded(client, named=False)
        receipt = factories.file_tip(client, reporter=factories.REPORTER | {"wants_reward": False})
        tip_id = factories.tip_id_of(receipt["receipt_number"])
        jobs.open_review({"tip_id": str(tip_id)})
        assert rows.scalar("SELECT count(*) FROM rewards") == 0

    def test_an_unfounded_tip_opens_nothing(self, client: FlaskClient) -> None:
        tip_id = factories.verifying_tip(client)
        given = {"outcome": "UNSUBSTANTIATED", "text": "未发现。"}
        factories.office_act(client, "district.650104", tip_id, "submit_feedback", **given)
        factories.office_act(client, "city.reviewer", tip_id, "conclude")
        factories.deliver()
        assert rows.scalar("SELECT count(*) FROM rewards") == 0


class TestTwoPeople:
    def test_proposed_approved_told_claimed_paid(self, client: FlaskClient) -> None:
        office.budget()
        receipt, tip_id = office.concluded(client)
        assert reporters.progress(client, receipt)["reward"]["status_text"] == "奖励事项正在审查"
        reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
        assert reporters.progress(client, receipt)["reward"]["yuan"] is None, "nothing before it is decided"
        reward = office.do("city.leader", reward.id, "approve")
        assert (reward.state, reward.collect_by) == ("granted", date(2026, 9, 2))
        shown = reporters.progress(client, receipt)
        assert shown["reward"] == {
            "status": "granted",
            "status_text": "已决定给予奖励，请在期限内领取",
            "yuan": "1000.00",
            "collect_by": "2026-09-02",
            "can_claim": True,
        }
        assert "决定给予奖励 1000.00 元" in shown["messages"][-1]["text"]
        payee = {"name": "阿依古丽·测试", "account": "6222000011112222", "bank": "某银行"}
        assert office.claim(client, receipt, payee=payee).get_json()["status"] == "claimed"
        assert office.pay(office.reward_of(tip_id)).state == "paid"
        assert reporters.progress(client, receipt)["reward"]["status"] == "paid"
        held = ledger.balance(2026)
        assert (held.paid, held.promised, held.left) == (Decimal(1000), Decimal(0), Decimal(19000))
        stored = [line for lines in rows.dump().values() for line in lines]
        assert not any("6222000011112222" in line for line in stored), "the payee is sealed"

    def test_nobody_approves_the_own_proposal(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also not a reviewer who acts as the leader that day."""
        from dataclasses import replace

        from app.foundation.permissions import ROLE_PERMISSIONS, Role

        office.budget()
        reward = office.proposed(client)
        person = factories.actor("city.reviewer")
        both = replace(person, permissions=person.permissions | ROLE_PERMISSIONS[Role.CITY_LEADER])
        monkeypatch.setattr(factories, "actor", lambda _: both)
        with pytest.raises(Forbidden, match="不能由同一人"):
            office.do("city.reviewer", reward.id, "approve")
        assert office.reward_of(reward.tip_id).state == "proposed"

    @pytest.mark.parametrize(
        ("username", "action"),
        [
            ("city.leader", "propose"),
            ("city.adjuster", "propose"),
            ("city.reviewer", "approve"),
            ("city.leader", "pay"),
        ],
    )
    def test_each_step_is_of_one_office(self, client: FlaskClient, username: str, action: str) -> None:
        reward = office.proposed(client) if action == "approve" else office.reward_of(office.concluded(client)[1])
        with pytest.raises(DomainError) as refused:
            office.do(username, reward.id, action, **office.PROPOSAL)
        assert refused.value.code in {"forbidden", "not_found"}

    def test_districts_see_no_reward_of_their_own_tip(self, client: FlaskClient) -> None:
        reward = office.granted(client)
        for username in ("district.650104", "observer.650000", "auditor"):
            headers = factories.office_headers(username)
            assert client.get("/api/v1/office/rewards", headers=headers).status_code == 403
            assert client.get(f"/api/v1/office/rewards/{reward.id}", headers=headers).status_code == 403

    def test_sent_back_it_is_proposed_anew(self, client: FlaskClient) -> None:
        reward = office.proposed(client)
        back = office.do("city.leader", reward.id, "send_back", reason="金额请再核。")
        assert (back.state, back.yuan) == ("open", None)
        assert rows.scalar("SELECT count(*) FROM reward_shares") == 0
        again = office.do("city.reviewer", reward.id, "propose", **(office.PROPOSAL | {"yuan": Decimal(600)}))
        assert again.state == "proposed"

    def test_a_refusal_takes_two_people_too_and_tells_no_reason(self, client: FlaskClient) -> None:
        receipt, tip_id = office.concluded(client)
        reward = office.reward_of(tip_id)
        office.do("city.reviewer", reward.id, "propose_refusal", reason="线索已进入刑事立案程序。")
        refused = office.do("city.leader", reward.id, "approve")
        assert refused.state == "refused"
        shown = reporters.progress(client, receipt)
        assert shown["reward"]["status_text"] == "经审查，不符合奖励条件"
        assert "立案" not in str(shown["messages"])
        assert office.do("city.leader", reward.id, "reopen", reason="有新事实").state == "open"

    def test_two_leaders_at_once_decide_once(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        office.budget()
        reward = office.proposed(client)

        def approve() -> str:
            try:
                return office.do("city.leader", reward.id, "approve", version=reward.version).state
            except (StaleVersion, TransitionNotAllowed) as refusal:
                return refusal.code

        assert sorted(at_once(committed_app, [approve, approve])) == ["granted", "stale_version"]
        assert rows.scalar("SELECT count(*) FROM tip_messages") == 1

    def test_two_rewards_at_once_do_not_overdraw_the_year(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        office.budget("1500.00")
        names = ("甲乙丙丁商贸有限公司", "戊己庚辛商贸有限公司")
        rewards = [
            office.do(
                "city.reviewer",
                office.reward_of(office.concluded(client, subject={"kind": "organization", "name": name})[1]).id,
                "propose",
                **office.PROPOSAL,
            )
            for name in names
        ]

        def approve(number: int) -> Any:
            def call() -> str:
                try:
                    return office.do("city.leader", rewards[number].id, "approve").state
                except Conflict as refusal:
                    return refusal.code

            return call

        assert sorted(at_once(committed_app, [approve(0), approve(1)])) == ["budget_exceeded", "granted"]
        assert ledger.balance(2026).left == Decimal(500)


class TestConditions:
    def test_open_questions_and_unmet_conditions_propose_nothing(self, client: FlaskClient) -> None:
        reward = office.reward_of(office.concluded(client)[1])
        for answers in ({}, office.ANSWERS | {"staff": True}, office.ANSWERS | {"known_before": True}):
            with pytest.raises(Conflict, match="奖励条件未全部符合"):
                office.do("city.reviewer", reward.id, "propose", **(office.PROPOSAL | {"answers": answers}))

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"yuan": Decimal("499.99")}, "yuan"), ({"yuan": Decimal("50000.01")}, "yuan"), ({"tier": "gold"}, "tier"),
         ({"yuan": None}, "yuan"), ({"reason": ""}, "reason")],
    )  # fmt: skip
    def test_the_sum_lies_within_its_tier(self, client: FlaskClient, change: dict[str, Any], field: str) -> None:
        reward = office.reward_of(office.concluded(client)[1])
        with pytest.raises(InvalidInput) as refused:
            office.do("city.reviewer", reward.id, "propose", **(office.PROPOSAL | change))
        assert list(refused.value.errors) == [field]

    def test_the_second_reporter_of_the_same_fact_is_not_the_first(self, client: FlaskClient) -> None:
        with clock.stopped_at(MONDAY_MORNING - timedelta(hours=1)):
            factories.file_tip(client)
        _, tip_id = office.concluded(client)
        tip_jobs.link_tips()
        reward = office.reward_of(tip_id)
        with pytest.raises(Conflict, match="不是最先举报"):
            office.do("city.reviewer", reward.id, "propose", **office.PROPOSAL)
        helped = office.PROPOSAL | {"answers": office.ANSWERS | {"helpful": True}}
        assert office.do("city.reviewer", reward.id, "propose", **helped).state == "proposed"

    def test_without_a_budget_nothing_is_promised(self, client: FlaskClient) -> None:
        reward = office.proposed(client)
        with pytest.raises(Conflict, match="预算尚未设定"):
            office.do("city.leader", reward.id, "approve")
        office.budget("999.99")
        with pytest.raises(Conflict, match=r"余额 999\.99 元"):
            office.do("city.leader", reward.id, "approve")
        with pytest.raises(Conflict, match="不能低于"):
            office.budget("5000.00")
            office.do("city.leader", reward.id, "approve")
            office.budget("100.00")


class TestJointReports:
    def _two(self, client: FlaskClient) -> tuple[Any, Any]:
        first = office.concluded(client)
        second = office.concluded(client)
        tip_jobs.link_tips()
        return first, second

    def test_one_reward_is_shared_to_the_fen(self, client: FlaskClient) -> None:
        office.budget()
        (first, tip_id), (second, joint_id) = self._two(client)
        proposal = office.PROPOSAL | {"yuan": Decimal("1000.01"), "joint": [second["receipt_number"]]}
        reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **proposal)
        office.do("city.leader", reward.id, "approve")
        shown = [reporters.progress(client, receipt)["reward"]["yuan"] for receipt in (first, second)]
        assert shown == ["500.01", "500.00"]
        assert office.reward_of(joint_id).state == "joined"
        assert office.claim(client, second).get_json()["status"] == "claimed"
        assert reporters.progress(client, first)["reward"]["can_claim"] is True
        half = office.pay(reward, receipt_number=second["receipt_number"])
        assert half.state == "claimed"
        assert reporters.progress(client, second)["reward"]["status"] == "paid"
        assert office.pay(office.reward_of(tip_id)).state == "paid"
        assert ledger.balance(2026).paid == Decimal("1000.01")

    def test_only_reports_of_the_same_matter_are_joint(self, client: FlaskClient) -> None:
        _, tip_id = office.concluded(client)
        other, _ = office.concluded(client, subject={"kind": "organization", "name": "另外一家商贸有限公司"})
        tip_jobs.link_tips()
        with pytest.raises(InvalidInput, match=""):
            office.do(
                "city.reviewer",
                office.reward_of(tip_id).id,
                "propose",
                **(office.PROPOSAL | {"joint": [other["receipt_number"]]}),
            )

    def test_nobody_is_rewarded_twice(self, client: FlaskClient) -> None:
        office.budget()
        (_, tip_id), (second, joint_id) = self._two(client)
        proposal = office.PROPOSAL | {"joint": [second["receipt_number"]]}
        office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **proposal)
        helped = office.PROPOSAL | {"answers": office.ANSWERS | {"helpful": True}}
        with pytest.raises(Conflict, match="已作为联名举报"):
            office.do("city.reviewer", office.reward_of(joint_id).id, "propose", **helped)


class TestPayment:
    def test_a_share_is_paid_once(self, client: FlaskClient) -> None:
        reward = office.granted(client)
        office.pay(reward)
        with pytest.raises(TransitionNotAllowed):
            office.pay(reward)

    @pytest.mark.parametrize("paid_on", [date(2026, 3, 3), date(2026, 3, 1)])
    def test_not_before_the_decision_and_not_tomorrow(self, client: FlaskClient, paid_on: date) -> None:
        reward = office.granted(client)
        with pytest.raises(InvalidInput):
            office.pay(reward, paid_on=paid_on)

    def test_only_a_tip_of_this_reward_is_paid(self, client: FlaskClient) -> None:
        reward = office.granted(client)
        with pytest.raises(InvalidInput):
            office.pay(reward, receipt_number=factories.file_tip(client)["receipt_number"])

    def test_the_payee_is_opened_for_a_reason_and_audited(self, client: FlaskClient) -> None:
        office.budget()
        receipt, tip_id = office.concluded(client)
        reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
        office.do("city.leader", reward.id, "approve")
        payee = {"name": "阿依古丽·测试", "account": "6222000011112222", "bank": "某银行"}
        office.claim(client, receipt, payee=payee)
        asked = {"receipt_number": receipt["receipt_number"], "reason": "办理转账"}
        path = f"/api/v1/office/rewards/{reward.id}/payee"
        assert client.post(path, json=asked, headers=factories.office_headers("city.leader")).status_code == 403
        assert client.post(path, json=asked, headers=factories.office_headers("city.reviewer")).get_json() == {
            **payee,
            "warnings": [],
        }
        aside = {"tip_id": str(tip_id), "reason": "亲属持股。"}
        reviewer = factories.office_headers("city.reviewer")
        assert client.post("/api/v1/office/exclusions", json=aside, headers=reviewer).status_code == 201
        assert client.post(path, json=asked, headers=reviewer).get_json()["code"] == "excluded"
        assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'rewards.open_payee'") == 1

    def _open(self, client: FlaskClient, receipt: dict[str, Any], reward: Reward) -> dict[str, Any]:
        asked = {"receipt_number": receipt["receipt_number"], "reason": "办理转账"}
        path = f"/api/v1/office/rewards/{reward.id}/payee"
        told: dict[str, Any] = client.post(
            path, json=asked, headers=factories.office_headers("city.reviewer")
        ).get_json()
        return told

    def test_a_code_of_the_office_names_no_payee(self, client: FlaskClient) -> None:
        office.budget()
        receipt, tip_id = office.concluded(client)
        reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
        office.do("city.leader", reward.id, "approve")
        path, headers = f"/api/v1/office/tips/{tip_id}/query-code", factories.office_headers("city.reviewer")
        new = client.post(path, json={"reason": "已回拨"}, headers=headers).get_json()
        payee = {"name": "测试经办人", "account": "6222000099998888", "bank": "某银行"}
        refused = office.claim(client, new, payee=payee)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "not_the_own_code")
        assert office.claim(client, new).get_json()["status"] == "claimed", "the term is kept without an account"
        own = {"name": "阿依古丽测试", "account": "6222000011112222", "bank": "某银行"}
        for named in (payee, own):  # named with the own code: the last one holds
            assert office.claim(client, receipt, payee=named).status_code == 200
        told = self._open(client, receipt, reward)
        assert told["account"] == own["account"]
        (warning,) = told["warnings"]
        assert "补发过查询码" in warning
        office.claim(client, receipt, payee=payee)
        assert "姓名不一致" in self._open(client, receipt, reward)["warnings"][0]
        office.pay(reward)
        office.claim(client, receipt, payee=own)
        assert self._open(client, receipt, reward)["account"] == payee["account"], "paid is paid"


class TestTerms:
    def test_uncollected_it_lapses_and_the_money_is_free_again(self, client: FlaskClient) -> None:
        reward = office.granted(client)
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=184)):
            jobs.lapse_rewards()
            assert office.reward_of(reward.tip_id).state == "granted", "the last day still counts"
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=185)):
            jobs.lapse_rewards()
            jobs.lapse_rewards()
            assert office.reward_of(reward.tip_id).state == "lapsed"
        assert ledger.balance(2026).left == Decimal(20000)
        assert rows.scalar("SELECT count(*) FROM reward_events WHERE action = 'lapse'") == 1

    def test_the_leader_extends_up_to_three_years(self, client: FlaskClient) -> None:
        reward = office.granted(client)
        for until in (date(2026, 9, 2), date(2029, 3, 3)):
            with pytest.raises(InvalidInput):
                office.do("city.leader", reward.id, "extend", until=until, reason="举报人在外地")
        longer = office.do("city.leader", reward.id, "extend", until=date(2029, 3, 2), reason="举报人在外地")
        assert (longer.state, longer.collect_by) == ("granted", date(2029, 3, 2))

    def test_a_lapsed_one_is_revived_while_the_year_still_holds_it(self, client: FlaskClient) -> None:
        reward = office.granted(client)
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=185)):
            jobs.lapse_rewards()
            office.budget("500.00")
            given = {"until": date(2026, 12, 31), "reason": "举报人住院"}
            with pytest.raises(Conflict, match="余额"):
                office.do("city.leader", reward.id, "extend", **given)
            office.budget("1000.00")
            assert office.do("city.leader", reward.id, "extend", **given).state == "granted"


class TestRules:
    def test_other_rules_hold_from_their_day_on(self, client: FlaskClient) -> None:
        tier = {"code": "first", "text": "一级", "from_yuan": "0", "least_yuan": "2000", "most_yuan": "5000"}
        body = {
            "valid_from": "2026-03-03",
            "source": "市级标准（2026）",
            "tiers": [tier],
            "decide_days": 20,
            "collect_months": 3,
            "longest_months": 12,
            "anonymous_may_claim": False,
        }
        leader = factories.office_headers("city.leader")
        answer = client.post("/api/v1/office/reward-rules", json=body, headers=leader)
        assert (answer.status_code, answer.get_json()["provisional"]) == (201, True), "tomorrow's do not hold yet"
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=1)):
            shown = client.get(
                "/api/v1/office/reward-rules", headers=factories.office_headers("city.leader")
            ).get_json()
        assert (shown["provisional"], shown["tiers"][0]["least_yuan"], shown["collect_months"]) == (False, "2000", 3)
        past = client.post("/api/v1/office/reward-rules", json=body | {"valid_from": "2026-03-01"}, headers=leader)
        assert list(past.get_json()["errors"]) == ["valid_from"]
        reviewer = factories.office_headers("city.reviewer")
        assert client.post("/api/v1/office/reward-rules", json=body, headers=reviewer).status_code == 403
