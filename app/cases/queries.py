"""Read-only selects of cases: the register, one case, its history and its tips."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, Text, cast, extract, func, or_, select, tuple_
from sqlalchemy import case as when

from app.cases import words
from app.cases.models import CaseAlert, CaseEvent, CasePlan, CaseProgress, CaseTip, FundraisingCase, StageProposal
from app.cases.policy import visible_cases
from app.cases.states import CaseStatus, JudicialStage, Track
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import OutOfScope
from app.foundation.permissions import Actor
from app.tips.models import Tip
from app.tips.policy import visible_tips
from app.workflow import limits
from app.workflow.deadlines import end_of_day

_ESTIMATE_UP_TO = 1000
_J = JudicialStage
TRIED: Final = (_J.TRIAL, _J.JUDGED, _J.ENFORCING, _J.CONCLUDED)
"""司法审理: the matter has reached the court."""
FILED: Final = (_J.POLICE_FILED, _J.INVESTIGATING, _J.PROSECUTING, *TRIED)
"""立案: the police have filed the case."""
REACHED: Final[Mapping[str, Sequence[str]]] = {"filed": FILED, "tried": TRIED}

HAPPENED_ON: Final = func.coalesce(
    FundraisingCase.occurred_on, cast(func.timezone("Asia/Shanghai", FundraisingCase.registered_at), Date)
)
"""The day that the statistics count a case under: 发案时间, or that of its entry where it is not known."""


_FILING: Final = FundraisingCase.stage_dates[Track.JUDICIAL.value][_J.POLICE_FILED.value]
FILED_ON: Final = func.coalesce(
    cast(_FILING.astext, Date), when((FundraisingCase.judicial_stage.in_(FILED), FundraisingCase.occurred_on))
)
"""立案时间, or 发案时间 of a case that was filed on a day nobody entered."""


def is_legacy() -> ColumnElement[bool]:
    """陈案: marked by the office, or filed before the year that the office has set (domain.md §4.4)."""
    year = limits.value(limits.CASE_LEGACY_BEFORE)
    marked = FundraisingCase.legacy.expression
    return or_(marked, func.coalesce(date(year, 1, 1) > FILED_ON, False)) if year else marked


def counts_as_legacy(case: FundraisingCase) -> bool:
    """The same of one case at hand."""
    year = limits.value(limits.CASE_LEGACY_BEFORE)
    entered = case.stage_dates.get(Track.JUDICIAL.value, {}).get(_J.POLICE_FILED.value)
    known = case.occurred_on if case.judicial_stage in FILED else None
    filed_on = date.fromisoformat(entered) if entered else known
    return case.legacy or bool(year and filed_on and filed_on < date(year, 1, 1))


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a person looks for in the register."""

    status: str | None = None
    admin_stage: str | None = None
    judicial_stage: str | None = None
    restitution_stage: str | None = None
    reached: str | None = None
    """``filed`` or ``tried``: a column of the classification table."""
    division: str | None = None
    category: str | None = None
    detail: str | None = None
    industry: str | None = None
    """The letter of a section of GB/T 4754, or ``none`` for cases without one."""
    level: str | None = None
    stability: str | None = None
    amount: str | None = None
    legacy: bool | None = None
    cross_province: bool | None = None
    waiting: bool | None = None
    """Whether a change of a stage or a version of the plan waits for a decision."""
    overdue: bool | None = None
    """Whether the target date has passed without an end."""
    target_year: int | None = None
    since: date | None = None
    until: date | None = None
    """Days of 发案, both included."""
    under_way: bool | None = None
    not_reported_in: date | None = None
    """Of a month (its first day): cases that are under way and have no entry of progress for it."""
    q: str | None = None


def case_page(
    actor: Actor, wanted: CaseFilter, after: tuple[datetime, UUID] | None, limit: int, *, by_party: bool
) -> tuple[Sequence[FundraisingCase], int]:
    """Cases within sight, newest first, by keyset: (rows, one more than ``limit`` tells of a next page; estimate).

    ``by_party``: search the accused too; not for whoever reads them masked, who would learn the names by guessing.
    """
    statement = found_cases(actor, wanted, by_party=by_party)
    counted = statement.with_only_columns(FundraisingCase.id).limit(_ESTIMATE_UP_TO).subquery()
    total = db.session.scalar(select(func.count()).select_from(counted))
    if after:
        statement = statement.where(tuple_(FundraisingCase.registered_at, FundraisingCase.id) < tuple_(*after))
    return db.session.scalars(_newest(statement).limit(limit + 1)).all(), total or 0


def all_cases(actor: Actor, wanted: CaseFilter, *, by_party: bool) -> Iterator[FundraisingCase]:
    """Every case that fits, newest first, read in portions."""
    statement = _newest(found_cases(actor, wanted, by_party=by_party))
    yield from db.session.scalars(statement.execution_options(yield_per=500))


def found_cases(actor: Actor, wanted: CaseFilter, *, by_party: bool) -> Select[FundraisingCase]:
    """The cases within sight that fit what is wanted."""
    return visible_cases(actor).where(*_conditions(wanted, by_party=by_party))


def _newest(statement: Select[FundraisingCase]) -> Select[FundraisingCase]:
    return statement.order_by(FundraisingCase.registered_at.desc(), FundraisingCase.id.desc())


def _conditions(wanted: CaseFilter, *, by_party: bool) -> list[ColumnElement[bool]]:
    equal = {
        FundraisingCase.status: wanted.status,
        FundraisingCase.admin_stage: wanted.admin_stage,
        FundraisingCase.judicial_stage: wanted.judicial_stage,
        FundraisingCase.restitution_stage: wanted.restitution_stage,
        FundraisingCase.division_code: wanted.division,
        FundraisingCase.category_detail: wanted.detail,
        FundraisingCase.level: wanted.level,
        FundraisingCase.stability_level: wanted.stability,
        FundraisingCase.cross_province: wanted.cross_province,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    found += [*_by_kind(wanted), *_by_day(wanted)]
    if wanted.waiting is not None:
        found.append(_waits() if wanted.waiting else ~_waits())
    if wanted.legacy is not None:
        found.append(is_legacy() if wanted.legacy else ~is_legacy())
    if wanted.q:
        found.append(_search(wanted.q, by_party=by_party))
    return found


def _by_kind(wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.category:
        column = FundraisingCase.business_category
        yield column.is_(None) if wanted.category == "none" else column == wanted.category
    if wanted.industry:
        industry = FundraisingCase.industry
        yield industry.is_(None) if wanted.industry == "none" else industry.startswith(wanted.industry)
    if wanted.amount:
        _, least, below = words.AMOUNT_BANDS[wanted.amount]
        yield FundraisingCase.involved_yuan >= least
        if below is not None:
            yield FundraisingCase.involved_yuan < below
    if wanted.reached:
        yield FundraisingCase.judicial_stage.in_(REACHED[wanted.reached])


def _by_day(wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
    under_way = FundraisingCase.status != CaseStatus.CLOSED
    if wanted.under_way:
        yield under_way
    if wanted.since:
        yield wanted.since <= HAPPENED_ON
    if wanted.until:
        yield wanted.until >= HAPPENED_ON
    if wanted.overdue is not None:
        late = func.coalesce(FundraisingCase.target_on < clock.today(), False) & under_way
        yield late if wanted.overdue else ~late
    if wanted.target_year:
        yield extract("year", FundraisingCase.target_on) == wanted.target_year
    if wanted.not_reported_in:
        yield from without_progress(wanted.not_reported_in)


def last_day(month: date) -> date:
    """The last day of the month that begins with ``month``."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def without_progress(month: date) -> list[ColumnElement[bool]]:
    """Of cases under way: those known by the end of ``month`` that have no entry for it."""
    entry = select(CaseProgress.id).where(CaseProgress.case_id == FundraisingCase.id, CaseProgress.month == month)
    known = FundraisingCase.registered_at <= end_of_day(last_day(month))
    return [FundraisingCase.status != CaseStatus.CLOSED, known, ~entry.exists()]


def _waits() -> ColumnElement[bool]:
    proposal = select(StageProposal.id).where(
        StageProposal.case_id == FundraisingCase.id, StageProposal.agreed.is_(None)
    )
    plan = select(CasePlan.id).where(CasePlan.case_id == FundraisingCase.id, CasePlan.approved.is_(None))
    return or_(proposal.exists(), plan.exists())


def _search(q: str, *, by_party: bool) -> ColumnElement[bool]:
    searched: list[ColumnElement[str]] = [FundraisingCase.case_no.expression]
    if by_party:
        searched += [FundraisingCase.name.expression, cast(FundraisingCase.parties, Text)]
    return or_(*(column.icontains(q, autoescape=True) for column in searched))


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


def alerts_of(case_id: UUID) -> Sequence[CaseAlert]:
    """The reminders and supervisions of a case, newest first."""
    newest = (CaseAlert.due_on.desc(), CaseAlert.kind)
    return db.session.scalars(select(CaseAlert).where(CaseAlert.case_id == case_id).order_by(*newest)).all()


def waiting_proposals(case_id: UUID) -> Sequence[StageProposal]:
    """Changes of stages that wait for a decision."""
    return db.session.scalars(
        select(StageProposal).where(StageProposal.case_id == case_id, StageProposal.agreed.is_(None))
    ).all()


def linked_tips(actor: Actor, case_id: UUID) -> Sequence[Tip]:
    """The tips of a case that this person may see: a tip of another district stays behind its own wall."""
    statement = visible_tips(actor).join(CaseTip, CaseTip.tip_id == Tip.id).where(CaseTip.case_id == case_id)
    return db.session.scalars(statement.with_only_columns(Tip).order_by(Tip.registered_at, Tip.id)).all()


def case_of_tip(actor: Actor, tip_id: UUID) -> FundraisingCase | None:
    """The case that a tip belongs to, where this person may see that case."""
    return db.session.scalar(
        visible_cases(actor).join(CaseTip, CaseTip.case_id == FundraisingCase.id).where(CaseTip.tip_id == tip_id)
    )


def reported_months(case_ids: Collection[UUID], since: date, until: date) -> dict[UUID, dict[date, int]]:
    """For each case how many entries of progress it has for each month from ``since`` to ``until``."""
    rows: Sequence[Any] = db.session.execute(
        select(CaseProgress.case_id, CaseProgress.month, func.count())
        .where(CaseProgress.case_id.in_(case_ids), CaseProgress.month.between(since, until))
        .group_by(CaseProgress.case_id, CaseProgress.month)
    ).all()
    found: dict[UUID, dict[date, int]] = {}
    for case_id, month, count in rows:
        found.setdefault(case_id, {})[month] = count
    return found
