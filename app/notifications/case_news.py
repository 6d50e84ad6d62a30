"""Who hears of which step of a case, and of which reminder; a test holds both tables complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from app.cases import claim_query, claims, documents, follow_up, funds, ledger, payments
from app.cases import service as cases
from app.cases.models import CaseAlert, CaseEvent, FundraisingCase
from app.cases.states import CaseAction, CaseAlertKind, find_move
from app.foundation.database import db
from app.foundation.permissions import Permission
from app.notifications.service import News, officers, write_notices
from app.notifications.states import Kind
from app.notifications.steps import Circle

_H, _R, _L = Circle.HANDLERS, Circle.REVIEWERS, Circle.LEADERS

CASE_STEPS: Final[Mapping[str, Mapping[Circle, str]]] = {
    cases.REGISTER: {_H: "新登记案件，由本单位负责", _R: "区县新登记案件"},
    cases.CHANGE: {},
    cases.LINK_TIP: {_H: "有线索并入案件"},
    CaseAction.PROPOSE_STAGE: {_R: "案件阶段变更待确认"},
    CaseAction.CONFIRM_STAGE: {_H: "案件阶段变更已确认"},
    CaseAction.REFUSE_STAGE: {_H: "案件阶段变更被退回"},
    CaseAction.MONITOR: {_H: "案件转入善后跟踪"},
    CaseAction.CLOSE: {_H: "案件已结案", _R: "案件已结案"},
    CaseAction.REOPEN: {_H: "案件重新启动", _R: "案件重新启动"},
    documents.MAKE_DOCUMENT: {},
    follow_up.WRITE_PLAN: {_L: "处置方案待审批"},
    follow_up.DECIDE_PLAN: {_H: "处置方案已审批"},
    follow_up.REPORT_PROGRESS: {},
    follow_up.FINISH_MEASURE: {},
    cases.IMPORT: {},
    claims.ENTER_CLAIMS: {},
    claims.CHANGE_CLAIM: {},
    claims.VERIFY_CLAIMS: {},
    claim_query.ISSUE_CODES: {},
    funds.RECEIVE_FUND: {},
    funds.DESCRIBE_ASSET: {},
    ledger.DISTRIBUTE: {_R: "案件已计算一轮清退分配"},
    payments.MAKE_BATCH: {_R: "案件清退款已编入发放批次"},
    payments.RECORD_RESULTS: {},
}
"""Step → what each circle reads in front of the case's number. What is silent here is read in the register."""

CASE_ALERTS: Final[Mapping[CaseAlertKind, Mapping[Circle, str]]] = {
    CaseAlertKind.PROGRESS_DUE: {_H: "本月尚未填报进展的案件 {count} 起，请于月末前填报，其中一起"},
    CaseAlertKind.PROGRESS_MISSED: {
        _L: "{month}逾期未填报进展的案件 {count} 起，其中一起",
        _R: "{month}逾期未填报进展的案件 {count} 起，请督办，其中一起",
        _H: "{month}逾期未填报进展的案件 {count} 起，已列入督办，请补报，其中一起",
    },
    CaseAlertKind.MEASURE_MISSED: {
        _R: "处置措施逾期未完成的案件 {count} 起，其中一起",
        _H: "处置措施逾期未完成的案件 {count} 起，请办理，其中一起",
    },
    CaseAlertKind.TARGET_NEAR: {_H: "化解目标日期临近的案件 {count} 起，其中一起"},
    CaseAlertKind.TARGET_MISSED: {
        _L: "化解目标逾期未完成的案件 {count} 起，其中一起",
        _R: "化解目标逾期未完成的案件 {count} 起，请督办，其中一起",
        _H: "化解目标逾期未完成的案件 {count} 起，已列入督办，其中一起",
    },
}


_MISSED: Final = frozenset({CaseAlertKind.PROGRESS_MISSED, CaseAlertKind.MEASURE_MISSED, CaseAlertKind.TARGET_MISSED})
"""Reminders that put a case under supervision: they reach the officers' work addresses too."""


def announce_step(case_id: UUID, event_id: UUID) -> None:
    """Tell the officers concerned of a step of a case. A repeat adds nothing."""
    event, case = db.session.get_one(CaseEvent, event_id), db.session.get_one(FundraisingCase, case_id)
    told = CASE_STEPS.get(event.action, {})
    titles = {_confirming(event) if circle is _R else circle: title for circle, title in told.items()}
    news = News(event.id, event.at, event.actor_id, case_id=case.id)
    write_notices(news, {circle: officers(circle, {_H: case.unit_id}) for circle in titles}, titles)


def _confirming(event: CaseEvent) -> Circle:
    """The leader confirms what the table says the leader confirms; everything else is the reviewers'."""
    if event.action != CaseAction.PROPOSE_STAGE:
        return _R
    move = find_move(event.details["track"], event.details["from"], event.details["proposed"])
    return _L if move is not None and move.confirmed_under is Permission.CASE_LEAD else _R


def announce_alerts(alert_id: UUID, unit_id: int, count: int) -> None:
    """Remind a unit of its cases, and tell those above it. A repeat adds nothing."""
    alert = db.session.get_one(CaseAlert, alert_id)
    month = f"{alert.due_on.year}年{alert.due_on.month}月"
    told = {c: t.format(count=count, month=month) for c, t in CASE_ALERTS[CaseAlertKind(alert.kind)].items()}
    news = News(alert.id, alert.at, None, case_id=alert.case_id)
    outward = Kind.SUPERVISION if alert.kind in _MISSED else None
    write_notices(news, {circle: officers(circle, {_H: unit_id}) for circle in told}, told, outward)
