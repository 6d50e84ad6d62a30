"""Who sees and moves which cases. Every list and look-up of the room starts here."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, false, select, true

from app.cases.models import FundraisingCase, StageProposal
from app.cases.states import STEPS, CaseAction, CaseStatus, Step, Track, find_move, is_concluded, missing_for_closing
from app.foundation.permissions import Actor, Permission, Role


def within_sight(actor: Actor) -> ColumnElement[bool]:
    """All cases for the city and the region's observer, those of the own unit for a district, none otherwise."""
    if not actor.may(Permission.CASE_READ):
        return false()
    if actor.city_wide:
        return true()
    return FundraisingCase.unit_id == actor.unit_id


def visible_cases(actor: Actor) -> Select[FundraisingCase]:
    """Cases within sight of ``actor``."""
    return select(FundraisingCase).where(within_sight(actor))


def sees_masked(actor: Actor) -> bool:
    """The region's observer reads cases without the names of the accused and without telephone numbers (§9.4)."""
    return actor.role is Role.PROVINCE_OBSERVER


def can_register(actor: Actor) -> bool:
    """A district enters its own cases, the city's reviewer those of any district."""
    return actor.may(Permission.CASE_HANDLE) or actor.may(Permission.CASE_REVIEW)


def can_change(actor: Actor, case: FundraisingCase) -> bool:
    """The unit that is responsible, and the city's reviewer."""
    return may_change_of_unit(actor, case.unit_id)


def may_change_of_unit(actor: Actor, unit_id: int) -> bool:
    """The same for the cases of a unit."""
    return actor.may(Permission.CASE_REVIEW) or (actor.may(Permission.CASE_HANDLE) and unit_id == actor.unit_id)


def can_report(actor: Actor, case: FundraisingCase) -> bool:
    """Plan and progress are written by the unit that is responsible."""
    return actor.may(Permission.CASE_HANDLE) and case.unit_id == actor.unit_id


def can_pay(actor: Actor, case: FundraisingCase) -> bool:
    """Payments, and the participants in clear, are for the unit that is responsible."""
    return actor.may(Permission.CASE_PAY) and case.unit_id == actor.unit_id


def can_decide_plan(actor: Actor) -> bool:
    """The city's leader approves a plan."""
    return actor.may(Permission.CASE_LEAD)


def can_take(actor: Actor, case: FundraisingCase, step: Step) -> bool:
    """Whether the step is this person's: a district's handler acts on the cases of the own unit alone."""
    held = {permission for permission in step.permissions if actor.may(permission)}
    if case.unit_id != actor.unit_id:
        held.discard(Permission.CASE_HANDLE)
    return bool(held)


def can_decide(actor: Actor, proposal: StageProposal) -> bool:
    """Whether this person confirms or refuses the change of a stage: never whoever entered it."""
    move = find_move(proposal.track, proposal.from_stage, proposal.to_stage)
    return move is not None and actor.may(move.confirmed_under) and actor.account_id != proposal.proposed_by


def available_actions(actor: Actor, case: FundraisingCase, waiting: Collection[StageProposal]) -> list[CaseAction]:
    """What this person can do to the case now: exactly what the service would carry out."""
    steps = [step for step in STEPS if case.status in step.sources and can_take(actor, case, step)]
    return [step.action for step in steps if _is_due(actor, case, step.action, waiting)]


def _is_due(actor: Actor, case: FundraisingCase, action: CaseAction, waiting: Collection[StageProposal]) -> bool:
    match action:
        case CaseAction.PROPOSE_STAGE:
            return len(waiting) < len(Track)
        case CaseAction.CONFIRM_STAGE | CaseAction.REFUSE_STAGE:
            return any(can_decide(actor, proposal) for proposal in waiting)
        case CaseAction.MONITOR:
            return is_concluded(case.admin_stage, case.judicial_stage)
        case CaseAction.CLOSE:
            stages = (case.admin_stage, case.judicial_stage, case.restitution_stage)
            return not waiting and not missing_for_closing(*stages)
        case CaseAction.REOPEN:
            return case.status == CaseStatus.CLOSED
