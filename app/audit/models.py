"""Tables of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base


class AuditEvent(Base):
    """One deed or one refused attempt. Never changed; ``seq`` to ``digest`` are filled once, by the sealer."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_unsealed", "id", postgresql_where="seq IS NULL"),
        Index("ix_audit_events_seq", "seq", unique=True),
        Index("ix_audit_events_object_id", "object_id", "object_type"),
        Index("ix_audit_events_rare", "object_type", "id", postgresql_where="object_type <> 'tip'"),
        Index("ix_audit_events_refused", "id", postgresql_where="NOT succeeded"),
        Index("ix_audit_events_action", "action", "id"),
        Index("ix_audit_events_actor_id", "actor_id", "id", postgresql_where="actor_id IS NOT NULL"),
        Index("ix_audit_events_unit_id", "unit_id", "id", postgresql_where="unit_id IS NOT NULL"),
        CheckConstraint("(seq IS NULL) = (digest IS NULL)", name="sealed_as_a_whole"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    actor_role: Mapped[str] = mapped_column(Text)
    unit_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(Text)
    object_type: Mapped[str] = mapped_column(Text)
    object_id: Mapped[str] = mapped_column(Text)
    succeeded: Mapped[bool]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    seq: Mapped[int | None] = mapped_column(BigInteger)
    previous_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)


class AuditHead(Base):
    """The one row that says how long the sealed chain is; a cut-off tail no longer matches it."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    proof: Mapped[bytes] = mapped_column(LargeBinary)
