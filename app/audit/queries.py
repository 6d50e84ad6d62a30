"""What the auditor reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, not_, or_, select, text

from app.audit.models import AuditEvent
from app.foundation.database import db

_SKEW: Final = timedelta(minutes=1)
"""Rows get their number when they are written and their moment a little before: the two orders differ by seconds."""


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


def changed_at_number(object_type: str, object_id: UUID | int | str) -> int:
    """The number of the newest change of a thing, as its version: whoever saw another one saw another thing."""
    newest = select(func.max(AuditEvent.id)).where(
        AuditEvent.object_type == object_type,
        AuditEvent.object_id == str(object_id),
        AuditEvent.details.has_key("after"),
    )
    return db.session.scalar(newest) or 0


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What an auditor looks for.

    Attributes:
        actors: the accounts that acted.
        unit_id: the unit that they acted for.
        action: deed, or the door that an attempt was refused at.
        object_type: kind of thing.
        object_id: one thing.
        succeeded: done, or refused.
        since: first moment.
        before: the moment after the last.
    """

    actors: tuple[UUID, ...] | None = None
    unit_id: int | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    succeeded: bool | None = None
    since: datetime | None = None
    before: datetime | None = None


def event_page(wanted: EventFilter, before_id: int | None, limit: int) -> Sequence[AuditEvent]:
    """Audit rows, newest first, by keyset; one row more than ``limit`` tells of a next page."""
    return db.session.scalars(_events(wanted, before_id).limit(limit + 1)).all()


def events(wanted: EventFilter, most: int) -> Iterator[AuditEvent]:
    """Up to ``most`` audit rows, newest first, read as they are needed."""
    rows = db.session.scalars(_events(wanted, None).limit(most).execution_options(yield_per=1000))
    yield from rows


def _events(wanted: EventFilter, before_id: int | None) -> Select[AuditEvent]:
    statement = select(AuditEvent).order_by(AuditEvent.id.desc())
    exact = {
        AuditEvent.unit_id: wanted.unit_id,
        AuditEvent.action: wanted.action,
        AuditEvent.object_type: wanted.object_type,
        AuditEvent.object_id: wanted.object_id,
    }
    statement = statement.where(*(column == value for column, value in exact.items() if value is not None))
    if wanted.succeeded is not None:  # in words that the index of refusals is known by
        statement = statement.where(AuditEvent.succeeded if wanted.succeeded else not_(AuditEvent.succeeded))
    if wanted.actors is not None:
        statement = statement.where(AuditEvent.actor_id.in_(wanted.actors))
    if before_id is not None:
        statement = statement.where(AuditEvent.id < before_id)
    if wanted.since is not None:
        statement = statement.where(AuditEvent.at >= wanted.since, AuditEvent.id >= _first_id(wanted.since - _SKEW))
    if wanted.before is not None:
        statement = statement.where(AuditEvent.at < wanted.before, AuditEvent.id < _first_id(wanted.before + _SKEW))
    return statement


_HALVING: Final = text("""
    WITH RECURSIVE halves (low, high) AS (
        SELECT 0::bigint, coalesce(max(id), 0) + 1 FROM audit_events
        UNION ALL
        SELECT CASE WHEN found.at < :moment THEN found.id + 1 ELSE low END,
            CASE WHEN found.at < :moment THEN high ELSE (low + high) / 2 END
        FROM halves LEFT JOIN LATERAL (
            SELECT id, at FROM audit_events WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1
        ) AS found ON true
        WHERE low < high
    )
    SELECT low FROM halves WHERE low >= high
""")


def _first_id(moment: datetime) -> int:
    """The first number from ``moment`` on, found by halving: rows are numbered in the order of time, give or take."""
    found: int = db.session.execute(_HALVING, {"moment": moment}).scalar_one()
    return found
