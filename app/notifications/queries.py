"""Read-only selects of notices, consents, deliveries and the news of reporters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select, tuple_

from app.foundation import clock
from app.foundation.database import db
from app.foundation.permissions import Actor
from app.notifications import consents, policy
from app.notifications.models import Consent, Delivery, Notice
from app.notifications.states import RESENDABLE, Channel
from app.tips.models import Tip


def unread_count(actor: Actor) -> int:
    """How many of the own notices are unread."""
    unread = policy.visible_notices(actor).where(Notice.read_at.is_(None)).with_only_columns(Notice.id)
    return db.session.scalar(select(func.count()).select_from(unread.subquery())) or 0


def notice_page(
    actor: Actor, *, unread: bool = False, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> Sequence[Notice]:
    """Own notices, newest first, by keyset; one row more than ``limit`` tells of a next page."""
    statement = policy.visible_notices(actor)
    if unread:
        statement = statement.where(Notice.read_at.is_(None))
    if after:
        statement = statement.where(tuple_(Notice.created_at, Notice.id) < tuple_(*after))
    statement = statement.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(limit + 1)
    return db.session.scalars(statement).all()


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries are wanted; days are Beijing's, both included."""

    state: str | None = None
    channel: str | None = None
    since: date | None = None
    until: date | None = None


def delivery_page(
    actor: Actor, wanted: DeliveryFilter, *, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> Sequence[Delivery]:
    """Deliveries within sight, newest first, by keyset; one row more than ``limit`` tells of a next page."""
    statement = policy.visible_deliveries(actor)
    if wanted.state:
        statement = statement.where(Delivery.state == wanted.state)
    if wanted.channel:
        statement = statement.where(Delivery.channel == wanted.channel)
    if wanted.since:
        statement = statement.where(Delivery.created_at >= datetime.combine(wanted.since, time.min, clock.BEIJING))
    if wanted.until and wanted.until < date.max:
        following = wanted.until + timedelta(days=1)
        statement = statement.where(Delivery.created_at < datetime.combine(following, time.min, clock.BEIJING))
    if after:
        statement = statement.where(tuple_(Delivery.created_at, Delivery.id) < tuple_(*after))
    statement = statement.order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit + 1)
    return db.session.scalars(statement).all()


def deliveries_in_need(actor: Actor) -> Mapping[str, int]:
    """How many deliveries failed for good and how many have an unknown fate, within sight."""
    in_need = policy.visible_deliveries(actor).where(Delivery.state.in_(RESENDABLE)).subquery()
    counted = db.session.execute(select(in_need.c.state, func.count()).group_by(in_need.c.state))
    return dict(counted.all())


def news_page(
    openid_index: bytes, *, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> Sequence[tuple[Delivery, str]]:
    """A reporter's news in the mini-program with receipt numbers, newest first; one row more tells of a next page."""
    statement = (
        select(Delivery, Tip.receipt_number)
        .join(Tip, Tip.id == Delivery.tip_id)
        .where(Delivery.openid_index == openid_index, Delivery.channel == Channel.IN_APP.value)
    )
    if after:
        statement = statement.where(tuple_(Delivery.created_at, Delivery.id) < tuple_(*after))
    statement = statement.order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit + 1)
    return [(row[0], row[1]) for row in db.session.execute(statement)]


def subscriptions(openid_index: bytes | None) -> list[Mapping[str, str | int | None]]:
    """The templates to ask consent for; with a person, how many messages of each are still allowed."""
    left: dict[str, int] = {}
    if openid_index is not None:
        counted = select(Consent.template_id, Consent.remaining).where(Consent.openid_index == openid_index)
        left = dict(db.session.execute(counted).all())
    return [
        {
            "purpose": purpose,
            "template_id": template_id,
            "remaining": left.get(template_id, 0) if openid_index is not None else None,
        }
        for purpose, template_id in consents.templates().items()
    ]
