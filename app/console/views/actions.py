"""Rows of the transition tables as forms: the fields they need, and what will happen next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask import request

from app.console.views.fields import (
    CASE_NUMBER,
    FIELDS,
    LONGEST_REASON,
    Field,
    FormState,
    divisions_of,
    evidence,
    options,
    select,
    text,
)
from app.workflow.states import (
    ACTION_TEXTS,
    GROUND_TEXTS,
    LIMITS,
    REASSIGNMENT_ACTION_TEXTS,
    Action,
    ReassignmentAction,
    Status,
    Transition,
)

_OPINION: Final = {Action.ACCEPT, Action.ASSIGN, Action.CONCLUDE, ReassignmentAction.ADJUST}
"""Steps that need no reason, but where an officer may want to leave a word for the file."""


def refused_form(problem: Mapping[str, Any] | None, default: str = "") -> tuple[str | None, Mapping[str, list[str]]]:
    """The action whose form was refused, and its messages."""
    if problem is None:
        return None, {}
    return request.form.get("action") or default, problem.get("errors", {})


def is_asked_for(row: Transition) -> bool:
    """Whether the console has a form for a move; one that it has none for is done through the API alone."""
    return set(row.needs) <= FIELDS.keys()


def tip_action(row: Transition, state: FormState) -> dict[str, Any]:
    """One move of a tip."""
    action = Action(row.action)
    fields = [FIELDS[name](action, state) for name in row.needs]
    if action is Action.CONCLUDE and state.opens_case:
        fields.append(CASE_NUMBER)
    return _action(row, ACTION_TEXTS[action], fields, _next_of(row), state)


def reassignment_step(row: Transition, state: FormState) -> dict[str, Any]:
    """One step of a request."""
    action = ReassignmentAction(row.action)
    fields = [text("reason", "理由", LONGEST_REASON) for _ in row.needs]
    if action is ReassignmentAction.RESUBMIT:
        fields.append(evidence())
    return _action(row, REASSIGNMENT_ACTION_TEXTS[action], fields, _STEP_NEXT[action], state)


def application(state: FormState, holder_id: int | None, *, stops_clock: bool) -> dict[str, Any]:
    """The form that asks for a reassignment, and what it does to the clock of the unit that holds the tip."""
    targets = [unit for unit in state.units if unit.id != holder_id]
    fields = [
        select("to_division", "拟调整至", divisions_of(targets)),
        select("ground", "调整事由", options(GROUND_TEXTS)),
        text("reason", "情况说明", LONGEST_REASON),
        evidence(),
    ]
    row = Transition(ReassignmentAction.APPLY, frozenset(), (), None)
    told = (
        "提交后核查计时暂停" if stops_clock else "承办单位此前的申请已撤回（或逾期未补证），再次申请的，核查计时不暂停"
    )
    described = f"{told}；由市级审核、调整，三个环节由不同人员办理；总期限不顺延。"
    return _action(row, REASSIGNMENT_ACTION_TEXTS[ReassignmentAction.APPLY], fields, described, state)


def _action(row: Transition, label: str, fields: list[Field], described: str, state: FormState) -> dict[str, Any]:
    if row.action in _OPINION:
        fields = [*fields, text("reason", "办理意见", LONGEST_REASON, required=False)]
    tone = "danger" if row.action in {Action.REJECT, ReassignmentAction.REJECT} else "plain"
    return form_of(str(row.action), label, fields, described, state) | {"irreversible": row.irreversible, "tone": tone}


def form_of(name: str, label: str, fields: list[Field], described: str, state: FormState) -> dict[str, Any]:
    """One form of a page; after its refusal it stays open with what was typed."""
    open_ = name == state.refused
    return {
        "name": name,
        "label": label,
        "needs": [_with_typed(one, state.errors) for one in fields] if open_ else fields,
        "irreversible": False,
        "description": described,
        "tone": "plain",
        "open": open_,
    }


def _with_typed(one: Field, errors: Mapping[str, list[str]]) -> Field:
    told = "；".join(errors.get(one["name"], []))
    if one["kind"] == "file":
        return one | {"error": told or "为保护材料，浏览器不保留已选文件，请重新选择"}
    return one | {"value": request.form.get(one["name"], ""), "error": told}


def _next_of(row: Transition) -> str:
    """Where a move leads and what clock starts there."""
    if not row.targets:
        return "状态不变。"
    if row.action == Action.RECALL:
        return "承办单位尚未签收，可以收回；收回后转为“已受理”，交办期限接着计算，承办单位收到通知。"
    target = Status(row.targets[0])
    limit = LIMITS.get(target)
    until = f"，开始计算{limit.name}期限" if limit else ""
    return f"办理后转为“{target.text}”{until}。"


_STEP_NEXT: Final[Mapping[ReassignmentAction, str]] = {
    ReassignmentAction.APPROVE: "同意后转为“待调整”，由另一名调整人执行。",
    ReassignmentAction.REJECT: "不同意的，线索留在原单位，核查计时继续。",
    ReassignmentAction.RETURN_FOR_EVIDENCE: "退回申请单位限期补充佐证；逾期未补的，申请视为撤回，核查计时继续。",
    ReassignmentAction.ASK_VIEW: "请对方区县在 1 个工作日内答复，逾期视为无意见；期间暂不审核。",
    ReassignmentAction.CONSENT: "意见送市级审核人，调整与否由市级决定。",
    ReassignmentAction.OBJECT: "意见送市级审核人，调整与否由市级决定。",
    ReassignmentAction.RESUBMIT: "补充佐证后重新提交审核。",
    ReassignmentAction.ADJUST: "线索立即转至新单位，原单位不再能打开线索，新单位重新计算核查期限。",
    ReassignmentAction.CONFIRM: "签收后线索转为“核查中”，调整办结。",
    ReassignmentAction.CANCEL: "撤回后线索留在原单位，核查计时继续；撤回后再次申请的，计时不再暂停。",
}


def refused_fields(problem: Mapping[str, Any], actions: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The messages of a refused form beside the labels of their fields."""
    labels = {one["name"]: one["label"] for action in actions if action["open"] for one in action["needs"]}
    return [
        {"label": labels.get(name, "表单"), "text": "；".join(texts)}
        for name, texts in problem.get("errors", {}).items()
    ]
