"""The desk of rewards: the list, one with its reasons and decisions, the year's ledger and the rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import rewards as views
from app.console.views.tip_list import paging
from app.foundation import clock
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.rewards import claiming, ledger, queries, service
from app.rewards import views as office_views
from app.rewards.schemas import (
    ActOnRewardBody,
    ListRewardsQuery,
    OpenRewardBody,
    SetBudgetBody,
    SetRulesBody,
    YearQuery,
)
from app.rewards.states import ACTION_TEXTS, RewardAction

_A_PAGE = 20
_PLAIN = (
    "action",
    "reason",
    "yuan",
    "tier",
    "until",
    "receipt_number",
    "query_code",
    "claim_code",
    "voucher_number",
    "paid_on",
)
_RULES = ("valid_from", "source")
_NUMBERS = ("decide_days", "collect_months", "longest_months")


@pages.get("/rewards")
@page(permission=Permission.REWARD_READ)
def list_rewards(actor: Actor) -> str:
    """Rewards, newest first."""
    return rewards_page(actor)


def rewards_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    """The list; after a refusal with what was wrong."""
    query = load(ListRewardsQuery(), {name: value for name, value in request.args.items() if value})
    state, cursor = query["state"], query["cursor"]
    rows = queries.reward_page(actor, [state] if state else [], from_cursor(cursor), _A_PAGE)
    shown = [row[0] for row in rows[:_A_PAGE]]
    following = to_cursor(shown[-1].opened_at, shown[-1].id) if len(rows) > len(shown) else None
    return rendered(
        "console/rewards/list.html",
        actor,
        quick=views.chips(queries.counts(actor), state),
        rewards=views.lines([office_views.line(*row) for row in rows[:_A_PAGE]]),
        page=paging("console.list_rewards", {"state": state} if state else {}, cursor, following, None),
        problem=problem,
        typed=request.form.get("receipt_number", ""),
        open_url=url_for("console.open_reward") if actor.may(Permission.REWARD_PROPOSE) else None,
        ledger_url=url_for("console.show_ledger"),
    )


@pages.post("/rewards")
@page(permission=Permission.REWARD_PROPOSE, changes=True)
def open_reward(actor: Actor) -> Response:
    """Open the review of a concluded tip by hand."""
    on_refusal_show(rewards_page, actor)
    body = load(OpenRewardBody(), forms.typed_fields("receipt_number"))
    reward = claiming.open_by_officer(actor, body["receipt_number"])
    return done("奖励审查已发起。", "console.show_reward", reward_id=reward.id)


@pages.get("/rewards/<uuid:reward_id>")
@page(permission=Permission.REWARD_READ)
def show_reward(actor: Actor, reward_id: UUID) -> str:
    """One reward with its reasons, and what can be done to it now."""
    return reward_page(actor, reward_id)


def reward_page(actor: Actor, reward_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    """The page of one reward; after a refusal with the problem and what was typed."""
    answers = views.answers_of(request.form) if problem else None
    whole = office_views.whole(actor, queries.reward_for(actor, reward_id), answers)
    return rendered(
        "console/rewards/detail.html",
        actor,
        **views.detail(whole, problem),
        balance=ledger.balance(clock.today().year),
        list_url=url_for("console.list_rewards"),
        action_url=url_for("console.act_on_reward", reward_id=reward_id),
    )


@pages.post("/rewards/<uuid:reward_id>/actions")
@page(permission=Permission.SELF_USE, changes=True)
def act_on_reward(actor: Actor, reward_id: UUID) -> Response:
    """Do one action of the table; its row says who may."""
    on_refusal_show(reward_page, actor, reward_id)
    given = forms.typed_fields(*_PLAIN) | {"expected_version": forms.seen_version()}
    given |= {"answers": views.answers_of(request.form), "joint": request.form.get("joint", "").split()}
    body = load(ActOnRewardBody(), given)
    action, version = body.pop("action"), body.pop("expected_version")
    service.act(actor, reward_id, action, version, body)
    return done(f"“{ACTION_TEXTS[RewardAction(action)]}”已办理。", "console.show_reward", reward_id=reward_id)


@pages.get("/rewards/ledger")
@page(permission=Permission.REWARD_READ)
def show_ledger(actor: Actor) -> str:
    """The year's budget, what is paid, promised and left, and the rules."""
    return ledger_page(actor)


def ledger_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    """The ledger; after a refusal with what was wrong."""
    asked = {name: value for name, value in request.args.items() if value}
    year = load(YearQuery(), asked)["year"] or clock.today().year
    return rendered(
        "console/rewards/ledger.html",
        actor,
        balance=ledger.balance(year),
        payments=queries.payments_of(year),
        years=range(clock.today().year, clock.today().year - 5, -1),
        **views.rules_view(ledger.rules_today()),
        tier_fields=views.TIER_FIELDS,
        today=clock.today(),
        problem=problem,
        may_set=actor.may(Permission.REWARD_APPROVE),
        urls_of={
            name: url_for(f"console.{name}") for name in ("list_rewards", "set_budget", "set_rules", "show_ledger")
        },
    )


@pages.post("/rewards/budget")
@page(permission=Permission.REWARD_APPROVE, changes=True)
def set_budget(actor: Actor) -> Response:
    """Set the budget of a year."""
    on_refusal_show(ledger_page, actor)
    given = forms.typed_fields("yuan", "reason") | _whole_numbers("year")
    body = load(SetBudgetBody(), given)
    ledger.set_budget(actor, body["year"], body["yuan"], body["reason"])
    return done(f"{body['year']} 年奖励预算已设定。", "console.show_ledger", year=body["year"])


@pages.post("/rewards/rules")
@page(permission=Permission.REWARD_APPROVE, changes=True)
def set_rules(actor: Actor) -> Response:
    """Let other rules hold from a day on."""
    on_refusal_show(ledger_page, actor)
    given = forms.typed_fields(*_RULES) | _whole_numbers(*_NUMBERS) | {"tiers": views.tiers_of(request.form)}
    body = load(SetRulesBody(), given | {"anonymous_may_claim": "anonymous_may_claim" in request.form})
    day = body.pop("valid_from")
    ledger.set_rules(actor, body, day)
    return done(f"奖励规则已设定，{day} 起执行。", "console.show_ledger")


def _whole_numbers(*names: str) -> dict[str, Any]:
    """Whole numbers where they are some; what is none goes to the schema as typed."""
    typed = forms.typed_fields(*names)
    return {name: int(text) if text.isascii() and text.isdecimal() else text for name, text in typed.items()}
