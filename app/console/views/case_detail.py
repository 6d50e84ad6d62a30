"""One case as its page shows it; what the reader may not see was masked by ``cases.views`` already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from flask import url_for

from app.cases import claim_query, claims, documents, follow_up, funds, ledger, payments, policy, queries, words
from app.cases import service as cases
from app.cases import views as case_views
from app.cases.models import CaseEvent, CasePlan, CaseProgress, FundraisingCase, StageProposal
from app.cases.states import (
    CASE_ACTION_TEXTS,
    CASE_ALERT_TEXTS,
    CaseAction,
    CaseAlertKind,
    CaseStatus,
    Track,
)
from app.console import queries as console_queries
from app.console.views import chinese
from app.console.views.case_actions import case_actions, link_form, plan_decision, proposal_text
from app.console.views.case_list import case_status, fact_text, marks_of
from app.console.views.problems import problem_views
from app.foundation import clock
from app.foundation.permissions import Actor, Permission
from app.geo.divisions import divisions
from app.tips.service import named

Pairs = list[tuple[str, Any]]
_WAN: Final = 10000

STEP_TEXTS: Final[Mapping[str, str]] = {
    "register": "登记案件",
    "change": "修改案件信息",
    "link_tip": "并入线索",
    follow_up.WRITE_PLAN: "报送处置方案",
    follow_up.DECIDE_PLAN: "审批处置方案",
    follow_up.FINISH_MEASURE: "登记措施完成",
    follow_up.REPORT_PROGRESS: "填报月度进展",
    cases.IMPORT: "由表格导入",
    claims.ENTER_CLAIMS: "登记集资参与人债权",
    claims.CHANGE_CLAIM: "更正债权",
    claims.VERIFY_CLAIMS: "核实债权",
    claim_query.ISSUE_CODES: "发放债权查询凭证",
    documents.MAKE_DOCUMENT: "制作文书",
    funds.RECEIVE_FUND: "登记资金到账",
    funds.DESCRIBE_ASSET: "登记资产情况",
    ledger.DISTRIBUTE: "计算清退分配",
    payments.MAKE_BATCH: "生成发放批次",
    payments.RECORD_RESULTS: "登记银行发放结果",
    **{action.value: text for action, text in CASE_ACTION_TEXTS.items()},
}
"""Steps of a case in the office's words; a step of a later room shows under its own name."""


def case_view(actor: Actor, case: FundraisingCase, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """Everything of the page."""
    whole = case_views.whole(actor, case)
    waiting: Sequence[StageProposal] = whole["proposals"]
    plans: Sequence[CasePlan] = whole["plans"]
    actions = case_actions(actor, case, waiting, problem)
    open_plan = next((plan for plan in plans if plan.approved is None), None)
    deciding = plan_decision(actor, case, open_plan, problem) if open_plan else None
    linking = link_form(actor, case, problem)
    offered = [*filter(None, [deciding]), *actions]
    return _told(actor, case, whole) | {
        "actions": offered,
        "linking": linking,
        "list_url": url_for("console.list_cases"),
        "action_url": url_for("console.act_on_case", case_id=case.id),
        **problem_views(problem, [*offered, *filter(None, [linking])], whole["history"], CaseStatus),
    }


def _told(actor: Actor, case: FundraisingCase, whole: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says of the case, its forms apart."""
    waiting: Sequence[StageProposal] = [] if policy.sees_masked(actor) else whole["proposals"]
    return {
        "case": _head(case, whole),
        "links": _links(actor, case),
        "tracks": _tracks(case, waiting),
        "money": _money(whole["facts"], whole["returned_ratio"]),
        "duties": _duties(whole),
        "facts": _facts(whole["facts"]),
        "organs": _organs(whole["facts"]),
        "parties": _parties(whole["facts"]["parties"]),
        "jurisdiction": _jurisdiction(whole["jurisdiction"]),
        "plan": _plan(actor, case, whole["plans"]),
        "entries": [_entry(entry) for entry in whole["progress"]],
        "ledger": ledger.summary(case),
        "sources": words.SOURCE_TEXTS,
        "case_links": [
            {"label": "文书", "icon": "file-text", "href": url_for("console.list_case_documents", case_id=case.id)}
        ],
        "ledger_links": [{"label": "打开台账", "href": url_for("console.show_case_ledger", case_id=case.id)}],
        "tips": _tips(actor, whole["tips"]),
        "alerts": [_alert(one) for one in queries.alerts_of(case.id)],
        "steps": _steps(whole["history"]),
        "missing": whole["missing_for_closing"] if case.status != CaseStatus.CLOSED else [],
    }


def _head(case: FundraisingCase, whole: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "case_no": case.case_no,
        "name": whole["name"],
        "version": case.version,
        "status": case_status(case.status),
        "marks": marks_of(case),
        "unit": whole["unit"],
        "registered_at": clock.beijing(case.registered_at),
        "closed_at": clock.beijing(case.closed_at) if case.closed_at else None,
        "target_on": case.target_on,
        "late": bool(case.target_on and case.target_on < clock.today() and case.status != CaseStatus.CLOSED),
    }


def _links(actor: Actor, case: FundraisingCase) -> dict[str, str | None]:
    live = case.status != CaseStatus.CLOSED
    reports = live and policy.can_report(actor, case)
    return {
        "edit": url_for("console.ask_for_change", case_id=case.id) if live and policy.can_change(actor, case) else None,
        "plan": url_for("console.ask_for_plan", case_id=case.id) if reports else None,
        "progress": url_for("console.ask_for_progress", case_id=case.id) if reports else None,
        "measure": url_for("console.finish_case_measure", case_id=case.id) if reports else None,
    }


def _tracks(case: FundraisingCase, waiting: Sequence[StageProposal]) -> list[dict[str, Any]]:
    by_track = {proposal.track: proposal for proposal in waiting}
    return [_track(case, track, by_track.get(track.value)) for track in Track]


def _track(case: FundraisingCase, track: Track, proposal: StageProposal | None) -> dict[str, Any]:
    """The stages reached with their days, the present one, and what waits for the city."""
    reached: Mapping[str, str] = case.stage_dates.get(track.value, {})
    present = getattr(case, track)
    return {
        "label": words.TRACK_TEXTS[track],
        "present": words.stage_text(track, present),
        "stages": [
            {"label": label, "on": reached.get(stage), "state": _state(stage, present, reached)}
            for stage, label in words.STAGE_TEXTS[track].items()
            if stage != "none"
        ],
        "waiting": proposal
        and {
            "text": proposal_text(proposal),
            "on": proposal.reached_on,
            "reason": proposal.reason,
            "at": clock.beijing(proposal.proposed_at),
        },
    }


def _state(stage: str, present: str, reached: Mapping[str, str]) -> str:
    if stage == present:
        return "current"
    return "passed" if stage in reached else ""


def _money(facts: Mapping[str, Any], ratio: Any) -> dict[str, Any]:
    names = ("involved_yuan", "outstanding_yuan", "controlled_yuan", "realised_yuan", "returned_yuan")
    return {"amounts": [(words.FACT_TEXTS[name], facts[name]) for name in names], "ratio": ratio}


def _duties(whole: Mapping[str, Any]) -> Pairs:
    """The four responsibilities that the office asks of each case (domain.md §4.1)."""
    facts = whole["facts"]
    judicial = [facts[name] for name in ("police_unit", "procuratorate", "court") if facts[name]]
    person = " ".join(filter(None, [facts.get("responsible_person"), facts.get("responsible_phone")]))
    return [
        ("属地责任", whole["unit"]),
        ("行业监管", facts["sector_regulator"]),
        ("司法处置", "、".join(judicial)),
        ("具体责任人", person),
    ]


_FACTS: Final = (
    "industry", "method", "business_category", "category_detail", "found_through", "level", "registered_place",
    "occurrence_place", "occurred_on", "participants", "stability_level", "cross_province", "lead_place",
)  # fmt: skip


def _facts(facts: Mapping[str, Any]) -> Pairs:
    shown = [(words.FACT_TEXTS[name], fact_text(name, facts.get(name))) for name in _FACTS]
    places = "、".join(divisions().full_name(code) or code for code in facts["cooperating_places"])
    return [*shown, (words.FACT_TEXTS["cooperating_places"], places)]


def _organs(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    named_by = (("公安机关", "police_unit"), ("检察机关", "procuratorate"), ("审判机关", "court"))
    return [
        {"label": label, "name": facts[name], "number": facts[f"{name.removesuffix('_unit')}_case_no"]}
        for label, name in named_by
    ]


def _parties(parties: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": party["name"],
            "role": words.PARTY_ROLE_TEXTS[party["role"]],
            "kind": words.PARTY_KIND_TEXTS[party["kind"]],
            "uscc": party.get("uscc"),
        }
        for party in parties
    ]


def _jurisdiction(decision: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the engine says about the places, as for tips; whose case it is the office decides."""
    if not decision:
        return None
    told = named(dict(decision))
    names = told["names"]
    return {
        "lead": names.get(told["lead"]),
        "cooperating": [names[code] for code in told["cooperating"]],
        "dispute": told["dispute"],
    }


def _plan(actor: Actor, case: FundraisingCase, plans: Sequence[CasePlan]) -> dict[str, Any]:
    approved = [plan for plan in plans if plan.approved]
    in_force = approved[-1] if approved else None
    return {
        "in_force": _version(in_force) if in_force else None,
        "waiting": next((_version(plan) for plan in plans if plan.approved is None), None),
        "versions": [_version(plan) for plan in reversed(plans)],
        "masked": policy.sees_masked(actor),
        "live": case.status != CaseStatus.CLOSED,
    }


def _version(plan: CasePlan) -> dict[str, Any]:
    measures = [_measure(position, one) for position, one in enumerate(plan.measures)]
    return {
        "number": plan.number,
        "goal": plan.goal,
        "reason": plan.reason,
        "by": plan.written_by_name,
        "at": clock.beijing(plan.written_at),
        "state": {None: ("待审批", "wait"), True: ("已同意", "done"), False: ("已退回", "warn")}[plan.approved],
        "decision": plan.decision,
        "decided_at": clock.beijing(plan.decided_at) if plan.decided_at else None,
        "measures": measures,
        "done": sum(bool(one["done_on"]) for one in measures),
    }


def _measure(position: int, measure: Mapping[str, Any]) -> dict[str, Any]:
    done = measure.get("done_on")
    late = not done and measure["due_on"] < clock.today().isoformat()
    days = {name: measure.get(name) for name in ("due_on", "done_on")}
    told = {f"{name}_text": chinese.day(date.fromisoformat(on)) for name, on in days.items() if on}
    return {**measure, **told, "position": position, "late": late}


def _entry(entry: CaseProgress) -> dict[str, Any]:
    told = [
        ("案情", entry.situation),
        ("涉案人员", entry.people),
        ("起诉和审判工作进展", entry.proceedings),
        ("涉访维稳", entry.petitions),
        ("当前存在的主要问题", entry.problems),
        ("与前期处置工作有何明显进展", entry.movement),
    ]
    return {
        "month": chinese.month(entry.month),
        "by": entry.written_by_name,
        "at": clock.beijing(entry.written_at),
        "told": [(label, words_) for label, words_ in told if words_],
        "recovered": entry.recovered_yuan,
        "returned": entry.returned_yuan,
    }


def _tips(actor: Actor, tips: Sequence[Any]) -> list[dict[str, Any]]:
    opens = actor.may(Permission.TIP_READ)
    return [
        {
            "number": tip.receipt_number,
            "at": clock.beijing(tip.registered_at),
            "href": url_for("console.show_tip", tip_id=tip.id) if opens else None,
        }
        for tip in tips
    ]


def _alert(alert: Any) -> dict[str, Any]:
    missed = alert.kind in {CaseAlertKind.PROGRESS_MISSED, CaseAlertKind.MEASURE_MISSED, CaseAlertKind.TARGET_MISSED}
    return {
        "text": CASE_ALERT_TEXTS[CaseAlertKind(alert.kind)],
        "due_on": alert.due_on,
        "at": clock.beijing(alert.at),
        "tone": "urgent" if missed else "warn",
    }


def _steps(history: Sequence[CaseEvent | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a case, newest first; a masked history is told without words and names."""
    rows = [step if isinstance(step, Mapping) else _of_event(step) for step in history]
    units = console_queries.unit_names({row.get("actor_unit_id") for row in rows})
    return [_step(row, units) for row in reversed(rows)]


def _of_event(event: CaseEvent) -> dict[str, Any]:
    names = (
        "at", "actor_name", "actor_unit_id", "action", "from_status", "to_status", "track", "from_stage", "to_stage",
        "reason", "details",
    )  # fmt: skip
    return {name: getattr(event, name) for name in names}


def _step(row: Mapping[str, Any], units: Mapping[int | None, str]) -> dict[str, Any]:
    return {
        "at": clock.beijing(row["at"]),
        "who": f"{units.get(row.get('actor_unit_id'), '')} {row.get('actor_name', '')}".strip() or "（姓名不显示）",
        "text": STEP_TEXTS.get(row["action"], row["action"]),
        "move": _moved(row),
        "reason": row.get("reason"),
        "changes": _changes(row.get("details") or {}),
    }


def _moved(row: Mapping[str, Any]) -> str:
    details = row.get("details") or {}
    if row["track"] and row["from_stage"]:
        track = Track(row["track"])
        source, target = (words.stage_text(track, row[name]) for name in ("from_stage", "to_stage"))
        return f"{words.TRACK_TEXTS[track]}：{source} → {target}"
    if row["action"] == CaseAction.PROPOSE_STAGE and "proposed" in details:
        track = Track(details["track"])
        return f"{words.TRACK_TEXTS[track]}：拟变更为{words.stage_text(track, details['proposed'])}（{details['on']}）"
    if row["from_status"] and row["from_status"] != row["to_status"]:
        return f"{case_status(row['from_status'])['text']} → {case_status(row['to_status'])['text']}"
    return f"第 {details['number']} 版" if "plan" in row["action"] and "number" in details else ""


def _changes(details: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [
        (words.FACT_TEXTS.get(name, name), _worded(before), _worded(after))
        for name, (before, after) in details.get("changed", {}).items()
    ]


def _worded(value: Any) -> str:
    if value is None or value == []:
        return "（空）"
    if isinstance(value, list):
        return "、".join(str(one.get("name", "")) if isinstance(one, Mapping) else str(one) for one in value)
    return {True: "是", False: "否"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def case_badge(actor: Actor, tip_id: UUID) -> dict[str, Any] | None:
    """The case that a tip belongs to, for the tip's page."""
    case = queries.case_of_tip(actor, tip_id) if actor.may(Permission.CASE_READ) else None
    if case is None:
        return None
    name = "" if policy.sees_masked(actor) else case.name
    href = url_for("console.show_case", case_id=case.id)
    return {"href": href, "case_no": case.case_no, "name": name, "status": case_status(case.status)}
