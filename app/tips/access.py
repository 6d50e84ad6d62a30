"""Receipt number and query code → tip: the one way in for everything a reporter does after filing.

A wrong code and an unknown number are answered alike and do the same work: the same look-ups, the same digest, the same
comparisons (domain rule 17).

A tip has the code given at filing; further ones may be issued for a reporter who lost it. The newest issued code that
has not been used yet is good for a while beside the present one; its first use makes it the present one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select, update

from app.audit import service as audit
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import db, read_rows
from app.foundation.errors import NotFound
from app.foundation.permissions import PUBLIC
from app.tips import guard, receipts
from app.tips.guard import Caller
from app.tips.models import ReissuedCode, Tip
from app.tips.service import crypto

NEW_CODE_WAITS: Final = timedelta(days=7)
"""How long an issued code waits for its first use."""
_NO_DIGEST: Final = bytes(32)
_TIP, _ISSUED = Tip.__table__.c, ReissuedCode.__table__.c
_CODES: Final = (
    select(
        _TIP.id,
        _TIP.query_code_digest,
        _ISSUED.id,
        _ISSUED.tip_id,
        _ISSUED.code_digest,
        _ISSUED.issued_at,
        _ISSUED.first_used_at,
    )
    .select_from(Tip.__table__.outerjoin(ReissuedCode.__table__, _ISSUED.tip_id == _TIP.id))
    .where(_TIP.receipt_number == bindparam("number"))
    .order_by(_ISSUED.issued_at.desc(), _ISSUED.id.desc())
)
"""One statement, made once: the public asks for the state of a tip more often than for anything else."""


def open_tip(receipt_number: str, query_code: str, caller: Caller) -> Tip:
    """The tip of a receipt number and its code; see :func:`open_tip_id`."""
    return db.session.get_one(Tip, open_tip_id(receipt_number, query_code, caller))


def open_tip_id(receipt_number: str, query_code: str, caller: Caller) -> UUID:
    """Which tip the codes open. May note the first use of a new code, so that it needs a transaction.

    Raises:
        NotFound: wrong code or unknown number; which of them is never said.
        TooManyRequests: the number or the source is locked.
    """
    number, code = receipts.normalised(receipt_number), receipts.normalised(query_code)
    tip_id, first_use = _matching_tip(number, code)
    guard.settle_attempt(number, caller, right=tip_id is not None)
    if tip_id is None:
        raise NotFound("受理编号或查询码不正确，请核对后再试", code="receipt_or_code_wrong")
    if first_use:
        _note_first_use(first_use)
    return tip_id


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that was issued later, as far as opening a tip needs to know it."""

    id: UUID
    tip_id: UUID
    code_digest: bytes
    issued_at: datetime
    first_used_at: datetime | None


def _matching_tip(number: str, code: str) -> tuple[UUID | None, IssuedCode | None]:
    """(the tip, the issued code that is used for the first time).

    Same look-up, same digest and same number of comparisons, whether the number exists or not.
    """
    rows = read_rows(_CODES, number=number)
    issued = [IssuedCode(*row[2:]) for row in rows if row[2] is not None]
    present, waiting = good_codes(rows[0][1] if rows else _NO_DIGEST, issued)
    digest = receipts.code_digest(crypto(), number, code)
    is_present = Crypto.same(digest, present)
    is_waiting = Crypto.same(digest, waiting.code_digest if waiting else _NO_DIGEST)
    if not rows or not (is_present or is_waiting):
        return None, None
    return rows[0][0], waiting if is_waiting else None


def good_codes(original: bytes, issued: Sequence[IssuedCode]) -> tuple[bytes, IssuedCode | None]:
    """(digest of the present code, the newest code that waits for its first use). ``issued``: newest first."""
    present = next((row.code_digest for row in issued if row.first_used_at is not None), original)
    newest = issued[0] if issued else None
    if newest is None or newest.first_used_at is not None or newest.issued_at <= clock.now() - NEW_CODE_WAITS:
        return present, None
    return present, newest


def _note_first_use(row: IssuedCode) -> None:
    db.session.execute(
        update(ReissuedCode)
        .where(ReissuedCode.id == row.id, ReissuedCode.first_used_at.is_(None))
        .values(first_used_at=clock.now(), sealed_code=None)
        .execution_options(synchronize_session=False)
    )
    audit.record(PUBLIC, "tips.new_code_used", "tip", row.tip_id)
