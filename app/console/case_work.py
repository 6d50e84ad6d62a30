"""What is done to a case: moves of its tracks, its plan, the month's entry, tips that belong to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from app.cases import follow_up, policy, queries, service
from app.cases.schemas import (
    ActOnCaseBody,
    DecidePlanBody,
    FinishMeasureBody,
    ReportProgressBody,
    WritePlanBody,
)
from app.cases.states import CASE_ACTION_TEXTS, CaseAction
from app.console import forms
from app.console.blueprint import pages
from app.console.cases import case_page
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import case_reports
from app.foundation.errors import Forbidden, InvalidInput
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.tips.queries import tip_by_number


@pages.post("/cases/<uuid:case_id>/actions")
@page(permission=Permission.SELF_USE, changes=True)
def act_on_case(actor: Actor, case_id: UUID) -> Response:
    """Take one step; the tables say who may. The form's name says the track where there is one."""
    on_refusal_show(case_page, actor, case_id)
    action, _, track = request.form.get("action", "").partition("-")
    given = forms.typed_fields("stage", "on", "reason") | {"action": action}
    body = load(
        ActOnCaseBody(), given | ({"track": track} if track else {}) | {"expected_version": forms.seen_version()}
    )
    action, version = body.pop("action"), body.pop("expected_version")
    service.act(actor, case_id, action, version, body)
    return done(f"“{CASE_ACTION_TEXTS[CaseAction(action)]}”已办理。", "console.show_case", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/tips")
@page(permission=Permission.SELF_USE, changes=True)
def link_tip_to_case(actor: Actor, case_id: UUID) -> Response:
    """Let the tip of a receipt number belong to the case."""
    on_refusal_show(case_page, actor, case_id)
    number = forms.typed_fields("receipt_number").get("receipt_number", "").strip()
    tip_id = tip_by_number(actor, number)
    if tip_id is None:
        raise InvalidInput(errors={"receipt_number": ["未找到该编号的线索"]})
    service.link_tip(actor, case_id, tip_id, forms.seen_version())
    return done("线索已并入案件。", "console.show_case", case_id=case_id)


@pages.get("/cases/<uuid:case_id>/plan")
@page(permission=Permission.SELF_USE)
def ask_for_plan(actor: Actor, case_id: UUID) -> str:
    """The form of a new version, with what is carried over."""
    return _plan_page(actor, case_id)


@pages.post("/cases/<uuid:case_id>/plan")
@page(permission=Permission.SELF_USE, changes=True)
def write_case_plan(actor: Actor, case_id: UUID) -> Any:
    """Put a new version before the leader; a button of the form asks for more rows instead."""
    if "more" in request.form:
        return _plan_page(actor, case_id)
    on_refusal_show(_plan_page, actor, case_id)
    given = forms.typed_fields("goal", "reason") | {"measures": case_reports.typed_measures()}
    follow_up.write_plan(actor, case_id, load(WritePlanBody(), given))
    return done("处置方案已报送市级负责人审批。", "console.show_case", case_id=case_id)


def _plan_page(actor: Actor, case_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    case = _reported(actor, case_id)
    return rendered("console/cases/plan.html", actor, **case_reports.plan_form(case, problem))


def _reported(actor: Actor, case_id: UUID) -> Any:
    case = queries.case_for(actor, case_id)
    if not policy.can_report(actor, case):
        raise Forbidden("由负责该案件的区县填报", extra=service.about(case))
    return case


@pages.post("/cases/<uuid:case_id>/plan/decision")
@page(permission=Permission.SELF_USE, changes=True)
def decide_case_plan(actor: Actor, case_id: UUID) -> Response:
    """Approve or refuse the version that the leader has read."""
    on_refusal_show(case_page, actor, case_id)
    typed = forms.typed_fields("number", "approved", "reason")
    given = typed | {
        "number": _number(typed.get("number")),
        "approved": {"true": True, "false": False}.get(typed.get("approved", "")),
    }
    follow_up.decide_plan(actor, case_id, load(DecidePlanBody(), given))
    return done("处置方案已审批。", "console.show_case", case_id=case_id)


@pages.post("/cases/<uuid:case_id>/plan/measures")
@page(permission=Permission.SELF_USE, changes=True)
def finish_case_measure(actor: Actor, case_id: UUID) -> Response:
    """Note that a measure of the plan in force is done."""
    on_refusal_show(case_page, actor, case_id)
    typed = forms.typed_fields("number", "position", "done_on")
    given = typed | {name: _number(typed.get(name)) for name in ("number", "position")}
    follow_up.finish_measure(actor, case_id, load(FinishMeasureBody(), given))
    return done("措施完成情况已登记。", "console.show_case", case_id=case_id)


def _number(typed: str | None) -> int | None:
    return int(typed) if typed and typed.isascii() and typed.isdecimal() and len(typed) < 10 else None  # noqa: PLR2004  # no count of ours is longer


@pages.get("/cases/<uuid:case_id>/progress")
@page(permission=Permission.SELF_USE)
def ask_for_progress(actor: Actor, case_id: UUID) -> str:
    """The form of a month's entry."""
    return _progress_page(actor, case_id)


@pages.post("/cases/<uuid:case_id>/progress")
@page(permission=Permission.SELF_USE, changes=True)
def report_case_progress(actor: Actor, case_id: UUID) -> Response:
    """Add the month's entry; what was reported before stays."""
    on_refusal_show(_progress_page, actor, case_id)
    follow_up.report_progress(actor, case_id, load(ReportProgressBody(), case_reports.typed_entry()))
    return done("月度进展已填报。", "console.show_case", case_id=case_id)


def _progress_page(actor: Actor, case_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    case = _reported(actor, case_id)
    return rendered("console/cases/progress.html", actor, **case_reports.progress_form(case, problem))
