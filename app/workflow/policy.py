"""Who sees and moves which handlings and reassignments. Every list and look-up of the office starts here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    false,
    literal,
    or_,
    select,
    true,
)

from app.foundation import clock
from app.foundation.database import read_rows
from app.foundation.permissions import Actor, Permission
from app.workflow import returns
from app.workflow.exclusions import excluded, excluded_from
from app.workflow.models import Handling, HandlingEvent, PoliceTransfer, Reassignment, ReassignmentEvent
from app.workflow.states import (
    HANDLING,
    LOCKED_WHILE_REASSIGNING,
    REASSIGNMENT,
    REVIEW_ACTIONS,
    VIEW_ACTIONS,
    Action,
    PoliceState,
    ReassignmentAction,
    ReassignmentStatus,
    Status,
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


SIGHT: Final[ColumnElement[bool]] = or_(bindparam("city_wide", type_=Boolean), Handling.unit_id == bindparam("unit_id"))
"""The same for a statement that is kept (``database.read_rows``), with the values of :func:`sight_of`."""


def sight_of(actor: Actor) -> dict[str, Any]:
    """Whose handlings :data:`SIGHT` lets through; nobody's for who may not read tips."""
    reads = actor.may(Permission.TIP_READ)
    return {"city_wide": reads and actor.city_wide, "unit_id": actor.unit_id if reads else None}


def visible_handlings(actor: Actor) -> Select[Handling]:
    """Handlings within sight of ``actor``."""
    return select(Handling).where(within_sight(actor))


def visible_reassignments(actor: Actor) -> Select[Reassignment]:
    """Requests within sight: of the own unit, those adjusted towards it, and those that its view was asked on."""
    requests = select(Reassignment)
    if not actor.may(Permission.REASSIGNMENT_READ):
        return requests.where(false())
    if actor.city_wide:
        return requests
    return requests.where(
        or_(
            Reassignment.from_unit_id == actor.unit_id,
            and_(
                Reassignment.to_unit_id == actor.unit_id,
                or_(Reassignment.status.in_(_SHOWN_TO_TARGET), Reassignment.view_due_on.is_not(None)),
            ),
        )
    )


def can_move(actor: Actor, handling: Handling, transition: Transition) -> bool:
    """Whether ``actor`` may make this move; the handler never reviews or concludes the own work."""
    if transition.permission is None or not actor.may(transition.permission):
        return False
    if (transition.own_unit or not actor.city_wide) and handling.unit_id != actor.unit_id:
        return False
    if transition.action in {Action.CONCLUDE, Action.REWORK}:
        return actor.account_id != handling.feedback_by and not _handled(actor, handling)
    return True


def _handled(actor: Actor, handling: Handling) -> bool:
    """Whether this person signed for the tip or reported on it, also in another round and in another role."""
    if handling.status != Status.FEEDBACK_SUBMITTED:
        return False
    return bool(read_rows(_OWN_WORK, tip_id=handling.tip_id, actor_id=actor.account_id))


_OWN_WORK: Final = (
    select(HandlingEvent.id)
    .where(
        HandlingEvent.tip_id == bindparam("tip_id"),
        HandlingEvent.actor_id == bindparam("actor_id"),
        HandlingEvent.action.in_([literal(Action.SIGN_FOR.value), literal(Action.SUBMIT_FEEDBACK.value)]),
    )
    .limit(1)
)


def can_apply(actor: Actor, handling: Handling) -> bool:
    """Whether ``actor`` may ask for a reassignment: the unit that holds the tip, or city staff for a reporter."""
    if not actor.may(Permission.REASSIGNMENT_APPLY) or excluded(actor, handling.tip_id):
        return False
    return actor.city_wide or handling.unit_id == actor.unit_id


def can_move_reassignment(actor: Actor, request: Reassignment, transition: Transition) -> bool:
    """Whether ``actor`` may take this step; see :func:`same_person` for the rule of three."""
    needed = transition.permission
    if transition.action in REVIEW_ACTIONS and for_the_leader(request):
        needed = Permission.TIP_LEAD
    if needed is None or not actor.may(needed):
        return False
    if transition.own_unit:
        return request.to_unit_id == actor.unit_id
    if transition.action in {ReassignmentAction.RESUBMIT, ReassignmentAction.CANCEL}:
        return actor.account_id == request.applicant_id or request.from_unit_id == actor.unit_id
    return True


def for_the_leader(request: Reassignment) -> bool:
    """Whether the leader reviews: the one review of a city decision, and what leaves the city (domain §9.1, §9.2)."""
    return request.again or request.transfer_to is not None


def waits_for_view(request: Reassignment) -> bool:
    """Whether the other district was asked and may still answer; after its term silence means that it has no view."""
    return request.view_due_on is not None and request.view_given_at is None and clock.today() <= request.view_due_on


def fits_the_view(request: Reassignment, transition: Transition) -> bool:
    """Whether asking for a view, giving one, or deciding without it is due: each view is asked and given once."""
    if transition.action == ReassignmentAction.ASK_VIEW:
        return request.view_due_on is None and request.to_unit_id is not None
    if transition.action in VIEW_ACTIONS:
        return waits_for_view(request)
    return transition.action not in REVIEW_ACTIONS or not waits_for_view(request)


_SIDES: Final = (
    frozenset({ReassignmentAction.APPLY, ReassignmentAction.RESUBMIT}),
    REVIEW_ACTIONS | {ReassignmentAction.ASK_VIEW},
    frozenset({ReassignmentAction.ADJUST}),
)
"""The three functions that three different people hold."""


def steps_taken(actor: Actor, requests: Sequence[Reassignment]) -> dict[UUID, set[str]]:
    """What this person has done on each of these requests already, for :func:`same_person`."""
    taken: dict[UUID, set[str]] = {request.id: set() for request in requests}
    for request_id, action in read_rows(_ACTED, request_ids=list(taken), actor_id=actor.account_id):
        taken[request_id].add(action)
    return taken


_ACTED: Final = select(ReassignmentEvent.reassignment_id, ReassignmentEvent.action).where(
    ReassignmentEvent.reassignment_id == any_(bindparam("request_ids", type_=ARRAY(Uuid))),
    ReassignmentEvent.actor_id == bindparam("actor_id"),
)


def same_person(actor: Actor, request: Reassignment, transition: Transition, taken: Collection[str]) -> bool:
    """Whether this step would let one person act twice in application, review and adjustment (domain rule 11).

    Whatever role the person acts in, and also when an earlier step was a part of it only (a return for evidence).
    """
    own = next((side for side in _SIDES if transition.action in side), None)
    if own is None:
        return False
    if own is not _SIDES[0] and actor.account_id == request.applicant_id:
        return True
    return any(not side.isdisjoint(taken) for side in _SIDES if side is not own)


def available_actions(actor: Actor, handling: Handling, open_request: Reassignment | None) -> list[Transition]:
    """The moves of the table that this actor could make now; buttons and API read it."""
    if excluded(actor, handling.tip_id):
        return []
    return [
        row
        for row in HANDLING
        if handling.status in row.sources
        and can_move(actor, handling, row)
        and _still_open(handling, row)
        and not (open_request and row.action in LOCKED_WHILE_REASSIGNING)
    ]


def _still_open(handling: Handling, row: Transition) -> bool:
    """Whether what may be done once was not done yet, what has a term is within it, and what comes first was done."""
    match row.action:
        case Action.REQUEST_RETURN:
            return not handling.decided_by_city and returns.within_window(handling)
        case Action.RECALL:
            return not returns.decided(handling)
        case Action.EXTEND:
            return not (handling.verification_extended and handling.overall_extended)
        case Action.MARK_URGENT:
            return not handling.stability_risk
        case Action.CONCLUDE | Action.RECORD_RECEIPT:
            return not waits_for_police_step(handling, _DECIDED_OR_SENT_FIRST[row.action])
    return True


_DECIDED_OR_SENT_FIRST: Final[Mapping[str, PoliceState]] = {
    Action.CONCLUDE: PoliceState.PROPOSED,
    Action.RECORD_RECEIPT: PoliceState.APPROVED,
}
"""Where the way to the police stands while the tip's own action waits for its next step."""


def waits_for_police_step(handling: Handling, state: PoliceState) -> bool:
    """Whether the tip's way to the police stands in ``state``, so that its next step comes first."""
    return bool(read_rows(_ON_ITS_WAY, tip_id=handling.tip_id, state=state.value))


_ON_ITS_WAY: Final = select(PoliceTransfer.id).where(
    PoliceTransfer.tip_id == bindparam("tip_id"), PoliceTransfer.state == bindparam("state")
)


def available_reassignment_actions(actor: Actor, request: Reassignment) -> list[Transition]:
    """The steps that this actor could take on a request now."""
    return actions_on_requests(actor, [request])[request.id]


def actions_on_requests(actor: Actor, requests: Sequence[Reassignment]) -> dict[UUID, list[Transition]]:
    """The steps that this actor could take now on each of these requests; two looks at the database for all of them."""
    taken, aside = steps_taken(actor, requests), excluded_from(actor, {request.tip_id for request in requests})
    return {
        request.id: []
        if request.tip_id in aside
        else [
            row
            for row in REASSIGNMENT
            if request.status in row.sources
            and can_move_reassignment(actor, request, row)
            and fits_the_view(request, row)
            and not same_person(actor, request, row, taken[request.id])
        ]
        for request in requests
    }
