"""Tables behind the statistics; ``tips.counting`` writes them from the rows of handling, whose truth stands there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base


class TipFacts(Base):
    """What the statistics count of one tip, as ``tips.counting`` last read it from the rows of its handling.

    Days are working days; ``None`` where the step has not come, or the calendar does not reach so far.
    """

    __tablename__ = "tip_facts"
    __table_args__ = (
        Index("ix_tip_facts_registered_on", "registered_on"),
        Index("ix_tip_facts_undecided", "overall_due_on", postgresql_where="overall_due_on IS NOT NULL"),
        Index("ix_tip_facts_corrected", "registered_on", postgresql_where="corrected"),
        Index("ix_tip_facts_late", "registered_on", postgresql_where="NOT on_time"),
        Index("ix_tip_facts_score", "score", "registered_on", postgresql_where="score IS NOT NULL"),
        *(
            Index(f"ix_tip_facts_{step}", f"{step}_days", "registered_on", postgresql_where=f"{step}_days IS NOT NULL")
            for step in ("accept", "dispatch", "conclude")
        ),
    )

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"), primary_key=True)
    version: Mapped[int]
    registered_on: Mapped[date]
    unit_id: Mapped[int | None]
    merged: Mapped[bool] = mapped_column(server_default="false")
    """Handled with its main tip: of the unit that does, it counts for nothing but what its reporter thinks of it."""
    division_code: Mapped[str | None] = mapped_column(Text)
    conduct: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    accept_days: Mapped[int | None] = mapped_column(SmallInteger)
    dispatch_days: Mapped[int | None] = mapped_column(SmallInteger)
    conclude_days: Mapped[int | None] = mapped_column(SmallInteger)
    overall_due_on: Mapped[date | None]
    """The day that decides whether the tip is on time; empty once that is decided."""
    on_time: Mapped[bool | None]
    matched: Mapped[str] = mapped_column(Text)
    corrected: Mapped[bool | None]
    score: Mapped[int | None] = mapped_column(SmallInteger)


class TipCount(Base):
    """How many tips of one span of registration, unit and division share one value of one measure."""

    __tablename__ = "tip_counts"
    __table_args__ = (
        Index(
            "ix_tip_counts_intake",
            "day",
            postgresql_include=["unit_id", "division_code", "number"],
            postgresql_where="grain = 'day' AND measure = 'intake'",
        ),
        Index(
            "ix_tip_counts_intake_of_all",
            "day",
            postgresql_include=["number"],
            postgresql_where="grain = 'all-day' AND measure = 'intake'",
        ),
    )

    grain: Mapped[str] = mapped_column(Text, primary_key=True)
    """A value of ``periods.Grain``, or its ``of_all``: all units and divisions at once, kept as 0 and nothing."""
    day: Mapped[date] = mapped_column(primary_key=True)
    """The day of registration in Beijing; of a longer span its first."""
    unit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """0 while the city holds the tips, and for those that were merged into others."""
    division_code: Mapped[str] = mapped_column(Text, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int]


WAY: Final = 3
"""The number of the way of counting: a program that counts in another one counts every tip anew, once."""


class StatisticsState(Base):
    """How far the figures have been counted; one row, whose id is the way of counting, none before the first run."""

    __tablename__ = "statistics_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    counted_to: Mapped[UUID | None]
    """While everything is counted anew: the last tip that was; empty when all were."""
    seen: Mapped[UUID]
    """The newest step of a handling at the last run."""
    counted_at: Mapped[datetime]
