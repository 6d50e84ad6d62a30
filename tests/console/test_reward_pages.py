"""The desk of rewards: two officers decide on the pages, refusals keep what was typed, the ledger adds up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.rewards.models import Reward
from app.rewards.rules import EXCLUSIONS
from tests import factories, rows
from tests.console.office import Officer, csrf_token, version_of
from tests.rewards import office
from tests.workflow import office as handling

ANSWERS = {f"answer.{name}": "false" for name in ("known_before", *EXCLUSIONS)}
PROPOSAL = ANSWERS | {"tier": "standard", "yuan": "1000.00", "reason": "最先举报，查证属实。"}


@pytest.fixture
def reward(client: FlaskClient) -> Reward:
    return office.reward_of(office.concluded(client)[1])


def _act(person: Officer, reward: Reward, action: str, **fields: Any) -> Any:
    path = f"/rewards/{reward.id}"
    page = person.text(path)
    data = {"csrf_token": csrf_token(page), "action": action, "expected_version": version_of(page), **fields}
    return person.open(f"{path}/actions", method="POST", data=data)


def test_two_officers_decide_and_one_pays(officer: Callable[[str], Officer], reward: Reward) -> None:
    reviewer, leader = officer("city.reviewer"), officer("city.leader")
    assert (
        leader.post("/rewards/budget", seen="/rewards/ledger", year="2026", yuan="20000", reason="年初").status_code
        == 303
    )
    assert "待确认" in reviewer.text(f"/rewards/{reward.id}")
    assert _act(reviewer, reward, "propose", **PROPOSAL).status_code == 303
    assert "当前没有需要您办理的事项" in reviewer.text(f"/rewards/{reward.id}")
    assert "符合奖励条件" in leader.text(f"/rewards/{reward.id}")
    assert _act(leader, reward, "approve").status_code == 303
    number = office.receipt_number(reward.tip_id)
    paid = _act(reviewer, reward, "pay", receipt_number=number, voucher_number="凭证7号", paid_on="2026-03-02")
    assert paid.status_code == 303
    ledger = leader.text("/rewards/ledger")
    assert "凭证7号" in ledger
    assert "1.90 万元" in ledger


def test_a_refused_proposal_keeps_what_was_typed(officer: Callable[[str], Officer], reward: Reward) -> None:
    reviewer = officer("city.reviewer")
    answer = _act(reviewer, reward, "propose", **(PROPOSAL | {"yuan": "1.00"}))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "该档次的奖励在" in page
    assert "最先举报，查证属实。" in page
    unanswered = _act(reviewer, reward, "propose", **(PROPOSAL | {"answer.staff": "true"}))
    assert "奖励条件未全部符合" in unanswered.get_data(as_text=True)
    assert office.reward_of(reward.tip_id).state == "open"


def test_sent_twice_is_done_once(officer: Callable[[str], Officer], reward: Reward) -> None:
    reviewer = officer("city.reviewer")
    page = reviewer.text(f"/rewards/{reward.id}")
    data = {"csrf_token": csrf_token(page), "action": "propose", "expected_version": "1", **PROPOSAL}
    answers = [reviewer.open(f"/rewards/{reward.id}/actions", method="POST", data=data).status_code for _ in range(2)]
    assert answers == [303, 409]
    assert rows.scalar("SELECT count(*) FROM reward_events") == 1


def test_the_list_filters_by_state_and_opens_by_receipt_number(
    officer: Callable[[str], Officer], reward: Reward, client: FlaskClient
) -> None:
    reviewer = officer("city.reviewer")
    number = office.receipt_number(reward.tip_id)
    assert number in reviewer.text("/rewards?state=open").split("<tbody>")[1]
    assert "没有奖励事项" in reviewer.text("/rewards?state=paid")
    anonymous, _ = office.concluded(client, named=False)
    opened = reviewer.post("/rewards", seen="/rewards", receipt_number=anonymous["receipt_number"])
    assert opened.status_code == 303
    unknown = reviewer.post("/rewards", seen="/rewards", receipt_number="123")
    assert "没有这个受理编号的线索" in unknown.get_data(as_text=True)


def test_the_leader_sets_the_rules(officer: Callable[[str], Officer]) -> None:
    leader = officer("city.leader")
    rules = {
        "valid_from": "2026-03-02", "source": "市级标准（2026）", "decide_days": "20", "collect_months": "6",
        "longest_months": "36", "tier-0-code": "small", "tier-0-text": "一般", "tier-0-from_yuan": "0",
        "tier-0-least_yuan": "200", "tier-0-most_yuan": "500", "tier-1-code": "large", "tier-1-text": "重大",
        "tier-1-from_yuan": "5000000", "tier-1-least_yuan": "1000", "tier-1-most_yuan": "5000",
    }  # fmt: skip
    assert leader.post("/rewards/rules", seen="/rewards/ledger", **rules).status_code == 303
    page = leader.text("/rewards/ledger")
    assert "市级标准（2026）" in page
    assert "重大" in page
    wrong = leader.post("/rewards/rules", seen="/rewards/ledger", **(rules | {"tier-0-from_yuan": "1"}))
    assert "最低一档的起点金额应为 0" in wrong.get_data(as_text=True)


def test_a_share_that_lapsed_is_shown_as_such_and_not_offered_for_payment(
    officer: Callable[[str], Officer], client: FlaskClient
) -> None:
    found = office.joint(client)
    with clock.stopped_at(clock.now() + timedelta(days=185)):
        page = officer("city.reviewer").text(f"/rewards/{found.reward.id}")
    shares = page.split('id="h-shares"')[1].split("</section>")[0]
    assert shares.count("逾期视为放弃") == 1
    offered = page.split('name="receipt_number"')[1].split("</select>")[0]
    assert found.first["receipt_number"] in offered
    assert found.second["receipt_number"] not in offered


def test_a_refused_payment_says_why_and_what_to_do(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    reward = office.granted(client)
    handling.do("city.reviewer", reward.tip_id, "archive")
    handling.do("city.reviewer", reward.tip_id, "reopen", reason="复核。")
    reviewer, leader = officer("city.reviewer"), officer("city.leader")
    number = office.receipt_number(reward.tip_id)
    answer = _act(reviewer, reward, "pay", receipt_number=number, voucher_number="凭证7号", paid_on="2026-03-02")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "线索已重新办理，尚未办结" in page
    assert "请由市级负责人“重新审查”" in page
    assert "此前的奖励决定不再执行并告知举报人" in leader.text(f"/rewards/{reward.id}")
    assert _act(leader, reward, "reopen", reason="复核。").status_code == 303
    assert "待审查" in reviewer.text(f"/rewards/{reward.id}")


@pytest.mark.parametrize("username", ["district.650104", "city.adjuster", "observer.650000", "auditor", "sysadmin"])
def test_nobody_else_finds_the_desk(officer: Callable[[str], Officer], reward: Reward, username: str) -> None:
    person = officer(username)
    for path in ("/rewards", f"/rewards/{reward.id}", "/rewards/ledger"):
        assert person.get(path).status_code == 403
    assert 'href="/rewards"' not in person.get("/", follow_redirects=True).get_data(as_text=True)
    _ = factories


def test_the_tips_page_says_where_its_reward_stands_to_who_may_know(
    officer: Callable[[str], Officer], reward: Reward
) -> None:
    path = f"/tips/{reward.tip_id}"
    for username in ("city.reviewer", "city.leader"):
        page = officer(username).text(path)
        assert f'href="/rewards/{reward.id}"' in page
        assert "待审查" in page.split('id="h-reward"')[1].split("</section>")[0]
    for username in ("district.650104", "city.adjuster", "observer.650000"):
        assert "h-reward" not in officer(username).text(path), username


def test_a_settled_tip_without_a_reward_leads_to_the_desk(
    officer: Callable[[str], Officer], client: FlaskClient, tip_id: UUID
) -> None:
    assert "h-reward" not in officer("city.reviewer").text(f"/tips/{tip_id}")
    settled = office.concluded(client, named=False)[1]
    assert "尚未列入奖励审查" in officer("city.reviewer").text(f"/tips/{settled}")
    assert "h-reward" not in officer("city.leader").text(f"/tips/{settled}")
