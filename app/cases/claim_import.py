"""Lists of participants and answers of the bank, row by row: claims entered or completed, payments settled.

The same rules as for a person at the form. What was verified is not changed by a sheet: it would pay somebody whom
nobody has verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import select

from app.cases import claims, payments, service
from app.cases.claim_columns import CLAIM_COLUMNS, RESULT_COLUMNS
from app.cases.follow_up import reported
from app.cases.ledger_models import CaseClaim, PaymentBatch
from app.cases.sheet_engine import ReadRow
from app.foundation.database import db, insert_in_bulk, update_in_bulk
from app.foundation.permissions import Actor

_Judged: TypeAlias = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""Claims to enter and claims to complete."""


class ClaimTarget:
    """The claims of one case."""

    columns = CLAIM_COLUMNS
    key = "claim_no"
    further = frozenset[str]()

    def __init__(self, actor: Actor, case_id: UUID) -> None:
        """Raise as :func:`reported`."""
        self._actor = actor
        self._case = reported(actor, case_id)
        self._created = self._updated = self._unchanged = 0

    def counts(self) -> tuple[int, int, int]:
        """How many were created, updated and left unchanged."""
        return self._created, self._updated, self._unchanged

    def look_up(self, rows: Sequence[ReadRow]) -> dict[str, CaseClaim]:
        """The claims of the rows that are known, locked and out of the session."""
        numbers = [row.values["claim_no"] for row in rows]
        wanted = select(CaseClaim).where(CaseClaim.case_id == self._case.id, CaseClaim.claim_no.in_(numbers))
        known = {claim.claim_no: claim for claim in db.session.scalars(wanted.with_for_update())}
        for claim in known.values():
            db.session.expunge(claim)
        return known

    def judge(self, rows: Sequence[ReadRow], known: Mapping[str, CaseClaim]) -> _Judged:
        """What is new, its person sealed, and what completes claims that nobody has verified yet."""
        new = [row for row in rows if row.values["claim_no"] not in known]
        changed = [
            made
            for row in rows
            if (claim := known.get(row.values["claim_no"])) is not None and (made := self._change(row, claim))
        ]
        return [claims.claim_row(self._actor, self._case.id, _claim(row.values)) for row in new], changed

    def write(self, judged: _Judged) -> None:
        """Enter new claims, complete known ones."""
        new, changed = judged
        insert_in_bulk(CaseClaim, new)
        update_in_bulk(CaseClaim, changed)
        self._created += len(new)
        self._updated += len(changed)

    def _change(self, row: ReadRow, claim: CaseClaim) -> dict[str, Any] | None:
        person = claims.opened(claim)
        given = _claim(row.values)
        merged = person | given["participant"]
        if merged == person and given["claimed_yuan"] == claim.claimed_yuan:
            self._unchanged += 1
            return None
        if claim.verified_at is not None or claim.verified_yuan is not None:
            row.refuse("claim_no", "该债权已核实，不能由导入改动")
            return None
        return {
            "id": claim.id,
            "claimed_yuan": given["claimed_yuan"],
            **claims.sealed_person(claim.id, merged),
            **claims.entered_anew(self._actor, claim),
        }

    def finish(self) -> None:
        """Write the step into the history of the case."""
        service.note(self._actor, self._case, claims.ENTER_CLAIMS, {"count": self._created, "changed": self._updated})


def _claim(values: Mapping[str, Any]) -> dict[str, Any]:
    person = {name: values[name] for name in claims.PERSON_FIELDS if name in values}
    return {"claim_no": values["claim_no"], "claimed_yuan": values["claimed_yuan"], "participant": person}


class ResultTarget:
    """What the bank says of the payments of one batch."""

    columns = RESULT_COLUMNS
    key = "claim_no"
    further = frozenset[str]()

    def __init__(self, actor: Actor, case_id: UUID, batch_id: UUID) -> None:
        """Raise as :func:`payments.payable`."""
        self._actor = actor
        self._case = payments.payable(actor, case_id)
        self._batch = db.session.get_one(PaymentBatch, batch_id)
        self._settled = 0

    def counts(self) -> tuple[int, int, int]:
        """Payments are settled, that is updated."""
        return 0, self._settled, 0

    def look_up(self, _rows: Sequence[ReadRow]) -> None:
        """Nothing: what is known of a payment decides at the writing."""

    def judge(self, rows: Sequence[ReadRow], _known: None) -> Sequence[ReadRow]:
        """Every row as it is."""
        return rows

    def write(self, rows: Sequence[ReadRow]) -> None:
        """Settle the payments that can be."""
        by_number = {row.values["claim_no"]: row for row in rows}
        faults = payments.settle(self._actor, self._batch, [row.values for row in rows])
        for claim_no, reason in faults.items():
            by_number[claim_no].refuse("claim_no" if "不在" in reason else "state", reason)
        self._settled += len(rows) - len(faults)

    def finish(self) -> None:
        """Let what was returned follow, and write the step into the history of the case."""
        payments.note_results(self._actor, self._case, self._batch.number, self._settled)
