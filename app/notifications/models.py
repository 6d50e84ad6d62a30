"""Tables of notifications."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class Consent(Base):
    """How many messages of one WeChat template a person still allows: one consent = one message."""

    __tablename__ = "consents"
    __table_args__ = (CheckConstraint("remaining >= 0", name="never_negative"),)

    openid_index: Mapped[bytes] = mapped_column(LargeBinary, ForeignKey("wechat_users.openid_index"), primary_key=True)
    template_id: Mapped[str] = mapped_column(Text, primary_key=True)
    remaining: Mapped[int] = mapped_column(SmallInteger)
    updated_at: Mapped[datetime]


class Delivery(Base):
    """One message to one person about one event through one channel, and how far it got.

    A person is a reporter (``person_index``, the blind index of the telephone or, without one, of the openid) or an
    officer (``account_id``). Neither address nor words are kept: both are found again at the moment of sending.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "openid_index", "channel"),
        UniqueConstraint("event_id", "person_index", "channel"),
        UniqueConstraint("event_id", "account_id", "channel"),
        CheckConstraint("state IN ('queued','sending','sent','failed','unknown')", name="known_state"),
        CheckConstraint("channel IN ('wechat','sms','email','in_app')", name="known_channel"),
        CheckConstraint("kind IN ('progress','digest','supervision','urgent')", name="known_kind"),
        CheckConstraint("account_id IS NULL OR (person_index IS NULL AND openid_index IS NULL)", name="one_person"),
        Index("ix_deliveries_state", "state", "created_at"),
        Index("ix_deliveries_created", "created_at", "id"),
        Index("ix_deliveries_openid", "openid_index", "created_at", postgresql_where="channel = 'in_app'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID | None]
    event_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text, server_default="progress")
    channel: Mapped[str] = mapped_column(Text)
    template_id: Mapped[str | None] = mapped_column(Text)
    person_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    openid_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    attempts_before: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Attempts before a person put it back into the queue."""
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    """When the next attempt is wanted; only while it is queued."""
    sending_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    read_at: Mapped[datetime | None]
    """When the person saw it inside the mini-program."""


class Notice(Base):
    """One message to one officer inside the console, for one event."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("account_id", "event_id"),
        Index("ix_notices_account", "account_id", "created_at"),
        Index("ix_notices_unread", "account_id", postgresql_where="read_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    event_id: Mapped[UUID]
    tip_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    reassignment_id: Mapped[UUID | None]
    run_of: Mapped[str | None] = mapped_column(Text)
    """The table of the long work whose end it tells, and its row there."""
    run_id: Mapped[UUID | None]
    title: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
