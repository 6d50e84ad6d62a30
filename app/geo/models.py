"""Tables of the office's own knowledge about places, and of imported division lists. The shipped tables are files."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id

_IN_FORCE = text("withdrawn_at IS NULL")


class GeoZone(Base):
    """One functional zone and who takes its tips: a division, the XPCC, or nobody yet (both empty)."""

    __tablename__ = "geo_zones"
    __table_args__ = (
        Index("uq_geo_zones_zone_id", "zone_id", unique=True, postgresql_where=_IN_FORCE),
        Index("uq_geo_zones_name", "name", unique=True, postgresql_where=_IN_FORCE),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    zone_id: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]] = mapped_column(JSONB)
    division_code: Mapped[str | None] = mapped_column(Text)
    xpcc: Mapped[bool]
    note: Mapped[str] = mapped_column(Text, server_default="")
    version: Mapped[int]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class GeoAlias(Base):
    """One way in which people here call a district or township, and that no table knows."""

    __tablename__ = "geo_aliases"
    __table_args__ = (Index("uq_geo_aliases_text", "text", unique=True, postgresql_where=_IN_FORCE),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    text: Mapped[str] = mapped_column(Text)
    division_code: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    version: Mapped[int]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Precedent(Base):
    """One decision by the common superior about an address (Article 20 paragraph 2), cited when it comes again.

    ``tip_id`` and ``tip_version`` name the step of the tip that was the decision; empty for one entered by hand.
    """

    __tablename__ = "geo_precedents"
    __table_args__ = (
        Index("uq_geo_precedents_pattern", "pattern", unique=True, postgresql_where=_IN_FORCE),
        Index("uq_geo_precedents_decision", "tip_id", "tip_version", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(Integer, Identity(always=True), unique=True)
    pattern: Mapped[str] = mapped_column(Text)
    division_code: Mapped[str] = mapped_column(Text)
    decided_on: Mapped[date]
    reference: Mapped[str] = mapped_column(Text, server_default="")
    note: Mapped[str] = mapped_column(Text, server_default="")
    tip_id: Mapped[UUID | None]
    tip_version: Mapped[int | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class LearntRoad(Base):
    """One road or estate and the district where concluded tips about it ended: ``count`` of ``total``."""

    __tablename__ = "learnt_roads"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    division_code: Mapped[str] = mapped_column(Text)
    count: Mapped[int]
    total: Mapped[int]


class GeoSetting(Base):
    """One switch of the office; what has no row is off."""

    __tablename__ = "geo_settings"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    enabled: Mapped[bool]
    changed_at: Mapped[datetime]


class DivisionListImport(Base):
    """One dated division list that somebody put in force; ``content`` is its CSV, compressed. Never changed."""

    __tablename__ = "division_list_imports"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    dated: Mapped[date]
    sha256: Mapped[str] = mapped_column(Text)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    imported_at: Mapped[datetime]


class KnowledgeVersion(Base):
    """What running processes compare to notice a change: a new ``token`` with every change of ``topic``.

    Topics: ``knowledge`` (the tables above), ``divisions`` (``import_id`` is the list in force) and those of higher
    rooms (``enterprises``).
    """

    __tablename__ = "knowledge_versions"

    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    token: Mapped[UUID]
    changed_at: Mapped[datetime]
    import_id: Mapped[UUID | None] = mapped_column(ForeignKey("division_list_imports.id"))
