"""Receipt number and query code → tip: the one way in for everything a reporter does after filing.

A wrong code and an unknown number are answered alike and do the same work: the same look-ups, the same digest, the same
comparisons (domain rule 17).

A tip has the code given at filing; further ones may be issued for a reporter who lost it. The newest issued code that
has not been used yet is good for a while beside the present one; its first use makes it the present one.

A code that an officer issued has been in somebody else's hands. So it opens less than the reporter's own one, and
retires nothing but another of its kind: nobody in the office speaks for a reporter or locks one out with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select, update

from app.audit import service as audit
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import db, read_rows
from app.foundation.errors import Forbidden, NotFound
from app.foundation.permissions import PUBLIC
from app.tips import guard, receipts
from app.tips.guard import Caller
from app.tips.models import ReissuedCode, Tip
from app.tips.service import crypto

NEW_CODE_WAITS: Final = timedelta(days=7)
"""How long an issued code waits for its first use."""
BY_OFFICER: Final = "officer"
"""The way of a code that an officer issued (``ReissuedCode.way``)."""
NOT_THE_OWN_CODE: Final = (
    "您使用的是工作人员补发的查询码，只能查看进展、留言和补充材料，不能评价、撤回举报或者填写收款账号。"
    "请使用提交举报时取得的查询码，或者用提交举报的微信小程序找回查询码后办理；都没有的，请致电我们。"
    "奖励也可以不填收款账号，凭本人身份证件到受理单位领取"
)
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
        _ISSUED.way,
    )
    .select_from(Tip.__table__.outerjoin(ReissuedCode.__table__, _ISSUED.tip_id == _TIP.id))
    .where(_TIP.receipt_number == bindparam("number"))
    .order_by(_ISSUED.issued_at.desc(), _ISSUED.id.desc())
)
"""One statement, made once: the public asks for the state of a tip more often than for anything else."""


def open_tip(receipt_number: str, query_code: str, caller: Caller, *, own: bool = False) -> Tip:
    """The tip of a receipt number and its code; see :func:`open_tip_id`."""
    return db.session.get_one(Tip, open_tip_id(receipt_number, query_code, caller, own=own))


def open_tip_id(receipt_number: str, query_code: str, caller: Caller, *, own: bool = False) -> UUID:
    """Which tip the codes open. May note the first use of a new code, so that it needs a transaction.

    With ``own`` only the reporter's own code is good enough: for what decides instead of the reporter.

    Raises:
        NotFound: wrong code or unknown number; which of them is never said.
        TooManyRequests: the number or the source is locked.
        Forbidden: an officer issued the code, and ``own`` was asked for.
    """
    number, code = receipts.normalised(receipt_number), receipts.normalised(query_code)
    tip_id, issued = _matching_tip(number, code)
    guard.settle_attempt(number, caller, right=tip_id is not None)
    if tip_id is None:
        raise NotFound("受理编号或查询码不正确，请核对后再试", code="receipt_or_code_wrong")
    if own and issued is not None and issued.way == BY_OFFICER:
        raise Forbidden(NOT_THE_OWN_CODE, extra={"audit_object": ("tip", str(tip_id))}, code="not_the_own_code")
    if issued is not None and issued.first_used_at is None:
        _note_first_use(issued)
    return tip_id


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that was issued later, as far as opening a tip needs to know it."""

    id: UUID
    tip_id: UUID
    code_digest: bytes
    issued_at: datetime
    first_used_at: datetime | None
    way: str


def _matching_tip(number: str, code: str) -> tuple[UUID | None, IssuedCode | None]:
    """(the tip, the issued code that was shown; none for the code given at filing).

    Same look-up, same digest and same number of comparisons, whether the number exists or not.
    """
    rows = read_rows(_CODES, number=number)
    issued = [IssuedCode(*row[2:]) for row in rows if row[2] is not None]
    digest = receipts.code_digest(crypto(), number, code)
    good = good_codes(rows[0][1] if rows else _NO_DIGEST, issued)
    right = [row for shown, row in good if Crypto.same(digest, shown)]
    if not rows or not right:
        return None, None
    return rows[0][0], right[0]


def good_codes(original: bytes, issued: Sequence[IssuedCode]) -> list[tuple[bytes, IssuedCode | None]]:
    """Digest and row of what opens a tip, always four: of the reporter's own and of the office's codes the present
    one and the one that waits for its first use. ``issued``: newest first.
    """
    own, own_waits = _line([row for row in issued if row.way != BY_OFFICER])
    since = own.issued_at if own else datetime.min.replace(tzinfo=UTC)
    office, office_waits = _line([row for row in issued if row.way == BY_OFFICER and row.issued_at > since])
    present = own.code_digest if own else original
    others = [(row.code_digest if row else _NO_DIGEST, row) for row in (own_waits, office, office_waits)]
    return [(present, own), *others]


def _line(issued: Sequence[IssuedCode]) -> tuple[IssuedCode | None, IssuedCode | None]:
    """(the code used last, the newest one while it waits for its first use) of codes issued in one way."""
    present = next((row for row in issued if row.first_used_at is not None), None)
    newest = issued[0] if issued else None
    waits = newest and newest.first_used_at is None and newest.issued_at > clock.now() - NEW_CODE_WAITS
    return present, newest if waits else None


def _note_first_use(row: IssuedCode) -> None:
    db.session.execute(
        update(ReissuedCode)
        .where(ReissuedCode.id == row.id, ReissuedCode.first_used_at.is_(None))
        .values(first_used_at=clock.now(), sealed_code=None)
        .execution_options(synchronize_session=False)
    )
    audit.record(PUBLIC, "tips.new_code_used", "tip", row.tip_id)
