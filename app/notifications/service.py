"""Commands on notices.

A step is announced in the transaction that marks its outbox message done: the officers' notices are written, and for
whoever is reached outside the office a delivery is queued with an outbox message of its own (``ladder``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.cases.models import FundraisingCase
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import OutOfScope
from app.foundation.permissions import Actor, Role
from app.geo import service as geo
from app.identity import queries as people
from app.identity.models import Account
from app.notifications import ladder, policy
from app.notifications.models import Delivery, Notice
from app.notifications.states import Channel, Kind
from app.notifications.steps import ALERTS, CONVERSATION_STEPS, GUESSED_AT, HANDLING_STEPS, REASSIGNMENT_STEPS, Circle
from app.notifications.wording import titles_of, with_number
from app.outbox import service as outbox
from app.tips.merge_models import ClusterMerge
from app.tips.models import Tip
from app.tips.progress import followers
from app.workflow import policy as handling_policy
from app.workflow.models import Handling, HandlingAlert, HandlingEvent, Reassignment, ReassignmentEvent
from app.workflow.states import CITY_ACTS, Action, AlertKind

TELL_REPORTERS: Final = "notifications.tell_reporters"
TOLD_AT_ONCE: Final = 50

# Announcing a step --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class News:
    """One step, as far as telling people of it goes."""

    event_id: UUID
    at: datetime
    actor_id: UUID | None
    tip_id: UUID | None = None
    reassignment_id: UUID | None = None
    case_id: UUID | None = None


def announce_step(tip_id: UUID, event_id: UUID) -> None:
    """Tell the officers concerned and the reporter of a step of a tip. A repeat adds nothing.

    Of a tip that was merged with its whole cluster no officer hears: ``run_news`` tells of the cluster.
    """
    event = db.session.get_one(HandlingEvent, event_id)
    step = HANDLING_STEPS[event.action]
    holder = event.to_unit_id or event.from_unit_id
    if not _merged_with_its_cluster(event):
        write_notices(
            News(event.id, event.at, event.actor_id, tip_id),
            {circle: officers(circle, {Circle.HANDLERS: holder}) for circle in step.titles},
            titles_of("handling", event.action, step),
            step.outward,
        )
    if step.told_to_reporter:
        _tell_reporters(tip_id, event_id)


def _tell_reporters(tip_id: UUID, event_id: UUID) -> None:
    """Tell the reporter of a tip, and those whose tips are handled with it: of a surge lot by lot.

    Each person told is one lock until the transaction ends, and PostgreSQL has room for some thousands.
    """
    concerned = [tip_id, *db.session.scalars(followers(tip_id))]
    tell_some(concerned[:TOLD_AT_ONCE], event_id)
    for start in range(TOLD_AT_ONCE, len(concerned), TOLD_AT_ONCE):
        lot = [str(one) for one in concerned[start : start + TOLD_AT_ONCE]]
        outbox.leave(TELL_REPORTERS, event_id=str(event_id), tip_ids=lot)


def tell_some(tip_ids: Sequence[UUID], event_id: UUID) -> None:
    """Tell the reporters of these tips of a step. A repeat adds nothing."""
    for tip_id in tip_ids:
        ladder.tell_reporter(tip_id, event_id)


def _merged_with_its_cluster(event: HandlingEvent) -> bool:
    if event.action != Action.MERGE:
        return False
    ordered = (
        select(ClusterMerge.id)
        .join(Handling, Handling.merged_into == ClusterMerge.into_tip_id)
        .where(
            Handling.tip_id == event.tip_id,
            ClusterMerge.ordered_by == event.actor_id,
            ClusterMerge.ordered_at <= event.at,
            or_(ClusterMerge.ended_at.is_(None), ClusterMerge.ended_at >= event.at),
        )
    )
    return db.session.scalar(select(ordered.exists())) or False


def announce_reassignment(reassignment_id: UUID, event_id: UUID) -> None:
    """Tell the officers concerned of a step of a request for reassignment. A repeat adds nothing."""
    event = db.session.get_one(ReassignmentEvent, event_id)
    request = db.session.get_one(Reassignment, reassignment_id)
    step = REASSIGNMENT_STEPS[event.action]
    units = {Circle.FROM_UNIT: request.from_unit_id, Circle.TO_UNIT: request.to_unit_id}
    reviewers = Circle.LEADERS if handling_policy.for_the_leader(request) else Circle.REVIEWERS
    words = titles_of("reassignment", event.action, step)
    titles = {reviewers if circle is Circle.REVIEWERS else circle: title for circle, title in words.items()}
    audience = {
        circle: _active(request.applicant_id) if circle is Circle.APPLICANT else officers(circle, units)
        for circle in titles
    }
    write_notices(News(event.id, event.at, event.actor_id, request.tip_id, request.id), audience, titles)


def announce_conversation(tip_id: UUID, event_id: UUID, kind: str) -> None:
    """Tell whoever holds a tip of what its reporter said, and the reporter of an answer. A repeat adds nothing."""
    step = CONVERSATION_STEPS[kind]
    holder = db.session.scalars(select(Handling.unit_id).where(Handling.tip_id == tip_id)).one()
    titles = {
        Circle.REVIEWERS if circle is Circle.HANDLERS and holder is None else circle: title
        for circle, title in titles_of("conversation", kind, step).items()
    }
    audience = {circle: officers(circle, {Circle.HANDLERS: holder}) for circle in titles}
    write_notices(News(event_id, clock.now(), None, tip_id), audience, titles)
    if step.told_to_all:
        _tell_reporters(tip_id, event_id)
    elif step.told_to_reporter:
        ladder.tell_reporter(tip_id, event_id)


def announce_guessing(event_id: UUID, tip_id: UUID | None, case_id: UUID | None) -> None:
    """Tell the city that somebody was stopped from guessing at a reporter. A repeat adds nothing."""
    audience = {circle: officers(circle, {}) for circle in GUESSED_AT}
    write_notices(News(event_id, clock.now(), None, tip_id, case_id=case_id), audience, GUESSED_AT)


def announce_alert(alert_id: UUID) -> None:
    """Warn whoever a tip's running limit binds, and those above them. A repeat adds nothing."""
    alert = db.session.get_one(HandlingAlert, alert_id)
    handling = db.session.get_one(Handling, alert.tip_id)
    with_city = handling.unit_id is None or handling.status in CITY_ACTS
    step, titles = ALERTS[AlertKind(alert.kind)], dict[Circle, str]()
    for circle, title in titles_of("alert", alert.kind, step).items():
        titles.setdefault(Circle.REVIEWERS if circle is Circle.HANDLERS and with_city else circle, title)
    audience = {circle: officers(circle, {Circle.HANDLERS: handling.unit_id}) for circle in titles}
    write_notices(News(alert.id, alert.at, None, alert.tip_id), audience, titles, step.outward)


_CITY_ROLES: Final = {
    Circle.LEADERS: Role.CITY_LEADER,
    Circle.REVIEWERS: Role.CITY_REVIEWER,
    Circle.ADJUSTERS: Role.CITY_ADJUSTER,
}


def officers(circle: Circle, units: Mapping[Circle, int | None]) -> list[UUID]:
    """The accounts of a circle; ``units`` says which unit the circles of district handlers mean."""
    if circle in _CITY_ROLES:
        city = people.unit_at(geo.region_code())
        unit_id, role = (city.id if city else None), _CITY_ROLES[circle]
    else:
        unit_id, role = units[circle], Role.DISTRICT_HANDLER
    return [account.id for account in people.people_of(unit_id, [role])] if unit_id is not None else []


def _active(account_id: UUID) -> list[UUID]:
    return list(db.session.scalars(select(Account.id).where(Account.id == account_id, Account.active)))


def write_notices(
    news: News,
    audience: Mapping[Circle, list[UUID]],
    titles: Mapping[Circle, str],
    outward: Kind | None = None,
) -> None:
    """Write one notice per person; who did the step hears nothing, who is in two circles reads the first title.

    With ``outward`` those who left a work address hear of it there too, without a word about the matter.
    """
    title_of: dict[UUID, str] = {}
    for circle, account_ids in audience.items():
        for account_id in account_ids:
            title_of.setdefault(account_id, titles[circle])
    title_of.pop(news.actor_id, None)  # type: ignore[arg-type]  # the public has no account
    if not title_of:
        return
    number = _number_of(news)
    rows = [
        {
            "id": new_id(),
            "account_id": account_id,
            "event_id": news.event_id,
            "tip_id": news.tip_id,
            "case_id": news.case_id,
            "reassignment_id": news.reassignment_id,
            "title": with_number(title, number),
            "created_at": news.at,
        }
        for account_id, title in title_of.items()
    ]
    db.session.execute(insert(Notice.__table__).on_conflict_do_nothing(), rows)  # type: ignore[arg-type]
    if outward is not None:
        ladder.tell_officers(news.event_id, news.tip_id, title_of, outward)


def _number_of(news: News) -> str:
    """The receipt number of the tip that the news are of, or the number of the case."""
    if news.tip_id is None:
        return db.session.scalars(select(FundraisingCase.case_no).where(FundraisingCase.id == news.case_id)).one()
    return db.session.scalars(select(Tip.receipt_number).where(Tip.id == news.tip_id)).one()


def hand_over_unread(leaver: UUID, successor: UUID) -> None:
    """Let the successor read what the leaver has not read, but for the own long work. A repeat adds nothing."""
    unread = db.session.scalars(
        select(Notice).where(Notice.account_id == leaver, Notice.read_at.is_(None), Notice.run_of.is_(None))
    ).all()
    columns = ("event_id", "tip_id", "case_id", "reassignment_id", "title", "created_at")
    rows = [
        {"id": new_id(), "account_id": successor, **{name: getattr(one, name) for name in columns}} for one in unread
    ]
    if rows:
        db.session.execute(insert(Notice.__table__).on_conflict_do_nothing(), rows)  # type: ignore[arg-type]


# Reading notices ----------------------------------------------------------------------------------------------------


def mark_read(actor: Actor, notice_id: UUID) -> Notice:
    """Mark one own notice read; the first moment stays. Raise ``OutOfScope`` for anybody else's."""
    notice = db.session.scalar(policy.visible_notices(actor).where(Notice.id == notice_id).with_for_update())
    if notice is None:
        raise OutOfScope("未找到该消息", extra={"audit_object": ("notice", str(notice_id))})
    notice.read_at = notice.read_at or clock.now()
    db.session.flush()
    return notice


def mark_unread(actor: Actor, read_at: datetime) -> None:
    """Take back that own notices were marked read at this moment."""
    marked = policy.visible_notices(actor).where(Notice.read_at == read_at).with_only_columns(Notice.id)
    db.session.execute(
        update(Notice).where(Notice.id.in_(marked)).values(read_at=None).execution_options(synchronize_session=False)
    )


def mark_all_read(actor: Actor, at: datetime | None = None) -> int:
    """Mark every own notice read, now or ``at`` a moment that the caller remembers; return how many were not."""
    unread = policy.visible_notices(actor).where(Notice.read_at.is_(None)).with_only_columns(Notice.id)
    marked = db.session.execute(
        update(Notice)
        .where(Notice.id.in_(unread))
        .values(read_at=at or clock.now())
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    )
    return len(marked.all())


def mark_news_read(openid_index: bytes) -> int:
    """Mark everything that this reporter finds in the mini-program read; return how much was not."""
    marked = db.session.execute(
        update(Delivery)
        .where(
            Delivery.openid_index == openid_index,
            Delivery.channel == Channel.IN_APP.value,
            Delivery.read_at.is_(None),
        )
        .values(read_at=clock.now())
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(marked.all())
