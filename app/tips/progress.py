"""What a reporter sees of the own tip. No names, no units, no reasons, nothing of any other reporter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, func, select

from app.foundation.database import db, read_rows
from app.tips.models import RecheckRequest, TipEvidence, TipMessage, TipRating, TipWithdrawal
from app.workflow.models import Handling, HandlingEvent
from app.workflow.states import OPEN_STATUSES, Action, Status

SENDER_TEXTS: Final = {"office": "承办单位工作人员", "reporter": "举报人"}
SETTLED_STATUSES: Final = frozenset({Status.CONCLUDED, Status.REPLIED, Status.ARCHIVED})
REPLIED_STATUSES: Final = frozenset({Status.REPLIED, Status.ARCHIVED})


def leading(tip_id: UUID) -> Handling:
    """The handling that decides about a tip: its own, or that of the tip it was merged into."""
    handling = db.session.get_one(Handling, tip_id)
    while handling.merged_into is not None:
        handling = db.session.get_one(Handling, handling.merged_into)
    return handling


def followers(tip_id: UUID) -> Select[UUID]:
    """The tips that were merged into this one; a surge brings ten thousand of them."""
    return select(Handling.tip_id).where(Handling.merged_into == tip_id).order_by(Handling.tip_id)


UPHELD: Final = "upheld"
REOPENED: Final = "reopened"
RECHECK_TEXTS: Final[Mapping[str | None, str]] = {
    None: "市级将另行指定人员复核，请等待结果",
    UPHELD: "市级已另行指定人员复核，维持原处理",
    REOPENED: "市级已另行指定人员复核，决定重新办理",
}
Addition = Callable[[UUID], dict[str, Any] | None]
_rewards: list[Addition] = []


def adds_when_settled(addition: Addition) -> Addition:
    """Register what a higher room tells the reporter of a settled tip, under ``reward``."""
    _rewards.append(addition)
    return addition


def progress_of(tip_id: UUID) -> dict[str, Any]:
    """Status and steps in plain words, messages, what can be done, and the reply."""
    events = _events(tip_id)
    own = events[0]
    handling = own if own.merged_into is None else leading(tip_id)
    if handling is not own:  # the steps of the leading tip from the merger on, so that nothing earlier shows
        merged_at = events[-1].at
        events += [event for event in _events(handling.tip_id) if event.at > merged_at]
    status = Status(handling.status)
    return {
        "status": status.value,
        "status_text": status.public_text,
        "steps": list(_in_plain_words(events)),
        "messages": [as_shown(*row) for row in messages_of(tip_id)] if own.has_messages else [],
        "can_supplement": status in OPEN_STATUSES,
        "can_message": status is not Status.ARCHIVED,
        "can_rate": status in REPLIED_STATUSES and not own.rated,
        "recheck": _recheck(tip_id) if own.rated else None,
        "withdrawn": own.withdrawn,
        "reply": handling.reply if status in REPLIED_STATUSES else None,
        "reward": next((told for add in _rewards if (told := add(tip_id))), None)
        if status in SETTLED_STATUSES
        else None,
    }


_HANDLING, _EVENT = Handling.__table__.c, HandlingEvent.__table__.c
_EVENTS: Final = (
    select(
        _EVENT.at,
        _EVENT.action,
        _EVENT.to_status,
        _HANDLING.tip_id,
        _HANDLING.status,
        _HANDLING.reply,
        _HANDLING.merged_into,
        exists().where(TipRating.tip_id == _HANDLING.tip_id).label("rated"),
        exists().where(TipWithdrawal.tip_id == _HANDLING.tip_id).label("withdrawn"),
        exists().where(TipMessage.tip_id == _HANDLING.tip_id).label("has_messages"),
    )
    .select_from(Handling.__table__.join(HandlingEvent.__table__, _EVENT.tip_id == _HANDLING.tip_id))
    .where(_HANDLING.tip_id == bindparam("tip_id"))
    .order_by(_EVENT.version, _EVENT.at)
)
"""The steps, each with what stands beside them; one statement, because the public asks for nothing more often."""


def _events(tip_id: UUID) -> list[Any]:
    return read_rows(_EVENTS, tip_id=tip_id)


def _recheck(tip_id: UUID) -> dict[str, Any] | None:
    """The re-check that a low rating asked for: of its reasons nothing, of its result one sentence."""
    asked = db.session.scalar(select(RecheckRequest).where(RecheckRequest.tip_id == tip_id))
    if asked is None:
        return None
    result = asked.result or (None if asked.closed_at is None else UPHELD)  # before results were kept
    return {"requested_at": asked.requested_at, "closed_at": asked.closed_at, "text": RECHECK_TEXTS[result]}


def _in_plain_words(events: Iterable[Any]) -> Iterable[dict[str, Any]]:
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
