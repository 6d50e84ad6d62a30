"""Tables of the register of enterprises."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.enterprises.states import RegistrationStatus
from app.foundation.database import Base, new_id

_STATUSES = ",".join(f"'{status}'" for status in RegistrationStatus)


class Enterprise(Base):
    """One enterprise as the newest list of its register tells it; ``as_of`` is the day for which that list speaks.

    ``division_code`` is the county (or prefecture without counties) that the matcher read from the registered address.
    """

    __tablename__ = "enterprises"
    __table_args__ = (
        Index("uq_enterprises_uscc", "uscc", unique=True, postgresql_ops={"uscc": "text_pattern_ops"}),
        Index("ix_enterprises_changed", "changed_at", "id"),
        Index("ix_enterprises_division", "division_code", "id"),
        CheckConstraint(f"status IN ({_STATUSES})", name="known_status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    registered_address: Mapped[str | None] = mapped_column(Text)
    operating_address: Mapped[str | None] = mapped_column(Text)
    division_code: Mapped[str | None] = mapped_column(Text)
    business_type: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    as_of: Mapped[date]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class EnterpriseName(Base):
    """One name that an enterprise bears (``is_current``) or bore; ``key`` and ``pairs`` as ``names.py`` makes them."""

    __tablename__ = "enterprise_names"
    __table_args__ = (
        Index("uq_enterprise_names_enterprise_id_key", "enterprise_id", "key", unique=True),
        Index("ix_enterprise_names_key", "key"),
        Index("ix_enterprise_names_pairs", "pairs", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    enterprise_id: Mapped[UUID] = mapped_column(ForeignKey("enterprises.id"))
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    pairs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_current: Mapped[bool]


class EnterpriseChange(Base):
    """One thing that a later list told otherwise: what stood there before, what since, by which list. Never changed."""

    __tablename__ = "enterprise_changes"
    __table_args__ = (Index("ix_enterprise_changes_enterprise", "enterprise_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    enterprise_id: Mapped[UUID] = mapped_column(ForeignKey("enterprises.id"))
    field: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    as_of: Mapped[date]
    source: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime]
