"""The table of lists that are written out in the background."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class ListExport(Base):
    """One long list that an officer wants as a file: what is on it, how far it is, and the file for some days."""

    __tablename__ = "list_exports"
    __table_args__ = (
        CheckConstraint("state IN ('queued','running','done','failed')", name="known_state"),
        Index("ix_list_exports_account", "account_id", "asked_at"),
        Index("uq_list_exports_under_way", "account_id", unique=True, postgresql_where="state IN ('queued','running')"),
        Index("ix_list_exports_kept", "ended_at", postgresql_where="file_id IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    asked_at: Mapped[datetime]
    wanted: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The filters as they stand in an address, and the order."""
    format: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    whole: Mapped[int] = mapped_column(server_default="0")
    """How many tips the list has, as counted when its job began; 0 where a search finds out by writing."""
    rows: Mapped[int] = mapped_column(server_default="0")
    problem: Mapped[str] = mapped_column(Text, server_default="")
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    """None before the end, and again once the file was removed after its time."""
