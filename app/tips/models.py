"""Tables of intake. What was said is never edited and never deleted; the identity is stored apart, sealed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class Tip(Base):
    """One statement of one person, as given; the registration time is the server's."""

    __tablename__ = "tips"
    __table_args__ = (Index("ix_tips_conduct_type", "conduct_type"), Index("ix_tips_channel", "channel"))

    id: Mapped[UUID] = mapped_column(
        ForeignKey("handlings.tip_id", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    receipt_number: Mapped[str] = mapped_column(Text, unique=True)
    query_code_digest: Mapped[bytes] = mapped_column(LargeBinary)
    client_request_digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    request_body_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    registered_at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(Text)
    real_name: Mapped[bool]
    relation: Mapped[str | None] = mapped_column(Text)
    conduct_type: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    promised_return: Mapped[str | None] = mapped_column(Text)
    publicity: Mapped[list[str]] = mapped_column(JSONB)
    started_on: Mapped[date | None]
    ongoing: Mapped[bool | None]
    amount_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    participants: Mapped[int | None] = mapped_column(BigInteger)
    loss_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    amount_band: Mapped[str | None] = mapped_column(Text)
    participants_band: Mapped[str | None] = mapped_column(Text)
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    datum: Mapped[str | None] = mapped_column(Text)
    district_guess: Mapped[str | None] = mapped_column(Text)


class TipSubject(Base):
    """The accused party of one tip, as the reporter named it."""

    __tablename__ = "tip_subjects"
    __table_args__ = (Index("ix_tip_subjects_uscc", "uscc", postgresql_where="uscc IS NOT NULL"),)

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    uscc: Mapped[str | None] = mapped_column(Text)
    registered_address: Mapped[str | None] = mapped_column(Text)
    operating_address: Mapped[str | None] = mapped_column(Text)
    contact: Mapped[str | None] = mapped_column(Text)
    online_presence: Mapped[list[str]] = mapped_column(JSONB)


class Reporter(Base):
    """The identity behind one real-name tip: sealed, with blind indexes for equal phones and the own WeChat session."""

    __tablename__ = "reporters"

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    sealed_identity: Mapped[bytes] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    openid_index: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    wants_reward: Mapped[bool]


class AssistedFiling(Base):
    """An officer entered this tip for somebody who rang, wrote or came. Never changed."""

    __tablename__ = "assisted_filings"
    __table_args__ = (Index("ix_assisted_filings_entered_by", "entered_by"),)

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    entered_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    received_on: Mapped[date]
    source_number: Mapped[str | None] = mapped_column(Text)
    """The number under which the call, letter or visit is filed elsewhere."""


class IdentityRemoval(Base):
    """The identity behind one tip is no longer needed: proposed by the program, decided by a person, once."""

    __tablename__ = "identity_removals"
    __table_args__ = (
        CheckConstraint("decision IN ('remove','keep')", name="known_decision"),
        CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL)",
            name="decided_by_a_person",
        ),
        Index("ix_identity_removals_queue", "proposed_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), unique=True)
    proposed_at: Mapped[datetime]
    basis: Mapped[str] = mapped_column(Text)
    decision: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(Text)


class TipJurisdiction(Base):
    """What Article 20 said about the accused party of a tip, with all its evidence; the newest row holds."""

    __tablename__ = "tip_jurisdictions"
    __table_args__ = (Index("ix_tip_jurisdictions_tip", "tip_id", "decided_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"))
    decided_at: Mapped[datetime]
    lead: Mapped[str | None] = mapped_column(Text)
    dispute: Mapped[bool]
    needs_review: Mapped[bool]
    decision: Mapped[dict[str, Any]] = mapped_column(JSONB)


class TipEvidence(Base):
    """One file that the reporter gave with the tip."""

    __tablename__ = "tip_evidence"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_files.id"), primary_key=True)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), index=True)
    added_at: Mapped[datetime]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("tip_messages.id"))
    """The supplement that brought the file; empty for what came with the statement."""


# What is said after filing ------------------------------------------------------------------------------------------


class TipMessage(Base):
    """One message between office and reporter, in either direction. Never changed.

    ``account_id`` is the officer who wrote it, for the office alone: the reporter reads "the handling unit".
    """

    __tablename__ = "tip_messages"
    __table_args__ = (
        CheckConstraint("sender IN ('office','reporter')", name="known_sender"),
        CheckConstraint("kind IN ('message','supplement_request','supplement')", name="known_kind"),
        CheckConstraint("(sender = 'office') = (account_id IS NOT NULL)", name="office_signs"),
        Index("ix_tip_messages_tip", "tip_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"))
    at: Mapped[datetime]
    sender: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID | None]
    due_on: Mapped[date | None]
    request_digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)


class TipWithdrawal(Base):
    """A reporter took the tip back; it is recorded, and the office may go on (信访工作条例 knows no duty to stop)."""

    __tablename__ = "tip_withdrawals"

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class TipRating(Base):
    """What one reporter thinks of the handling, given once after the reply."""

    __tablename__ = "tip_ratings"
    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="one_to_five"), Index("ix_tip_ratings_at", "at"))

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    at: Mapped[datetime]
    score: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str | None] = mapped_column(Text)


class RecheckRequest(Base):
    """A low rating asks the city to look at the handling again, once a tip; another person than the concluder does."""

    __tablename__ = "recheck_requests"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (note IS NULL)", name="closed_with_a_note"),
        CheckConstraint(
            "result IS NULL OR result IN ('upheld','reopened') AND closed_at IS NOT NULL", name="known_result"
        ),
        Index("ix_recheck_requests_queue", "requested_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), unique=True)
    requested_at: Mapped[datetime]
    concluded_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    result: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)


class ReissuedCode(Base):
    """A further query code of one tip. Those of its way before it die when it is first used; unused ones expire.

    ``sealed_code`` is there only until the message that carries it has left.
    """

    __tablename__ = "reissued_codes"
    __table_args__ = (
        CheckConstraint("(way = 'officer') = (account_id IS NOT NULL)", name="officer_signs"),
        Index("ix_reissued_codes_tip", "tip_id", "issued_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"))
    code_digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_code: Mapped[bytes | None] = mapped_column(LargeBinary)
    way: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID | None]
    issued_at: Mapped[datetime]
    first_used_at: Mapped[datetime | None]


class TipTextCheck(Base):
    """What WeChat's text check said of a statement: a flag for the officer, never a refusal."""

    __tablename__ = "tip_text_checks"
    __table_args__ = (CheckConstraint("verdict IN ('pass','review','risky','unchecked')", name="known_verdict"),)

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    verdict: Mapped[str] = mapped_column(Text)
    checked_at: Mapped[datetime]


# Tips about the same subject ----------------------------------------------------------------------------------------


class TipCluster(Base):
    """Tips about what seems to be one subject, how many, the first by the server's time, and when the latest came."""

    __tablename__ = "tip_clusters"
    __table_args__ = (Index("ix_tip_clusters_fed", "last_registered_at", "id", postgresql_where="size > 1"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime]
    first_tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"))
    first_registered_at: Mapped[datetime]
    last_registered_at: Mapped[datetime]
    size: Mapped[int]


class SubjectKey(Base):
    """One name, code, account or phone of a subject, normalised, and the cluster it leads to."""

    __tablename__ = "subject_keys"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        CheckConstraint("kind IN ('uscc','name','account','phone','person')", name="known_kind"),
        Index("ix_subject_keys_cluster", "cluster_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    cluster_id: Mapped[UUID] = mapped_column(ForeignKey("tip_clusters.id"))


class TipLink(Base):
    """One tip was looked at for duplicates; without a cluster when its statement names no subject.

    An officer who took it out of a cluster, or put it into one, stands beside it with the reason.
    """

    __tablename__ = "tip_links"
    __table_args__ = (
        Index("ix_tip_links_cluster", "cluster_id", "registered_at"),
        Index("ix_tip_links_registered_at", "registered_at"),
        CheckConstraint(
            "(decided_by IS NULL) = (reason IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)",
            name="decided_with_a_reason",
        ),
    )

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    cluster_id: Mapped[UUID | None] = mapped_column(ForeignKey("tip_clusters.id"))
    registered_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)


# Searching ----------------------------------------------------------------------------------------------------------


class TipGrams(Base):
    """What one statement says, as numbers of characters and of pairs of them, for the search (see ``tips.search``)."""

    __tablename__ = "tip_grams"
    __table_args__ = (
        Index("ix_tip_grams_grams", "grams", postgresql_using="gin"),
        Index("ix_tip_grams_registered_at", "registered_at"),
    )

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    registered_at: Mapped[datetime]
    grams: Mapped[list[int]] = mapped_column(ARRAY(Integer))
