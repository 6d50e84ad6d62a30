"""What the reporter thinks of the handling, and the independent re-check that a low opinion asks for.

信访条例 Art. 21 lets the public rate the handling; 济南 12345 条例 Art. 27 sends back what does not satisfy. Here that
is done once a tip, by the city, and never by whoever concluded it (domain rule 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, OutOfScope
from app.foundation.permissions import PUBLIC, Actor
from app.outbox import service as outbox
from app.tips import policy
from app.tips.conversation import CONVERSATION_MOVED, Said
from app.tips.models import RecheckRequest, Tip, TipRating
from app.tips.progress import REOPENED, REPLIED_STATUSES, UPHELD, leading
from app.workflow import disclosure, exclusions
from app.workflow import service as workflow
from app.workflow.models import HandlingEvent
from app.workflow.states import CONCLUDING, Action, Status

LOW_SCORE: Final = 2
"""This score and below asks for the re-check."""
RESULTS: Final = {UPHELD: "维持原处理", REOPENED: "重新办理"}
"""What a re-check can come to; the second one reopens the tip."""


def rate(tip: Tip, score: int, comment: str | None) -> Said:
    """Keep the reporter's rating, given once after the reply; a low one asks the city to look again.

    Raises:
        Conflict: there is no reply yet, or another rating was given before.
    """
    handling = leading(tip.id)
    if Status(handling.status) not in REPLIED_STATUSES:
        raise Conflict("举报答复后才能评价", code="not_replied")
    row = insert(TipRating).values(tip_id=tip.id, at=clock.now(), score=score, comment=comment)
    kept = db.session.execute(row.on_conflict_do_nothing().returning(TipRating.at)).scalar()
    if kept is None:
        return _earlier(tip.id, score, comment)
    audit.record(PUBLIC, "tips.rate", "tip", tip.id, score=score)
    if score <= LOW_SCORE:
        _ask_for_recheck(tip.id, handling.tip_id)
    return Said(kept)


def _earlier(tip_id: UUID, score: int, comment: str | None) -> Said:
    """A phone that lost the answer sends the same again; anything else would change what was said."""
    given = db.session.get_one(TipRating, tip_id)
    if (given.score, given.comment) != (score, comment):
        raise Conflict("您已评价过这件举报，评价不能修改", code="already_rated")
    return Said(given.at, repeated=True)


def _ask_for_recheck(tip_id: UUID, concluded_id: UUID) -> None:
    request_id = new_id()
    row = {
        "id": request_id,
        "tip_id": tip_id,
        "requested_at": clock.now(),
        "concluded_by": _concluder(concluded_id),
    }
    db.session.execute(insert(RecheckRequest).values(row).on_conflict_do_nothing(index_elements=["tip_id"]))
    outbox.leave(CONVERSATION_MOVED, tip_id=str(tip_id), event_id=str(request_id), kind="recheck")


def _concluder(tip_id: UUID) -> UUID | None:
    """Who concluded the tip last: by a decision, or by recording the receipt of a transfer."""
    return db.session.scalar(
        select(HandlingEvent.actor_id)
        .where(HandlingEvent.tip_id == tip_id, HandlingEvent.action.in_(CONCLUDING))
        .order_by(HandlingEvent.version.desc())
        .limit(1)
    )


# The city's side ----------------------------------------------------------------------------------------------------


def recheck_page(
    actor: Actor, *, open_only: bool, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[RecheckRequest]:
    """Re-checks within sight, newest first; one row more than ``limit`` tells that there is a next page."""
    statement = policy.visible_rechecks(actor)
    if open_only:
        statement = statement.where(RecheckRequest.closed_at.is_(None))
    if after:
        statement = statement.where(tuple_(RecheckRequest.requested_at, RecheckRequest.id) < tuple_(*after))
    return db.session.scalars(
        statement.order_by(RecheckRequest.requested_at.desc(), RecheckRequest.id.desc()).limit(limit + 1)
    ).all()


def recheck_line(actor: Actor, request: RecheckRequest) -> dict[str, Any]:
    """A re-check with the rating that asked for it, as this person reads it."""
    tip, given = db.session.get_one(Tip, request.tip_id), db.session.get_one(TipRating, request.tip_id)
    line = {
        "id": request.id,
        "tip_id": request.tip_id,
        "receipt_number": tip.receipt_number,
        "requested_at": request.requested_at,
        "score": given.score,
        "comment": given.comment,
        "closed_at": request.closed_at,
        "result": request.result,
        "note": request.note,
    }
    return disclosure.told(actor, line, disclosure.RECHECK)


def close_recheck(actor: Actor, request_id: UUID, result: str, note: str) -> RecheckRequest:
    """Decide what the second look came to (of :data:`RESULTS`), and tell the reporter; ``REOPENED`` reopens the tip.

    Raises:
        OutOfScope: none within sight. Forbidden: this person concluded the tip or stands aside. Conflict: it is closed.
    """
    request = db.session.scalar(
        policy.visible_rechecks(actor).where(RecheckRequest.id == request_id).with_for_update(of=RecheckRequest)
    )
    about = {"audit_object": ("recheck", str(request_id))}
    if request is None:
        raise OutOfScope("未找到该复核请求", extra=about)
    if not policy.can_recheck(actor, request):
        exclusions.refuse_excluded(actor, request.tip_id)
        raise Forbidden("复核须由未参与办结的市级审核人进行", extra=about)
    if request.closed_at is not None:
        raise Conflict("该复核已经完成", code="recheck_closed")
    if result == REOPENED:
        _handle_again(actor, request.tip_id, note)
    request.closed_at, request.closed_by = clock.now(), actor.account_id
    request.result, request.note = result, note
    db.session.flush()
    audit.record(actor, "tips.close_recheck", "tip", request.tip_id, result=result)
    outbox.leave(CONVERSATION_MOVED, tip_id=str(request.tip_id), event_id=str(new_id()), kind="recheck_closed")
    return request


def _handle_again(actor: Actor, tip_id: UUID, reason: str) -> None:
    """Reopen what decides about the tip; what was only replied to is archived first, what is open again stays so."""
    handling = workflow.locked(actor, leading(tip_id).tip_id)
    if Status(handling.status) is Status.REPLIED:
        workflow.act(actor, handling.tip_id, Action.ARCHIVE, handling.version, {})
    if Status(handling.status) is Status.ARCHIVED:
        workflow.act(actor, handling.tip_id, Action.REOPEN, handling.version, {"reason": reason})
