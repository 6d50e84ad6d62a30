"""Commands of the conversation between office and reporter: messages, supplements, withdrawal.

Neither side learns who the other is: the reporter reads "the handling unit", the office sees a receipt number. It all
works for anonymous tips too, because the reporter is known by the codes alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.files import service as files
from app.foundation import clock
from app.foundation.database import db, insert_in_bulk, new_id
from app.foundation.errors import Conflict, DeadlineBeyondCalendar, Forbidden, InvalidInput
from app.foundation.permissions import PROGRAM, PUBLIC, Actor
from app.outbox import service as outbox
from app.tips import policy, secrecy
from app.tips.evidence_copies import want_copies
from app.tips.models import Tip, TipEvidence, TipMessage, TipWithdrawal
from app.tips.progress import followers, leading
from app.tips.service import crypto
from app.workflow import limits
from app.workflow import queries as handling_queries
from app.workflow import service as workflow
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling
from app.workflow.states import OPEN_STATUSES, Action, Extension, Status

CONVERSATION_MOVED: Final = "notifications.conversation_moved"
"""The outbox topic of everything said after filing; notifications answers it."""
MOST_MESSAGES: Final = 200
"""A reporter's messages on one tip; nobody needs more, and nobody can fill the office's desk with one."""
MOST_FILES: Final = 100
_REQUEST: Final = "supplement_request"
_ANYTHING: Final = "请补充您掌握的合同、收据、转账凭证、宣传资料等能够说明情况的材料。"
TERM_OVER: Final = "补正期限届满，按现有材料审查"


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is kept; ``repeated`` when an earlier call with the same request id had brought it."""

    at: datetime
    repeated: bool = False


# The reporter's side ------------------------------------------------------------------------------------------------


def supplement(tip: Tip, text: str | None, evidence: list[UUID], client_request_id: UUID | None) -> Said:
    """Add text or files to a tip. One that waited for them goes back to the desk, its acceptance clock goes on.

    Raises:
        InvalidInput: neither text nor files, or files that cannot be used.
        Conflict: the tip is closed, or holds as much as one tip may, or the request id has said something else.
    """
    if not text and not evidence:
        raise InvalidInput(errors={"text": ["请填写补充说明或上传补充材料"]})
    digest = _request_digest("supplement", tip, client_request_id)
    if (earlier := _earlier(digest)) is not None:
        return _repeated(earlier, text or "", evidence)
    if Status(leading(tip.id).status) not in OPEN_STATUSES:
        raise Conflict("该举报已办理完毕，不能再补充材料", code="tip_closed")
    message = _keep(tip.id, "reporter", "supplement", text or "", digest=digest)
    if message.repeated:
        return Said(message.at, repeated=True)
    _attach(tip.id, message.id, evidence)
    _back_to_the_desk(tip.id)
    audit.record(PUBLIC, "tips.supplement", "tip", tip.id, files=len(evidence))
    _tell("supplement", tip.id, message.id)
    return Said(message.at)


def say(tip: Tip, text: str, client_request_id: UUID | None) -> Said:
    """Keep a message of the reporter; raise ``Conflict`` once the tip is archived or full, or as :func:`supplement`."""
    digest = _request_digest("message", tip, client_request_id)
    if (earlier := _earlier(digest)) is not None:
        return _repeated(earlier, text)
    if Status(leading(tip.id).status) is Status.ARCHIVED:
        raise Conflict("该举报已归档，不能再留言", code="tip_closed")
    message = _keep(tip.id, "reporter", "message", text, digest=digest)
    if not message.repeated:
        audit.record(PUBLIC, "tips.message", "tip", tip.id)
        _tell("message", tip.id, message.id)
    return Said(message.at, message.repeated)


def withdraw(tip: Tip, reason: str) -> Said:
    """Record that the reporter takes the tip back; once. The office sees the mark and may go on."""
    moment = clock.now()
    row = insert(TipWithdrawal).values(tip_id=tip.id, at=moment, reason=reason)
    kept = db.session.execute(row.on_conflict_do_nothing().returning(TipWithdrawal.at))
    if kept.first() is None:
        return Said(db.session.get_one(TipWithdrawal, tip.id).at, repeated=True)
    audit.record(PUBLIC, "tips.withdraw", "tip", tip.id)
    _tell("withdrawal", tip.id, new_id())
    return Said(moment)


def _request_digest(purpose: str, tip: Tip, client_request_id: UUID | None) -> bytes | None:
    if client_request_id is None:
        return None
    return crypto().digest(f"client-request/{purpose}", tip.id.bytes, client_request_id.bytes)


def _earlier(digest: bytes | None) -> TipMessage | None:
    if digest is None:
        return None
    return db.session.scalar(select(TipMessage).where(TipMessage.request_digest == digest))


def _repeated(earlier: TipMessage, text: str, evidence: Collection[UUID] = ()) -> Said:
    """The first answer, where the same is said again; what says something else must not get lost under it."""
    attached = select(TipEvidence.file_id).where(TipEvidence.message_id == earlier.id)
    if earlier.text != text or not set(evidence) <= set(db.session.scalars(attached)):
        raise Conflict("上一次提交的内容已经收到，这次的内容与它不同，请重新提交一次", code="request_id_reused")
    return Said(earlier.at, repeated=True)


@dataclass(frozen=True, slots=True)
class _Kept:
    id: UUID
    at: datetime
    repeated: bool = False


# long because every column of a message is named once.
def _keep(
    tip_id: UUID,
    sender: str,
    kind: str,
    text: str,
    *,
    account_id: UUID | None = None,
    due_on: date | None = None,
    digest: bytes | None = None,
) -> _Kept:
    """Insert a message. Of two equal requests at once the second waits for the first and finds its row."""
    _refuse_a_flood(tip_id, sender)
    message_id, moment = new_id(), clock.now()
    row = {
        "id": message_id,
        "tip_id": tip_id,
        "at": moment,
        "sender": sender,
        "kind": kind,
        "text": text,
        "account_id": account_id,
        "due_on": due_on,
        "request_digest": digest,
    }
    inserted = db.session.execute(
        insert(TipMessage)
        .values(row)
        .on_conflict_do_nothing(index_elements=["request_digest"])
        .returning(TipMessage.id)
    )
    if inserted.first() is None and (earlier := _earlier(digest)) is not None:
        return _Kept(earlier.id, earlier.at, repeated=True)
    return _Kept(message_id, moment)


def _refuse_a_flood(tip_id: UUID, sender: str) -> None:
    if sender == "reporter":
        said = select(func.count()).where(TipMessage.tip_id == tip_id, TipMessage.sender == sender)
        if (db.session.scalar(said) or 0) >= MOST_MESSAGES:
            raise Conflict(f"一件举报最多留言或补充 {MOST_MESSAGES} 次，请通过电话联系我们", code="too_many_messages")


def _attach(tip_id: UUID, message_id: UUID, evidence: list[UUID]) -> None:
    if not evidence:
        return
    held = db.session.scalar(select(func.count()).where(TipEvidence.tip_id == tip_id)) or 0
    if held + len(evidence) > MOST_FILES:
        raise Conflict(f"一件举报最多提交 {MOST_FILES} 个文件", code="too_many_files")
    moment, claimed = clock.now(), files.claim(evidence, "public")
    rows = [
        {"file_id": file.id, "tip_id": tip_id, "added_at": moment, "position": position, "message_id": message_id}
        for position, file in enumerate(claimed)
    ]
    db.session.execute(insert(TipEvidence), rows)
    want_copies(claimed)


def _back_to_the_desk(tip_id: UUID) -> None:
    """The tip that waits: its own, or the main one, of which every reporter was asked for what is missing.

    A calendar that ends too soon must not refuse what a reporter brings: an officer then moves the tip.
    """
    try:
        with db.session.begin_nested():
            workflow.supplement_received(PUBLIC, leading(tip_id).tip_id)
    except DeadlineBeyondCalendar:
        db.session.expire_all()


def _tell(kind: str, tip_id: UUID, event_id: UUID) -> None:
    outbox.leave(CONVERSATION_MOVED, tip_id=str(tip_id), event_id=str(event_id), kind=kind)


# The office's side --------------------------------------------------------------------------------------------------


def answer(actor: Actor, tip_id: UUID, text: str) -> Said:
    """Write to the reporter, for the unit that holds the tip.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: another unit holds it. Conflict: it is archived.
    """
    handling = handling_queries.handling_for(actor, tip_id)
    if not policy.can_write_to_reporter(actor, handling):
        raise Forbidden("只有承办该线索的单位可以给举报人留言", extra={"audit_object": ("tip", str(tip_id))})
    if Status(leading(tip_id).status) is Status.ARCHIVED:
        raise Conflict("该线索已归档，不能再留言", code="tip_closed")
    message = _keep(tip_id, "office", "message", text, account_id=actor.account_id)
    audit.record(actor, "tips.answer", "tip", tip_id)
    _tell("answer", tip_id, message.id)
    return Said(message.at)


def tell_decision(actor: Actor, tip_id: UUID, text: str) -> None:
    """Let the reporter read a decision that a higher room has made; it repeats nothing of the tip."""
    message = _keep(tip_id, "office", "message", text, account_id=actor.account_id)
    _tell("answer", tip_id, message.id)


def _write_to_all(actor: Actor, tip_id: UUID, text: str, *, kind: str = "message", due_on: date | None = None) -> None:
    """Write to the reporter of a tip and to those whose tips were merged into it: the matter is one.

    Raises:
        ReporterExposed: it goes to several, and would tell one of them of another (domain rules 16, 17).
    """
    following = db.session.scalars(followers(tip_id)).all()
    if following:
        secrecy.refuse_exposure(actor, ("tip", tip_id), [tip_id], text)
    _keep_alike([tip_id, *following], text, actor.account_id, kind, due_on)


def _keep_alike(tip_ids: Sequence[UUID], text: str, account_id: UUID | None, kind: str, due_on: date | None) -> None:
    """Insert the same message of the office for each of these tips; one statement, be they ten thousand."""
    same = {"at": clock.now(), "sender": "office", "kind": kind, "text": text, "account_id": account_id}
    rows = [{"id": new_id(), "tip_id": tip_id, "due_on": due_on, **same} for tip_id in tip_ids]
    insert_in_bulk(TipMessage, rows)


@workflow.accompanies(Action.ASK_SUPPLEMENT)
def ask_for_supplement(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> None:
    """Let the reporters read what is missing and until when; the step itself tells of it."""
    due_on = region_calendar().add(clock.today(), limits.value(Status.NEED_SUPPLEMENT))
    _write_to_all(actor, handling.tip_id, given["text"], kind=_REQUEST, due_on=due_on)


@workflow.accompanies(Action.MERGE)
def pass_on_what_is_missing(_actor: Actor, handling: Handling, _given: Mapping[str, Any]) -> None:
    """Let the reporters who come to a main tip that waits for a supplement read what is missing, as the others do.

    Of a request that was written to one reporter alone, and names that one, they read in general words.
    """
    main = leading(handling.tip_id)
    if Status(main.status) is not Status.NEED_SUPPLEMENT:
        return
    requests = select(TipMessage).where(TipMessage.tip_id == main.tip_id, TipMessage.kind == _REQUEST)
    asked = db.session.scalars(requests.order_by(TipMessage.at.desc(), TipMessage.id.desc()).limit(1)).one()
    told = exists().where(TipMessage.tip_id == Handling.tip_id, TipMessage.kind == _REQUEST, TipMessage.at >= asked.at)
    came_along = db.session.scalars(followers(main.tip_id).where(~told, Handling.tip_id != handling.tip_id)).all()
    text = _ANYTHING if secrecy.own_exposures(main.tip_id, asked.text) else asked.text
    _keep_alike([handling.tip_id, *came_along], text, asked.account_id, _REQUEST, asked.due_on)


@workflow.accompanies(Action.REJECT)
def tell_why_it_is_refused(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> None:
    """Let the reporters read why, and where to turn to (潍坊市12345条例 Art. 19); the step itself tells of it."""
    wording = limits.wordings(limits.REJECTION)[given["reason_code"]]
    text = f"您的举报不予受理。理由：{wording}。{given['reason']}\n其他反映渠道：{given['route']}"
    _write_to_all(actor, handling.tip_id, text)


@workflow.accompanies(Action.EXTEND)
def tell_why_it_takes_longer(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> None:
    """Let the reporters read that the whole takes longer, until when and why (信访工作条例 Art. 34)."""
    if given["clock"] == Extension.OVERALL:
        until = clock.day_text(date.fromisoformat(given["due_on"]))
        _write_to_all(actor, handling.tip_id, f"办理期限延长至 {until}，原因：{given['reason']}")
        _tell("extension", handling.tip_id, new_id())


def end_overdue_terms() -> int:
    """Take tips whose term for a supplement is over back to the desk; return how many. Twice moves nothing twice."""
    overdue = db.session.scalars(
        select(Handling.tip_id).where(Handling.status == Status.NEED_SUPPLEMENT.value, Handling.due_on < clock.today())
    ).all()
    return sum(workflow.supplement_received(PROGRAM, tip_id, reason=TERM_OVER) for tip_id in overdue)
