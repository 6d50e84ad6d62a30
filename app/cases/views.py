"""Cases put into the shape of the office API, masked for whoever may only read them masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from app.cases import claims, follow_up, policy, queries
from app.cases.ledger_models import CaseClaim
from app.cases.models import CaseEvent, FundraisingCase
from app.cases.money import ratio
from app.cases.schemas import CaseFacts
from app.cases.states import missing_for_closing
from app.foundation.permissions import Actor
from app.identity import queries as people
from app.identity.models import Unit
from app.workflow.disclosure import HIDDEN

_SHOWN: Final = (
    "id", "case_no", "name", "status", "version", "admin_stage", "judicial_stage", "restitution_stage", "division_code",
    "registered_at", "business_category", "involved_yuan", "outstanding_yuan", "returned_yuan", "participants",
    "cross_province", "legacy",
)  # fmt: skip
_FACTS: Final = tuple(CaseFacts().fields)
_FREE_TEXT: Final = (
    "registered_place", "occurrence_place", "responsible_person", "responsible_phone", "category_detail",
)  # fmt: skip


def units_of(cases: Iterable[FundraisingCase]) -> dict[int, Unit]:
    """The units that answer for these cases."""
    return people.units_by_id([case.unit_id for case in cases])


def line(actor: Actor, case: FundraisingCase, units: dict[int, Unit]) -> dict[str, Any]:
    """One case in the register."""
    shown = {name: getattr(case, name) for name in _SHOWN}
    masked = {"name": HIDDEN} if policy.sees_masked(actor) else {}
    return shown | masked | {
        "legacy": queries.counts_as_legacy(case),
        "unit": units[case.unit_id].name,
        "returned_ratio": ratio(case.returned_yuan, case.outstanding_yuan),
    }  # fmt: skip


def whole(actor: Actor, case: FundraisingCase) -> dict[str, Any]:
    """One case with everything this person may see of it."""
    waiting = queries.waiting_proposals(case.id)
    history = queries.history_of(case.id)
    masked = policy.sees_masked(actor)
    return line(actor, case, units_of([case])) | {
        "facts": _masked_facts(case) if masked else {name: getattr(case, name) for name in _FACTS},
        "stage_dates": case.stage_dates,
        "jurisdiction": {} if masked else case.jurisdiction,
        "closed_at": case.closed_at,
        "proposals": waiting,
        "plans": follow_up.plans_of(actor, case),
        "progress": follow_up.progress_of(actor, case),
        "tips": queries.linked_tips(actor, case.id),
        "history": [_masked_step(step) for step in history] if masked else history,
        "missing_for_closing": missing_for_closing(case.admin_stage, case.judicial_stage, case.restitution_stage),
        "available_actions": policy.available_actions(actor, case, waiting),
    }


def _masked_facts(case: FundraisingCase) -> dict[str, Any]:
    """Facts without names, addresses and telephone numbers."""
    facts = {name: getattr(case, name) for name in _FACTS if name not in _FREE_TEXT}
    return facts | {"parties": [party | {"name": HIDDEN, "uscc": None} for party in case.parties]}


def _masked_step(step: CaseEvent) -> dict[str, Any]:
    """A step of the history without what was written in it."""
    shown = ("at", "actor_role", "action", "from_status", "to_status", "track", "from_stage", "to_stage")
    return {name: getattr(step, name) for name in shown}


def claim_line(actor: Actor, claim: CaseClaim) -> dict[str, Any]:
    """One claim with its person masked; nothing of the person for whoever reads cases masked (domain.md §6.5)."""
    names = ("claim_no", "claimed_yuan", "verified_yuan", "verify_reason", "entered_at", "verified_at")
    person = {} if policy.sees_masked(actor) else claims.opened(claim)
    shown = {name: mask(person[name]) for name, mask in _MASKS.items() if person.get(name)}
    return {name: getattr(claim, name) for name in names} | {
        "state": claims.state_of(claim),
        "differs_from_verified": claims.differs_from_verified(claim),
        "participant": shown,
    }


def _masked_name(name: str) -> str:
    return name[:1] + "＊" * max(len(name) - 1, 1)


def _ends(first: int, last: int) -> Callable[[str], str]:
    def mask(said: str) -> str:
        hidden = len(said) - first - last
        return said[:first] + "*" * hidden + said[-last:] if hidden > 0 else "*" * len(said)

    return mask


_MASKS: Final[Mapping[str, Callable[[str], str]]] = {
    "name": _masked_name,
    "account_name": _masked_name,
    "id_number": _ends(4, 4),
    "phone": _ends(3, 4),
    "account": _ends(0, 4),
    "bank": str,
}
