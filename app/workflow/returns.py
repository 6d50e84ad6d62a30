"""Giving a tip back: a district asks once, soon after delivery; the city decides, and its refusal is final.
And taking one back: the desk recalls what no unit has signed for yet.

信访工作条例 Art. 23 ¶3: object within five working days, with reasons; 潍坊市12345条例 Art. 22: who was
designated may not return it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select

from app.foundation import clock
from app.foundation.database import db, new_id, read_rows
from app.foundation.errors import Conflict, DeadlineBeyondCalendar, Forbidden
from app.foundation.permissions import Actor
from app.workflow import clocks, limits
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling, HandlingEvent, ReturnRequest
from app.workflow.states import Action, Done, Status


def request(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    """Ask to give the tip back; raise ``Conflict`` when it is too late or the city has decided."""
    if handling.decided_by_city:
        raise Conflict("该线索的承办单位已由市级确定，不能再申请退回", code="decided_by_city")
    if not within_window(handling):
        window = limits.value(limits.RETURN_WINDOW)
        raise Conflict(f"交办已超过 {window} 个工作日，不能申请退回，可申请属地调整", code="return_window_over")
    db.session.add(
        ReturnRequest(
            id=new_id(),
            tip_id=handling.tip_id,
            unit_id=handling.unit_id,
            asked_by=actor.account_id,
            asked_at=clock.now(),
            reason=given["reason"],
            from_status=handling.status,
            days_left=clocks.days_left(handling),
        )
    )
    return Done()


def decide(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    """Agree (the city assigns again) or refuse (the unit keeps the tip for good, with what was left of its clock).

    Raises:
        Forbidden: whoever asked cannot decide, whatever role the person acts in.
    """
    asked = _pending(handling.tip_id)
    if asked.asked_by == actor.account_id:
        raise Forbidden("申请人不能审定自己的退回申请", code="same_person")
    asked.decided_by, asked.decided_at = actor.account_id, clock.now()
    asked.agreed, asked.decision = given["agree"], given["reason"]
    if given["agree"]:
        handling.unit_id = handling.delivered_on = handling.kept_days = None
        return Done(Status.ACCEPTED, {"agree": True})
    handling.decided_by_city = True
    handling.kept_days = asked.days_left if asked.from_status == Status.VERIFYING else None
    return Done(Status.ASSIGNED, {"agree": False})


def recall(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> Done:
    """Undo an assignment: the tip lies with the desk again, with its place and what was left of the desk's own limit.

    Raises:
        Conflict: where the tip belongs was decided, and changes by a reassignment alone.
    """
    if decided(handling):
        raise Conflict("该线索的承办单位系市级审定，不能收回交办；确需变更的，请办理属地调整", code="decided_by_city")
    left = _last_assignment(handling.tip_id).details.get("desk", {})
    handling.unit_id = handling.delivered_on = None
    handling.division_code = left.get("division", handling.division_code)
    handling.kept_days = left.get("days_left")
    handling.dispatched_automatically = False
    return Done()


def decided(handling: Handling) -> bool:
    """Whether its assignment was a decision of the city: on a dispute (Art. 20 ¶2), an unclear place or a return."""
    return handling.decided_by_city or handling.dispute or handling.needs_review


def desk_before(handling: Handling) -> dict[str, Any]:
    """What an assignment leaves in the history for its recall."""
    return {"desk": {"division": handling.division_code, "days_left": clocks.days_left(handling)}}


def _last_assignment(tip_id: UUID) -> HandlingEvent:
    return db.session.scalars(
        select(HandlingEvent)
        .where(HandlingEvent.tip_id == tip_id, HandlingEvent.action == Action.ASSIGN.value)
        .order_by(HandlingEvent.version.desc())
        .limit(1)
    ).one()


def shorten_kept(handling: Handling) -> None:
    """Halve what a refused return would give back, for a tip that has become urgent meanwhile."""
    if handling.kept_days is not None:
        handling.kept_days = limits.shortened(handling.kept_days, urgent=True)
    if handling.status == Status.RETURN_REQUESTED:
        asked = _pending(handling.tip_id)
        asked.days_left = limits.shortened(asked.days_left or 1, urgent=True)


def _pending(tip_id: UUID) -> ReturnRequest:
    return db.session.scalars(
        select(ReturnRequest).where(ReturnRequest.tip_id == tip_id, ReturnRequest.decided_at.is_(None))
    ).one()


def within_window(handling: Handling) -> bool:
    """Whether the tip came to its unit recently enough to be given back; nobody is refused for a missing calendar."""
    if handling.delivered_on is None:
        return True
    try:
        days = region_calendar().count(handling.delivered_on, clock.today())
    except DeadlineBeyondCalendar:
        return True
    return days <= limits.value(limits.RETURN_WINDOW)


def asked_before(tip_id: UUID, unit_id: int) -> bool:
    """Whether this unit has given this tip back once: what comes to it again was decided by the city."""
    return bool(read_rows(_ASKED_BEFORE, tip_id=tip_id, unit_id=unit_id))


_ASKED_BEFORE: Final = select(ReturnRequest.id).where(
    ReturnRequest.tip_id == bindparam("tip_id"), ReturnRequest.unit_id == bindparam("unit_id")
)
