"""The restitution ledger of a case: verified claims, and rounds that share a sum among what is still owed.

Decree 737 Art. 25 and 26. A round is computed and stored as it will be paid; it is never changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select

from app.cases import money, service
from app.cases.follow_up import reported
from app.cases.models import CaseClaim, ClaimShare, DistributionRound, FundraisingCase
from app.cases.states import RestitutionStage
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import InvalidInput, TransitionNotAllowed
from app.foundation.permissions import Actor

ENTER_CLAIMS: Final = "enter_claims"
DISTRIBUTE: Final = "distribute"


def enter_claims(actor: Actor, case_id: UUID, claims: Sequence[Mapping[str, Any]]) -> FundraisingCase:
    """Enter verified claims, all or none; a number is used once in a case.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`. InvalidInput: a number is there already.
    """
    case = reported(actor, case_id)
    numbers = Counter(claim["claim_no"] for claim in claims)
    known = db.session.scalars(
        select(CaseClaim.claim_no).where(CaseClaim.case_id == case_id, CaseClaim.claim_no.in_(numbers))
    )
    if twice := sorted({*known, *(number for number, times in numbers.items() if times > 1)}):
        raise InvalidInput(errors={"claims": [f"编号重复：{number}" for number in twice[:20]]})
    entered = {"case_id": case.id, "entered_by": actor.account_id, "entered_at": clock.now()}
    db.session.execute(insert(CaseClaim), [{**claim, **entered, "id": new_id()} for claim in claims])
    service.note(actor, case, ENTER_CLAIMS, {"count": len(claims)})
    return case


def distribute_round(actor: Actor, case_id: UUID, total_yuan: Decimal, source: str) -> dict[str, Any]:
    """Share a sum among the claims in proportion to what each is still owed; the shares add up to the sum.

    Raises:
        OutOfScope, Forbidden: see :func:`reported`. TransitionNotAllowed: the case is not returning money.
        InvalidInput: more than is owed.
    """
    case = reported(actor, case_id)
    if case.restitution_stage != RestitutionStage.RETURNING:
        raise TransitionNotAllowed("资金清退条线处于返还阶段时才能分配", extra=service.about(case))
    owed = _owed(case_id)
    total = money.to_fen(total_yuan)
    if total > sum(fen for _, fen in owed.values()):
        raise InvalidInput(errors={"total_yuan": ["分配金额超过尚未清退的金额"]})
    shares = money.distribute(total, {claim_id: fen for claim_id, (_, fen) in owed.items()})
    latest = db.session.scalar(select(func.max(DistributionRound.number)).where(DistributionRound.case_id == case_id))
    row = DistributionRound(
        id=new_id(), case_id=case.id, number=(latest or 0) + 1, source=source, total_yuan=total_yuan,
        computed_by=actor.account_id, computed_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    paid = {claim_id: money.to_yuan(fen) for claim_id, fen in shares.items() if fen}
    about = {"round_id": row.id, "case_id": case.id}
    db.session.execute(insert(ClaimShare), [about | {"claim_id": one, "yuan": yuan} for one, yuan in paid.items()])
    service.note(actor, case, DISTRIBUTE, {"number": row.number, "total_yuan": str(total_yuan)})
    lines = sorted((owed[claim_id][0], yuan) for claim_id, yuan in paid.items())
    return _told(row) | {"shares": [{"claim_no": number, "yuan": yuan} for number, yuan in lines]}


def _owed(case_id: UUID) -> dict[UUID, tuple[str, int]]:
    """Number and fen still owed of every claim of a case."""
    given = func.coalesce(func.sum(ClaimShare.yuan), 0)
    rows = db.session.execute(
        select(CaseClaim.id, CaseClaim.claim_no, CaseClaim.verified_yuan - given)
        .outerjoin(ClaimShare, ClaimShare.claim_id == CaseClaim.id)
        .where(CaseClaim.case_id == case_id)
        .group_by(CaseClaim.id)
    )
    return {claim_id: (number, money.to_fen(yuan)) for claim_id, number, yuan in rows}


def _told(row: DistributionRound) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("number", "source", "total_yuan", "computed_at")}


def summary(case: FundraisingCase) -> dict[str, Any]:
    """The ledger in figures; the ratio is computed."""
    count, verified = db.session.execute(
        select(func.count(), func.coalesce(func.sum(CaseClaim.verified_yuan), Decimal("0.00"))).where(
            CaseClaim.case_id == case.id
        )
    ).one()
    mine = select(DistributionRound).where(DistributionRound.case_id == case.id).order_by(DistributionRound.number)
    rounds = db.session.scalars(mine).all()
    distributed = sum((row.total_yuan for row in rounds), Decimal("0.00"))
    return {
        "claims": count,
        "verified_yuan": verified,
        "distributed_yuan": distributed,
        "distributed_ratio": money.ratio(distributed, verified),
        "rounds": [_told(row) for row in rounds],
    }
