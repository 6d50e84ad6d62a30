"""Participants' claims on what is returned: entered by one person, verified by another, personal data sealed.

Who claims lies sealed in the claim's row; a keyed digest of the identity number and of the telephone finds a person
again without opening anything. Every look at claims leaves an audit row (``note_view``).
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from stdnum.iso7064 import mod_11_10

from app.audit import service as audit
from app.cases import payments, policy, queries, service
from app.cases.follow_up import reported
from app.cases.ledger_models import CaseClaim, CasePayment, ClaimShare, DistributionRound
from app.cases.models import CaseEvent, FundraisingCase
from app.cases.payment_states import PaymentState
from app.cases.states import CaseStatus
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import db, insert_in_bulk, new_id
from app.foundation.errors import Forbidden, InvalidInput, NotFound, TransitionNotAllowed
from app.foundation.permissions import Actor
from app.tips.service import crypto

ENTER_CLAIMS: Final = "enter_claims"
CHANGE_CLAIM: Final = "change_claim"
VERIFY_CLAIMS: Final = "verify_claims"
PERSON_FIELDS: Final = ("name", "id_number", "phone", "bank", "account", "account_name")
_QUERY_DIGITS: Final = 15
_TOLD: Final = 20


def enter_claims(actor: Actor, case_id: UUID, claims: Sequence[Mapping[str, Any]]) -> FundraisingCase:
    """Enter claims with what is claimed and by whom, all or none; a number is used once in a case.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`. InvalidInput: a number is there already.
    """
    case = reported(actor, case_id)
    numbers = Counter(claim["claim_no"] for claim in claims)
    known = db.session.scalars(
        select(CaseClaim.claim_no).where(CaseClaim.case_id == case_id, CaseClaim.claim_no.in_(numbers))
    )
    if twice := sorted({*known, *(number for number, times in numbers.items() if times > 1)}):
        raise InvalidInput(errors={"claims": [f"编号重复：{number}" for number in twice[:_TOLD]]})
    insert_in_bulk(CaseClaim, [claim_row(actor, case.id, claim) for claim in claims])
    service.note(actor, case, ENTER_CLAIMS, {"count": len(claims)})
    return case


def claim_row(actor: Actor, case_id: UUID, claim: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a new claim, its person sealed, with the number its owner asks by."""
    claim_id = new_id()
    return {
        "id": claim_id,
        "case_id": case_id,
        "claim_no": claim["claim_no"],
        "claimed_yuan": claim["claimed_yuan"],
        "query_number": _query_number(),
        "code_version": 1,
        **sealed_person(claim_id, claim.get("participant") or {}),
        "entered_by": actor.account_id,
        "entered_at": clock.now(),
    }


def sealed_person(claim_id: UUID, person: Mapping[str, Any]) -> dict[str, Any]:
    """Who claims, as the row keeps it: sealed, with the digests that find a person again."""
    said = {name: person[name] for name in PERSON_FIELDS if person.get(name)}
    provider = crypto()
    sealed = (
        provider.seal(json.dumps(said, ensure_ascii=False).encode(), bound_to=_bound_to(claim_id)) if said else None
    )
    return {
        "sealed_person": sealed and _as_bytea(sealed),
        "id_index": _index(provider, "id", said.get("id_number")),
        "phone_index": _index(provider, "phone", said.get("phone")),
    }


def _index(provider: Crypto, kind: str, value: str | None) -> str | None:
    return _as_bytea(provider.blind_index(f"claim-{kind}", value)) if value else None


def _as_bytea(raw: bytes) -> str:
    return "\\x" + raw.hex()


def opened(claim: CaseClaim) -> dict[str, str]:
    """Who claims. The caller has checked who may know, and leaves the audit row."""
    if claim.sealed_person is None:
        return {}
    person: dict[str, str] = json.loads(crypto().open(claim.sealed_person, bound_to=_bound_to(claim.id)))
    return person


def _bound_to(claim_id: UUID) -> bytes:
    return b"case_claims/person/" + claim_id.bytes


# The owner's number and code -----------------------------------------------------------------------------------------


def _query_number() -> str:
    """Sixteen digits with a check digit (ISO 7064 MOD 11,10): they tell nothing of the case or of other claims."""
    body = f"{secrets.randbelow(10**_QUERY_DIGITS):0{_QUERY_DIGITS}d}"
    return body + mod_11_10.calc_check_digit(body)


# Verification ---------------------------------------------------------------------------------------------------------


def verify_claims(actor: Actor, case_id: UUID, verdicts: Sequence[Mapping[str, Any]]) -> FundraisingCase:
    """Say what of claims holds; never by whoever entered or corrected them (domain.md §10 rule 13).

    Zero refuses a claim, another amount needs a reason.

    Raises:
        OutOfScope: no such case. Forbidden: not this person's to verify, or entered or corrected by the same person.
        InvalidInput: unknown numbers, a reason is missing, or less than the rounds have given already.
    """
    case = _verifiable(actor, case_id)
    by_number = {verdict["claim_no"]: verdict for verdict in verdicts}
    wanted = select(CaseClaim).where(CaseClaim.case_id == case_id, CaseClaim.claim_no.in_(by_number))
    claims = db.session.scalars(wanted.with_for_update()).all()
    faults = [f"没有编号 {number}" for number in sorted(by_number.keys() - {claim.claim_no for claim in claims})]
    given = _given(case_id, [claim.id for claim in claims])
    for claim in claims:
        faults += _fault_of(claim, by_number[claim.claim_no], given.get(claim.id, Decimal(0)))
    if faults:
        raise InvalidInput(errors={"claims": faults[:_TOLD]})
    if any(actor.account_id in {claim.entered_by, *claim.also_entered_by} for claim in claims):
        raise Forbidden("不能核实自己录入或更正的债权，须由另一人核实", code="same_person", extra=service.about(case))
    for claim in claims:
        verdict = by_number[claim.claim_no]
        _set(actor, claim, verdict["verified_yuan"], verdict.get("reason") or "")
    service.note(actor, case, VERIFY_CLAIMS, {"count": len(claims)})
    return case


def _set(actor: Actor, claim: CaseClaim, yuan: Decimal, reason: str) -> None:
    claim.verified_yuan, claim.verify_reason = yuan, reason
    claim.verified_by, claim.verified_at = actor.account_id, clock.now()


def _given(case_id: UUID, claim_ids: Sequence[UUID]) -> dict[UUID, Decimal]:
    """What rounds have given to these claims."""
    found = (
        select(ClaimShare.claim_id, func.sum(ClaimShare.yuan))
        .join(DistributionRound, DistributionRound.id == ClaimShare.round_id)
        .where(DistributionRound.case_id == case_id, ClaimShare.claim_id.in_(claim_ids))
        .group_by(ClaimShare.claim_id)
    )
    return dict(db.session.execute(found).all())


def _fault_of(claim: CaseClaim, verdict: Mapping[str, Any], given: Decimal) -> list[str]:
    yuan = verdict["verified_yuan"]
    if yuan < given:
        return [f"{claim.claim_no}：核定金额少于已分配的金额"]
    differs = yuan != claim.claimed_yuan or claim.verified_yuan not in {None, yuan}
    if differs and not verdict.get("reason"):
        return [f"{claim.claim_no}：核定金额与申报或原核定金额不同，须说明理由"]
    return []


def verify_as_claimed(actor: Actor, case_id: UUID) -> int:
    """Let claims hold as claimed that wait and were entered and corrected by others alone; returns how many.

    Those whose amount differs from what was verified before a correction go on waiting: another amount needs a reason,
    claim by claim (:func:`verify_claims`).

    Raises:
        OutOfScope: no such case. Forbidden: not this person's to verify. TransitionNotAllowed: the case is closed.
    """
    case = _verifiable(actor, case_id)
    verified = db.session.execute(
        update(CaseClaim)
        .where(
            CaseClaim.case_id == case_id,
            CaseClaim.verified_at.is_(None),
            CaseClaim.entered_by.is_distinct_from(actor.account_id),
            not_(CaseClaim.also_entered_by.contains([actor.account_id])),
            or_(CaseClaim.verified_yuan.is_(None), CaseClaim.verified_yuan == CaseClaim.claimed_yuan),
        )
        .values(verified_yuan=CaseClaim.claimed_yuan, verified_by=actor.account_id, verified_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    count: int = verified.rowcount  # type: ignore[attr-defined]  # an UPDATE has one
    service.note(actor, case, VERIFY_CLAIMS, {"count": count, "as_claimed": True})
    return count


def change_claim(actor: Actor, case_id: UUID, claim_no: str, given: Mapping[str, Any], reason: str) -> CaseClaim:
    """Correct a claim or its person. It waits then until somebody else has verified it anew, and is not paid meanwhile.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`. NotFound: no such claim.
        Conflict: see :func:`payments.withdraw`.
    """
    case = reported(actor, case_id)
    claim = claim_for(actor, case_id, claim_no)
    withdrawn = payments.withdraw(actor, claim)
    if "participant" in given:
        values = sealed_person(claim.id, opened(claim) | given["participant"])
        claim.sealed_person, claim.id_index, claim.phone_index = (
            bytes.fromhex(value[2:]) if value else None for value in values.values()
        )
    for name, value in entered_anew(actor, claim).items():
        setattr(claim, name, value)
    claim.claimed_yuan = given.get("claimed_yuan", claim.claimed_yuan)
    claim.verified_at = claim.verified_by = None
    db.session.flush()
    told = {"claim_no": claim_no, "fields": sorted(given), "withdrawn_from": withdrawn}
    service.note(actor, case, CHANGE_CLAIM, told, reason)
    return claim


def entered_anew(actor: Actor, claim: CaseClaim) -> dict[str, Any]:
    """Who has a part in a claim once this person has changed it: none of them verifies it.

    A verification that took the claim as it was entered settles the part of those before it.
    """
    settled = claim.verified_at is not None and claim.verified_yuan == claim.claimed_yuan
    before = set() if settled else {*claim.also_entered_by, claim.entered_by} - {None, actor.account_id}
    return {"entered_by": actor.account_id, "also_entered_by": list(before), "entered_at": clock.now()}


def _verifiable(actor: Actor, case_id: UUID) -> FundraisingCase:
    case = service.locked(actor, case_id)
    if not policy.can_change(actor, case):
        raise Forbidden("由负责该案件的区县或市级审核人核实债权", extra=service.about(case))
    if case.status == CaseStatus.CLOSED:
        raise TransitionNotAllowed("案件已结案，须先重新启动", extra=service.about(case))
    return case


# Looking --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimFilter:
    """Which claims of a case somebody looks for; an identity number or a telephone finds by its digest alone."""

    state: str | None = None
    claim_no: str | None = None
    id_number: str | None = None
    phone: str | None = None

    def told(self) -> str:
        """How claims were looked for, for the auditor: never by which value."""
        return next((name for name in ("id_number", "phone", "claim_no") if getattr(self, name)), "list")


CLAIM_STATES: Final = ("waiting", "verified", "refused")


def state_of(claim: CaseClaim) -> str:
    """Whether a claim waits for its verification, holds, or was refused."""
    if claim.verified_at is None:
        return "waiting"
    return "verified" if claim.verified_yuan else "refused"


def differs_from_verified(claim: CaseClaim) -> bool:
    """Whether a corrected claim waits with another amount than was verified before: it is verified by itself."""
    return claim.verified_at is None and claim.verified_yuan not in {None, claim.claimed_yuan}


def claims_page(actor: Actor, case_id: UUID, wanted: ClaimFilter, after: str | None, limit: int) -> Sequence[CaseClaim]:
    """Claims of a case by number, one more than ``limit`` where there is a next page; raise ``OutOfScope``."""
    queries.case_for(actor, case_id)
    statement = select(CaseClaim).where(CaseClaim.case_id == case_id, *_conditions(actor, wanted))
    if after is not None:
        statement = statement.where(CaseClaim.claim_no > after)
    return db.session.scalars(statement.order_by(CaseClaim.claim_no).limit(limit + 1)).all()


def _conditions(actor: Actor, wanted: ClaimFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        held = {
            "waiting": CaseClaim.verified_at.is_(None),
            "verified": and_(CaseClaim.verified_at.is_not(None), CaseClaim.verified_yuan > 0),
            "refused": and_(CaseClaim.verified_at.is_not(None), CaseClaim.verified_yuan == 0),
        }
        found.append(held[wanted.state])
    if wanted.claim_no is not None:
        found.append(CaseClaim.claim_no == wanted.claim_no)
    if (wanted.id_number or wanted.phone) and policy.sees_masked(actor):
        raise Forbidden("您只能按编号查看债权")
    if wanted.id_number is not None:
        found.append(CaseClaim.id_index == crypto().blind_index("claim-id", wanted.id_number))
    if wanted.phone is not None:
        found.append(CaseClaim.phone_index == crypto().blind_index("claim-phone", wanted.phone))
    return found


def claim_for(actor: Actor, case_id: UUID, claim_no: str) -> CaseClaim:
    """One claim within sight as it is now, whatever was read before; raise ``OutOfScope`` or ``NotFound``."""
    queries.case_for(actor, case_id)
    wanted = select(CaseClaim).where(CaseClaim.case_id == case_id, CaseClaim.claim_no == claim_no)
    claim = db.session.scalar(wanted.execution_options(populate_existing=True))
    if claim is None:
        raise NotFound("该案件没有此编号的债权")
    return claim


def claim_by_id(case_id: UUID, claim_id: UUID) -> CaseClaim:
    """One claim of a case that the caller has found within sight; raise ``NotFound``."""
    claim = db.session.scalar(select(CaseClaim).where(CaseClaim.case_id == case_id, CaseClaim.id == claim_id))
    if claim is None:
        raise NotFound("该案件没有这笔债权")
    return claim


def corrections_of(claim: CaseClaim) -> Sequence[CaseEvent]:
    """The steps of the case's history that corrected this claim, oldest first."""
    wanted = select(CaseEvent).where(
        CaseEvent.case_id == claim.case_id,
        CaseEvent.action == CHANGE_CLAIM,
        CaseEvent.details["claim_no"].astext == claim.claim_no,
    )
    return db.session.scalars(wanted.order_by(CaseEvent.version)).all()


def open_person(actor: Actor, case_id: UUID, claim_no: str, reason: str) -> dict[str, str]:
    """Who claims, in clear, for whoever pays; the reason goes to the auditor."""
    claim = claim_for(actor, case_id, claim_no)
    case = queries.case_for(actor, case_id)
    if not policy.can_pay(actor, case):
        raise Forbidden("您无权查看集资参与人的完整信息", extra=service.about(case))
    audit.record(actor, "cases.open_participant", "claim", claim.id, case_id=str(case_id), reason=reason)
    return opened(claim)


def note_view(actor: Actor, case_id: UUID, count: int, by: str) -> None:
    """Tell the auditor that somebody looked at claims: how many and how they were found, never whose."""
    audit.record(actor, "cases.view_claims", "case", case_id, count=count, by=by)


def shares_and_payments(claim: CaseClaim) -> list[dict[str, Any]]:
    """What each round gave to a claim, and where the newest payment of it that was meant for the bank stands."""
    newest = (
        select(CasePayment.round_id, CasePayment.state, CasePayment.settled_on)
        .where(CasePayment.claim_id == claim.id, CasePayment.state != PaymentState.WITHDRAWN)
        .ext(distinct_on(CasePayment.round_id))
        .order_by(CasePayment.round_id, CasePayment.attempt.desc())
        .subquery()
    )
    statement = _rounds_of(claim).outerjoin(newest, newest.c.round_id == ClaimShare.round_id)
    rows = db.session.execute(statement.add_columns(newest.c.state, newest.c.settled_on))
    return [
        {"round": number, "yuan": yuan, "state": state or "waiting", "settled_on": settled_on}
        for number, yuan, state, settled_on in rows
    ]


def _rounds_of(claim: CaseClaim) -> Select[int, Decimal]:
    return (
        select(DistributionRound.number, ClaimShare.yuan)
        .select_from(ClaimShare)
        .join(DistributionRound, DistributionRound.id == ClaimShare.round_id)
        .where(DistributionRound.case_id == claim.case_id, ClaimShare.claim_id == claim.id)
        .order_by(DistributionRound.number)
    )
