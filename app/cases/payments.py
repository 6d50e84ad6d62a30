"""Paying what a round gave: batches for the bank, what the bank says of each payment, and paying anew what came back.

A batch takes every share of a round that is neither paid nor under way, and whose claim does not wait to be verified
anew. A payment is one attempt: one that failed, came back or was withdrawn stays as it is, and the next batch pays the
share again. What was returned of a case is the sum of what was paid; nobody types it once there is a ledger.

The bank gets only what two people have looked at (domain.md §10 rule 13): a claim that is corrected leaves the batches
whose list has not been taken yet, and is not corrected while the bank has it on a list and has not answered.
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
_REFUSED: Final = {PaymentState.WITHDRAWN: "债权更正后已撤出该批次，未送银行"}

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
    shown = ("number", "count", "total_yuan", "reason", "made_by_name", "made_at", "listed_at")
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
            faults[claim_no] = _REFUSED.get(PaymentState(state), "已登记过结果，不能再改为此结果")
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


# The list for the bank ------------------------------------------------------------------------------------------------


def batch_to_list(actor: Actor, case_id: UUID, number: int) -> PaymentBatch:
    """A batch whose list for the bank may be written now, however it is written.

    Raises:
        OutOfScope, Forbidden: see :func:`payable`. NotFound: no such batch.
        Conflict: a claim on the list waits to be verified, as one corrected by an earlier version may.
    """
    case = payable(actor, case_id)
    batch = batch_of(case_id, number)
    if case.claims_waiting and (numbers := _unverified(batch)):
        raise Conflict(
            f"该批次有债权更正后尚待核实：{'、'.join(numbers)}。请先由他人核实，或登记银行对这些款项的处理结果，再导出清单",
            code="claims_wait",
        )
    return batch


def _unverified(batch: PaymentBatch) -> Sequence[str]:
    """The first claims that wait to be verified while a payment of the batch has no answer."""
    waiting = (
        select(CaseClaim.claim_no)
        .join(CasePayment, CasePayment.claim_id == CaseClaim.id)
        .where(
            CasePayment.batch_id == batch.id,
            CasePayment.state == PaymentState.SENT,
            CaseClaim.case_id == batch.case_id,
            CaseClaim.verified_at.is_(None),
        )
    )
    return db.session.scalars(waiting.order_by(CaseClaim.claim_no).limit(_TOLD)).all()


def note_export(actor: Actor, batch: PaymentBatch, file_format: str, reason: str) -> None:
    """Note that the list of a batch leaves, and tell the auditor: by whom and why, never whose."""
    batch.listed_at = batch.listed_at or clock.now()
    audit.record(
        actor, "cases.export_payments", "case", batch.case_id,
        batch=batch.number, count=batch.sent, format=file_format, reason=reason,
    )  # fmt: skip


def withdraw(actor: Actor, claim: CaseClaim) -> list[int]:
    """Take a claim that is being corrected out of the batches that wait for their list; returns their numbers.

    Raises:
        Conflict: the bank has it on a list and has not answered; paid anew, it might be paid twice.
    """
    under_way = db.session.execute(
        select(CasePayment, PaymentBatch.number, PaymentBatch.listed_at)
        .join(PaymentBatch, PaymentBatch.id == CasePayment.batch_id)
        .where(CasePayment.claim_id == claim.id, CasePayment.state == PaymentState.SENT)
        .order_by(PaymentBatch.number)
    ).all()
    if listed := [str(number) for _, number, listed_at in under_way if listed_at]:
        raise Conflict(
            f"该债权已列入第 {'、'.join(listed)} 批代发清单，银行尚未答复，不能更正。请先在清退台账登记银行对该笔的"
            "处理结果（清单未交银行的，该笔按失败登记），再更正；更正并经他人核实后列入下一批发放",
            code="payment_under_way",
        )
    for payment, _, _ in under_way:
        payment.state, payment.reason = PaymentState.WITHDRAWN, "债权更正，未送银行"
        payment.recorded_by, payment.recorded_at = actor.account_id, clock.now()
    return [number for _, number, _ in under_way]
