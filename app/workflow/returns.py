"""Giving a tip back: a district asks once, soon after delivery; the city decides, and its refusal is final.

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
from app.workflow.models import Handling, ReturnRequest
from app.workflow.states import Done, Status


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
    asked = db.session.scalars(
        select(ReturnRequest).where(ReturnRequest.tip_id == handling.tip_id, ReturnRequest.decided_at.is_(None))
    ).one()
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
