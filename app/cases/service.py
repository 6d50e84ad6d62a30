"""Commands on cases. :func:`_write` is the one place where a case's status or stage changes; :func:`act` the one way.

Order of the checks: scope → version the person saw → policy → table; then the row, its history and the audit row
together, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.cases import case_facts, policy
from app.cases.computed_amounts import WHY, computed_of
from app.cases.models import CaseEvent, CaseTip, FundraisingCase, StageProposal
from app.cases.queries import waiting_proposals
from app.cases.states import (
    CASE_ACTION_TEXTS,
    CASE_STATUS_TEXTS,
    CaseAction,
    CaseStatus,
    Move,
    Step,
    Track,
    find_move,
    is_concluded,
    missing_for_closing,
    step_of,
)
from app.foundation import clock
from app.foundation.database import Row, db, insert_rows, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope, StaleVersion, TransitionNotAllowed
from app.foundation.permissions import Actor, Permission
from app.foundation.uniqueness import flush_unless_taken
from app.outbox import service as outbox
from app.workflow import service as handling

REGISTER: Final = "register"
CHANGE: Final = "change"
LINK_TIP: Final = "link_tip"
IMPORT: Final = "import"
CASE_CHANGED: Final = "notifications.case_changed"
"""The outbox topic of every step of a case; notifications answers it."""


# Entering and correcting a case ---------------------------------------------------------------------------------------


def register(
    actor: Actor, facts: Mapping[str, Any], division: str | None, stages: Mapping[str, str]
) -> FundraisingCase:
    """Enter a case. A district enters its own; the city's reviewer any, and as it stands (``stages``) where it is old.

    Raises:
        Forbidden: neither of the two, or a district that claims stages nobody confirmed.
        InvalidInput: no district handles the place. Conflict: the number is taken.
    """
    if not policy.can_register(actor):
        raise Forbidden("您无权登记案件")
    if stages and not actor.may(Permission.CASE_REVIEW):
        raise Forbidden("区县登记的案件从头填报阶段，已处的阶段由市级登记")
    decision = case_facts.jurisdiction_of(facts)
    unit = case_facts.responsible_unit(actor, division or decision["lead"])
    values = case_facts.new_case(facts, stages, unit, decision)
    if not insert_rows([Row(FundraisingCase, values)], unless_known=True):
        raise Conflict("该案件编号已登记", code="case_no_taken")
    case = locked(actor, values["id"])
    _remember(actor, case, REGISTER, _Step(to_status=CaseStatus.OPEN, details={"stages": dict(stages)}))
    return case


def change(actor: Actor, case_id: UUID, expected_version: int, facts: Mapping[str, Any]) -> FundraisingCase:
    """Correct or complete the facts of a case; the history keeps what they were.

    Raises:
        OutOfScope, StaleVersion, Forbidden: as for every step. TransitionNotAllowed: the case is closed.
    """
    case = _seen(actor, case_id, expected_version)
    if not policy.can_change(actor, case):
        raise Forbidden("您无权修改该案件", extra=about(case))
    if case.status == CaseStatus.CLOSED:
        raise TransitionNotAllowed("案件已结案，须先重新启动", extra=about(case))
    if facts.get("case_no", case.case_no) != case.case_no and _is_taken(facts["case_no"]):
        raise Conflict("该案件编号已登记", code="case_no_taken")
    before = {name: getattr(case, name) for name in facts}
    changed = {name: value for name, value in facts.items() if value != before[name]}
    if typed := computed_of([case.id]).get(case.id, frozenset()) & changed.keys():
        raise InvalidInput(errors={name: [WHY[name]] for name in sorted(typed)})
    case_facts.check_amounts({name: getattr(case, name) for name in ("returned_yuan", "outstanding_yuan")} | changed)
    for name, value in changed.items():
        setattr(case, name, value)
    flush_unless_taken(Conflict("该案件编号已登记", code="case_no_taken"))
    if case_facts.PLACES & changed.keys():
        case.jurisdiction = case_facts.jurisdiction_of({name: getattr(case, name) for name in case_facts.PLACES})
    _write(actor, case, CHANGE, _Step(details={"changed": case_facts.told_changes(before, changed)}))
    return case


def _is_taken(case_no: str) -> bool:
    return db.session.scalar(select(FundraisingCase.id).where(FundraisingCase.case_no == case_no)) is not None


def link_tip(actor: Actor, case_id: UUID, tip_id: UUID, expected_version: int) -> FundraisingCase:
    """Let a tip belong to a case; whoever links sees both. Conflict: it belongs to a case already.

    The tip is locked before the case, as when a tip is concluded into one.
    """
    handling.locked(actor, tip_id)
    case = _seen(actor, case_id, expected_version)
    if not policy.can_change(actor, case):
        raise Forbidden("您无权将线索并入该案件", extra=about(case))
    if not join_tip(actor, case, tip_id):
        raise Conflict("该线索已并入案件", code="tip_already_linked")
    return case


def join_tip(actor: Actor, case: FundraisingCase, tip_id: UUID) -> bool:
    """Let a tip whose scope was checked belong to the case; return whether it belonged to none before."""
    link = {"tip_id": tip_id, "case_id": case.id, "linked_by": actor.account_id, "linked_at": clock.now()}
    if not insert_rows([Row(CaseTip, link)], unless_known=True):
        return False
    _write(actor, case, LINK_TIP, _Step(details={"tip_id": str(tip_id)}))
    return True


# Moving a case --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """What a step changes: the status, or the stage of one track; and what the history tells of it."""

    to_status: CaseStatus | None = None
    track: Track | None = None
    to_stage: str | None = None
    reason: str = ""
    details: Mapping[str, Any] | None = None


def act(actor: Actor, case_id: UUID, action: str, expected_version: int, given: Mapping[str, Any]) -> FundraisingCase:
    """Do ``action`` on a case.

    Raises:
        OutOfScope: no such case within sight. StaleVersion: somebody else was faster.
        Forbidden: not this person's action. TransitionNotAllowed: status, track or closing rule do not allow it.
        InvalidInput: a needed field is missing. Conflict: a change of the same track waits for the city.
    """
    case = _seen(actor, case_id, expected_version)
    step = step_of(action)
    if not policy.can_take(actor, case, step):
        raise Forbidden(f"您无权对该案件进行“{CASE_ACTION_TEXTS[step.action]}”操作", extra=about(case))
    if case.status not in step.sources:
        status = CASE_STATUS_TEXTS[CaseStatus(case.status)]
        raise TransitionNotAllowed(f"案件处于“{status}”状态，不能{CASE_ACTION_TEXTS[step.action]}", extra=about(case))
    _check_needs(step, given)
    _write(actor, case, action, _EFFECTS[step.action](actor, case, given))
    return case


def locked(actor: Actor, case_id: UUID) -> FundraisingCase:
    """A case within sight, locked until the transaction ends; raise ``OutOfScope``."""
    case = db.session.scalar(
        policy.visible_cases(actor)
        .where(FundraisingCase.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if case is None:
        raise OutOfScope("未找到该案件", extra={"audit_object": ("case", str(case_id))})
    return case


def still_as_seen(actor: Actor, case_id: UUID, expected_version: int | None) -> None:
    """Lock a case for an entry of money, and refuse the one that was sent before and went in: money counts once.

    Every step of a case moves its version, so that the same request again, after a lost answer or by two clicks, comes
    too late. ``None``: whoever writes does not say what was seen, and must look by himself.

    Raises:
        OutOfScope: no such case. StaleVersion: the case has moved since.
    """
    if expected_version is not None:
        _seen(actor, case_id, expected_version, _PERHAPS_ENTERED)


def _seen(actor: Actor, case_id: UUID, expected_version: int, told: str | None = None) -> FundraisingCase:
    case = locked(actor, case_id)
    if case.version != expected_version:
        raise StaleVersion(told, extra={"current_version": case.version, "current_status": case.status})
    return case


_PERHAPS_ENTERED: Final = "该案件在打开页面后已有新的登记，可能就是刚才提交的这一笔。请先核对台账，确未登记的再重新办理"


def about(case: FundraisingCase) -> dict[str, Any]:
    """What the audit row of a refusal names."""
    return {"audit_object": ("case", str(case.id))}


def _check_needs(step: Step, given: Mapping[str, Any]) -> None:
    missing = [name for name in step.needs if given.get(name) in (None, "")]
    if missing:
        raise InvalidInput(errors={name: ["此项必填"] for name in missing})


def _propose_stage(actor: Actor, case: FundraisingCase, given: Mapping[str, Any]) -> _Step:
    track, source, reason = Track(given["track"]), getattr(case, given["track"]), given.get("reason") or ""
    move = _move(case, track, source, given["stage"])
    if move.back and not reason:
        raise InvalidInput(errors={"reason": ["退回或终止的阶段变更须说明理由"]})
    if given["on"] > clock.today():
        raise InvalidInput(errors={"on": ["日期不能晚于今天"]})
    row = {
        "id": new_id(), "case_id": case.id, "track": track.value, "from_stage": source, "to_stage": move.target,
        "reached_on": given["on"], "reason": reason, "proposed_by": actor.account_id, "proposed_at": clock.now(),
    }  # fmt: skip
    if not insert_rows([Row(StageProposal, row)], unless_known=True):
        raise Conflict("该条线已有待市级确认的阶段变更", code="stage_change_open")
    told = {"track": track.value, "from": source, "proposed": move.target, "on": str(given["on"])}
    return _Step(reason=reason, details=told)


def _move(case: FundraisingCase, track: Track, source: str, target: str) -> Move:
    move = find_move(track, source, target)
    if move is None:
        raise TransitionNotAllowed("该条线的当前阶段不能变更为所填阶段", extra=about(case))
    return move


def _open_proposal(actor: Actor, case: FundraisingCase, track: str) -> StageProposal:
    proposal = next((one for one in waiting_proposals(case.id) if one.track == track), None)
    if proposal is None:
        raise TransitionNotAllowed("该条线没有待确认的阶段变更", extra=about(case))
    if not policy.can_decide(actor, proposal):
        raise Forbidden("该阶段变更不由您确认", extra=about(case))
    return proposal


def _decide(actor: Actor, proposal: StageProposal, decision: str, *, agreed: bool) -> None:
    proposal.agreed, proposal.decision = agreed, decision
    proposal.decided_by, proposal.decided_at = actor.account_id, clock.now()


def _confirm_stage(actor: Actor, case: FundraisingCase, given: Mapping[str, Any]) -> _Step:
    proposal = _open_proposal(actor, case, given["track"])
    _decide(actor, proposal, given.get("reason") or "", agreed=True)
    reached = {**case.stage_dates.get(proposal.track, {}), proposal.to_stage: proposal.reached_on.isoformat()}
    case.stage_dates = {**case.stage_dates, proposal.track: reached}
    return _Step(
        track=Track(proposal.track),
        to_stage=proposal.to_stage,
        reason=proposal.reason,
        details={"on": proposal.reached_on.isoformat()},
    )


def _refuse_stage(actor: Actor, case: FundraisingCase, given: Mapping[str, Any]) -> _Step:
    proposal = _open_proposal(actor, case, given["track"])
    _decide(actor, proposal, given["reason"], agreed=False)
    return _Step(reason=given["reason"], details={"track": proposal.track, "refused": proposal.to_stage})


def _monitor(_actor: Actor, case: FundraisingCase, given: Mapping[str, Any]) -> _Step:
    if not is_concluded(case.admin_stage, case.judicial_stage):
        raise TransitionNotAllowed("行政处理或司法处置尚未终结，不能转入善后跟踪", extra=about(case))
    return _Step(to_status=CaseStatus.MONITORING, reason=given.get("reason") or "")


def _close(_actor: Actor, case: FundraisingCase, given: Mapping[str, Any]) -> _Step:
    """Domain rule 19: no case is closed while restitution is open, or while a change of a stage waits."""
    missing = missing_for_closing(case.admin_stage, case.judicial_stage, case.restitution_stage)
    if waiting_proposals(case.id):
        missing.append("有阶段变更待确认")
    if missing:
        raise TransitionNotAllowed("不能结案：" + "；".join(missing), extra=about(case), code="closing_rule")
    case.closed_at = clock.now()
    return _Step(to_status=CaseStatus.CLOSED, reason=given["reason"])


def _reopen(_actor: Actor, case: FundraisingCase, given: Mapping[str, Any]) -> _Step:
    case.closed_at = None
    return _Step(to_status=CaseStatus.OPEN, reason=given["reason"])


_EFFECTS: Final[Mapping[CaseAction, Callable[[Actor, FundraisingCase, Mapping[str, Any]], _Step]]] = {
    CaseAction.PROPOSE_STAGE: _propose_stage,
    CaseAction.CONFIRM_STAGE: _confirm_stage,
    CaseAction.REFUSE_STAGE: _refuse_stage,
    CaseAction.MONITOR: _monitor,
    CaseAction.CLOSE: _close,
    CaseAction.REOPEN: _reopen,
}


def note(actor: Actor, case: FundraisingCase, action: str, details: Mapping[str, Any], reason: str = "") -> None:
    """Write a step into the history that moves neither status nor stage: a plan, an entry of progress."""
    _write(actor, case, action, _Step(reason=reason, details=details))


# The one writer -------------------------------------------------------------------------------------------------------


def _write(actor: Actor, case: FundraisingCase, action: str, step: _Step) -> None:
    """Change status or stage, and write history and audit row with it. The only function that does."""
    from_status, from_stage = case.status, getattr(case, step.track) if step.track else None
    case.status = (step.to_status or CaseStatus(case.status)).value
    if step.track:
        setattr(case, step.track, step.to_stage)
    case.version += 1
    db.session.flush()
    _remember(actor, case, action, step, from_status=from_status, from_stage=from_stage)


def _remember(
    actor: Actor,
    case: FundraisingCase,
    action: str,
    step: _Step,
    *,
    from_status: str | None = None,
    from_stage: str | None = None,
) -> None:
    """History for the office, and the audit row, which holds codes alone: the auditor sees no business data."""
    event = {
        "id": new_id(),
        "case_id": case.id,
        "version": case.version,
        "at": clock.now(),
        **doer(actor, action),
        "action": action,
        "from_status": from_status,
        "to_status": case.status,
        "track": step.track,
        "from_stage": from_stage,
        "to_stage": step.to_stage,
        "reason": step.reason,
        "details": dict(step.details or {}),
    }
    moved: dict[str, Any] = {
        name: event[name] for name in ("version", "from_status", "to_status", "track", "from_stage", "to_stage")
    }
    logged = audit.event_row(actor, f"cases.{action}", "case", case.id, **moved)
    message = outbox.message_row(CASE_CHANGED, case_id=str(case.id), event_id=str(event["id"]))
    insert_rows([Row(CaseEvent, event), logged, message])


def doer(actor: Actor, action: str) -> dict[str, Any]:
    """Who did it, and in which role: the own one, or that of an absent colleague."""
    editing = frozenset({Permission.CASE_HANDLE, Permission.CASE_REVIEW, Permission.CASE_LEAD})
    usable = step_of(action).permissions if action in set(CaseAction) else editing
    role = actor.role_for(next((permission for permission in sorted(usable) if actor.may(permission)), None))
    return {
        "actor_id": actor.account_id,
        "actor_name": actor.name,
        "actor_role": role.value if role else "",
        "actor_unit_id": actor.unit_id,
    }
