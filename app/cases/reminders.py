"""The sweep over cases: what is due is recalled before, what was missed comes under supervision after.

Each reminder is a row for one case, kind and due date, so that a second run writes nothing; months that passed while
the program stood still are looked at in the next run, up to a year back. One message leaves for each unit and due date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, Select, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from app.cases.models import CaseAlert, CaseEvent, CasePlan, FundraisingCase
from app.cases.queries import last_day, without_progress
from app.cases.states import CaseAction, CaseAlertKind, CaseStatus
from app.foundation import clock
from app.foundation.database import db
from app.outbox import service as outbox
from app.workflow import limits
from app.workflow.deadlines import end_of_day

CASE_ALERTS: Final = "notifications.case_alerts"
"""The outbox topic of what one unit is reminded of; notifications answers it."""
_MONTHS_BACK: Final = 12
_Day = ColumnElement[Any] | InstrumentedAttribute[Any]
_UNDER_WAY: Final = FundraisingCase.status != CaseStatus.CLOSED


def sweep() -> int:
    """Write what is due and was not written yet; return how many cases are told of anew."""
    today = clock.today()
    this_month = today.replace(day=1)
    told = 0
    if (last_day(this_month) - today).days < limits.value(limits.CASE_PROGRESS_REMINDER):
        told += _remind(CaseAlertKind.PROGRESS_DUE, without_progress(this_month), literal(last_day(this_month), Date))
    month = this_month
    for _ in range(_MONTHS_BACK):
        month = (month - timedelta(days=1)).replace(day=1)
        told += _remind(CaseAlertKind.PROGRESS_MISSED, _missed(month), literal(last_day(month), Date))
    near = today + timedelta(days=limits.value(limits.CASE_TARGET_REMINDER))
    target = FundraisingCase.target_on
    told += _remind(CaseAlertKind.TARGET_NEAR, [_UNDER_WAY, target.between(today, near)], target)
    told += _remind(CaseAlertKind.TARGET_MISSED, [_UNDER_WAY, target < today], target)
    return told + _remind_of_measures(today)


def _missed(month: date) -> list[ColumnElement[bool]]:
    """Cases without an entry for ``month``; while a case was closed it owed none."""
    reopened = select(CaseEvent.id).where(
        CaseEvent.case_id == FundraisingCase.id,
        CaseEvent.action == CaseAction.REOPEN.value,
        CaseEvent.at > end_of_day(last_day(month)),
    )
    return [*without_progress(month), ~reopened.exists()]


def _remind(kind: CaseAlertKind, conditions: Iterable[ColumnElement[bool]], due_on: _Day) -> int:
    return _write(kind, select(FundraisingCase.id.label("case_id"), due_on.label("due_on")).where(*conditions))


def _remind_of_measures(today: date) -> int:
    """Measures of the plan in force whose day has passed; one reminder for each case and day."""
    newest = (
        select(CasePlan.case_id, func.max(CasePlan.number).label("number"))
        .where(CasePlan.approved.is_(True))
        .group_by(CasePlan.case_id)
        .subquery()
    )
    measure = func.jsonb_array_elements(CasePlan.measures).table_valued("value").render_derived()
    due = cast(measure.c.value.op("->>")("due_on"), Date)
    overdue = (
        select(CasePlan.case_id.label("case_id"), due.label("due_on"))
        .join(newest, (newest.c.case_id == CasePlan.case_id) & (newest.c.number == CasePlan.number))
        .join(FundraisingCase, FundraisingCase.id == CasePlan.case_id)
        .join(measure, literal(value=True))
        .where(_UNDER_WAY, due < today, measure.c.value.op("->>")("done_on").is_(None))
        .distinct()
    )
    return _write(CaseAlertKind.MEASURE_MISSED, overdue)


def _write(kind: CaseAlertKind, found: Select[Any, Any]) -> int:
    """Insert what is new and leave one message for each unit and due date."""
    rows = found.subquery()
    written = db.session.execute(
        insert(CaseAlert)
        .from_select(
            ["id", "case_id", "kind", "due_on", "at"],
            select(func.gen_random_uuid(), rows.c.case_id, literal(kind.value), rows.c.due_on, literal(clock.now())),
        )
        .on_conflict_do_nothing()
        .returning(CaseAlert.id, CaseAlert.case_id, CaseAlert.due_on)
    ).all()
    by_unit: dict[tuple[int, date], list[Any]] = defaultdict(list)
    units = _units_of({row.case_id for row in written})
    for row in written:
        by_unit[units[row.case_id], row.due_on].append(row)
    for (unit_id, _due_on), group in by_unit.items():
        first = min(group, key=lambda row: str(row.id))
        outbox.leave(CASE_ALERTS, alert_id=str(first.id), unit_id=unit_id, count=len(group))
    return len(written)


def _units_of(case_ids: set[Any]) -> dict[Any, int]:
    rows = db.session.execute(
        select(FundraisingCase.id, FundraisingCase.unit_id).where(FundraisingCase.id.in_(case_ids))
    )
    return {row.id: row.unit_id for row in rows}
