"""What tests of rewards need: tips that went to their end, a budget, and the moves of officers and reporters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.rewards import ledger, queries, service
from app.rewards.models import Reward
from app.rewards.rules import EXCLUSIONS
from app.tips import jobs as tip_jobs
from tests import factories
from tests.tips import reporters

ANSWERS = {"known_before": False, **dict.fromkeys(EXCLUSIONS, False)}
PROPOSAL = {"yuan": Decimal("1000.00"), "tier": "standard", "answers": ANSWERS, "reason": "举报属实，最先举报。"}


def budget(yuan: str = "20000.00") -> None:
    """Set this year's budget."""
    with transaction(OPEN_WALL):
        ledger.set_budget(factories.actor("city.leader"), clock.today().year, Decimal(yuan), "年初预算")


def concluded(client: FlaskClient, *, named: bool = True, **changes: Any) -> tuple[dict[str, Any], UUID]:
    """A substantiated tip after its reply, with whatever follows from it: (receipt, tip id)."""
    reporter = factories.REPORTER if named else None
    found = reporters.replied_tip(client, reporter=reporter, **changes)
    factories.deliver()
    return found


def reward_of(tip_id: UUID) -> Reward:
    """The reward of a tip as it stands."""
    with transaction(OPEN_WALL):
        db.session.expire_all()
        return db.session.scalars(select(Reward).where(Reward.tip_id == tip_id)).one()


def do(username: str, reward_id: UUID, action: str, **given: Any) -> Reward:
    """Do an action with the version that stands now; refusals are raised."""
    person = factories.actor(username)
    with transaction(OPEN_WALL):
        db.session.expire_all()
        version = given.pop("version", None) or queries.reward_for(factories.actor("city.leader"), reward_id).version
        return service.act(person, reward_id, action, version, given)


def proposed(client: FlaskClient, **changes: Any) -> Reward:
    """A reward that the reviewer has proposed."""
    tip_id = concluded(client)[1]
    return do("city.reviewer", reward_of(tip_id).id, "propose", **(PROPOSAL | changes))


def granted(client: FlaskClient, **changes: Any) -> Reward:
    """A reward that was proposed and approved, with a budget."""
    budget()
    return do("city.leader", proposed(client, **changes).id, "approve")


class Joint(NamedTuple):
    """A granted reward of 1,000.01 yuan for two: the first has asked for the own share, the second has not."""

    reward: Reward
    first: dict[str, Any]
    second: dict[str, Any]


def joint(client: FlaskClient) -> Joint:
    """Two named reporters of one matter, rewarded jointly."""
    budget()
    first, tip_id = concluded(client)
    second, _ = concluded(client)
    tip_jobs.link_tips()
    proposal = PROPOSAL | {"yuan": Decimal("1000.01"), "joint": [second["receipt_number"]]}
    reward = do("city.reviewer", reward_of(tip_id).id, "propose", **proposal)
    do("city.leader", reward.id, "approve")
    claim(client, first)
    return Joint(reward_of(tip_id), first, second)


def claim(client: FlaskClient, receipt: dict[str, Any], **given: Any) -> Any:
    """The reporter's claim."""
    return reporters.call(client, "reward-claim", receipt, **given)


def receipt_number(tip_id: UUID) -> str:
    """The receipt number of a tip."""
    from app.tips.models import Tip

    with transaction(OPEN_WALL):
        return db.session.get_one(Tip, tip_id).receipt_number


def pay(reward: Reward, username: str = "city.reviewer", **given: Any) -> Reward:
    """Pay the first reporter's share."""
    said = {"receipt_number": receipt_number(reward.tip_id), "voucher_number": "凭证1号", "paid_on": clock.today()}
    return do(username, reward.id, "pay", **(said | given))
