"""Registers as lines: supervisions, tips on their way to the police, disputes that wait for a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import url_for

from app.console import queries
from app.console.views import chinese
from app.console.views.addresses import addresses
from app.console.views.clocks import running_clock
from app.console.views.jurisdiction import jurisdiction_view
from app.console.views.precedents import precedents_of
from app.foundation import clock
from app.foundation.permissions import Actor
from app.tips.lines import TipLine, lines_by_id
from app.tips.models import Tip, TipSubject
from app.tips.queries import latest_decisions
from app.workflow.disclosure import told
from app.workflow.models import Handling, PoliceTransfer, Supervision
from app.workflow.states import (
    POLICE_STATE_TEXTS,
    SUPERVISION_TEXTS,
    PoliceState,
    Status,
    SupervisionKind,
)

DISPUTES_A_PAGE: Final = 10
WORDS: Final[Mapping[str, dict[str, Any]]] = {
    "supervisions": {
        "title": "督办",
        "endpoint": "console.list_supervisions",
        "lead": "催办、挂牌督办，以及多次调整后由负责人督办的线索。办结后督办自动结束，记录保留。",
        "columns": ["受理编号", "被举报对象", "督办方式", "理由", "督办人", "开始", "状态"],
        "empty_text": "在线索页面可以催办或者挂牌督办。",
    },
    "police": {
        "title": "移送公安",
        "endpoint": "console.list_police_transfers",
        "lead": "提请移送的，负责人三日内决定；批准的，二十四小时内送达。",
        "columns": ["受理编号", "被举报对象", "环节", "专案组人员", "提请时间", "本环节期限", "状态"],
        "empty_text": "在线索页面可以提请移送公安机关。",
    },
}


def tabs(endpoint: str, *, everything: bool) -> list[dict[str, Any]]:
    """What still runs, and everything."""
    return [
        {"label": "进行中", "href": url_for(endpoint), "active": not everything},
        {"label": "全部", "href": url_for(endpoint, all="true"), "active": everything},
    ]


def supervision_lines(actor: Actor, found: Sequence[Supervision]) -> list[dict[str, Any]]:
    """One line a supervision."""
    tips = lines_by_id(actor, (one.tip_id for one in found))
    names = queries.account_names({one.opened_by for one in found})
    written = [told(actor, {"reason": one.reason, "by": names.get(one.opened_by, "系统")}, ()) for one in found]
    return [
        _line(
            tips[one.tip_id],
            [
                SUPERVISION_TEXTS[SupervisionKind(one.kind)],
                words["reason"],
                words["by"],
                chinese.moment(clock.beijing(one.opened_at)),
            ],
        )
        | {"ended": f"{chinese.day(clock.beijing(one.closed_at))} 结束" if one.closed_at else ""}
        for one, words in zip(found, written, strict=True)
        if one.tip_id in tips
    ]


def police_lines(actor: Actor, found: Sequence[PoliceTransfer]) -> list[dict[str, Any]]:
    """One line a transfer."""
    tips = lines_by_id(actor, (one.tip_id for one in found))
    return [
        _line(
            tips[one.tip_id],
            [
                POLICE_STATE_TEXTS[PoliceState(one.state)],
                told(actor, {"officers": "、".join(one.officers)}, ())["officers"],
                chinese.moment(clock.beijing(one.proposed_at)),
                _term(one),
            ],
        )
        for one in found
        if one.tip_id in tips
    ]


def _term(row: PoliceTransfer) -> str:
    if row.state == PoliceState.PROPOSED:
        return f"{chinese.day(row.decide_by)} 前决定"
    if row.state == PoliceState.APPROVED and row.send_by:
        return f"{chinese.moment(clock.beijing(row.send_by))} 前送达"
    if row.state == PoliceState.REFUSED and row.reconsider_by:
        return f"{chinese.day(row.reconsider_by)} 前可提请复议"
    return ""


def _line(tip: TipLine, cells: list[str]) -> dict[str, Any]:
    return {
        "href": url_for("console.show_tip", tip_id=tip.tip_id),
        "receipt_number": tip.receipt_number,
        "subject_name": tip.subject_name or "未写明",
        "cells": cells,
        "status": Status(tip.status),
        "clock": running_clock(tip),
        "ended": "",
    }


def dispute_cards(actor: Actor, found: Sequence[Any]) -> list[dict[str, Any]]:
    """Tips whose district waits for a decision: what contradicts what, the rule, and earlier decisions."""
    decisions = latest_decisions([row[0].id for row in found])
    address = addresses("console.show_tip", "tip_id")
    return [
        {"href": address(tip.id)} | _dispute_card(actor, tip, handling, subject, decisions[tip.id])
        for tip, handling, subject in found
    ]


def _dispute_card(
    actor: Actor, tip: Tip, handling: Handling, subject: TipSubject, decision: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "receipt_number": tip.receipt_number,
        "subject_name": subject.name or "被举报对象未写明",
        "registered_at": clock.beijing(tip.registered_at),
        "status": Status(handling.status),
        "clock": running_clock(handling),
        "jurisdiction": jurisdiction_view(decision, tip, subject),
        "precedents": precedents_of(actor, subject),
    }
