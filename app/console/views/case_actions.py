"""Rows of a case's tables as forms: the moves that each track allows now, and what waits for a decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flask import request, url_for

from app.cases import policy, words
from app.cases.models import CasePlan, FundraisingCase, StageProposal
from app.cases.states import CASE_ACTION_TEXTS, MOVES, CaseAction, CaseStatus, Move, Track, step_of
from app.console.views.fields import LONGEST_REASON, Field, options, select, text
from app.foundation import clock
from app.foundation.permissions import Actor

_Form = dict[str, Any]
_BACK: Final = "（退回、终止，须说明理由）"


def day(name: str, label: str, *, value: str = "", required: bool = True, hint: str = "") -> Field:
    """A day."""
    return {"name": name, "label": label, "kind": "date", "required": required, "value": value, "hint": hint}


def words_of(name: str, label: str, longest: int, *, required: bool = True, hint: str = "") -> Field:
    """A line of text."""
    asked = {"name": name, "label": label, "kind": "text", "required": required, "max_length": longest}
    return asked | {"hint": hint}


def case_actions(
    actor: Actor, case: FundraisingCase, waiting: Sequence[StageProposal], problem: Mapping[str, Any] | None
) -> list[_Form]:
    """Everything this person can do to the case now, as the tables say; a refused form stays open as it was typed."""
    available = policy.available_actions(actor, case, waiting)
    made: list[_Form] = []
    for action in available:
        if action is CaseAction.PROPOSE_STAGE:
            made += _proposals(case, {proposal.track for proposal in waiting})
        elif action in {CaseAction.CONFIRM_STAGE, CaseAction.REFUSE_STAGE}:
            made += [_decision(action, one) for one in waiting if policy.can_decide(actor, one)]
        else:
            made.append(_plain(action))
    return [with_typed(one, problem) for one in made]


def _proposals(case: FundraisingCase, waiting: set[str]) -> Iterator[_Form]:
    for track in Track:
        rows = [row for row in MOVES if row.track is track and getattr(case, track) in row.sources]
        if rows and track.value not in waiting:
            yield _proposal(track, getattr(case, track), rows)


def _proposal(track: Track, stage: str, rows: Sequence[Move]) -> _Form:
    stages = {row.target: words.stage_text(track, row.target) + (_BACK if row.back else "") for row in rows}
    today = clock.today().isoformat()
    return {
        "name": f"{CaseAction.PROPOSE_STAGE}-{track.value}",
        "label": f"填报{words.TRACK_TEXTS[track]}阶段",
        "needs": [
            select("stage", "变更为", options(stages)),
            day("on", "发生日期", value=today, hint="以文书或者事实发生之日为准"),
            text("reason", "说明", LONGEST_REASON, required=False, hint="退回、终止类变更必须说明理由", rows=3),
        ],
        "description": f"当前阶段：{words.stage_text(track, stage)}。填报后由市级确认，确认前阶段不变。",
        "tone": "plain",
    }


def _decision(action: CaseAction, proposal: StageProposal) -> _Form:
    move = proposal_text(proposal)
    refusing = action is CaseAction.REFUSE_STAGE
    label = f"{'退回' if refusing else '确认'}：{move}"
    return {
        "name": f"{action}-{proposal.track}",
        "label": label,
        "needs": [text("reason", "退回理由" if refusing else "确认意见", LONGEST_REASON, required=refusing, rows=3)],
        "description": "退回后阶段不变，由区县重新填报。" if refusing else "确认后该条线进入新阶段，记入办理经过。",
        "confirm": None if refusing else f"请核对依据材料后确认：{move}。",
        "tone": "danger" if refusing else "plain",
    }


def proposal_text(proposal: StageProposal) -> str:
    """What a change of a stage says."""
    track = Track(proposal.track)
    source, target = (words.stage_text(track, one) for one in (proposal.from_stage, proposal.to_stage))
    return f"{words.TRACK_TEXTS[track]} {source} → {target}"


_PLAIN: Final[Mapping[CaseAction, tuple[str, str, str | None]]] = {
    CaseAction.MONITOR: ("行政处理或者司法处置已终结，转入善后跟踪，继续督促清退。", "plain", None),
    CaseAction.CLOSE: (
        "结案后不再填报进展；发现新情况须由负责人重新启动。",
        "plain",
        "结案须行政处理或者司法处置已终结，并且资金清退完毕或者经批准认定无法清退。确定结案？",
    ),
    CaseAction.REOPEN: ("案件恢复为在办，重新按月填报进展。", "danger", "确定重新启动该案件？"),
}


def _plain(action: CaseAction) -> _Form:
    described, tone, confirm = _PLAIN[action]
    required = "reason" in step_of(action).needs
    return {
        "name": action.value,
        "label": CASE_ACTION_TEXTS[action],
        "needs": [text("reason", "理由" if required else "说明", LONGEST_REASON, required=required, rows=3)],
        "description": described,
        "tone": tone,
        "confirm": confirm,
    }


def plan_decision(
    actor: Actor, case: FundraisingCase, plan: CasePlan, problem: Mapping[str, Any] | None
) -> _Form | None:
    """The leader's form for the version that waits."""
    if not policy.can_decide_plan(actor) or plan.written_by == actor.account_id:
        return None
    form = {
        "name": "decide_plan",
        "label": f"审批处置方案第 {plan.number} 版",
        "url": url_for("console.decide_case_plan", case_id=case.id),
        "needs": [
            {"name": "number", "label": "", "kind": "hidden", "value": plan.number},
            select("approved", "审批意见", options({"true": "同意", "false": "退回修改"})),
            text("reason", "意见", LONGEST_REASON, required=False, hint="退回须说明理由", rows=3),
        ],
        "description": "同意后该版方案生效，原版留存备查。",
        "confirm": "审批后不能更改。请确认已阅看方案全文。",
        "tone": "plain",
    }
    return with_typed(form, problem)


def link_form(actor: Actor, case: FundraisingCase, problem: Mapping[str, Any] | None) -> _Form | None:
    """The form that lets a tip belong to the case."""
    if not policy.can_change(actor, case) or case.status == CaseStatus.CLOSED:
        return None
    form = {
        "name": "link_tip",
        "label": "并入线索",
        "url": url_for("console.link_tip_to_case", case_id=case.id),
        "needs": [words_of("receipt_number", "线索受理编号", 30, hint="一条线索只并入一个案件；举报人看不到案件")],
        "description": "并入后线索仍单独办理、单独答复。",
        "confirm": "线索并入案件后不能撤回。确定并入？",
        "tone": "plain",
    }
    return with_typed(form, problem)


def with_typed(form: _Form, problem: Mapping[str, Any] | None) -> _Form:
    """The form open with what was typed and the messages beside its fields, where it is the refused one."""
    if problem is None or request.form.get("action") != form["name"]:
        return form | {"open": False}
    errors = problem.get("errors", {})
    needs = [
        one
        if one["kind"] == "hidden"
        else one | {"value": request.form.get(one["name"], ""), "error": "；".join(errors.get(one["name"], []))}
        for one in form["needs"]
    ]
    return form | {"open": True, "needs": needs}
