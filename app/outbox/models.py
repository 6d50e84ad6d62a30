"""The outbox table."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base


class OutboxMessage(Base):
    """One effect that must happen outside the transaction that asked for it; done when its job has written it."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        Index(
            "ix_outbox_messages_due",
            "available_at",
            postgresql_where="done_at IS NULL AND given_up_at IS NULL",
        ),
        Index(
            "ix_outbox_messages_given_up",
            "id",
            postgresql_where="given_up_at IS NOT NULL AND done_at IS NULL",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    available_at: Mapped[datetime]
    wanted_at: Mapped[datetime | None]
    """Until when it waits on purpose (back-off, quiet hours); empty where it was wanted at once."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    """How often it was leased to a relay since it last went well."""
    failures: Mapped[int] = mapped_column(server_default="0")
    unfinished: Mapped[int] = mapped_column(server_default="0")
    """How many runs in a row, of those that were watched, began and never ended."""
    done_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


class OfficeTask(Base):
    """One piece of long work that somebody asked for at a page, with its progress and its result (``memory``)."""

    __tablename__ = "office_tasks"
    __table_args__ = (
        CheckConstraint("state IN ('queued','running','done','failed')", name="known_state"),
        Index("ix_office_tasks_kind", "kind", "asked_at"),
        Index("uq_office_tasks_under_way", "kind", unique=True, postgresql_where="state IN ('queued','running')"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[UUID | None]
    asked_at: Mapped[datetime]
    beat_at: Mapped[datetime | None]
    """When the run that has it last left something; empty while none has it."""
    finished_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    whole: Mapped[int] = mapped_column(BigInteger, server_default="0")
    memory: Mapped[dict[str, Any]] = mapped_column(JSONB)
    fault: Mapped[str | None] = mapped_column(Text)
