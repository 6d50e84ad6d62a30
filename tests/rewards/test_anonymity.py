"""An anonymous reporter stays nobody also when the reward is claimed and paid: nothing stored leads anywhere."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.rewards import office
from tests.tips import test_anonymity as search


def test_a_claimed_and_paid_reward_leads_to_nobody(app: Flask, client: FlaskClient) -> None:
    headers = factories.reporter_headers(search.OPENID)
    known = set(search._database())
    client.environ_base |= {"REMOTE_ADDR": search.ADDRESSES[0], "HTTP_USER_AGENT": search.AGENT}
    receipt, tip_id = office.concluded(client, named=False)
    office.budget()
    codes = {name: receipt[name] for name in ("receipt_number", "query_code", "claim_code")}
    sent = headers | {"X-Forwarded-For": search.ADDRESSES[1]}
    assert client.post("/api/v1/tips/reward-claim", json=codes, headers=sent).status_code == 200
    reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
    office.do("city.leader", reward.id, "approve")
    assert client.post("/api/v1/tips/reward-claim", json=codes, headers=sent).status_code == 200
    office.pay(reward, query_code=receipt["query_code"], claim_code=receipt["claim_code"])
    factories.deliver()
    added = [line for line in search._database() if line not in known] + search._redis(app)
    grown = {line.partition(":")[0] for line in added}
    assert {"rewards", "reward_shares", "reward_payments", "reward_events"} <= grown
    assert grown & {"reporters", "deliveries"} == set()
    for trace in [*search._traces(app, headers), receipt["query_code"], receipt["claim_code"]]:
        assert [line for line in added if trace in line] == [], trace
