"""Tables of stock cases (存量案件). Written by ``cases.service`` alone."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class FundraisingCase(Base):
    """One illegal-fundraising case of the city: who, what, how much, who is responsible, and where its tracks stand.

    Fields after 案件基本信息登记表 and domain.md §4.4. ``outstanding_yuan`` is what was unpaid when the case was found
    (应清退); the ratio of restitution follows from it and is stored nowhere. ``stage_dates`` holds for each track the
    day on which each stage was last reached. What the claims come to is kept by a trigger of theirs.
    """

    __tablename__ = "fundraising_cases"
    __table_args__ = (
        CheckConstraint("returned_yuan <= outstanding_yuan", name="returned_within_due"),
        Index("ix_fundraising_cases_register", "registered_at", "id"),
        Index("ix_fundraising_cases_unit", "unit_id", "registered_at"),
        Index("ix_fundraising_cases_division", "division_code", "registered_at", "id", "unit_id"),
        Index("ix_fundraising_cases_version", "unit_id", "version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_no: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    admin_stage: Mapped[str] = mapped_column(Text)
    judicial_stage: Mapped[str] = mapped_column(Text)
    restitution_stage: Mapped[str] = mapped_column(Text)
    stage_dates: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    division_code: Mapped[str] = mapped_column(Text)
    jurisdiction: Mapped[dict[str, Any]] = mapped_column(JSONB)
    registered_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    parties: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    industry: Mapped[str | None] = mapped_column(Text)
    method: Mapped[str | None] = mapped_column(Text)
    business_category: Mapped[str | None] = mapped_column(Text)
    category_detail: Mapped[str | None] = mapped_column(Text)
    found_through: Mapped[str | None] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    registered_place: Mapped[str | None] = mapped_column(Text)
    occurrence_place: Mapped[str | None] = mapped_column(Text)
    cross_province: Mapped[bool] = mapped_column(server_default="false")
    lead_place: Mapped[str | None] = mapped_column(Text)
    cooperating_places: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    sector_regulator: Mapped[str | None] = mapped_column(Text)
    responsible_person: Mapped[str | None] = mapped_column(Text)
    responsible_phone: Mapped[str | None] = mapped_column(Text)
    police_unit: Mapped[str | None] = mapped_column(Text)
    police_case_no: Mapped[str | None] = mapped_column(Text)
    procuratorate: Mapped[str | None] = mapped_column(Text)
    procuratorate_case_no: Mapped[str | None] = mapped_column(Text)
    court: Mapped[str | None] = mapped_column(Text)
    court_case_no: Mapped[str | None] = mapped_column(Text)
    occurred_on: Mapped[date | None]
    involved_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    outstanding_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    controlled_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    realised_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    returned_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    participants: Mapped[int | None]
    stability_level: Mapped[str | None] = mapped_column(Text)
    legacy: Mapped[bool] = mapped_column(server_default="false")
    target_on: Mapped[date | None]
    claims: Mapped[int] = mapped_column(server_default="0")
    claims_waiting: Mapped[int] = mapped_column(server_default="0")
    claims_verified_yuan: Mapped[Decimal] = mapped_column(Numeric(18, 2), server_default="0")


class CaseEvent(Base):
    """One step in the history of a case: who, when, which track from where to where, why. Never changed."""

    __tablename__ = "case_events"
    __table_args__ = (Index("ix_case_events_case", "case_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    version: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    actor_role: Mapped[str] = mapped_column(Text)
    actor_unit_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(Text)
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    track: Mapped[str | None] = mapped_column(Text)
    from_stage: Mapped[str | None] = mapped_column(Text)
    to_stage: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))


class StageProposal(Base):
    """One change of a stage that the district entered, and the decision on it; one open at a time on each track."""

    __tablename__ = "case_stage_proposals"
    __table_args__ = (
        Index(
            "uq_case_stage_proposals_one_open", "case_id", "track", unique=True, postgresql_where=text("agreed IS NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    track: Mapped[str] = mapped_column(Text)
    from_stage: Mapped[str] = mapped_column(Text)
    to_stage: Mapped[str] = mapped_column(Text)
    reached_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[UUID | None]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    agreed: Mapped[bool | None]
    decision: Mapped[str] = mapped_column(Text, server_default="")


class CaseTip(Base):
    """One tip that belongs to a case. Many tips to a case, one case to a tip; the reporter sees nothing of it."""

    __tablename__ = "case_tips"
    __table_args__ = (Index("ix_case_tips_case", "case_id"),)

    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"), primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    linked_by: Mapped[UUID | None]
    linked_at: Mapped[datetime]


class CasePlan(Base):
    """One version of a case's plan (一案一策): goal and measures, who wrote it and why, and the leader's decision.

    The newest approved version is in force; ``measures`` are objects of text, owner, unit, due_on and done_on.
    """

    __tablename__ = "case_plans"
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        Index("uq_case_plans_one_open", "case_id", unique=True, postgresql_where=text("approved IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    number: Mapped[int]
    goal: Mapped[str] = mapped_column(Text)
    measures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(Text)
    written_by: Mapped[UUID | None]
    written_by_name: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    approved: Mapped[bool | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(Text, server_default="")


class CaseProgress(Base):
    """What a district reported on a case for one month (案情最新情况). Never changed: a correction is a new entry."""

    __tablename__ = "case_progress"
    __table_args__ = (Index("ix_case_progress_case", "case_id", "month"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    month: Mapped[date]
    situation: Mapped[str] = mapped_column(Text)
    people: Mapped[str | None] = mapped_column(Text)
    proceedings: Mapped[str | None] = mapped_column(Text)
    recovered_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    returned_yuan: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    petitions: Mapped[str | None] = mapped_column(Text)
    problems: Mapped[str | None] = mapped_column(Text)
    movement: Mapped[str] = mapped_column(Text)
    written_by: Mapped[UUID | None]
    written_by_name: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]


class CaseAlert(Base):
    """One reminder or supervision of a case, for one kind and due date; the sweep writes each once."""

    __tablename__ = "case_alerts"
    __table_args__ = (UniqueConstraint("case_id", "kind", "due_on"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fundraising_cases.id"))
    kind: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date]
    at: Mapped[datetime]


class CasePlanTemplate(Base):
    """What plans for one kind of case begin with, from one day on; the newest row holds. Measures: text, unit, days."""

    __tablename__ = "case_plan_templates"
    __table_args__ = (Index("ix_case_plan_templates_category", "category", "valid_from", "id"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    category: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]
    goal: Mapped[str] = mapped_column(Text)
    measures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    in_use: Mapped[bool]
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime]


class CaseYearTarget(Base):
    """The share of the legacy cases due in one year that the city wants resolved; the newest row of a year holds."""

    __tablename__ = "case_year_targets"
    __table_args__ = (
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        Index("ix_case_year_targets_year", "year", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    year: Mapped[int]
    percent: Mapped[int]
    basis: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime]


class SheetImport(Base):
    """One spreadsheet that an officer handed in: what its columns are taken for, how far it is, what came of it.

    ``faults`` are the first ones, with the address of the cell and the reason, never with its content.
    """

    __tablename__ = "case_imports"
    __table_args__ = (Index("ix_case_imports_unit", "unit_id", "uploaded_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Text)
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("fundraising_cases.id"))
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_batches.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
    """None once the file was removed after its time (``retention``)."""
    uploaded_by: Mapped[UUID]
    uploaded_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text)
    sheet: Mapped[str] = mapped_column(Text, server_default="")
    last_heading_row: Mapped[int] = mapped_column(server_default="0")
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    rows: Mapped[int] = mapped_column(server_default="0")
    by_row: Mapped[bool] = mapped_column(server_default="false")
    dry_run: Mapped[bool] = mapped_column(server_default="false")
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[int] = mapped_column(server_default="0")
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    problem: Mapped[str] = mapped_column(Text, server_default="")
    result_file_id: Mapped[UUID | None] = mapped_column(ForeignKey("stored_files.id"))
