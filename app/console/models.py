"""What officers keep for themselves at the console."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class SavedView(Base):
    """One arrangement of the queue that an officer named: its filters and order as they stand in an address."""

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        CheckConstraint("length(query) <= 2000", name="short_query"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
