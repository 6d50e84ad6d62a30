"""A tip that is concluded as "case opened" creates a case or joins one, in the transaction that concludes it.

Workflow and tips know nothing of cases: this module registers itself with the action, by ``accompanies``.
The tip's words stay where they are; the case takes over what the tip names of the accused, the places and the amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, select

from app.cases import policy, service
from app.cases.models import CaseTip, FundraisingCase
from app.cases.states import CaseStatus
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, InvalidInput
from app.foundation.permissions import Actor
from app.identity.units import counts_open_items
from app.tips.models import Tip, TipSubject
from app.workflow.models import Handling
from app.workflow.service import accompanies
from app.workflow.states import Action, Outcome

_UNNAMED: Final = "被举报对象未写明"
_TRIES: Final = 20


@accompanies(Action.CONCLUDE)
def open_or_join(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> None:
    """Let the tip, and those merged into it, belong to the case of the given number, or to a new one.

    Raises:
        InvalidInput: the named case is closed or out of sight.
    """
    if handling.outcome != Outcome.CASE_OPENED or _is_linked(handling):
        return
    wanted = (given.get("case_no") or "").strip()
    case = _found(actor, wanted) if wanted else None
    case = case or _opened(actor, handling, wanted)
    followers = db.session.scalars(select(Handling.tip_id).where(Handling.merged_into == handling.tip_id)).all()
    for tip_id in (handling.tip_id, *followers):
        service.join_tip(actor, case, tip_id)


def _is_linked(handling: Handling) -> bool:
    """A tip that was reopened and concluded again stays with its case."""
    return db.session.scalar(select(CaseTip.case_id).where(CaseTip.tip_id == handling.tip_id)) is not None


def _found(actor: Actor, case_no: str) -> FundraisingCase | None:
    known = db.session.execute(
        select(FundraisingCase.id, FundraisingCase.status).where(FundraisingCase.case_no == case_no)
    ).one_or_none()
    if known is None:
        return None
    if known.status == CaseStatus.CLOSED:
        raise InvalidInput(errors={"case_no": ["该案件已结案，须先重新启动"]})
    return service.locked(actor, known.id)


def _opened(actor: Actor, handling: Handling, case_no: str) -> FundraisingCase:
    if not policy.can_register(actor):
        raise InvalidInput(errors={"case_no": ["您无权新建案件，请填写已登记案件的编号"]})
    tip = db.session.get_one(Tip, handling.tip_id)
    subject = db.session.get_one(TipSubject, handling.tip_id)
    facts = _facts(tip, subject) | {"name": subject.name or _UNNAMED}
    if case_no:
        return service.register(actor, facts | {"case_no": case_no}, handling.division_code, {})
    prefix = f"自编〔{clock.today().year}〕"
    used = db.session.scalar(select(func.count()).where(FundraisingCase.case_no.startswith(prefix, autoescape=True)))
    for number in range((used or 0) + 1, (used or 0) + _TRIES):
        try:
            return service.register(actor, facts | {"case_no": f"{prefix}{number}号"}, handling.division_code, {})
        except Conflict:
            continue
    raise Conflict("案件自动编号被占用，请填写案件编号", code="case_no_taken")


def _facts(tip: Tip, subject: TipSubject) -> dict[str, Any]:
    party = {
        "kind": "individual" if subject.kind == "individual" else "organization",
        "role": "fundraiser",
        "name": subject.name,
        "uscc": subject.uscc,
    }
    return {
        "parties": [party] if subject.name else [],
        "registered_place": subject.registered_address,
        "occurrence_place": subject.operating_address,
        "found_through": "tip",
        "involved_yuan": tip.amount_yuan,
        "participants": tip.participants,
    }


@counts_open_items("未结案件")
def open_cases_of(unit_id: int) -> int:
    """Cases of a unit that are not closed."""
    kept = select(func.count()).select_from(FundraisingCase)
    under_way = FundraisingCase.status != CaseStatus.CLOSED.value
    return db.session.scalar(kept.where(FundraisingCase.unit_id == unit_id, under_way)) or 0
