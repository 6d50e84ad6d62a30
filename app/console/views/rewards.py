"""Rewards as the pages show them: the list, one with its reasons and forms, the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from app.console.views import fields
from app.foundation import clock
from app.foundation.permissions import Actor, Permission
from app.rewards import queries
from app.rewards.eligibility import HELPFUL, JOINT, KNOWN_BEFORE, SUBSTANTIATED
from app.rewards.rules import EXCLUSIONS, RuleSet
from app.rewards.states import ACTION_TEXTS, IN_REVIEW, PROMISED, REWARD, RewardAction, RewardState
from app.tips.progress import SETTLED_STATUSES
from app.workflow.models import Handling
from app.workflow.states import Status, find

Whole = Mapping[str, Any]
_QUESTIONS: Final[Mapping[str, str]] = {
    KNOWN_BEFORE: "举报前有关部门是否已经掌握",
    SUBSTANTIATED: "是否查证属实",
    JOINT: "是否与最先举报人联名",
    HELPFUL: "对查处是否确有帮助",
    **{code: f"是否属于：{text}" for code, text in EXCLUSIONS.items()},
}
_YES_NO: Final = {"false": "否", "true": "是"}
TIER_ROWS: Final = 5
TIER_FIELDS: Final[Mapping[str, str]] = {
    "code": "代码",
    "text": "说明",
    "from_yuan": "案值起点（元）",
    "least_yuan": "最低（元）",
    "most_yuan": "最高（元）",
    "per_ten_thousand": "案值的万分之几",
}


def lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rewards as lines of the list."""
    today = clock.today()
    return [
        {
            **row,
            "href": url_for("console.show_reward", reward_id=row["id"]),
            "opened_at": clock.beijing(row["opened_at"]),
            "tone": TONES[row["state"]],
            "late": row["state"] in IN_REVIEW and row["decide_by"] is not None and row["decide_by"] < today,
        }
        for row in rows
    ]


def card(actor: Actor, handling: Handling) -> dict[str, Any] | None:
    """The reward of a tip for the tip's page: where it stands and the way to it; none for who sees no rewards."""
    if not actor.may(Permission.REWARD_READ):
        return None
    reward = queries.reward_of_tip(actor, handling.tip_id)
    if reward is None:
        may_open = actor.may(Permission.REWARD_PROPOSE) and Status(handling.status) in SETTLED_STATUSES
        return {"href": url_for("console.list_rewards"), "state_text": None} if may_open else None
    return {
        "href": url_for("console.show_reward", reward_id=reward.id),
        "state_text": RewardState(reward.state).text,
        "tone": TONES[reward.state],
        "yuan": reward.yuan,
        "decide_by": reward.decide_by if reward.state in IN_REVIEW else None,
        "collect_by": reward.collect_by if reward.state in PROMISED else None,
        "shared": reward.tip_id != handling.tip_id,
    }


TONES: Final[Mapping[str, str]] = {
    RewardState.OPEN: "wait",
    RewardState.PROPOSED: "wait",
    RewardState.REFUSAL_PROPOSED: "wait",
    RewardState.GRANTED: "run",
    RewardState.CLAIMED: "warn",
    RewardState.PAID: "done",
    RewardState.REFUSED: "end",
    RewardState.LAPSED: "end",
    RewardState.JOINED: "end",
}


def chips(counts: Mapping[str, int], chosen: str | None) -> list[dict[str, Any]]:
    """Ready-made filters by state, with their numbers."""
    shown: list[tuple[str, str | None, int]] = [("全部", None, sum(counts.values()))]
    shown += [(state.text, state.value, counts[state.value]) for state in RewardState if counts[state.value]]
    return [
        {
            "label": label,
            "href": url_for("console.list_rewards", state=state or None),
            "number": number,
            "active": state == chosen,
        }
        for label, state, number in shown
    ]


# One reward -----------------------------------------------------------------------------------------------------------


def detail(whole: Whole, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """One reward with its reasons, shares, history and forms."""
    errors = (problem or {}).get("errors", {})
    refused = request.form.get("action") if problem else None
    actions = [_action(whole, name, refused, errors) for name in whole["available_actions"]]
    labels = {one["name"]: one["label"] for action in actions for one in action["needs"] if "label" in one}
    return {
        "reward": {
            **whole,
            "tone": TONES[whole["state"]],
            "opened_at": clock.beijing(whole["opened_at"]),
            "tip_href": url_for("console.show_tip", tip_id=whole["tip_id"]),
        },
        "findings": [{"text": one.text, "met": one.met, "basis": one.basis} for one in whole["findings"]],
        "shares": [
            {
                **share,
                "tone": TONES[share["state"]],
                "claimed_at": clock.beijing(share["claimed_at"]) if share["claimed_at"] else None,
            }
            for share in whole["shares"]
        ],
        "steps": _steps(whole["history"]),
        "actions": actions,
        "problem": _problem(problem, labels) if problem else None,
    }


def _problem(problem: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    told = [
        {"label": labels.get(name, "表单"), "text": "；".join(texts)}
        for name, texts in problem.get("errors", {}).items()
    ]
    return {"title": problem["title"], "text": problem.get("detail"), "fields": told}


def _steps(history: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "at": clock.beijing(step.at),
            "by": step.actor_name,
            "text": ACTION_TEXTS[RewardAction(step.action)],
            "to": RewardState(step.to_state).text,
            "tone": TONES[step.to_state],
            "reason": step.reason,
        }
        for step in reversed(history)
    ]


def _action(whole: Whole, name: str, refused: str | None, errors: Mapping[str, list[str]]) -> dict[str, Any]:
    action = RewardAction(name)
    needs = _NEEDS[action](whole)
    open_ = name == refused
    return {
        "name": name,
        "label": ACTION_TEXTS[action],
        "needs": [_typed(one, errors) for one in needs] if open_ else needs,
        "irreversible": (row := find(REWARD, action, whole["state"])) is not None and row.irreversible,
        "description": _described(action, whole),
        "tone": "plain",
        "open": open_,
    }


def _typed(one: fields.Field, errors: Mapping[str, list[str]]) -> fields.Field:
    return one | {"value": request.form.get(one["name"], ""), "error": "；".join(errors.get(one["name"], []))}


def _described(action: RewardAction, whole: Whole) -> str:
    if action is RewardAction.APPROVE and whole["state"] == RewardState.PROPOSED:
        return f"批准后即告知举报人，奖励 {whole['yuan']} 元计入本年度预算。"
    if action is RewardAction.REOPEN and whole["state"] in PROMISED:
        return "情况有变化的，重新审查：此前的奖励决定不再执行并告知举报人，仍由两人办理；已有份额发放的不能重新审查。"
    return _NEXT.get(action, "")


_NEXT: Final[Mapping[RewardAction, str]] = {
    RewardAction.PROPOSE: "提出后由市级负责人决定；提出人不能作决定。",
    RewardAction.PROPOSE_REFUSAL: "提出后由市级负责人决定；举报人只看到“不符合奖励条件”，看不到理由。",
    RewardAction.APPROVE: "批准后不予奖励，并告知举报人。",
    RewardAction.SEND_BACK: "退回后重新提出意见。",
    RewardAction.PAY: "登记一份发放，计入台账；线索重新办理或者不再符合奖励条件的不能登记。"
    "匿名举报须核验查询码和领奖码，系统不保存。",
    RewardAction.EXTEND: "自告知之日起最长不超过规则规定的期限；逾期视为放弃的份额恢复领取，须预算余额够用。",
    RewardAction.REOPEN: "发现新事实的，重新审查，仍由两人办理。",
}


def _questions(whole: Whole) -> list[fields.Field]:
    asked = [one.question for one in whole["findings"] if one.question]
    if HELPFUL in asked:
        asked.insert(asked.index(HELPFUL), JOINT)
    return [
        {
            "name": f"answer.{name}",
            "label": _QUESTIONS.get(name, name),
            "kind": "select",
            "required": name not in {JOINT, HELPFUL},
            "options": fields.options(_YES_NO),
        }
        for name in dict.fromkeys(asked)
    ]


def _propose(whole: Whole) -> list[fields.Field]:
    tiers = {tier["code"]: tier["text"] for tier in whole["tiers"]}
    suggested = next(tier for tier in whole["tiers"] if tier["code"] == whole["suggested_tier"])
    joint: fields.Field = {
        "name": "joint",
        "label": "联名举报的受理编号",
        "kind": "textarea",
        "rows": 2,
        "required": False,
        "hint": "一行一个；奖励平均分到分，余数归最先举报人",
    }
    return [
        *_questions(whole),
        fields.select("tier", "档次", fields.options(tiers), value=whole["suggested_tier"]),
        {
            "name": "yuan",
            "label": "奖励金额（元）",
            "kind": "text",
            "required": True,
            "inputmode": "decimal",
            "max_length": 20,
            "value": str(suggested["suggested_yuan"]),
            "hint": f"按规则测算为 {suggested['suggested_yuan']} 元",
        },
        joint,
        fields.text("reason", "意见", fields.LONGEST_REASON),
    ]


def _reason(_whole: Whole) -> list[fields.Field]:
    return [fields.text("reason", "理由", fields.LONGEST_REASON)]


def _opinion(_whole: Whole) -> list[fields.Field]:
    return [fields.text("reason", "意见", fields.LONGEST_REASON, required=False)]


def _pay(whole: Whole) -> list[fields.Field]:
    waiting = {
        share["receipt_number"]: f"{share['receipt_number']}（{share['yuan']} 元）"
        for share in whole["shares"]
        if share["state"] in PROMISED
    }
    today = clock.today().isoformat()
    return [
        fields.select("receipt_number", "发放给", fields.options(waiting), value=next(iter(waiting), None)),
        {"name": "voucher_number", "label": "凭证号", "kind": "text", "required": True, "max_length": 100},
        {"name": "paid_on", "label": "发放日期", "kind": "date", "required": True, "value": today},
        _code("query_code", "查询码（匿名举报）"),
        _code("claim_code", "领奖码（匿名举报）"),
    ]


def _code(name: str, label: str) -> fields.Field:
    shown: fields.Field = {"name": name, "label": label, "kind": "text", "required": False, "max_length": 60}
    return shown | {"inputmode": "numeric", "autocomplete": "off"}


def _extend(_whole: Whole) -> list[fields.Field]:
    until: fields.Field = {"name": "until", "label": "延长至", "kind": "date", "required": True}
    return [until, fields.text("reason", "理由", fields.LONGEST_REASON)]


_NEEDS: Final = {
    RewardAction.PROPOSE: _propose,
    RewardAction.PROPOSE_REFUSAL: _reason,
    RewardAction.APPROVE: _opinion,
    RewardAction.SEND_BACK: _reason,
    RewardAction.PAY: _pay,
    RewardAction.EXTEND: _extend,
    RewardAction.REOPEN: _reason,
}


def answers_of(given: MultiDict[str, str]) -> dict[str, bool]:
    """What the selects of a proposal answered."""
    return {
        name.removeprefix("answer."): value == "true"
        for name, value in given.items()
        if name.startswith("answer.") and value in _YES_NO
    }


# The ledger -----------------------------------------------------------------------------------------------------------


def rules_view(rules: RuleSet) -> dict[str, Any]:
    """The rules that hold, and the rows of the form that changes them."""
    rows = [{name: _plain(getattr(tier, name)) for name in TIER_FIELDS} for tier in rules.tiers]
    return {"rules": rules, "tier_rows": rows + [dict.fromkeys(TIER_FIELDS, "")] * (TIER_ROWS - len(rows))}


def _plain(value: Any) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def tiers_of(given: MultiDict[str, str]) -> list[dict[str, Any]]:
    """The tiers that the form holds; a row without a code is none."""
    rows = [
        {name: given.get(f"tier-{number}-{name}", "").strip() or None for name in TIER_FIELDS}
        for number in range(TIER_ROWS)
    ]
    return [row for row in rows if row["code"]]
