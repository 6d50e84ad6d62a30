"""What the auditor reads."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from app.audit.models import AuditEvent
from app.foundation.database import db


def openings_of(object_type: str, object_ids: Sequence[UUID], limit: int = 100) -> Sequence[AuditEvent]:
    """Who opened these things, newest first: for the page of a thing that its reader may open himself."""
    return db.session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.object_type == object_type,
            AuditEvent.object_id.in_([str(one) for one in object_ids]),
            AuditEvent.succeeded,
        )
        .order_by(AuditEvent.id.desc())
        .limit(limit)
    ).all()


def changes_of(object_type: str, object_ids: Sequence[UUID | int | str], limit: int = 50) -> Sequence[AuditEvent]:
    """What was done to these things by hand, newest first: for the page of who administers them."""
    return db.session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.object_type == object_type,
            AuditEvent.object_id.in_([str(one) for one in object_ids]),
            AuditEvent.succeeded,
            or_(AuditEvent.details.has_key("after"), AuditEvent.details.has_key("reason")),
        )
        .order_by(AuditEvent.id.desc())
        .limit(limit)
    ).all()


def event_page(
    *, action: str | None, succeeded: bool | None, object_id: str | None, before_id: int | None, limit: int
) -> Sequence[AuditEvent]:
    """Audit rows, newest first, by keyset; one row more than ``limit`` tells of a next page."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit + 1)
    if action:
        statement = statement.where(AuditEvent.action == action)
    if succeeded is not None:
        statement = statement.where(AuditEvent.succeeded == succeeded)
    if object_id:
        statement = statement.where(AuditEvent.object_id == object_id)
    if before_id is not None:
        statement = statement.where(AuditEvent.id < before_id)
    return db.session.scalars(statement).all()
