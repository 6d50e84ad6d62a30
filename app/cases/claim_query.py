"""A claim looked at by its owner: with the number and the code on the slip that the office handed over.

The same guard as for tips (domain rule 17): locks, one answer for a wrong code and an unknown number, the same work for
both. A code is derived with a key from the claim's id and the edition of its slip; nothing of it is stored, and a new
edition makes the old slip worthless.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from stdnum.iso7064 import mod_11_10

from app.audit import service as audit
from app.cases import claims, policy, service
from app.cases.ledger_models import CaseClaim
from app.cases.models import FundraisingCase
from app.foundation.crypto import Crypto
from app.foundation.database import db
from app.foundation.errors import Forbidden, NotFound
from app.foundation.permissions import PUBLIC, Actor
from app.tips import guard, receipts
from app.tips.guard import Caller
from app.tips.service import crypto

ISSUE_CODES: Final = "issue_claim_codes"
_NOBODY: Final = UUID(int=0)


def query_code(claim_id: UUID, edition: int) -> str:
    """The code of a claim: nineteen derived digits and a check digit, to be read out on the telephone."""
    derived = int.from_bytes(crypto().digest("claim-code", claim_id.bytes, edition.to_bytes(4, "big")), "big")
    body = f"{derived % 10 ** (receipts.CODE_DIGITS - 1):0{receipts.CODE_DIGITS - 1}d}"
    return body + mod_11_10.calc_check_digit(body)


def issue_codes(
    actor: Actor, case_id: UUID, claim_nos: Sequence[str], reason: str, *, renew: bool
) -> list[dict[str, str]]:
    """Number and code of claims for the slips; ``renew`` makes codes that were given out before worthless.

    Raises:
        OutOfScope: no such case. Forbidden: not this person's. NotFound: an unknown number.
    """
    case = service.locked(actor, case_id)
    if not policy.can_pay(actor, case):
        raise Forbidden("由负责该案件的区县发放查询码", extra=service.about(case))
    wanted = select(CaseClaim).where(CaseClaim.case_id == case_id, CaseClaim.claim_no.in_(claim_nos))
    found = db.session.scalars(wanted.order_by(CaseClaim.claim_no).with_for_update()).all()
    if len(found) != len(set(claim_nos)):
        raise NotFound("该案件没有此编号的债权")
    for claim in found:
        claim.code_version += int(renew)
    service.note(actor, case, ISSUE_CODES, {"count": len(found), "renew": renew}, reason)
    return [
        {
            "claim_no": claim.claim_no,
            "query_number": claim.query_number,
            "query_code": query_code(claim.id, claim.code_version),
        }
        for claim in found
    ]


def open_claim(query_number: str, code: str, caller: Caller) -> dict[str, Any]:
    """What the owner of a claim may know of it: amounts and payments, nobody's name.

    Raises:
        NotFound: wrong code or unknown number; which of them is never said.
        TooManyRequests: the number or the source is locked.
    """
    number, given = receipts.normalised(query_number), receipts.normalised(code)
    claim = db.session.scalar(select(CaseClaim).where(CaseClaim.query_number == number))
    expected = query_code(claim.id, claim.code_version) if claim is not None else query_code(_NOBODY, 1)
    right = Crypto.same(given.encode(), expected.encode()) and claim is not None
    guard.settle_attempt(number, caller, right=right)
    if claim is None or not right:
        raise NotFound("债权查询号或查询码不正确，请核对后再试", code="number_or_code_wrong")
    audit.record(PUBLIC, "cases.query_claim", "claim", claim.id)
    return _told(claim)


def _told(claim: CaseClaim) -> dict[str, Any]:
    case = db.session.get_one(FundraisingCase, claim.case_id)
    rounds = claims.shares_and_payments(claim)
    return {
        "case_name": case.name,
        "claim_no": claim.claim_no,
        "state": claims.state_of(claim),
        "claimed_yuan": claim.claimed_yuan,
        "verified_yuan": claim.verified_yuan if claim.verified_at else None,
        "reason": claim.verify_reason if claim.verified_at else "",
        "distributed_yuan": sum(one["yuan"] for one in rounds),
        "paid_yuan": sum(one["yuan"] for one in rounds if one["state"] == "paid"),
        "rounds": rounds,
    }
