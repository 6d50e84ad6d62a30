"""The restitution ledger of a case: rounds that share a sum among what is still owed, and the figures of the whole.

Decree 737 Art. 25 and 26. A round is computed and stored as it will be paid; it is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text

from app.cases import funds, money, payments, service, sharing
from app.cases.follow_up import reported
from app.cases.ledger_models import CaseClaim, ClaimShare, DistributionRound
from app.cases.models import FundraisingCase
from app.cases.states import RestitutionStage
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import InvalidInput, TransitionNotAllowed
from app.foundation.permissions import Actor

DISTRIBUTE: Final = "distribute"
LINES_TOLD: Final = 1000
"""Lines of a round that are answered at once; more are asked for page by page."""


def distribute_round(actor: Actor, case_id: UUID, total_yuan: Decimal, source: str) -> DistributionRound:
    """Share a sum among the claims in proportion to what each is still owed; the shares add up to the sum.

    Raises:
        OutOfScope, Forbidden: see :func:`reported`. TransitionNotAllowed: the case is not returning money.
        InvalidInput: more than is owed, more than came in from the source, or more than the case is to return.
    """
    case = shareable(actor, case_id, total_yuan, source)
    latest = db.session.scalar(select(func.max(DistributionRound.number)).where(DistributionRound.case_id == case_id))
    row = DistributionRound(
        id=new_id(), case_id=case.id, number=(latest or 0) + 1, source=source, total_yuan=total_yuan,
        computed_by=actor.account_id, computed_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    values = {"round_id": row.id, "case_id": case.id, "total": money.to_fen(total_yuan)}
    connection = db.session.connection()
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    connection.execute(text("SET LOCAL statement_timeout = '5min'"))
    connection.exec_driver_sql(sharing.STORE, values)
    service.note(actor, case, DISTRIBUTE, {"number": row.number, "total_yuan": str(total_yuan), "source": source})
    return row


def shareable(actor: Actor, case_id: UUID, total_yuan: Decimal, source: str) -> FundraisingCase:
    """A case that this sum may be shared in now; raises as :func:`distribute_round`."""
    case = reported(actor, case_id)
    if case.restitution_stage != RestitutionStage.RETURNING:
        raise TransitionNotAllowed("资金清退条线处于返还阶段时才能分配", extra=service.about(case))
    _check_total(case, total_yuan, source)
    return case


def _check_total(case: FundraisingCase, total_yuan: Decimal, source: str) -> None:
    owed = db.session.connection().exec_driver_sql(sharing.OWED_IN_ALL, {"case_id": case.id}).scalar_one()
    if money.to_fen(total_yuan) > owed:
        raise InvalidInput(errors={"total_yuan": ["分配金额超过尚未清退的金额"]})
    distributed = sum(funds.shared_out(case.id).values(), Decimal(0))
    if total_yuan > funds.available(case.id, source):
        raise InvalidInput(errors={"total_yuan": ["分配金额超过该来源到账而未分配的金额，请先登记到账"]})
    if distributed + total_yuan > (case.outstanding_yuan or Decimal(0)):
        raise InvalidInput(errors={"total_yuan": ["累计分配超过案件登记的应清退金额，请先更正案件信息"]})


def _verified(case_id: UUID) -> tuple[int, Decimal, int]:
    """(how many claims, what was verified of them, how many wait), as the present transaction has left them."""
    kept = select(FundraisingCase.claims, FundraisingCase.claims_verified_yuan, FundraisingCase.claims_waiting)
    count, verified, waiting = db.session.execute(kept.where(FundraisingCase.id == case_id)).one()
    return count, verified, waiting


def shares_page(row: DistributionRound, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Lines of a round by the number of the claim, one more than ``limit`` tells of a next page."""
    statement = (
        select(CaseClaim.claim_no, ClaimShare.yuan)
        .join(ClaimShare, ClaimShare.claim_id == CaseClaim.id)
        .where(ClaimShare.round_id == row.id)
        .order_by(CaseClaim.claim_no)
        .limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(CaseClaim.claim_no > after)
    return [{"claim_no": number, "yuan": yuan} for number, yuan in db.session.execute(statement)]


def told_round(row: DistributionRound) -> dict[str, Any]:
    """A round as the API tells it, with its first lines."""
    lines = db.session.scalar(select(func.count()).where(ClaimShare.round_id == row.id))
    shares = shares_page(row, None, LINES_TOLD)[:LINES_TOLD]
    return _told(row) | {"lines": lines, "shares": shares}


def _told(row: DistributionRound) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("number", "source", "total_yuan", "computed_at")}


def rounds_of(case_id: UUID) -> Sequence[DistributionRound]:
    """Every round of a case, the first one first."""
    mine = select(DistributionRound).where(DistributionRound.case_id == case_id).order_by(DistributionRound.number)
    return db.session.scalars(mine).all()


def summary(case: FundraisingCase) -> dict[str, Any]:
    """The ledger in figures; every ratio is computed."""
    count, verified, waiting = _verified(case.id)
    came_in, shared_out = funds.received(case.id), funds.shared_out(case.id)
    distributed = sum(shared_out.values(), Decimal("0.00"))
    paid = payments.paid_of(case.id)
    return {
        "version": case.version,
        "claims": count,
        "waiting_claims": waiting,
        "verified_yuan": verified,
        "received_yuan": sum(came_in.values(), Decimal("0.00")),
        "sources": [
            {"source": source, "received_yuan": yuan, "shared_out_yuan": shared_out.get(source, Decimal("0.00"))}
            for source, yuan in came_in.items()
        ],
        "distributed_yuan": distributed,
        "distributed_ratio": money.ratio(distributed, verified),
        "paid_yuan": paid,
        "paid_ratio": money.ratio(paid, verified),
        "rounds": [_told(row) for row in rounds_of(case.id)],
        "batches": payments.batches_of(case.id),
        "funds": funds.funds_of(case.id),
        "assets": funds.assets_of(case.id),
    }
