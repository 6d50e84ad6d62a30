"""Who sees and moves which handlings and reassignments. Every list and look-up of the office starts here."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true

from app.foundation.permissions import Actor, Permission
from app.workflow import returns
from app.workflow.models import Handling, Reassignment
from app.workflow.states import (
    HANDLING,
    LOCKED_WHILE_REASSIGNING,
    OPEN_REASSIGNMENTS,
    REASSIGNMENT,
    Action,
    ReassignmentAction,
    ReassignmentStatus,
    Transition,
)

_SHOWN_TO_TARGET = [ReassignmentStatus.ADJUSTED.value, ReassignmentStatus.CONFIRMED.value]


def within_sight(actor: Actor) -> ColumnElement[bool]:
    """The handlings an actor may see: all for the city, those of the own unit for a district, none otherwise."""
    if not actor.may(Permission.TIP_READ):
        return false()
    if actor.city_wide:
        return true()
    return Handling.unit_id == actor.unit_id


def visible_handlings(actor: Actor) -> Select[Handling]:
    """Handlings within sight of ``actor``."""
    return select(Handling).where(within_sight(actor))


def visible_reassignments(actor: Actor) -> Select[Reassignment]:
    """Requests within sight: of the own unit, and those that were adjusted towards it."""
    requests = select(Reassignment)
    if not actor.may(Permission.REASSIGNMENT_READ):
        return requests.where(false())
    if actor.city_wide:
        return requests
    return requests.where(
        or_(
            Reassignment.from_unit_id == actor.unit_id,
            and_(Reassignment.to_unit_id == actor.unit_id, Reassignment.status.in_(_SHOWN_TO_TARGET)),
        )
    )


def can_move(actor: Actor, handling: Handling, transition: Transition) -> bool:
    """Whether ``actor`` may make this move; the handler never reviews or concludes the own work."""
    if transition.permission is None or not actor.may(transition.permission):
        return False
    if (transition.own_unit or not actor.city_wide) and handling.unit_id != actor.unit_id:
        return False
    if transition.action in {Action.CONCLUDE, Action.REWORK}:
        return actor.account_id != handling.feedback_by
    return True


def can_apply(actor: Actor, handling: Handling) -> bool:
    """Whether ``actor`` may ask for a reassignment: the unit that holds the tip, or city staff for a reporter."""
    return actor.may(Permission.REASSIGNMENT_APPLY) and (actor.city_wide or handling.unit_id == actor.unit_id)


def can_move_reassignment(actor: Actor, request: Reassignment, transition: Transition) -> bool:
    """Whether ``actor`` may take this step; see :func:`same_person` for the rule of three."""
    if transition.permission is None or not actor.may(transition.permission):
        return False
    if transition.own_unit:
        return request.to_unit_id == actor.unit_id
    if transition.action in {ReassignmentAction.RESUBMIT, ReassignmentAction.CANCEL}:
        return actor.account_id == request.applicant_id or request.from_unit_id == actor.unit_id
    return True


def same_person(actor: Actor, request: Reassignment, transition: Transition) -> bool:
    """Whether this step would let one person act twice in application, review and adjustment (domain rule 11)."""
    if transition.permission is Permission.REASSIGNMENT_REVIEW:
        return actor.account_id == request.applicant_id
    if transition.action == ReassignmentAction.ADJUST:
        return actor.account_id in {request.applicant_id, request.reviewer_id}
    return False


def available_actions(actor: Actor, handling: Handling, open_request: Reassignment | None) -> list[Transition]:
    """The moves of the table that this actor could make now; buttons and API read it."""
    if handling.status == "assigned" and open_request and open_request.status == ReassignmentStatus.ADJUSTED:
        open_request = None  # signing for the tip confirms the request
    return [
        row
        for row in HANDLING
        if row.available
        and handling.status in row.sources
        and can_move(actor, handling, row)
        and _still_open(handling, row)
        and not (open_request and row.action in LOCKED_WHILE_REASSIGNING)
    ]


def _still_open(handling: Handling, row: Transition) -> bool:
    """Whether what may be done once was not done yet, and what has a term is within it."""
    match row.action:
        case Action.REQUEST_RETURN:
            return not handling.decided_by_city and returns.within_window(handling)
        case Action.EXTEND:
            return not (handling.verification_extended and handling.overall_extended)
        case Action.MARK_URGENT:
            return not handling.stability_risk
    return True


def available_reassignment_actions(actor: Actor, request: Reassignment) -> list[Transition]:
    """The steps that this actor could take on a request now."""
    if request.status not in OPEN_REASSIGNMENTS:
        return []
    return [
        row
        for row in REASSIGNMENT
        if request.status in row.sources
        and can_move_reassignment(actor, request, row)
        and not same_person(actor, request, row)
    ]
