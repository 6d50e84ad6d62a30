"""Receipt number and query code → tip: the one way in for everything a reporter does after filing.

A wrong code and an unknown number are answered alike and do the same work: the same look-ups, the same digest, the same
comparisons (domain rule 17).

A tip has the code given at filing; further ones may be issued for a reporter who lost it. The newest issued code that
has not been used yet is good for a while beside the present one; its first use makes it the present one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from app.audit import service as audit
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import db
from app.foundation.errors import NotFound
from app.foundation.permissions import PUBLIC
from app.tips import guard, receipts
from app.tips.guard import Caller
from app.tips.models import ReissuedCode, Tip
from app.tips.service import crypto

NEW_CODE_WAITS: Final = timedelta(days=7)
"""How long an issued code waits for its first use."""
_NO_TIP: Final = UUID(int=0)
_NO_DIGEST: Final = bytes(32)


def open_tip(receipt_number: str, query_code: str, caller: Caller) -> Tip:
    """The tip of a receipt number and its code. May note the first use of a new code, so that it needs a transaction.

    Raises:
        NotFound: wrong code or unknown number; which of them is never said.
        TooManyRequests: the number or the source is locked.
    """
    number, code = receipts.normalised(receipt_number), receipts.normalised(query_code)
    guard.admit_attempt(number, caller)
    tip_id = _matching_tip(number, code)
    if tip_id is None:
        guard.note_wrong_code(caller)
        raise NotFound("受理编号或查询码不正确，请核对后再试", code="receipt_or_code_wrong")
    guard.note_right_code(number)
    return db.session.get_one(Tip, tip_id)


def _matching_tip(number: str, code: str) -> UUID | None:
    """Same look-ups, same digest and same number of comparisons, whether the number exists or not."""
    row = db.session.execute(select(Tip.id, Tip.query_code_digest).where(Tip.receipt_number == number)).one_or_none()
    tip_id, original = row or (_NO_TIP, _NO_DIGEST)
    issued = db.session.scalars(
        select(ReissuedCode).where(ReissuedCode.tip_id == tip_id).order_by(ReissuedCode.issued_at.desc())
    ).all()
    present, waiting = good_codes(original, issued)
    digest = receipts.code_digest(crypto(), number, code)
    is_present = Crypto.same(digest, present)
    is_waiting = Crypto.same(digest, waiting.code_digest if waiting else _NO_DIGEST)
    if row is None:
        return None
    if is_waiting and waiting:
        _note_first_use(waiting)
    return tip_id if is_present or is_waiting else None


def good_codes(original: bytes, issued: Sequence[ReissuedCode]) -> tuple[bytes, ReissuedCode | None]:
    """(digest of the present code, the newest code that waits for its first use). ``issued``: newest first."""
    present = next((row.code_digest for row in issued if row.first_used_at is not None), original)
    newest = issued[0] if issued else None
    if newest is None or newest.first_used_at is not None or newest.issued_at <= clock.now() - NEW_CODE_WAITS:
        return present, None
    return present, newest


def _note_first_use(row: ReissuedCode) -> None:
    db.session.execute(
        update(ReissuedCode)
        .where(ReissuedCode.id == row.id, ReissuedCode.first_used_at.is_(None))
        .values(first_used_at=clock.now(), sealed_code=None)
        .execution_options(synchronize_session=False)
    )
    audit.record(PUBLIC, "tips.new_code_used", "tip", row.tip_id)
