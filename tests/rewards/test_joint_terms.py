"""Joint reporters collect each for himself: who does not ask in time loses the own share, and its money is free."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.errors import Conflict
from app.rewards import jobs, ledger
from app.rewards.models import Reward
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.rewards import office
from tests.rewards.office import Joint
from tests.tips import reporters

LAST_DAY = MONDAY_MORNING + timedelta(days=184)
TOO_LATE = MONDAY_MORNING + timedelta(days=185)


@pytest.fixture
def joint(client: FlaskClient) -> Joint:
    return office.joint(client)


def _standings(client: FlaskClient, joint: Joint) -> list[str]:
    """What either reporter reads of the own share, the first one's first."""
    return [reporters.progress(client, receipt)["reward"]["status"] for receipt in (joint.first, joint.second)]


def _pay(joint: Joint, receipt: dict[str, Any]) -> Reward:
    return office.pay(joint.reward, receipt_number=receipt["receipt_number"])


def test_on_the_last_day_the_second_may_still_ask(client: FlaskClient, joint: Joint) -> None:
    with clock.stopped_at(LAST_DAY):
        jobs.lapse_rewards()
        assert ledger.balance(2026).promised == Decimal("1000.01")
        assert _standings(client, joint) == ["claimed", "granted"]
        assert office.claim(client, joint.second).get_json()["status"] == "claimed"


def test_who_does_not_ask_in_time_loses_the_own_share_alone(client: FlaskClient, joint: Joint) -> None:
    with clock.stopped_at(TOO_LATE):
        assert ledger.balance(2026).promised == Decimal("500.01"), "the money is free without waiting for a job"
        assert _standings(client, joint) == ["claimed", "lapsed"]
        assert reporters.progress(client, joint.second)["reward"]["can_claim"] is False
        assert office.claim(client, joint.second).status_code == 409
        with pytest.raises(Conflict, match="请先由市级负责人延长领取期限"):
            _pay(joint, joint.second)
        jobs.lapse_rewards()
        assert _pay(joint, joint.first).state == "claimed", "who asked in time is paid"


def test_once_who_asked_is_paid_the_rest_lapses(client: FlaskClient, joint: Joint) -> None:
    _pay(joint, joint.first)
    with clock.stopped_at(TOO_LATE):
        jobs.lapse_rewards()
        jobs.lapse_rewards()
        assert office.reward_of(joint.reward.tip_id).state == "lapsed"
        assert _standings(client, joint) == ["paid", "lapsed"]
        held = ledger.balance(2026)
        assert (held.paid, held.promised) == (Decimal("500.01"), Decimal(0))
    assert rows.scalar("SELECT count(*) FROM reward_events WHERE action = 'lapse'") == 1


def test_more_time_revives_the_share_while_the_year_still_holds_it(client: FlaskClient, joint: Joint) -> None:
    _pay(joint, joint.first)
    with clock.stopped_at(TOO_LATE):
        jobs.lapse_rewards()
        given = {"until": date(2026, 12, 31), "reason": "举报人住院"}
        office.budget("1000.00")
        with pytest.raises(Conflict, match="余额"):
            office.do("city.leader", joint.reward.id, "extend", **given)
        office.budget("1000.01")
        assert office.do("city.leader", joint.reward.id, "extend", **given).state == "claimed"
        assert office.claim(client, joint.second).get_json()["status"] == "claimed"
        assert _pay(joint, joint.second).state == "paid"


def test_the_office_reads_which_share_has_lapsed(client: FlaskClient, joint: Joint) -> None:
    with clock.stopped_at(TOO_LATE):
        headers = factories.office_headers("city.reviewer")
        shown = client.get(f"/api/v1/office/rewards/{joint.reward.id}", headers=headers).get_json()
        assert [share["state_text"] for share in shown["shares"]] == ["已申领，待发放", "逾期视为放弃"]
