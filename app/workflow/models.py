"""Tables of handling. A tip is known by its id only; what the person said lives in ``tips``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id

_OPEN_REASSIGNMENT = "status IN ('applied','returned_for_evidence','approved','adjusted')"

# Statuses in which the matter is not settled (states.UNDER_WAY), and the order by deadline, as the indexes say it.
_UNDER_WAY = (
    "status IN ('registered', 'need_supplement', 'accepted', 'assigned', 'return_requested', 'verifying', "
    "'feedback_submitted', 'rework', 'transferred')"
)
# What the city has to decide before it assigns: the statuses are states.WITH_CITY.
_TO_DECIDE = "(dispute OR needs_review) AND status IN ('registered', 'need_supplement', 'accepted')"
_DEADLINE = text("COALESCE(due_on, '9999-12-31'::date)")


class Handling(Base):
    """How one tip is being handled: status, unit, clock. Written by ``workflow.service`` alone.

    ``unit_id`` is empty while the city holds the tip; ``division_code`` is then the suggested lead. The clock of the
    present status is ``clock_from`` (a day that is not counted) and ``clock_days`` after it; ``due_on`` follows from
    them and the calendar. ``next_mark_on`` is the day on which the sweep has to look at the tip again.
    """

    __tablename__ = "handlings"
    __table_args__ = (
        Index("ix_handlings_unit_status", "unit_id", "status"),
        # The queue in its orders, alone and after each filter; of the partial ones the condition is the filter. What
        # is included is what counting asks for, the wall's unit among it: no row of the table is read.
        Index(
            "ix_handlings_due_on",
            "due_on",
            postgresql_include=["unit_id", "paused_on"],
            postgresql_where="due_on IS NOT NULL",
        ),
        Index("ix_handlings_queue", "registered_at", "tip_id"),
        Index("ix_handlings_deadline", _DEADLINE, "tip_id"),
        Index(
            "ix_handlings_unit_deadline",
            "unit_id",
            _DEADLINE,
            "tip_id",
            postgresql_include=["due_on", "status"],
            postgresql_where=text("unit_id IS NOT NULL"),  # filing writes none
        ),
        Index("ix_handlings_status", "status", "registered_at", "tip_id"),
        Index("ix_handlings_unit", "unit_id", "registered_at", "tip_id"),
        Index("ix_handlings_division", "division_code", "registered_at", "tip_id", postgresql_include=["unit_id"]),
        Index("ix_handlings_priority", "priority", "registered_at", "tip_id", postgresql_include=["unit_id"]),
        Index("ix_handlings_open", "registered_at", "tip_id", postgresql_where=text(_UNDER_WAY)),
        Index("ix_handlings_dispute", "registered_at", "tip_id", postgresql_where=text("dispute")),
        Index(
            "ix_handlings_to_decide",
            "registered_at",
            "tip_id",
            postgresql_include=["unit_id", "dispute"],
            postgresql_where=text(_TO_DECIDE),
        ),
        Index("ix_handlings_with_deadline", "registered_at", postgresql_where="due_on IS NOT NULL"),
        Index("ix_handlings_supervised", "registered_at", "tip_id", postgresql_where=text("supervision IS NOT NULL")),
        Index("ix_handlings_merged_into", "merged_into", postgresql_where="merged_into IS NOT NULL"),
        Index("ix_handlings_next_mark", "next_mark_on", "tip_id", postgresql_where="next_mark_on IS NOT NULL"),
    )

    tip_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    division_code: Mapped[str | None] = mapped_column(Text)
    dispute: Mapped[bool]
    needs_review: Mapped[bool]
    registered_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    due_on: Mapped[date | None]
    overall_due_on: Mapped[date | None]
    paused_on: Mapped[date | None]
    moves: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    outcome: Mapped[str | None] = mapped_column(Text)
    feedback: Mapped[str | None] = mapped_column(Text)
    feedback_by: Mapped[UUID | None]
    reply: Mapped[str | None] = mapped_column(Text)
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("handlings.tip_id"))
    priority: Mapped[str] = mapped_column(Text, server_default="P4")
    stability_risk: Mapped[bool] = mapped_column(server_default="false")
    clock_from: Mapped[date | None]
    clock_days: Mapped[int | None] = mapped_column(SmallInteger)
    clock_natural: Mapped[bool] = mapped_column(server_default="false")
    kept_days: Mapped[int | None] = mapped_column(SmallInteger)
    """Working days that a refused return left of the verification, or a recall of the desk's limit: they go on."""
    delivered_on: Mapped[date | None]
    verification_extended: Mapped[bool] = mapped_column(server_default="false")
    overall_extended: Mapped[bool] = mapped_column(server_default="false")
    dispatched_automatically: Mapped[bool] = mapped_column(server_default="false")
    decided_by_city: Mapped[bool] = mapped_column(server_default="false")
    """The city has decided where the tip belongs: no return, and of reassignments one review by the leader."""
    supervision: Mapped[str | None] = mapped_column(Text)
    mark: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_mark_on: Mapped[date | None]


class HandlingEvent(Base):
    """One step in the history of a tip: who, when, from where to where, why. Never changed."""

    __tablename__ = "handling_events"
    __table_args__ = (Index("ix_handling_events_tip", "tip_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"))
    version: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    actor_role: Mapped[str] = mapped_column(Text)
    actor_unit_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(Text)
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    from_unit_id: Mapped[int | None]
    to_unit_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))


class Reassignment(Base):
    """One request to move a tip to another unit, through application, review and adjustment by three people."""

    __tablename__ = "reassignments"
    __table_args__ = (
        Index("uq_reassignments_one_open", "tip_id", unique=True, postgresql_where=text(_OPEN_REASSIGNMENT)),
        Index("ix_reassignments_open", "applied_at", "id", postgresql_where=text(_OPEN_REASSIGNMENT)),
        Index("ix_reassignments_from_unit", "from_unit_id", "status"),
        Index("ix_reassignments_to_unit", "to_unit_id", "status"),
        Index(
            "ix_reassignments_queue",
            "applied_at",
            "id",
            postgresql_include=["from_unit_id", "to_unit_id", "to_division", "status", "view_due_on"],
        ),
        Index("ix_reassignments_tip", "tip_id", "applied_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"))
    status: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    from_unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    to_unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    """Empty for a target outside the city: the adjustment is then a transfer."""
    to_division: Mapped[str] = mapped_column(Text)
    ground: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    evidence: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    applicant_id: Mapped[UUID]
    reviewer_id: Mapped[UUID | None]
    adjuster_id: Mapped[UUID | None]
    applied_at: Mapped[datetime]
    due_on: Mapped[date | None]
    clock_from: Mapped[date | None]
    clock_days: Mapped[int | None] = mapped_column(SmallInteger)
    again: Mapped[bool] = mapped_column(server_default="false")
    """The one review by the leader after a city decision."""
    transfer_to: Mapped[str | None] = mapped_column(Text)
    view_asked_on: Mapped[date | None]
    view_days: Mapped[int | None] = mapped_column(SmallInteger)
    view_due_on: Mapped[date | None]
    view_given_at: Mapped[datetime | None]
    view_agrees: Mapped[bool | None]
    view_text: Mapped[str | None] = mapped_column(Text)


class ReassignmentEvent(Base):
    """One step in the history of a request. Never changed."""

    __tablename__ = "reassignment_events"
    __table_args__ = (Index("ix_reassignment_events_request", "reassignment_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reassignment_id: Mapped[UUID] = mapped_column(ForeignKey("reassignments.id"))
    version: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    actor_role: Mapped[str] = mapped_column(Text)
    actor_unit_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(Text)
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")


class CalendarDay(Base):
    """One day of a region that is off, or worked in exchange; every other day follows its weekday."""

    __tablename__ = "calendar_days"

    region_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    holiday: Mapped[str] = mapped_column(Text, server_default="")
    note: Mapped[str] = mapped_column(Text, server_default="")


class WorkflowLimit(Base):
    """One figure of the office's rules from one day on (a limit, a threshold, a switch); the newest row holds."""

    __tablename__ = "workflow_limits"
    __table_args__ = (Index("ix_workflow_limits_name", "name", "valid_from", "id"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    value: Mapped[int] = mapped_column(BigInteger)
    valid_from: Mapped[date]
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime]


class WorkflowReason(Base):
    """One entry of a list of words, worded and in use (or not) from one day on; the newest row holds."""

    __tablename__ = "workflow_reasons"
    __table_args__ = (Index("ix_workflow_reasons_code", "kind", "code", "valid_from", "id"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    in_use: Mapped[bool]
    position: Mapped[int | None]
    valid_from: Mapped[date]
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime]


class ReturnRequest(Base):
    """One district's request to give a tip back, and the city's decision on it; one per tip and unit."""

    __tablename__ = "return_requests"
    __table_args__ = (UniqueConstraint("tip_id", "unit_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    from_status: Mapped[str] = mapped_column(Text)
    days_left: Mapped[int | None] = mapped_column(SmallInteger)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    agreed: Mapped[bool | None]
    decision: Mapped[str | None] = mapped_column(Text)


class Transfer(Base):
    """One tip handed to another authority: who approved, to whom and through whom, and the receipt."""

    __tablename__ = "transfers"
    __table_args__ = (Index("ix_transfers_tip", "tip_id", "approved_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"))
    destination: Mapped[str] = mapped_column(Text)
    through_region: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime]
    receipt_number: Mapped[str | None] = mapped_column(Text)
    received_on: Mapped[date | None]


class Supervision(Base):
    """One supervision of a tip (urged, listed, or by the leader after many moves) until it is concluded."""

    __tablename__ = "supervisions"
    __table_args__ = (
        Index("ix_supervisions_tip", "tip_id", "opened_at"),
        Index("ix_supervisions_open", "kind", "opened_at", postgresql_where="closed_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"))
    kind: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[UUID | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Exclusion(Base):
    """One person who steps aside (回避): from one tip, or from every tip about one company."""

    __tablename__ = "exclusions"
    __table_args__ = (
        CheckConstraint("(tip_id IS NULL) <> (company IS NULL)", name="tip_or_company"),
        Index("ix_exclusions_account", "account_id", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    tip_id: Mapped[UUID | None] = mapped_column(ForeignKey("handlings.tip_id"))
    company: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PoliceTransfer(Base):
    """One tip on its way to the police: proposed, decided by the head, sent, received, decided on by the police.

    行政执法机关移送涉嫌犯罪案件的规定 Art. 5 to 9.
    """

    __tablename__ = "police_transfers"
    __table_args__ = (Index("ix_police_transfers_tip", "tip_id", "proposed_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"))
    state: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    officers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[UUID | None]
    proposed_at: Mapped[datetime]
    decide_by: Mapped[date]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None] = mapped_column(Text)
    send_by: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    documents: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    police_decided_on: Mapped[date | None]
    police_notified_on: Mapped[date | None]
    """The day on which a refusal arrived; ``reconsider_by`` is counted from it."""
    police_reason: Mapped[str | None] = mapped_column(Text)
    reconsider_by: Mapped[date | None]


class HandlingAlert(Base):
    """One warning about a tip that its people were told of: once for each kind and due date."""

    __tablename__ = "handling_alerts"
    __table_args__ = (UniqueConstraint("tip_id", "kind", "due_on", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tip_id: Mapped[UUID] = mapped_column(ForeignKey("handlings.tip_id"))
    kind: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None]
    at: Mapped[datetime]
