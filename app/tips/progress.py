"""What a reporter sees of the own tip. No names, no units, no reasons, nothing of any other reporter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from app.foundation.database import db
from app.tips.models import Tip, TipEvidence, TipMessage, TipRating, TipWithdrawal
from app.workflow import queries as handling_queries
from app.workflow.models import Handling, HandlingEvent
from app.workflow.states import OPEN_STATUSES, Action, Status

SENDER_TEXTS: Final = {"office": "承办单位工作人员", "reporter": "举报人"}
REPLIED_STATUSES: Final = frozenset({Status.REPLIED, Status.ARCHIVED})


def leading(tip_id: UUID) -> Handling:
    """The handling that decides about a tip: its own, or that of the tip it was merged into."""
    handling = db.session.get_one(Handling, tip_id)
    while handling.merged_into is not None:
        handling = db.session.get_one(Handling, handling.merged_into)
    return handling


def progress_of(tip: Tip) -> dict[str, Any]:
    """Status and steps in plain words, messages, what can be done, and the reply."""
    handling = leading(tip.id)
    status = Status(handling.status)
    return {
        "status": status.value,
        "status_text": status.public_text,
        "steps": _steps(tip.id, handling.tip_id),
        "messages": [as_shown(*row) for row in messages_of(tip.id)],
        "can_supplement": status in OPEN_STATUSES,
        "can_message": status is not Status.ARCHIVED,
        "can_rate": status in REPLIED_STATUSES and db.session.get(TipRating, tip.id) is None,
        "withdrawn": db.session.get(TipWithdrawal, tip.id) is not None,
        "reply": handling.reply if status in REPLIED_STATUSES else None,
    }


def _steps(tip_id: UUID, leading_id: UUID) -> list[dict[str, Any]]:
    """The own steps; after a merge those of the leading tip from that moment on, so that nothing earlier shows."""
    events = list(handling_queries.history_of(tip_id))
    if leading_id != tip_id:
        merged_at = events[-1].at
        events += [event for event in handling_queries.history_of(leading_id) if event.at > merged_at]
    return list(_in_plain_words(events))


def _in_plain_words(events: Iterable[HandlingEvent]) -> Iterable[dict[str, Any]]:
    last = ""
    for event in events:
        text = Status(event.to_status).public_text
        if text != last or event.action == Action.ASK_SUPPLEMENT:
            yield {"at": event.at, "status": event.to_status, "text": text}
        last = text


def messages_of(tip_id: UUID) -> list[tuple[TipMessage, int]]:
    """Messages of a tip with the number of files each brought, oldest first."""
    files = (
        select(func.count()).select_from(TipEvidence).where(TipEvidence.message_id == TipMessage.id).scalar_subquery()
    )
    rows = db.session.execute(
        select(TipMessage, files).where(TipMessage.tip_id == tip_id).order_by(TipMessage.at, TipMessage.id)
    )
    return [(message, count) for message, count in rows]


def as_shown(message: TipMessage, files: int) -> dict[str, Any]:
    """A message in the words that both sides read; it names no officer."""
    return {
        "at": message.at,
        "sender": message.sender,
        "sender_text": SENDER_TEXTS[message.sender],
        "kind": message.kind,
        "text": message.text or f"补充材料 {files} 份",
        "files": files,
        "due_on": message.due_on,
    }
