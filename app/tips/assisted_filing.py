"""Entering a tip for somebody who rang, wrote or came (条例 Art. 16: every way of reporting counts alike).

It becomes a tip like any other: the same checks, the same finding of the district, the same registration by the
server's time. What differs is recorded beside it: who entered it, when it had reached the office, and its file number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, tuple_

from app.foundation import clock
from app.foundation.database import Row, db, insert_rows
from app.foundation.errors import Forbidden
from app.foundation.permissions import Actor, Permission
from app.tips import service
from app.tips.models import AssistedFiling, Tip

CHANNELS: Final = {
    "phone": "电话",
    "letter": "来信",
    "visit": "来访",
    "community": "居（村）委会报告",
    "bank": "金融机构报告",
    "authority": "其他部门转来",
}
"""The ways on which a tip comes without the page (条例 Art. 12, 13, 16, 17)."""


def file_for_reporter(actor: Actor, body: dict[str, Any]) -> service.Receipt:
    """File what somebody reported to ``actor``; the receipt's codes are for the reporter, and shown this once.

    A district's officer files for the whole city: the tip goes to the city's desk, out of that officer's sight. So the
    caller opens the wall for this one transaction.

    Raises:
        Forbidden: not this person's. InvalidInput: evidence that is not this officer's own upload.
    """
    if not actor.may(Permission.TIP_ENTER) or actor.account_id is None:
        raise Forbidden("您无权代为登记举报")
    receipt = service.submit_tip(body["tip"], None, body["channel"], filed_by=actor)
    if not receipt.repeated:
        number = receipt.receipt_number
        kept = {
            "tip_id": db.session.scalars(select(Tip.id).where(Tip.receipt_number == number)).one(),
            "entered_by": actor.account_id,
            "unit_id": actor.unit_id,
            "received_on": body["received_on"] or clock.today(),
            "source_number": body["source_number"],
        }
        insert_rows([Row(AssistedFiling, kept)])
    return receipt


def entered_by(actor: Actor, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Any]:
    """What ``actor`` entered, newest first: filing, id, receipt number, moment, channel; one row beyond ``limit``.

    Most of it is out of a district officer's sight, so that the caller opens the wall for this one look. Nothing is
    told but what the slip said that this officer handed over.
    """
    statement = (
        select(AssistedFiling, Tip.id, Tip.receipt_number, Tip.registered_at, Tip.channel)
        .join(Tip, Tip.id == AssistedFiling.tip_id)
        .where(AssistedFiling.entered_by == actor.account_id)
    )
    if after:
        statement = statement.where(tuple_(Tip.registered_at, Tip.id) < tuple_(*after))
    return db.session.execute(statement.order_by(Tip.registered_at.desc(), Tip.id.desc()).limit(limit + 1)).all()
