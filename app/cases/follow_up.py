"""A case between its stages: the plan (一案一策) that the leader approves, and the entry of progress of each month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from app.cases import policy, service
from app.cases.models import CasePlan, CaseProgress, FundraisingCase
from app.cases.states import CaseStatus
from app.foundation import clock
from app.foundation.database import Row, db, insert_rows, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound, TransitionNotAllowed
from app.foundation.permissions import Actor

WRITE_PLAN: Final = "write_plan"
DECIDE_PLAN: Final = "decide_plan"
REPORT_PROGRESS: Final = "report_progress"
FINISH_MEASURE: Final = "finish_measure"


def write_plan(actor: Actor, case_id: UUID, given: Mapping[str, Any]) -> FundraisingCase:
    """Put a new version of the plan before the leader; the one in force stays until it is approved.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`. Conflict: a version waits for the leader.
    """
    case = reported(actor, case_id)
    latest = db.session.scalar(select(func.max(CasePlan.number)).where(CasePlan.case_id == case_id)) or 0
    row = {
        "id": new_id(),
        "case_id": case.id,
        "number": latest + 1,
        "goal": given["goal"],
        "measures": [_stored(measure) for measure in given["measures"]],
        "reason": given["reason"],
        **_writer(actor),
    }
    if not insert_rows([Row(CasePlan, row)], unless_known=True):
        raise Conflict("上一版处置方案尚待审批", code="plan_waits")
    service.note(actor, case, WRITE_PLAN, {"number": latest + 1}, given["reason"])
    return case


def _stored(measure: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in measure.items()}


def decide_plan(actor: Actor, case_id: UUID, given: Mapping[str, Any]) -> FundraisingCase:
    """Approve or refuse a version, for the leader; a refusal has a reason, and nobody approves the own plan.

    Raises:
        Forbidden: not the leader, or the writer. NotFound: no such version. Conflict: it was decided on already.
    """
    case, number = service.locked(actor, case_id), given["number"]
    if not policy.can_decide_plan(actor):
        raise Forbidden("处置方案由市级负责人审批", extra=service.about(case))
    plan = db.session.scalar(select(CasePlan).where(CasePlan.case_id == case_id, CasePlan.number == number))
    if plan is None:
        raise NotFound("未找到该版处置方案")
    if plan.written_by == actor.account_id:
        raise Forbidden("不能审批自己填报的处置方案", code="same_person", extra=service.about(case))
    if plan.approved is not None:
        raise Conflict("该版处置方案已审批", code="plan_decided")
    if not given["approved"] and not given["reason"]:
        raise InvalidInput(errors={"reason": ["退回处置方案须说明理由"]})
    plan.approved, plan.decision = given["approved"], given["reason"] or ""
    plan.decided_by, plan.decided_at = actor.account_id, clock.now()
    service.note(actor, case, DECIDE_PLAN, {"number": number, "approved": plan.approved}, plan.decision)
    return case


def finish_measure(actor: Actor, case_id: UUID, given: Mapping[str, Any]) -> FundraisingCase:
    """Note that a measure of the plan in force is done; ``position`` counts from nought. The next version carries it.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`. InvalidInput: a day to come.
        NotFound: no such measure in force. Conflict: it was noted already.
    """
    case = reported(actor, case_id)
    plan = plan_in_force(case_id)
    if plan is None or plan.number != given["number"] or given["position"] >= len(plan.measures):
        raise NotFound("未找到该项措施，或者处置方案已有新版")
    if given["done_on"] > clock.today():
        raise InvalidInput(errors={"done_on": ["日期不能晚于今天"]})
    measures = [dict(measure) for measure in plan.measures]
    if measures[given["position"]].get("done_on"):
        raise Conflict("该项措施已登记完成", code="measure_done")
    measures[given["position"]]["done_on"] = given["done_on"].isoformat()
    plan.measures = measures
    told = {name: str(given[name]) for name in ("number", "position", "done_on")}
    service.note(actor, case, FINISH_MEASURE, told, given["reason"] or "")
    return case


def plan_in_force(case_id: UUID) -> CasePlan | None:
    """The newest approved version."""
    approved = select(CasePlan).where(CasePlan.case_id == case_id, CasePlan.approved.is_(True))
    return db.session.scalar(approved.order_by(CasePlan.number.desc()).limit(1))


def report_progress(actor: Actor, case_id: UUID, given: Mapping[str, Any]) -> FundraisingCase:
    """Add an entry for a month that has begun; what was reported before stays as it was.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`. InvalidInput: a month yet to come.
    """
    case = reported(actor, case_id)
    month = given["month"] or this_month()
    if month > this_month():
        raise InvalidInput(errors={"month": ["不能填报尚未到来的月份"]})
    insert_rows([Row(CaseProgress, {**given, "id": new_id(), "case_id": case.id, "month": month, **_writer(actor)})])
    service.note(actor, case, REPORT_PROGRESS, {"month": f"{month:%Y-%m}"})
    return case


def reported(actor: Actor, case_id: UUID) -> FundraisingCase:
    """A case that this person writes about: of the own unit, and not closed."""
    case = service.locked(actor, case_id)
    if not policy.can_report(actor, case):
        raise Forbidden("由负责该案件的区县填报", extra=service.about(case))
    if case.status == CaseStatus.CLOSED:
        raise TransitionNotAllowed("案件已结案，须先重新启动", extra=service.about(case))
    return case


def _writer(actor: Actor) -> dict[str, Any]:
    return {"written_by": actor.account_id, "written_by_name": actor.name, "written_at": clock.now()}


def this_month() -> date:
    """The first day of the present month, in Beijing time."""
    return clock.today().replace(day=1)


def plans_of(actor: Actor, case: FundraisingCase) -> Sequence[CasePlan]:
    """Every version of the plan, oldest first; none for whoever reads cases masked."""
    if policy.sees_masked(actor):
        return []
    return db.session.scalars(select(CasePlan).where(CasePlan.case_id == case.id).order_by(CasePlan.number)).all()


def progress_of(actor: Actor, case: FundraisingCase) -> Sequence[CaseProgress]:
    """Every entry of progress, newest month first; none for whoever reads cases masked."""
    if policy.sees_masked(actor):
        return []
    newest = (CaseProgress.month.desc(), CaseProgress.written_at.desc())
    return db.session.scalars(select(CaseProgress).where(CaseProgress.case_id == case.id).order_by(*newest)).all()
