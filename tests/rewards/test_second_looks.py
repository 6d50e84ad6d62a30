"""What was granted is paid only while its reasons stand (实施细则 Art. 4); the leader takes back what has none any more."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import Conflict
from app.rewards import ledger, rules
from app.rewards.models import Reward
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.rewards import office
from tests.tips import reporters
from tests.workflow import office as handling


@pytest.fixture
def granted(client: FlaskClient) -> tuple[dict[str, Any], Reward]:
    """A granted reward: (receipt, reward)."""
    office.budget()
    receipt, tip_id = office.concluded(client)
    reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
    return receipt, office.do("city.leader", reward.id, "approve")


def _open_again(reward: Reward) -> None:
    handling.do("city.reviewer", reward.tip_id, "archive")
    handling.do("city.reviewer", reward.tip_id, "reopen", reason="复核。")


def _find(reward: Reward, outcome: str) -> None:
    """The second verification and its end."""
    handling.do("city.reviewer", reward.tip_id, "assign", division=factories.XINSHI)
    handling.do(handling.HANDLER, reward.tip_id, "sign_for")
    handling.do(handling.HANDLER, reward.tip_id, "submit_feedback", outcome=outcome, text="再次核查。")
    handling.do("city.reviewer", reward.tip_id, "conclude")


def test_nothing_is_paid_while_the_tip_is_handled_again(granted: tuple[dict[str, Any], Reward]) -> None:
    _, reward = granted
    _open_again(reward)
    with pytest.raises(Conflict, match="线索已重新办理，尚未办结"):
        office.pay(reward)
    _find(reward, "SUBSTANTIATED")
    assert office.pay(reward).state == "paid"


def test_nothing_is_paid_for_what_proved_unfounded(granted: tuple[dict[str, Any], Reward]) -> None:
    _, reward = granted
    _open_again(reward)
    _find(reward, "UNSUBSTANTIATED")
    with pytest.raises(Conflict, match="经查证属实。请由市级负责人“重新审查”"):
        office.pay(reward)
    assert ledger.balance(2026).paid == 0


def test_the_leader_takes_it_back_and_two_people_refuse_it(
    client: FlaskClient, granted: tuple[dict[str, Any], Reward]
) -> None:
    receipt, reward = granted
    office.claim(client, receipt)
    _open_again(reward)
    _find(reward, "UNSUBSTANTIATED")
    back = office.do("city.leader", reward.id, "reopen", reason="复核不属实。")
    assert (back.state, back.yuan, back.collect_by, ledger.balance(2026).promised) == ("open", None, None, 0)
    shown = reporters.progress(client, receipt)
    assert shown["reward"]["status_text"] == "奖励事项正在审查"
    assert "此前告知的奖励决定不再执行" in shown["messages"][-1]["text"]
    with pytest.raises(Conflict, match="经查证属实"):
        office.do("city.reviewer", reward.id, "propose", **office.PROPOSAL)
    office.do("city.reviewer", reward.id, "propose_refusal", reason="复核不属实。")
    assert office.do("city.leader", reward.id, "approve").state == "refused"


def test_joint_reports_are_reviewed_on_their_own_again(client: FlaskClient) -> None:
    found = office.joint(client)
    other = office.reward_of(factories.tip_id_of(found.second["receipt_number"]))
    assert other.state == "joined"
    office.do("city.leader", found.reward.id, "reopen", reason="金额有误。")
    assert office.reward_of(other.tip_id).state == "open"
    proposal = office.PROPOSAL | {"yuan": Decimal(900), "joint": [found.second["receipt_number"]]}
    office.do("city.reviewer", found.reward.id, "propose", **proposal)
    office.do("city.leader", found.reward.id, "approve")
    assert reporters.progress(client, found.second)["reward"]["yuan"] == "450.00"


def test_a_review_of_its_own_that_was_decided_meanwhile_stays_as_it_is(client: FlaskClient) -> None:
    found = office.joint(client)
    other = factories.tip_id_of(found.second["receipt_number"])
    rows.scalar("UPDATE rewards SET state = 'refused' WHERE tip_id = :id RETURNING 1", id=other)
    office.do("city.leader", found.reward.id, "reopen", reason="金额有误。")
    assert office.reward_of(other).state == "refused"


def test_what_was_paid_in_part_is_not_taken_back(client: FlaskClient) -> None:
    found = office.joint(client)
    office.pay(found.reward)
    with pytest.raises(Conflict, match="已有份额发放"):
        office.do("city.leader", found.reward.id, "reopen", reason="金额有误。")


def test_rules_that_come_later_do_not_touch_what_was_decided(client: FlaskClient) -> None:
    office.budget()
    receipt, tip_id = office.concluded(client, named=False)
    codes = {name: receipt[name] for name in ("query_code", "claim_code")}
    office.claim(client, receipt, claim_code=receipt["claim_code"])
    reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
    office.do("city.leader", reward.id, "approve")
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=1)):
        with transaction(OPEN_WALL):
            stricter = dict(rules.DEFAULT) | {"anonymous_may_claim": False}
            ledger.set_rules(factories.actor("city.leader"), stricter, clock.today())
        assert ledger.rules_today().anonymous_may_claim is False
        assert office.pay(reward, **codes).state == "paid"
