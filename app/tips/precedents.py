"""From the city's decision on a disputed tip to a precedent that is cited for the same address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import Row, db
from app.foundation.permissions import PROGRAM, Actor
from app.geo import maintenance as geo
from app.identity import queries as people
from app.outbox import service as outbox
from app.tips.models import TipJurisdiction, TipSubject
from app.tips.queries import NEWEST_FIRST
from app.workflow.models import Handling, HandlingEvent
from app.workflow.service import accompanies
from app.workflow.states import Action

REMEMBER_PRECEDENT: Final = "geo.remember_precedent"
_SETTLED_BY_A_DECISION: Final = frozenset(
    (
        "registered_and_operating_differ",
        "uscc_and_address_differ",
        "point_and_address_differ",
        "ambiguous_address",
        "unknown_address",
        "zone_without_agreed_unit",
        "zone_and_address_differ",
        "precedent_differs",
    )
)


@accompanies(Action.ASSIGN)
def leave_decision(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> list[Row]:
    """Leave a message about an assignment that decides where a disputed or unclear tip belongs."""
    if not (handling.dispute or handling.needs_review):
        return []
    return [outbox.message_row(REMEMBER_PRECEDENT, tip_id=str(handling.tip_id), version=handling.version + 1)]


def remember(tip_id: UUID, version: int) -> None:
    """Make a precedent of the assignment that was step ``version`` of a tip, where there was something to decide."""
    step = db.session.scalar(
        select(HandlingEvent).where(HandlingEvent.tip_id == tip_id, HandlingEvent.version == version)
    )
    if step is None or step.to_unit_id is None or step.action != Action.ASSIGN:
        return
    decided = db.session.scalar(
        select(TipJurisdiction)
        .where(TipJurisdiction.tip_id == tip_id, TipJurisdiction.decided_at <= step.at)
        .order_by(*NEWEST_FIRST)
        .limit(1)
    )
    if decided is None or _SETTLED_BY_A_DECISION.isdisjoint(decided.decision["dispute_reasons"]):
        return
    address = _address_decided(db.session.get_one(TipSubject, tip_id), decided.decision)
    unit = people.units_by_id([step.to_unit_id])[step.to_unit_id]
    if address:
        day = clock.beijing(step.at).date()
        geo.remember_precedent(PROGRAM, address, unit.division_code, day, tip_id, version)


def _address_decided(subject: TipSubject, decision: Mapping[str, Any]) -> str | None:
    """The address that a decision is about: the registered place, by the register where it tells one.

    Where a unit acts says nothing about where it is registered: a decision by code or register is none about it.
    """
    told = {name for name in ("register", "uscc") if decision["sources"].get(name, {}).get("county")}
    if "register" in told:
        entered: str | None = decision["register"]["address"]
        return entered
    return subject.registered_address or (None if told else subject.operating_address)
