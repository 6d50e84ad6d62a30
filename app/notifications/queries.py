"""Read-only selects of notices, consents and deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_

from app.foundation.database import db
from app.foundation.permissions import Actor
from app.notifications import policy, service
from app.notifications.models import Consent, Delivery, Notice


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


def delivery_page(
    actor: Actor, *, state: str | None = None, after: tuple[datetime, UUID] | None = None, limit: int = 20
) -> Sequence[Delivery]:
    """Deliveries within sight, newest first, by keyset; one row more than ``limit`` tells of a next page."""
    statement = policy.visible_deliveries(actor)
    if state:
        statement = statement.where(Delivery.state == state)
    if after:
        statement = statement.where(tuple_(Delivery.created_at, Delivery.id) < tuple_(*after))
    statement = statement.order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit + 1)
    return db.session.scalars(statement).all()


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
        for purpose, template_id in service.templates().items()
    ]
