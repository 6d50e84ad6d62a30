"""Tables of the documents of cases."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class CaseDocument(Base):
    """One version of a document as it was made: which number of which unit and year, by whom. Never changed."""

    __tablename__ = "case_documents"
    __table_args__ = (
        UniqueConstraint("unit_id", "year", "number", "version"),
        Index("ix_case_documents_case", "case_id", "made_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    year: Mapped[int]
    number: Mapped[int]
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    docx: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    template_version: Mapped[int | None]
    """Which of the office's own templates it was made from; none: the one that the program brings along."""
    made_by: Mapped[UUID | None]
    made_by_name: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class DocumentTemplate(Base):
    """One version of the office's own template for a kind of document; the newest of a kind holds. Never changed."""

    __tablename__ = "case_document_templates"
    __table_args__ = (UniqueConstraint("kind", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    in_use: Mapped[bool]
    """Whether it speaks; a version out of use takes the kind back to the template that the program brings along."""
    note: Mapped[str] = mapped_column(Text)
    docx: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    set_by: Mapped[UUID | None]
    set_by_name: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime]


class DocumentCounter(Base):
    """The last number that a unit gave to a document in a year."""

    __tablename__ = "case_document_numbers"

    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
