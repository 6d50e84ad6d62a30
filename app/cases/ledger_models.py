"""Tables of the restitution ledger: claims, sources, assets, rounds with their shares, batches and payments."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class CaseClaim(Base):
    """What one participant claims of a case, by its number; who that is lies sealed.

    ``verified_yuan`` counts once ``verified_at`` says that somebody else than who entered it has looked; zero refuses
    the claim. A correction empties ``verified_at`` and leaves the amount, as what was verified before. ``entered_by``
    is who entered or corrected it last, ``also_entered_by`` who else has a part in what is to be verified.
    ``query_number`` is what its owner asks by, with a code that is derived from ``code_version``.
    """

    __tablename__ = "case_claims"
    __table_args__ = (
        UniqueConstraint("case_id", "claim_no"),
        CheckConstraint("claimed_yuan > 0", name="positive"),
        CheckConstraint("verified_yuan >= 0", name="verified_not_negative"),
        Index("ix_case_claims_person", "id_index", postgresql_where=text("id_index IS NOT NULL")),
        Index("ix_case_claims_phone", "phone_index", postgresql_where=text("phone_index IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    claim_no: Mapped[str] = mapped_column(Text)
    claimed_yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    verified_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    verified_by: Mapped[UUID | None]
    verified_at: Mapped[datetime | None]
    verify_reason: Mapped[str] = mapped_column(Text, server_default="")
    sealed_person: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    query_number: Mapped[str] = mapped_column(Text, unique=True)
    code_version: Mapped[int] = mapped_column(server_default="1")
    entered_by: Mapped[UUID | None]
    also_entered_by: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    entered_at: Mapped[datetime]


class CaseFund(Base):
    """Money that came in for return, from one of the six sources of decree 737 Art. 26. Never changed."""

    __tablename__ = "case_funds"
    __table_args__ = (Index("ix_case_funds_case", "case_id"), CheckConstraint("yuan <> 0", name="not_nothing"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    source: Mapped[str] = mapped_column(Text)
    yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    received_on: Mapped[date]
    origin: Mapped[str] = mapped_column(Text)
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_assets.id"))
    entered_by: Mapped[UUID | None]
    entered_by_name: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime]


class CaseAsset(Base):
    """One asset of a case as it stands: kind, place, holder, who seized it, what it is worth, what it brought."""

    __tablename__ = "case_assets"
    __table_args__ = (Index("ix_case_assets_case", "case_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(Text)
    holder: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    seized_by: Mapped[str | None] = mapped_column(Text)
    seized_on: Mapped[date | None]
    valuation_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    valued_on: Mapped[date | None]
    realised_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    realised_on: Mapped[date | None]
    entered_at: Mapped[datetime]


class DistributionRound(Base):
    """One sum of money shared among the claims of a case, and which of the six sources it came from."""

    __tablename__ = "case_rounds"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    number: Mapped[int]
    source: Mapped[str] = mapped_column(Text)
    total_yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    computed_by: Mapped[UUID | None]
    computed_at: Mapped[datetime]


class ClaimShare(Base):
    """What one claim gets of one round.

    Without foreign keys: one statement writes the shares of a round, from the claims and the round themselves, and
    nothing of either can be deleted by the program. Looking up three keys again for each of a million shares took most
    of the time of a round.
    """

    __tablename__ = "case_shares"

    round_id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID]
    yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))


class PaymentBatch(Base):
    """One list of payments for the bank: of which round, how many, how much, made by whom and why.

    ``listed_at`` is when its list was first taken to be sent to the bank; until then a correction takes payments out.
    How many of its payments stand in each state, and what was paid, is kept by a trigger of the payments.
    """

    __tablename__ = "case_batches"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    round_id: Mapped[UUID] = mapped_column(ForeignKey("case_rounds.id"))
    number: Mapped[int]
    count: Mapped[int]
    total_yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    reason: Mapped[str] = mapped_column(Text)
    made_by: Mapped[UUID | None]
    made_by_name: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    listed_at: Mapped[datetime | None]
    sent: Mapped[int] = mapped_column(server_default="0")
    paid: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    returned: Mapped[int] = mapped_column(server_default="0")
    withdrawn: Mapped[int] = mapped_column(server_default="0")
    paid_yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2), server_default="0")


class CasePayment(Base):
    """One attempt to pay one share: sent, paid, failed or returned by the bank, or withdrawn before it got there.

    The next attempt is a further row. Without foreign keys, as the shares that one statement makes the payments of a
    batch from.
    """

    __tablename__ = "case_payments"
    __table_args__ = (
        UniqueConstraint("round_id", "claim_id", "attempt"),
        Index(
            "uq_case_payments_one_held",
            "round_id",
            "claim_id",
            unique=True,
            postgresql_where=text("state IN ('sent', 'paid')"),
        ),
        Index("ix_case_payments_batch", "batch_id"),
        Index("ix_case_payments_claim", "claim_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID]
    round_id: Mapped[UUID]
    claim_id: Mapped[UUID]
    batch_id: Mapped[UUID]
    attempt: Mapped[int]
    yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    state: Mapped[str] = mapped_column(Text)
    settled_on: Mapped[date | None]
    reference: Mapped[str] = mapped_column(Text, server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime | None]


class CaseTask(Base):
    """One long piece of work on a case that a job does: what was asked for, by whom, how far it is, what came of it."""

    __tablename__ = "case_tasks"
    __table_args__ = (
        Index("ix_case_tasks_case", "case_id", "asked_at"),
        Index(
            "uq_case_tasks_under_way",
            "case_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    kind: Mapped[str] = mapped_column(Text)
    given: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[UUID]
    asked_by_name: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    whole: Mapped[int]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(Text, server_default="")
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
