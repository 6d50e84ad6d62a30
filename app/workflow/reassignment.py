"""Reassignment, 申请-审核-调整: evidence-bound, three different people, one open request per tip (domain rule 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, literal, or_, select
from sqlalchemy.exc import IntegrityError

from app.audit import service as audit
from app.files import service as files
from app.foundation import clock
from app.foundation.database import db, new_id, read_rows
from app.foundation.errors import (
    Conflict,
    DeadlineBeyondCalendar,
    Forbidden,
    InvalidInput,
    StaleVersion,
    TransitionNotAllowed,
)
from app.foundation.permissions import PROGRAM, Actor, Permission
from app.geo import service as geo
from app.geo.divisions import divisions
from app.identity import queries as people
from app.identity.queries import ActingUnit
from app.outbox import service as outbox
from app.workflow import clocks, exclusions, limits, policy, queries, service
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling, Reassignment, ReassignmentEvent
from app.workflow.states import (
    PAUSING_REASSIGNMENTS,
    REASSIGNMENT,
    REASSIGNMENT_ACTION_TEXTS,
    VIEW_ACTIONS,
    WITH_UNIT,
    Destination,
    Ground,
    ReassignmentAction,
    ReassignmentStatus,
    Status,
    Transition,
    find,
)

REASSIGNMENT_CHANGED: Final = "notifications.reassignment_changed"


# long because the columns of a request are named once, beside the checks that fill them.
def apply(actor: Actor, tip_id: UUID, expected_version: int, given: Mapping[str, Any]) -> Reassignment:
    """Ask that a tip be moved to the unit of ``to_division``; stops the handling clock (once), not the overall one.

    A target outside the city makes of the adjustment a transfer to that place's authority.

    Raises:
        OutOfScope, StaleVersion, Forbidden, TransitionNotAllowed: as for every action of a tip.
        InvalidInput: target unknown, target is the present unit, no evidence, unknown evidence.
        Conflict: the tip has an open request already, or its one review of a city decision is used.
    """
    handling = service.locked(actor, tip_id)
    if handling.version != expected_version:
        raise StaleVersion(extra=service.what_changed(handling))
    _check_may_apply(actor, handling)
    again = _asks_again(actor, handling)
    unit, division, transfer_to = _target(handling, given["to_division"], given["ground"])
    if not given["evidence"]:
        raise InvalidInput(errors={"evidence": ["申请属地调整须至少附一份佐证材料"]})
    evidence = _claim_evidence(actor, given["evidence"])
    request = Reassignment(
        id=new_id(),
        tip_id=tip_id,
        status=ReassignmentStatus.APPLIED.value,
        version=1,
        from_unit_id=handling.unit_id,
        to_unit_id=unit.id if unit else None,
        to_division=division,
        transfer_to=transfer_to,
        again=again,
        ground=given["ground"],
        reason=given["reason"],
        evidence=evidence,
        applicant_id=actor.account_id,
        applied_at=clock.now(),
    )
    _start_clock(request)
    _insert(request)
    if stops_clock(handling):
        clocks.pause(handling)
    _remember(actor, request, ReassignmentAction.APPLY, None, given["reason"])
    return request


def stops_clock(handling: Handling) -> bool:
    """Whether a request stops the clock of the unit that holds the tip.

    It does until the unit has once stopped it for nothing, by a request that was withdrawn or never proved: whoever
    could ask and withdraw again and again would have as many days as he likes.
    """
    return not read_rows(_FOR_NOTHING, tip_id=handling.tip_id, unit_id=handling.unit_id)


_FOR_NOTHING: Final = (
    select(Reassignment.id)
    .where(
        Reassignment.tip_id == bindparam("tip_id"),
        Reassignment.from_unit_id == bindparam("unit_id"),
        Reassignment.status == literal(ReassignmentStatus.CANCELLED.value),
    )
    .limit(1)
)


def act(actor: Actor, request_id: UUID, action: str, expected_version: int, given: Mapping[str, Any]) -> Reassignment:
    """Take one step on a request. Same order of checks and same refusals as for a tip."""
    request = _locked(actor, request_id)
    if request.version != expected_version:
        raise StaleVersion(extra=_what_changed(request))
    transition = _allowed(actor, request, action)
    missing = [name for name in transition.needs if not given.get(name)]
    if missing:
        raise InvalidInput(errors={name: ["此项必填"] for name in missing})
    source = request.status
    target = ReassignmentStatus(transition.targets[0])
    _write(request, target)
    _carry_out(actor, request, ReassignmentAction(action), given)
    _remember(actor, request, ReassignmentAction(action), source, given.get("reason") or "")
    return request


def end_unproved() -> int:
    """End the requests whose term for more evidence is over; return how many. Twice ends none.

    Where the calendar is too short to start the handling clock again, its next import lets the request end.
    """
    returned = Reassignment.status == ReassignmentStatus.RETURNED_FOR_EVIDENCE.value
    over = or_(Reassignment.due_on.is_(None), Reassignment.due_on < clock.today())
    ended = 0
    for request_id in db.session.scalars(select(Reassignment.id).where(returned, over).order_by(Reassignment.id)).all():
        try:
            with db.session.begin_nested():
                ended += _end_unproved(request_id)
        except DeadlineBeyondCalendar:
            continue
    return ended


def _end_unproved(request_id: UUID) -> bool:
    request = _locked_row(db.session.get_one(Reassignment, request_id))
    lapse = find(REASSIGNMENT, ReassignmentAction.LAPSE, request.status)
    if lapse is None:
        return False
    if request.due_on is None:  # returned before there was a term
        _start_clock(request)
    if request.due_on is None or request.due_on >= clock.today():
        return False
    source, told = request.status, f"补充佐证期限（{clock.day_text(request.due_on)}）已过，申请视为撤回，核查计时继续"
    _write(request, ReassignmentStatus(lapse.targets[0]))
    _carry_out(PROGRAM, request, ReassignmentAction.LAPSE, {})
    _remember(PROGRAM, request, ReassignmentAction.LAPSE, source, told)
    return True


def mark_confirmed(actor: Actor, request: Reassignment) -> None:
    """Close a request because the new unit has signed for the tip."""
    source = request.status
    _write(request, ReassignmentStatus.CONFIRMED)
    _remember(actor, request, ReassignmentAction.CONFIRM, source, "")


def _what_changed(request: Reassignment) -> dict[str, Any]:
    """What a person who was too late must know."""
    history = queries.reassignment_history(request.id)
    return service.change_told(request, history[-1] if history else None)


def _locked(actor: Actor, request_id: UUID) -> Reassignment:
    return _locked_row(queries.reassignment_for(actor, request_id))


def _locked_row(seen: Reassignment) -> Reassignment:
    # The tip first, then the request: the same order everywhere, so that two people never wait for each other.
    db.session.execute(select(Handling.tip_id).where(Handling.tip_id == seen.tip_id).with_for_update())
    return db.session.scalars(
        select(Reassignment)
        .where(Reassignment.id == seen.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _allowed(actor: Actor, request: Reassignment, action: str) -> Transition:
    about = {"audit_object": ("reassignment", str(request.id))}
    text = REASSIGNMENT_ACTION_TEXTS[ReassignmentAction(action)]
    rows = [row for row in REASSIGNMENT if row.action == action]
    if not any(policy.can_move_reassignment(actor, request, row) for row in rows):
        raise Forbidden(f"您无权进行“{text}”操作", extra=about)
    taken = policy.steps_taken(actor, [request])[request.id]
    if any(policy.same_person(actor, request, row, taken) for row in rows):
        raise Forbidden("申请、审核、调整须由三名不同人员办理", extra=about, code="same_person")
    transition = find(REASSIGNMENT, action, request.status)
    if transition is None:
        status = ReassignmentStatus(request.status).text
        raise TransitionNotAllowed(f"申请处于“{status}”状态，不能{text}", extra=about)
    if not policy.fits_the_view(request, transition):
        _refuse_for_the_view(request, transition)
    return transition


def _refuse_for_the_view(request: Reassignment, transition: Transition) -> None:
    if transition.action in VIEW_ACTIONS:
        raise Conflict("该申请未征求意见，或已答复，或已过答复期限（逾期未答复视为无意见）", code="view_over")
    if transition.action == ReassignmentAction.ASK_VIEW:
        raise Conflict("已征求过对方意见，或目标在市外", code="view_asked")
    raise Conflict(f"已征求对方区县意见，请待其答复或 {request.view_due_on} 期满后再审核", code="view_pending")


def _check_may_apply(actor: Actor, handling: Handling) -> None:
    about = {"audit_object": ("tip", str(handling.tip_id))}
    exclusions.refuse_excluded(actor, handling.tip_id)
    if not policy.can_apply(actor, handling):
        raise Forbidden("您无权为该线索申请属地调整", extra=about)
    if handling.status not in WITH_UNIT:
        raise TransitionNotAllowed(f"线索处于“{Status(handling.status).text}”状态，不能申请属地调整", extra=about)
    if service.open_reassignment_of(handling.tip_id) is not None:
        raise Conflict("该线索已有未办结的属地调整申请", code="reassignment_open")


def _asks_again(actor: Actor, handling: Handling) -> bool:
    """Whether this is a unit's review of a city decision: by the leader, once (domain §9.2); city staff are free."""
    if actor.city_wide or not handling.decided_by_city:
        return False
    used = select(Reassignment.id).where(
        Reassignment.tip_id == handling.tip_id,
        Reassignment.from_unit_id == handling.unit_id,
        Reassignment.again,
        Reassignment.status != ReassignmentStatus.CANCELLED.value,
    )
    if db.session.scalar(used.limit(1)) is not None:
        raise Conflict("市级决定已由负责人复核一次，不能再次申请调整", code="review_used")
    return True


def _target(handling: Handling, to_division: str, ground: str) -> tuple[ActingUnit | None, str, str | None]:
    """The unit that takes the tip, its division, and to whom it is transferred when that is outside the city."""
    if divisions().get(to_division) is None:
        raise InvalidInput(errors={"to_division": ["没有这个区划"]})
    if ground == Ground.XPCC:
        return None, to_division, Destination.XPCC.value
    region = geo.region_code()
    if region not in {to_division, *divisions().ancestors(to_division)}:
        same_province = to_division[:2] == region[:2]
        place = Destination.OTHER_PREFECTURE if same_province else Destination.OTHER_PROVINCE
        return None, to_division, place.value
    unit = people.handling_unit_of(to_division)
    if unit is None or region not in divisions().ancestors(unit.division_code):
        raise InvalidInput(errors={"to_division": ["目标区划没有承办单位"]})
    if unit.id == handling.unit_id:
        raise InvalidInput(errors={"to_division": ["目标单位就是当前承办单位"]})
    return unit, unit.division_code, None


def _claim_evidence(actor: Actor, file_ids: Sequence[UUID]) -> list[UUID]:
    """Use the actor's own uploads once; none at all is for the caller to judge."""
    return [file.id for file in files.claim(file_ids, "office", uploaded_by=actor.account_id)] if file_ids else []


def _insert(request: Reassignment) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(request)
            db.session.flush()
    except IntegrityError as fault:
        raise Conflict("该线索已有未办结的属地调整申请", code="reassignment_open") from fault


_STEP_LIMITS: Final = {
    ReassignmentStatus.APPLIED: limits.REASSIGNMENT_REVIEW,
    ReassignmentStatus.APPROVED: limits.REASSIGNMENT_ADJUST,
    ReassignmentStatus.RETURNED_FOR_EVIDENCE: limits.REASSIGNMENT_EVIDENCE,
}


def _write(request: Reassignment, target: ReassignmentStatus) -> None:
    """Change the status of a request. The only function that does."""
    request.status = target.value
    request.version += 1
    _start_clock(request)
    db.session.flush()


def _start_clock(request: Reassignment) -> None:
    """Start the clock of the present step; the review's own days come after those of the other district's view."""
    name = _STEP_LIMITS.get(ReassignmentStatus(request.status))
    start, days = clock.today(), limits.value(name) if name else None
    if days and policy.waits_for_view(request) and request.view_asked_on and request.view_days:
        start, days = request.view_asked_on, request.view_days + days
    request.clock_from, request.clock_days = (start, days) if days else (None, None)
    request.due_on = region_calendar().add(start, days) if days else None


def _carry_out(actor: Actor, request: Reassignment, action: ReassignmentAction, given: Mapping[str, Any]) -> None:
    match action:
        case ReassignmentAction.APPROVE | ReassignmentAction.RETURN_FOR_EVIDENCE:
            request.reviewer_id = actor.account_id
        case ReassignmentAction.REJECT:
            request.reviewer_id = actor.account_id
            service.lock_for_reassignment(request.tip_id).decided_by_city = True
        case ReassignmentAction.ASK_VIEW:
            request.view_asked_on, request.view_days = clock.today(), limits.value(limits.OTHER_VIEW)
            request.view_due_on = region_calendar().add(request.view_asked_on, request.view_days)
            _start_clock(request)
        case ReassignmentAction.CONSENT | ReassignmentAction.OBJECT:
            request.view_given_at, request.view_text = clock.now(), given["reason"]
            request.view_agrees = action is ReassignmentAction.CONSENT
            _start_clock(request)
        case ReassignmentAction.RESUBMIT:
            request.evidence = [*request.evidence, *_claim_evidence(actor, given.get("evidence") or [])]
        case ReassignmentAction.ADJUST:
            request.adjuster_id = actor.account_id
            service.move_to_unit(actor, request)
        case ReassignmentAction.CONFIRM:
            service.confirm_by_signature(actor, request.tip_id)
        case _:
            pass
    if request.status not in PAUSING_REASSIGNMENTS:
        _let_clock_run(request.tip_id)
    db.session.flush()


def _let_clock_run(tip_id: UUID) -> None:
    handling = service.lock_for_reassignment(tip_id)
    if handling.paused_on:
        clocks.resume(handling)


def _role_of(actor: Actor, action: ReassignmentAction) -> str:
    """The role in which the person took the step."""
    row = next((row for row in REASSIGNMENT if row.action == action), None)
    role = actor.role_for(row.permission if row else Permission.REASSIGNMENT_APPLY)
    return role.value if role else ""


def _remember(actor: Actor, request: Reassignment, action: ReassignmentAction, source: str | None, reason: str) -> None:
    """Write history, audit row and outbox message of a step together."""
    event = ReassignmentEvent(
        id=new_id(),
        reassignment_id=request.id,
        version=request.version,
        at=clock.now(),
        actor_id=actor.account_id,
        actor_name=actor.name,
        actor_role=_role_of(actor, action),
        actor_unit_id=actor.unit_id,
        action=action.value,
        from_status=source,
        to_status=request.status,
        reason=reason,
    )
    db.session.add(event)
    db.session.flush()
    audit.record(
        actor,
        f"reassignment.{action}",
        "reassignment",
        request.id,
        tip_id=str(request.tip_id),
        from_status=source,
        to_status=request.status,
    )
    outbox.leave(REASSIGNMENT_CHANGED, reassignment_id=str(request.id), event_id=str(event.id))
