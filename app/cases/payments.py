"""Paying what a round gave: batches for the bank, what the bank says of each payment, and paying anew what came back.

A batch takes every share of a round that is neither paid nor under way, and whose claim does not wait to be verified
anew. A payment is one attempt: one that failed or
came back stays as it is, and the next batch pays the share again. What was returned of a case is the sum of what was
paid; nobody types it once there is a ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text

from app.audit import service as audit
from app.cases import funds, policy, service
from app.cases.ledger_models import CaseClaim, CasePayment, PaymentBatch
from app.cases.models import FundraisingCase
from app.cases.payment_states import RESULTS, PaymentState
from app.foundation import clock
from app.foundation.database import db, new_id, update_in_bulk
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.foundation.permissions import Actor

MAKE_BATCH: Final = "make_batch"
RECORD_RESULTS: Final = "record_results"
_TOLD: Final = 20

_FILL: Final = """
INSERT INTO case_payments (id, case_id, round_id, claim_id, batch_id, attempt, yuan, state, reference, reason)
SELECT
    gen_random_uuid(), s.case_id, s.round_id, s.claim_id, :batch_id, coalesce(p.attempts, 0) + 1, s.yuan, 'sent', '', ''
FROM case_shares s
JOIN case_claims c ON c.id = s.claim_id AND c.verified_at IS NOT NULL
LEFT JOIN (
    SELECT claim_id, count(*) AS attempts, bool_or(state IN ('sent', 'paid')) AS held
    FROM case_payments WHERE round_id = :round_id GROUP BY claim_id
) p ON p.claim_id = s.claim_id
WHERE s.round_id = :round_id AND NOT coalesce(p.held, false)
"""


def make_batch(actor: Actor, case_id: UUID, round_number: int, reason: str) -> PaymentBatch:
    """Put every share of a round that is to be paid into a batch for the bank.

    Raises:
        OutOfScope: no such case. Forbidden: not this person's to pay. NotFound: no such round.
        Conflict: nothing of the round is left to pay.
    """
    case = payable(actor, case_id)
    round_ = funds.round_of(case_id, round_number)
    latest = db.session.scalar(select(func.max(PaymentBatch.number)).where(PaymentBatch.case_id == case_id))
    batch = PaymentBatch(
        id=new_id(), case_id=case.id, round_id=round_.id, number=(latest or 0) + 1, reason=reason, count=0,
        total_yuan=Decimal(0), made_by=actor.account_id, made_by_name=actor.name, made_at=clock.now(),
    )  # fmt: skip
    db.session.add(batch)
    db.session.flush()
    db.session.execute(text("SET LOCAL statement_timeout = '5min'"))
    db.session.execute(text(_FILL), {"batch_id": batch.id, "round_id": round_.id})
    batch.count, batch.total_yuan = _counted(batch.id)
    if not batch.count:
        raise Conflict("该轮分配没有待发放的款项", code="nothing_to_pay")
    told = {"number": batch.number, "round": round_number, "count": batch.count, "total_yuan": str(batch.total_yuan)}
    service.note(actor, case, MAKE_BATCH, told, reason)
    return batch


def payable(actor: Actor, case_id: UUID) -> FundraisingCase:
    """A case whose payments are this person's, locked; raise ``OutOfScope`` or ``Forbidden``."""
    case = service.locked(actor, case_id)
    if not policy.can_pay(actor, case):
        raise Forbidden("由负责该案件的区县办理发放", extra=service.about(case))
    return case


def _counted(batch_id: UUID) -> tuple[int, Decimal]:
    found = select(func.count(), func.coalesce(func.sum(CasePayment.yuan), 0)).where(CasePayment.batch_id == batch_id)
    count, total = db.session.execute(found).one()
    return count, Decimal(total)


def batch_of(case_id: UUID, number: int) -> PaymentBatch:
    """One batch of a case; raise ``NotFound``."""
    batch = db.session.scalar(
        select(PaymentBatch).where(PaymentBatch.case_id == case_id, PaymentBatch.number == number)
    )
    if batch is None:
        raise NotFound("该案件没有这一发放批次")
    return batch


def batches_of(case_id: UUID) -> list[dict[str, Any]]:
    """Every batch of a case with how many payments stand where."""
    shown = ("number", "count", "total_yuan", "reason", "made_by_name", "made_at")
    named = [getattr(PaymentBatch, name) for name in (*shown, *PaymentState)]
    batches = db.session.execute(select(*named).where(PaymentBatch.case_id == case_id).order_by(PaymentBatch.number))
    return [
        {name: batch[name] for name in shown}
        | {"states": {state.value: batch[state] for state in PaymentState if batch[state]}}
        for batch in batches.mappings()
    ]


def record_results(actor: Actor, case_id: UUID, number: int, results: Sequence[Mapping[str, Any]]) -> FundraisingCase:
    """Write down what the bank says of payments of a batch, all or none.

    Raises:
        OutOfScope, Forbidden: see :func:`payable`. NotFound: no such batch.
        InvalidInput: claims that are not in it, or an answer that cannot follow the one before.
    """
    case = payable(actor, case_id)
    faults = settle(actor, batch_of(case_id, number), results)
    if faults:
        raise InvalidInput(
            errors={"results": [f"{claim_no}：{reason}" for claim_no, reason in list(faults.items())[:_TOLD]]}
        )
    note_results(actor, case, number, len(results))
    return case


def settle(actor: Actor, batch: PaymentBatch, results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Write those results down that can be; answer number of claim → why not. The caller notes the step afterwards."""
    by_number = {result["claim_no"]: result for result in results}
    rows = db.session.execute(
        select(CaseClaim.claim_no, CasePayment.id, CasePayment.state)
        .join(CaseClaim, CaseClaim.id == CasePayment.claim_id)
        .where(CasePayment.batch_id == batch.id, CaseClaim.claim_no.in_(by_number))
        .with_for_update(of=CasePayment)
    ).all()
    faults = dict.fromkeys(by_number.keys() - {claim_no for claim_no, _, _ in rows}, "不在该批次中")
    settled = []
    for claim_no, payment_id, state in rows:
        result = by_number[claim_no]
        if result["state"] not in RESULTS[PaymentState(state)]:
            faults[claim_no] = "已登记过结果，不能再改为此结果"
            continue
        told = {name: result.get(name) or "" for name in ("reference", "reason")}
        settled.append({"id": payment_id, "state": result["state"], "settled_on": result["settled_on"], **told,
                        "recorded_by": actor.account_id, "recorded_at": clock.now()})  # fmt: skip
    update_in_bulk(CasePayment, settled)
    return faults


def note_results(actor: Actor, case: FundraisingCase, number: int, count: int) -> None:
    """Let what was returned of the case follow from what was paid, and write the step into the history."""
    paid = paid_of(case.id)
    if paid > (case.outstanding_yuan or Decimal(0)):
        raise InvalidInput(errors={"outstanding_yuan": ["案件登记的应清退金额少于已发放金额，请先更正案件信息"]})
    case.returned_yuan = paid
    service.note(actor, case, RECORD_RESULTS, {"batch": number, "count": count, "paid_yuan": str(paid)})


def paid_of(case_id: UUID) -> Decimal:
    """What reached participants of a case."""
    paid = db.session.scalar(select(func.sum(PaymentBatch.paid_yuan)).where(PaymentBatch.case_id == case_id))
    return paid or Decimal("0.00")


def note_export(actor: Actor, batch: PaymentBatch, file_format: str, reason: str) -> None:
    """Tell the auditor that a batch left in clear: by whom and why, never whose."""
    audit.record(
        actor, "cases.export_payments", "case", batch.case_id,
        batch=batch.number, count=batch.count, format=file_format, reason=reason,
    )  # fmt: skip
