"""How long the identity behind a tip is kept, and its removal (PIPL Art. 19, 47; domain §6.2).

The program proposes, a person decides, once. What is removed is the sealed identity with its blind indexes; the
statement, its handling and every figure stay. The terms are proposals until the archive office has spoken. A tip that
was merged has ended when and as its main tip has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, OutOfScope
from app.foundation.permissions import Actor
from app.outbox import service as outbox
from app.tips import policy
from app.tips.models import IdentityRemoval, RecheckRequest, Reporter, Tip
from app.tips.progress import leading
from app.workflow import exclusions
from app.workflow.models import Handling, HandlingEvent
from app.workflow.states import Outcome, Status

REPORTER_FORGOTTEN: Final = "notifications.reporter_forgotten"
"""The outbox topic by which higher rooms forget what leads to a reporter too."""
UNFOUNDED_YEARS: Final = 3
FOUNDED_YEARS: Final = 10
MOST_AT_ONCE: Final = 1000
_UNFOUNDED: Final = (Outcome.UNSUBSTANTIATED, Outcome.CANNOT_VERIFY, Outcome.NOT_ILLEGAL_FUNDRAISING)
_BASIS: Final = {
    UNFOUNDED_YEARS: f"未受理或者查证不属实，办结满 {UNFOUNDED_YEARS} 年",
    FOUNDED_YEARS: f"已依法处理，归档满 {FOUNDED_YEARS} 年",
}


def propose_removals() -> int:
    """Propose every identity whose term is over and that nobody has decided about; return how many are new.

    What was proposed, then handled again and has now ended in another way, is proposed anew on that basis.
    """
    proposed = 0
    for years, basis in _BASIS.items():
        due = db.session.scalars(_due(years).limit(MOST_AT_ONCE)).all()
        moment = clock.now()
        rows = [{"id": new_id(), "tip_id": tip_id, "proposed_at": moment, "basis": basis} for tip_id in due]
        if rows:
            added = insert(IdentityRemoval).on_conflict_do_update(
                index_elements=["tip_id"], set_={"proposed_at": moment, "basis": basis}, where=_UNDECIDED
            )
            proposed += len(db.session.scalars(added.returning(IdentityRemoval.id), rows).all())
    return proposed


_LEADING: Final = aliased(Handling)
_UNDECIDED: Final = IdentityRemoval.decision.is_(None)


def _due(years: int) -> Select[UUID]:
    """Tips whose term of ``years`` is over, and that nobody has decided about or was asked to on this basis."""
    answered = or_(~_UNDECIDED, IdentityRemoval.basis == _BASIS[years])
    known = exists().where(IdentityRemoval.tip_id == Reporter.tip_id, answered)
    return _over(years).where(~known).order_by(Reporter.tip_id)


def _over(years: int) -> Select[UUID]:
    """Tips with an identity whose handling ended more than ``years`` ago and in the way these years are for."""
    ended = select(func.max(HandlingEvent.at)).where(HandlingEvent.tip_id == _LEADING.tip_id).scalar_subquery()
    open_recheck = exists().where(RecheckRequest.tip_id == Reporter.tip_id, RecheckRequest.closed_at.is_(None))
    return (
        select(Reporter.tip_id)
        .join(Handling, Handling.tip_id == Reporter.tip_id)
        .join(_LEADING, _LEADING.tip_id == func.coalesce(Handling.merged_into, Handling.tip_id))
        .where(_ended_so(years), ended < _years_ago(years), ~open_recheck)
    )


def _ended_so(years: int) -> ColumnElement[bool]:
    archived, unfounded = _LEADING.status == Status.ARCHIVED.value, _LEADING.outcome.in_(_UNFOUNDED)
    if years == UNFOUNDED_YEARS:
        return or_(_LEADING.status == Status.REJECTED.value, and_(archived, unfounded))
    return and_(archived, or_(_LEADING.outcome.is_(None), ~unfounded))


def _years_ago(years: int) -> datetime:
    today = clock.today()
    leap_day = (today.month, today.day) == (2, 29)
    return clock.start_of_today() - (today - today.replace(year=today.year - years, day=28 if leap_day else today.day))


# A person decides ---------------------------------------------------------------------------------------------------


def removal_page(
    actor: Actor, after: tuple[datetime, UUID] | None, limit: int, *, decided: bool = False
) -> Sequence[tuple[IdentityRemoval, str, str]]:
    """Proposals within sight with receipt number and status; one row more than ``limit``.

    Those that wait come oldest first, the decided ones newest first.
    """
    statement = _removals(actor).where(~_UNDECIDED if decided else _waiting())
    key = (IdentityRemoval.proposed_at, IdentityRemoval.id)
    if after:
        statement = statement.where(tuple_(*key) < tuple_(*after) if decided else tuple_(*key) > tuple_(*after))
    statement = statement.order_by(*(one.desc() if decided else one for one in key)).limit(limit + 1)
    return [(row[0], row[1], row[2]) for row in db.session.execute(statement)]


def _waiting() -> ColumnElement[bool]:
    """Proposals that wait for a decision: of a tip that was handled again none does, until its new term is over."""
    over = [_over(years).where(Reporter.tip_id == IdentityRemoval.tip_id).exists() for years in _BASIS]
    return and_(_UNDECIDED, or_(*over))


def removals_by_id(actor: Actor, removal_ids: Collection[UUID]) -> Sequence[tuple[IdentityRemoval, str, str]]:
    """Those of these proposals within sight that nobody has decided about, as the list had them."""
    chosen = _removals(actor).where(IdentityRemoval.id.in_(removal_ids), _UNDECIDED)
    rows = db.session.execute(chosen.order_by(IdentityRemoval.proposed_at, IdentityRemoval.id))
    return [(row[0], row[1], row[2]) for row in rows]


def _removals(actor: Actor) -> Select[Any]:
    statement = policy.visible_removals(actor).join(Tip, Tip.id == IdentityRemoval.tip_id)
    return statement.add_columns(Tip.receipt_number, Handling.status)


def decide_removal(actor: Actor, removal_id: UUID, decision: Literal["remove", "keep"], reason: str) -> IdentityRemoval:
    """Remove the identity, or keep it for good with a reason; recorded either way.

    Raises:
        OutOfScope: none within sight. Forbidden: not this person's, or he stands aside. Conflict: decided, the tip is
            handled again, or was meanwhile, so that its term is not over.
    """
    about = {"audit_object": ("identity_removal", str(removal_id))}
    removal = db.session.scalar(
        policy.visible_removals(actor).where(IdentityRemoval.id == removal_id).with_for_update(of=IdentityRemoval)
    )
    if removal is None:
        raise OutOfScope("未找到该清除建议", extra=about)
    if not policy.can_decide_removal(actor):
        raise Forbidden("身份信息的清除由市级负责人确认", extra=about)
    exclusions.refuse_excluded(actor, removal.tip_id)
    if removal.decision is not None:
        raise Conflict("该建议已经处理", code="removal_decided")
    if decision == "remove":
        removal.basis = _remove(removal.tip_id)
    removal.decision, removal.reason = decision, reason
    removal.decided_at, removal.decided_by = clock.now(), actor.account_id
    db.session.flush()
    audit.record(actor, f"tips.identity_{decision}", "tip", removal.tip_id, reason=reason)
    return removal


def _remove(tip_id: UUID) -> str:
    """Remove the identity, and return on what basis: the tip may have ended otherwise since it was proposed."""
    if Status(leading(tip_id).status) not in {Status.ARCHIVED, Status.REJECTED}:
        raise Conflict("该线索已重新办理，暂不能清除举报人身份信息", code="tip_reopened")
    over = (years for years in _BASIS if db.session.scalar(_over(years).where(Reporter.tip_id == tip_id)) is not None)
    if (years := next(over, None)) is None:
        raise Conflict(
            "该线索提出建议后又重新办理或评价，保存期限尚未届满，暂不能清除举报人身份信息", code="term_not_over"
        )
    db.session.execute(delete(Reporter).where(Reporter.tip_id == tip_id))
    outbox.leave(REPORTER_FORGOTTEN, tip_id=str(tip_id))
    return _BASIS[years]


def removal_line(removal: IdentityRemoval, receipt_number: str, status: str) -> dict[str, Any]:
    """One proposal as the office reads it."""
    return {
        "id": removal.id,
        "tip_id": removal.tip_id,
        "receipt_number": receipt_number,
        "status": status,
        "basis": removal.basis,
        "proposed_at": removal.proposed_at,
    }
