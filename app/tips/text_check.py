"""WeChat's check of a statement's text (msg_sec_check): a flag for the officer, never a reason to refuse.

Asked for named tips of the mini-program alone, after filing, through the outbox: the check needs the openid, and that
of an anonymous reporter is not known. The statement goes to WeChat without number, name or phone; where the office does
not want that, ``WECHAT_TEXT_CHECK=0`` asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.foundation import clock
from app.foundation.database import OPEN_WALL, Row, db, transaction
from app.identity import service as identity
from app.identity.wechat import WeChatClient, WeChatError, WeChatUnknown
from app.outbox import service as outbox
from app.outbox.models import OutboxMessage
from app.tips.models import Reporter, Tip, TipSubject, TipTextCheck

TEXT_CHECK_WANTED: Final = "tips.text_check_wanted"
UNCHECKED: Final = "unchecked"
"""WeChat would not check it (the person has not used the mini-program for two hours, or is unknown there)."""
FLAGS: Final[Mapping[str, str]] = {
    "risky": "微信文字安全检测提示：可能含违规内容，请注意甄别",
    "review": "微信文字安全检测提示：建议人工复查文字内容",
}
"""What the officer reads; the other verdicts say nothing."""


def wanted(tip_id: UUID) -> Iterator[Row]:
    """The message, to be inserted with a named tip of the mini-program."""
    if current_app.extensions["shudi_settings"].wechat_text_check:
        yield outbox.message_row(TEXT_CHECK_WANTED, tip_id=str(tip_id))


def check(message_id: int, tip_id: UUID) -> None:
    """Read → ask, outside any transaction → write the verdict with the mark that it is done."""
    with transaction(OPEN_WALL):
        openid, text = _openid_of(tip_id), _text_of(tip_id)
        failures = db.session.get_one(OutboxMessage, message_id).failures
    client: WeChatClient = current_app.extensions["shudi_wechat"]
    try:
        verdict: str = client.check_text(openid, text) if openid and text else UNCHECKED
    except WeChatError as fault:
        if (fault.retryable or isinstance(fault, WeChatUnknown)) and failures + 1 < outbox.MOST_ATTEMPTS:
            with transaction(OPEN_WALL):
                outbox.postpone(message_id, outbox.back_off(failures + 1), type(fault).__name__)
            return
        verdict = UNCHECKED
    with transaction(OPEN_WALL):
        row = insert(TipTextCheck).values(tip_id=tip_id, verdict=verdict, checked_at=clock.now())
        db.session.execute(row.on_conflict_do_nothing())
        outbox.finish(message_id)


def flag_of(tip_id: UUID) -> str | None:
    """The sentence beside a tip whose text WeChat doubts; nothing otherwise."""
    return FLAGS.get(db.session.scalar(select(TipTextCheck.verdict).where(TipTextCheck.tip_id == tip_id)) or "")


def _openid_of(tip_id: UUID) -> str | None:
    index = db.session.scalar(select(Reporter.openid_index).where(Reporter.tip_id == tip_id))
    return identity.openid_of(index) if index else None


def _text_of(tip_id: UUID) -> str:
    tip, subject = db.session.get_one(Tip, tip_id), db.session.get_one(TipSubject, tip_id)
    return "\n".join(filter(None, (subject.name, tip.promised_return, tip.description)))
