"""Assigning several tips at once, and taking that back: each is a step of its own, with its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flask import url_for

from app.console.views.fields import LONGEST_REASON, divisions_of
from app.foundation.database import transaction
from app.foundation.errors import DomainError, InvalidInput
from app.foundation.permissions import Actor
from app.identity.models import Unit
from app.tips.lines import TipLine, lines_of
from app.workflow import service as workflow
from app.workflow.exclusions import excluded
from app.workflow.models import Handling
from app.workflow.states import ACTION_TEXTS, Action, Status

MOST: Final = 100
Chosen = dict[UUID, int]


def chosen(given: Sequence[str]) -> Chosen:
    """Tips with the versions that the person saw (``id:version`` each); raise ``InvalidInput``."""
    if not given:
        raise InvalidInput("请先勾选要交办的线索")
    if len(given) > MOST:
        raise InvalidInput(f"一次最多交办 {MOST} 件线索")
    try:
        pairs = [one.split(":") for one in given]
        return {UUID(tip_id): int(version) for tip_id, version in pairs}
    except ValueError as fault:
        raise InvalidInput("页面内容不完整，请返回列表重新勾选") from fault


def preview(actor: Actor, wanted: Chosen, units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Each chosen tip with its proposed unit, or with what keeps it from being assigned here."""
    options = divisions_of(units)
    known = {one["value"] for one in options}
    return [
        {
            "value": f"{tip.tip_id}:{wanted[tip.tip_id]}",
            "field": f"division-{tip.tip_id}",
            "href": url_for("console.show_tip", tip_id=tip.tip_id),
            "receipt_number": tip.receipt_number,
            "subject_name": tip.subject_name,
            "proposed": tip.division_code if tip.division_code in known else None,
            "options": options,
            "hindrance": _hindrance(actor, tip, wanted[tip.tip_id]),
        }
        for tip in lines_of(actor, list(wanted))
    ]


def _hindrance(actor: Actor, handling: Handling | TipLine, version: int) -> str:
    if handling.version != version:
        return "您勾选之后，这件线索已有更新"
    if handling.status != Status.ACCEPTED:
        return f"处于“{Status(handling.status).text}”状态，只有已受理的线索可以交办"
    if handling.dispute or handling.needs_review:
        return "有属地争议风险或者须人工确认，请打开线索逐件交办"
    return "您已登记回避" if excluded(actor, handling.tip_id) else ""


def assign(actor: Actor, wanted: Chosen, targets: Mapping[UUID, str], reason: str) -> list[dict[str, Any]]:
    """Assign each tip in a transaction of its own; return what became of each."""

    def assign_one(tip_id: UUID, version: int) -> str:
        handling = workflow.locked(actor, tip_id)
        if handling.version == version and (hindrance := _hindrance(actor, handling, version)):
            return hindrance
        workflow.act(actor, tip_id, Action.ASSIGN, version, {"division": targets[tip_id], "reason": reason})
        return ""

    return _one_by_one(actor, wanted, reason, assign_one)


def recall(actor: Actor, assigned: Chosen, reason: str) -> list[dict[str, Any]]:
    """Take back what nobody has touched since it was assigned; return what became of each."""

    def recall_one(tip_id: UUID, version: int) -> str:
        handling = workflow.locked(actor, tip_id)
        if handling.version != version:
            return _happened_since(handling)
        workflow.act(actor, tip_id, Action.RECALL, version, {"reason": reason})
        return ""

    return _one_by_one(actor, assigned, reason, recall_one)


def _happened_since(handling: Handling) -> str:
    last = workflow.what_changed(handling)["last_change"]
    return f"交办之后，{last['by']}已办理“{ACTION_TEXTS[Action(last['action'])]}”"


def _one_by_one(actor: Actor, wanted: Chosen, reason: str, step: Callable[[UUID, int], str]) -> list[dict[str, Any]]:
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(errors={"reason": [f"最多 {LONGEST_REASON} 字"]})
    told = {tip_id: _tried(step, tip_id, version) for tip_id, version in wanted.items()}
    return [_outcome(tip, wanted[tip.tip_id], told[tip.tip_id]) for tip in lines_of(actor, list(told))]


def _tried(step: Callable[[UUID, int], str], tip_id: UUID, version: int) -> str:
    """Why it was refused; empty when it was done."""
    try:
        with transaction():
            return step(tip_id, version)
    except DomainError as error:
        told = "；".join(text for texts in (error.errors or {}).values() for text in texts)
        return told or error.detail or error.title


def _outcome(tip: TipLine, version: int, refusal: str) -> dict[str, Any]:
    return {
        "made": f"{tip.tip_id}:{version + 1}",
        "href": url_for("console.show_tip", tip_id=tip.tip_id),
        "receipt_number": tip.receipt_number,
        "subject_name": tip.subject_name,
        "status": Status(tip.status),
        "division_code": tip.division_code,
        "refusal": refusal,
    }
