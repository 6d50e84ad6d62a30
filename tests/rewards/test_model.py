"""The state machine of a reward against a model written by hand, over every pair and over random walks."""

from __future__ import annotations

import random
from datetime import date
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from app.foundation.errors import DomainError, TransitionNotAllowed
from app.foundation.permissions import Permission
from app.rewards.models import Reward
from app.rewards.states import REWARD, RewardAction, RewardState
from tests import rows
from tests.rewards import office

MODEL: Final[dict[tuple[str, str], str]] = {
    ("open", "propose"): "proposed",
    ("open", "propose_refusal"): "refusal_proposed",
    ("proposed", "approve"): "granted",
    ("proposed", "send_back"): "open",
    ("refusal_proposed", "approve"): "refused",
    ("refusal_proposed", "send_back"): "open",
    ("refused", "reopen"): "open",
    ("granted", "reopen"): "open",
    ("claimed", "reopen"): "open",
    ("granted", "pay"): "paid",
    ("granted", "extend"): "granted",
    ("claimed", "pay"): "paid",
    ("claimed", "extend"): "claimed",
    ("lapsed", "extend"): "granted",
}
"""What officers can do with the reward of one reporter; everything else is refused."""
WHO: Final = {
    "propose": "city.reviewer",
    "propose_refusal": "city.reviewer",
    "pay": "city.reviewer",
    "approve": "city.leader",
    "send_back": "city.leader",
    "extend": "city.leader",
    "reopen": "city.leader",
}


def _given(reward: Reward, action: str) -> dict[str, Any]:
    given: dict[str, Any] = {"reason": "理由"}
    if action == "propose":
        return dict(office.PROPOSAL)
    if action == "extend":
        return given | {
            "until": date(2027, 3, 1) if reward.collect_by is None else date(reward.collect_by.year + 1, 1, 1)
        }
    if action == "pay":
        number = office.receipt_number(reward.tip_id)
        return {"receipt_number": number, "voucher_number": "凭证1号", "paid_on": date(2026, 3, 2)}
    return given


def _tried(reward: Reward, action: str) -> str:
    """The state after trying, or the code of the refusal."""
    try:
        return office.do(WHO[action], reward.id, action, **_given(reward, action)).state
    except DomainError as refusal:
        return refusal.code


def test_one_way_through_every_state_refuses_everything_else(client: FlaskClient) -> None:
    """In each state everything that the model does not know is tried first, and leaves the state as it was."""
    way = ["propose", "send_back", "propose_refusal", "send_back", "propose_refusal", "approve", "reopen"]
    way += ["propose", "approve", "extend", "pay"]
    office.budget()
    tip_id = office.concluded(client)[1]
    state = "open"
    for step in [*way, None]:
        for action in WHO:
            if (state, action) not in MODEL:
                assert _tried(office.reward_of(tip_id), action) == TransitionNotAllowed.code, (state, action)
        assert office.reward_of(tip_id).state == state
        if step is not None:
            state = MODEL[state, step]
            assert _tried(office.reward_of(tip_id), step) == state
    assert state == "paid"


def test_the_table_is_the_model_with_the_moves_of_the_program() -> None:
    own = {(source, row.action) for row in REWARD if row.permission is not None for source in row.sources}
    assert own == set(MODEL)
    assert all(MODEL[source, row.action] in row.targets for row in REWARD for source in row.sources if row.permission)
    reached = {RewardState.OPEN.value} | {target for row in REWARD for target in row.targets}
    assert reached == set(RewardState)
    assert {row.action for row in REWARD} == set(RewardAction)


def test_no_one_permission_both_proposes_and_approves() -> None:
    under = {row.permission for row in REWARD if row.action in {RewardAction.PROPOSE, RewardAction.PROPOSE_REFUSAL}}
    assert under == {Permission.REWARD_PROPOSE}
    assert {row.permission for row in REWARD if row.action == RewardAction.APPROVE} == {Permission.REWARD_APPROVE}


@pytest.mark.parametrize("seed", range(4))
def test_random_walks_keep_every_promise(client: FlaskClient, seed: int) -> None:
    """Whatever officers try in whatever order: the model's state, one event a step, two people, the money adds up."""
    drawn = random.Random(seed)
    office.budget()
    tip_id = office.concluded(client)[1]
    state, steps = "open", 0
    for _ in range(14):
        action = drawn.choice([*WHO, *(name for at, name in MODEL if at == state)])
        told = _tried(office.reward_of(tip_id), action)
        if told == MODEL.get((state, action)):
            state, steps = told, steps + 1
        else:
            assert told in {TransitionNotAllowed.code, "forbidden", "validation_error"}, (state, action, told)
        reward = office.reward_of(tip_id)
        assert reward.state == state
        assert reward.decided_by is None or reward.decided_by != reward.proposed_by
    assert rows.scalar("SELECT count(*) FROM reward_events") == steps
    shared = rows.scalar("SELECT coalesce(sum(yuan), 0) FROM reward_shares")
    assert shared == (office.reward_of(tip_id).yuan or 0)
    paid = rows.scalar("SELECT coalesce(sum(yuan), 0) FROM reward_payments")
    assert paid == (office.reward_of(tip_id).yuan if state == "paid" else 0)
