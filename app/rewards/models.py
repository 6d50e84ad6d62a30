"""Tables of rewards: kept apart from the tips, seen by the city alone. Written by ``rewards.service`` alone."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class RewardRules(Base):
    """The rules from one day on, as one document; the newest row that has begun holds. Never changed."""

    __tablename__ = "reward_rules"
    __table_args__ = (Index("ix_reward_rules_valid_from", "valid_from", "id"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    valid_from: Mapped[date]
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime]


class RewardBudget(Base):
    """The budget of one year from one moment on; the newest row of a year holds. Never changed."""

    __tablename__ = "reward_budgets"
    __table_args__ = (CheckConstraint("yuan >= 0", name="not_negative"), Index("ix_reward_budgets_year", "year", "id"))

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    year: Mapped[int]
    yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    reason: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime]


class Reward(Base):
    """The reward for one tip: what was found, proposed, decided, and until when it is to be collected.

    ``answers`` are what a person confirmed, ``findings`` the reasons as they stood when the proposal was made.
    """

    __tablename__ = "rewards"
    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
        CheckConstraint("yuan > 0", name="positive"),
        Index("ix_rewards_queue", "opened_at", "id"),
        Index("ix_rewards_collect_by", "collect_by", postgresql_where=text("state IN ('granted', 'claimed')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), unique=True)
    state: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    opened_at: Mapped[datetime]
    decide_by: Mapped[date | None]
    claimed_with_code: Mapped[bool] = mapped_column(server_default="false")
    answers: Mapped[dict[str, bool]] = mapped_column(JSONB, server_default=text("'{}'"))
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    tier: Mapped[str | None] = mapped_column(Text)
    yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    opinion: Mapped[str | None] = mapped_column(Text)
    proposed_by: Mapped[UUID | None]
    proposed_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    collect_by: Mapped[date | None]


class RewardShare(Base):
    """What one reporter gets of a reward; several where they reported jointly. A tip is in one share at most."""

    __tablename__ = "reward_shares"
    __table_args__ = (
        CheckConstraint("yuan > 0", name="positive"),
        Index("ix_reward_shares_reward", "reward_id", "position"),
    )

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    reward_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.id"))
    position: Mapped[int]
    yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    claimed_at: Mapped[datetime | None]
    sealed_payee: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Where a named reporter wants the money, sealed; an anonymous one collects in person."""


class RewardPayment(Base):
    """One payment of the ledger, charged to the budget of its year. Never changed."""

    __tablename__ = "reward_payments"
    __table_args__ = (
        CheckConstraint("yuan > 0", name="positive"),
        UniqueConstraint("tip_id"),
        Index("ix_reward_payments_year", "year", "recorded_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reward_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.id"))
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"))
    year: Mapped[int]
    yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    voucher_number: Mapped[str] = mapped_column(Text)
    paid_on: Mapped[date]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]


class RewardEvent(Base):
    """One step in the history of a reward: who, when, from where to where, why. Never changed."""

    __tablename__ = "reward_events"
    __table_args__ = (Index("ix_reward_events_reward", "reward_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reward_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.id"))
    version: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    actor_role: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str | None] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
