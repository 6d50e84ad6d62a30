"""The table of kept files."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.files.formats import FileKind
from app.files.vault import Place
from app.foundation.database import Base


class Purpose(StrEnum):
    """Which door a file came through; it can be used behind that door only."""

    PUBLIC = "public"
    OFFICE = "office"


class Scan(StrEnum):
    """What the virus scanner said. Only ``none`` (no scanner is configured) and ``clean`` may be opened."""

    NONE = "none"
    WAITING = "waiting"
    CLEAN = "clean"
    INFECTED = "infected"
    FAILED = "failed"


PurposeName = Purpose | Literal["public", "office"]


def _named(enumeration: type[StrEnum], name: str) -> Enum:
    return Enum(
        enumeration,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


class StoredFile(Base):
    """One file as it was received: what it is, where its sealed bytes lie, and whether it has been used.

    The id is random, because whoever knows it may use the file once. ``uploaded_by`` is an officer's account, never
    anything of the public: nothing may lead from a tip to the session, phone or address it came from. The account has
    no foreign key, since this room lies below that of people.
    """

    __tablename__ = "stored_files"
    __table_args__ = (
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_hexadecimal"),
        CheckConstraint("(purpose = 'public') = (uploaded_by IS NULL)", name="public_leaves_no_trace"),
        Index("ix_stored_files_unclaimed", "created_at", postgresql_where="claimed_at IS NULL"),
        Index("ix_stored_files_unscanned", "created_at", postgresql_where="scan = 'waiting'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(Text)
    kind: Mapped[FileKind] = mapped_column(_named(FileKind, "kind"))
    media_type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    storage_key: Mapped[str] = mapped_column(Text, unique=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_name: Mapped[bytes] = mapped_column(LargeBinary)
    purpose: Mapped[Purpose] = mapped_column(_named(Purpose, "purpose"))
    uploaded_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    scan: Mapped[Scan] = mapped_column(_named(Scan, "scan"), server_default="none")

    @property
    def place(self) -> Place:
        """Where the bytes lie."""
        return Place(self.id, self.storage_key, self.sealed_key)


class PartialUpload(Base):
    """One upload in parts that is under way, or was completed less than a day ago. Its random id is all it takes."""

    __tablename__ = "partial_uploads"
    __table_args__ = (
        CheckConstraint("size > 0 AND received BETWEEN 0 AND size", name="received_within_size"),
        Index("ix_partial_uploads_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger)
    sealed_name: Mapped[bytes] = mapped_column(LargeBinary)
    declared_type: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    file_id: Mapped[UUID | None]
    """The file that it has become; no foreign key, since an unused file goes before its upload."""


class UploadPart(Base):
    """One kept part of an upload; its bytes begin ``at`` so many bytes."""

    __tablename__ = "upload_parts"
    __table_args__ = (
        UniqueConstraint("upload_id", "at"),
        CheckConstraint("at >= 0 AND size > 0", name="some_bytes"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    upload_id: Mapped[UUID] = mapped_column(ForeignKey("partial_uploads.id", ondelete="CASCADE"))
    at: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    storage_key: Mapped[str] = mapped_column(Text, unique=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)


class CopySize(StrEnum):
    """Which copy of an image: to look at, or to choose from."""

    VIEW = "view"
    THUMBNAIL = "thumbnail"


class FileCopy(Base):
    """A clean copy of an image, or of one page of a PDF, for the screen; the original stays as it was received."""

    __tablename__ = "file_copies"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_files.id"), primary_key=True)
    size_name: Mapped[CopySize] = mapped_column(_named(CopySize, "size_name"), primary_key=True)
    page: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, server_default="1")
    media_type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
    storage_key: Mapped[str] = mapped_column(Text, unique=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]

    @property
    def place(self) -> Place:
        """Where the bytes lie."""
        return Place(self.file_id, self.storage_key, self.sealed_key)
