"""Read-only selects of cases: the register, one case, its history and its tips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, tuple_

from app.cases.models import CaseEvent, CaseProgress, CaseTip, FundraisingCase, StageProposal
from app.cases.policy import visible_cases
from app.cases.states import CaseStatus
from app.foundation.database import db
from app.foundation.errors import OutOfScope
from app.foundation.permissions import Actor
from app.tips.models import Tip
from app.tips.policy import visible_tips
from app.workflow.deadlines import end_of_day

_ESTIMATE_UP_TO = 1000


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a person looks for in the register."""

    status: str | None = None
    admin_stage: str | None = None
    judicial_stage: str | None = None
    restitution_stage: str | None = None
    division: str | None = None
    legacy: bool | None = None
    cross_province: bool | None = None
    not_reported_in: date | None = None
    """Of a month (its first day): cases that are under way and have no entry of progress for it."""
    q: str | None = None


def case_page(
    actor: Actor, wanted: CaseFilter, after: tuple[datetime, UUID] | None, limit: int, *, by_party: bool
) -> tuple[Sequence[FundraisingCase], int]:
    """Cases within sight, newest first, by keyset: (rows, one more than ``limit`` tells of a next page; estimate).

    ``by_party``: search the accused too; not for whoever reads them masked, who would learn the names by guessing.
    """
    statement = visible_cases(actor).where(*_conditions(wanted, by_party=by_party))
    counted = statement.with_only_columns(FundraisingCase.id).limit(_ESTIMATE_UP_TO).subquery()
    total = db.session.scalar(select(func.count()).select_from(counted))
    if after:
        statement = statement.where(tuple_(FundraisingCase.registered_at, FundraisingCase.id) < tuple_(*after))
    newest = (FundraisingCase.registered_at.desc(), FundraisingCase.id.desc())
    return db.session.scalars(statement.order_by(*newest).limit(limit + 1)).all(), total or 0


def _conditions(wanted: CaseFilter, *, by_party: bool) -> list[ColumnElement[bool]]:
    equal = {
        FundraisingCase.status: wanted.status,
        FundraisingCase.admin_stage: wanted.admin_stage,
        FundraisingCase.judicial_stage: wanted.judicial_stage,
        FundraisingCase.restitution_stage: wanted.restitution_stage,
        FundraisingCase.division_code: wanted.division,
        FundraisingCase.legacy: wanted.legacy,
        FundraisingCase.cross_province: wanted.cross_province,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    if wanted.not_reported_in:
        entry = select(CaseProgress.id).where(
            CaseProgress.case_id == FundraisingCase.id, CaseProgress.month == wanted.not_reported_in
        )
        last = (wanted.not_reported_in + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        under_way = FundraisingCase.status != CaseStatus.CLOSED
        found += [under_way, FundraisingCase.registered_at <= end_of_day(last), ~entry.exists()]
    if wanted.q:
        searched: list[ColumnElement[str]] = [FundraisingCase.case_no.expression]
        if by_party:
            searched += [FundraisingCase.name.expression, cast(FundraisingCase.parties, Text)]
        found.append(or_(*(column.icontains(wanted.q, autoescape=True) for column in searched)))
    return found


def case_for(actor: Actor, case_id: UUID) -> FundraisingCase:
    """A case within sight of ``actor``; raise ``OutOfScope``."""
    case = db.session.scalar(visible_cases(actor).where(FundraisingCase.id == case_id))
    if case is None:
        raise OutOfScope("未找到该案件", extra={"audit_object": ("case", str(case_id))})
    return case


def history_of(case_id: UUID) -> Sequence[CaseEvent]:
    """The steps of a case, oldest first."""
    return db.session.scalars(
        select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.version, CaseEvent.at)
    ).all()


def waiting_proposals(case_id: UUID) -> Sequence[StageProposal]:
    """Changes of stages that wait for a decision."""
    return db.session.scalars(
        select(StageProposal).where(StageProposal.case_id == case_id, StageProposal.agreed.is_(None))
    ).all()


def linked_tips(actor: Actor, case_id: UUID) -> Sequence[Tip]:
    """The tips of a case that this person may see: a tip of another district stays behind its own wall."""
    statement = visible_tips(actor).join(CaseTip, CaseTip.tip_id == Tip.id).where(CaseTip.case_id == case_id)
    return db.session.scalars(statement.with_only_columns(Tip).order_by(Tip.registered_at, Tip.id)).all()
