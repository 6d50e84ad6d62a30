"""Rewards over HTTP: the reporter's claim, the office's review, decision and payment, rules and ledger."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from app.foundation import clock
from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.rewards import claiming, ledger, paying, queries, rules, schemas, service, views
from app.tips.doors import opened_tip

public_api = APIBlueprint("rewards", __name__, url_prefix="/api/v1")
office_api = APIBlueprint("office_rewards", __name__, url_prefix="/api/v1/office")


@public_api.post("/tips/reward-claim")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=schemas.ClaimRewardBody(),
    answer=schemas.RewardStatusView(),
)
def claim_reward(_actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a reward, or for the money of one that was granted; an anonymous reporter with the claim code."""
    tip = opened_tip(body, own=body["payee"] is not None)
    return claiming.claim(tip, body["query_code"], body["claim_code"], body["payee"])


@office_api.get("/rewards")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REWARD_READ,
    query=schemas.ListRewardsQuery(),
    answer=schemas.RewardPage(),
    changes=False,
)
def list_rewards(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Rewards, newest first."""
    limit = query["limit"]
    states = [query["state"]] if query["state"] else []
    rows = queries.reward_page(actor, states, from_cursor(query["cursor"]), limit)
    last = rows[limit - 1][0] if len(rows) > limit else None
    return {
        "items": [views.line(*row) for row in rows[:limit]],
        "next_cursor": to_cursor(last.opened_at, last.id) if last else None,
    }


@office_api.post("/rewards")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REWARD_PROPOSE,
    body=schemas.OpenRewardBody(),
    answer=schemas.RewardView(),
    status=201,
)
def open_reward(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Open the review of a concluded tip by hand, for instance of a later reporter who helped."""
    return views.whole(actor, claiming.open_by_officer(actor, body["receipt_number"]))


@office_api.get("/rewards/<uuid:reward_id>")
@endpoint(audience=Audience.OFFICER, permission=Permission.REWARD_READ, answer=schemas.RewardView(), changes=False)
def show_reward(actor: Actor, reward_id: UUID) -> dict[str, Any]:
    """One reward with its reasons, and what can be done to it now."""
    return views.whole(actor, queries.reward_for(actor, reward_id))


@office_api.post("/rewards/<uuid:reward_id>/actions")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ActOnRewardBody(),
    answer=schemas.RewardView(),
)
def act_on_reward(actor: Actor, reward_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Do one action of the table; its row says who may."""
    action, version = body.pop("action"), body.pop("expected_version")
    return views.whole(actor, service.act(actor, reward_id, action, version, body))


@office_api.post("/rewards/<uuid:reward_id>/payee")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REWARD_PAY,
    body=schemas.OpenPayeeBody(),
    answer=schemas.PayeeView(),
)
def open_payee(actor: Actor, reward_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Open where the money goes, for a reason, with what speaks against paying there; always audited."""
    return paying.open_payee(actor, reward_id, body["receipt_number"], body["reason"])


@office_api.get("/reward-ledger")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REWARD_READ,
    query=schemas.YearQuery(),
    answer=schemas.BalanceView(),
    changes=False,
)
def show_balance(_actor: Actor, query: dict[str, Any]) -> ledger.Balance:
    """What a year's budget holds, what is paid, promised and left."""
    return ledger.balance(query["year"] or clock.today().year)


@office_api.post("/reward-ledger")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REWARD_APPROVE,
    body=schemas.SetBudgetBody(),
    answer=schemas.BalanceView(),
    status=201,
)
def set_budget(actor: Actor, body: dict[str, Any]) -> ledger.Balance:
    """Set the budget of a year."""
    ledger.set_budget(actor, body["year"], body["yuan"], body["reason"])
    return ledger.balance(body["year"])


@office_api.get("/reward-rules")
@endpoint(audience=Audience.OFFICER, permission=Permission.REWARD_READ, answer=schemas.RulesView(), changes=False)
def show_rules(_actor: Actor) -> rules.RuleSet:
    """The rules that hold today."""
    return ledger.rules_today()


@office_api.post("/reward-rules")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.REWARD_APPROVE,
    body=schemas.SetRulesBody(),
    answer=schemas.RulesView(),
    status=201,
)
def set_rules(actor: Actor, body: dict[str, Any]) -> rules.RuleSet:
    """Let other rules hold from a day on; the exclusions are the regulation's and stay."""
    return ledger.set_rules(actor, body, body.pop("valid_from"))
