"""The states of a case and the tables of its three tracks (pure: no Flask, no database). domain.md §4.2, §9.3.

A case runs on three tracks, not on one line. The district that is responsible enters each stage and the city confirms
it; one row of ``MOVES`` says which stage leads to which. A move back needs a reason (退回补充侦查, 发回重审, 撤案).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from app.foundation.permissions import Permission as P  # noqa: N817  # the table is read by its columns


class CaseStatus(StrEnum):
    """Where the case as a whole stands."""

    OPEN = "open"
    MONITORING = "monitoring"
    CLOSED = "closed"

    @property
    def text(self) -> str:
        """The status as the office says it."""
        return CASE_STATUS_TEXTS[self]


class Track(StrEnum):
    """The three tracks; each value is the column of the case that holds its stage."""

    ADMINISTRATIVE = "admin_stage"
    JUDICIAL = "judicial_stage"
    RESTITUTION = "restitution_stage"


class AdminStage(StrEnum):
    """行政处理."""

    NONE = "none"
    ACCEPTED = "admin_accepted"
    DETERMINING = "determining"
    EXCLUDED = "excluded"
    HANDLED = "admin_handled"
    POLICE_TRANSFERRED = "police_transferred"


class JudicialStage(StrEnum):
    """司法处置: 在侦, 在诉, 在审, 执行."""

    NONE = "none"
    POLICE_ACCEPTED = "police_accepted"
    POLICE_FILED = "police_filed"
    INVESTIGATING = "investigating"
    PROSECUTING = "prosecuting"
    TRIAL = "trial"
    JUDGED = "judged"
    ENFORCING = "enforcing"
    CONCLUDED = "concluded"


class RestitutionStage(StrEnum):
    """资金清退."""

    NONE = "none"
    REGISTERING = "registering"
    DISPOSING = "disposing"
    RETURNING = "returning"
    COMPLETED = "completed"
    IMPOSSIBLE = "impossible"


STAGES: Final[Mapping[Track, type[StrEnum]]] = {
    Track.ADMINISTRATIVE: AdminStage,
    Track.JUDICIAL: JudicialStage,
    Track.RESTITUTION: RestitutionStage,
}

A: TypeAlias = AdminStage
J: TypeAlias = JudicialStage
R: TypeAlias = RestitutionStage


@dataclass(frozen=True, slots=True)
class Move:
    """One row of a track: from which stages to which, whether backwards, and who confirms it."""

    track: Track
    sources: frozenset[str]
    target: str
    back: bool = False
    confirmed_under: P = P.CASE_REVIEW

    def leads(self, source: str, target: str) -> bool:
        """Whether this row leads from ``source`` to ``target``."""
        return source in self.sources and self.target == target


def _admin(sources: set[A], target: A, *, back: bool = False) -> Move:
    return Move(Track.ADMINISTRATIVE, frozenset(sources), target, back)


def _judicial(sources: set[J], target: J, *, back: bool = False) -> Move:
    return Move(Track.JUDICIAL, frozenset(sources), target, back)


def _restitution(sources: set[R], target: R, *, back: bool = False, under: P = P.CASE_REVIEW) -> Move:
    return Move(Track.RESTITUTION, frozenset(sources), target, back, under)


MOVES: Final[tuple[Move, ...]] = (
    _admin({A.NONE}, A.ACCEPTED),
    _admin({A.ACCEPTED}, A.DETERMINING),
    _admin({A.DETERMINING}, A.EXCLUDED),
    _admin({A.DETERMINING}, A.HANDLED),
    _admin({A.DETERMINING}, A.POLICE_TRANSFERRED),
    _admin({A.EXCLUDED, A.HANDLED, A.POLICE_TRANSFERRED}, A.DETERMINING, back=True),
    _judicial({J.NONE}, J.POLICE_ACCEPTED),
    _judicial({J.POLICE_ACCEPTED}, J.POLICE_FILED),
    _judicial({J.POLICE_FILED}, J.INVESTIGATING),
    _judicial({J.INVESTIGATING}, J.PROSECUTING),
    _judicial({J.PROSECUTING}, J.TRIAL),
    _judicial({J.TRIAL}, J.JUDGED),
    _judicial({J.JUDGED}, J.ENFORCING),
    _judicial({J.JUDGED, J.ENFORCING}, J.CONCLUDED),
    _judicial({J.PROSECUTING, J.TRIAL}, J.INVESTIGATING, back=True),  # 退回补充侦查, 撤回起诉
    _judicial({J.JUDGED, J.ENFORCING, J.CONCLUDED}, J.TRIAL, back=True),  # 发回重审, 再审
    # 不予立案, 撤案, 不起诉: no crime, so that the administrative track decides again whether the case is concluded
    _judicial({J.POLICE_ACCEPTED, J.POLICE_FILED, J.INVESTIGATING, J.PROSECUTING}, J.NONE, back=True),
    _restitution({R.NONE}, R.REGISTERING),
    _restitution({R.REGISTERING}, R.DISPOSING),
    _restitution({R.REGISTERING, R.DISPOSING}, R.RETURNING),
    _restitution({R.RETURNING}, R.COMPLETED),
    _restitution({R.NONE, R.REGISTERING, R.DISPOSING, R.RETURNING}, R.IMPOSSIBLE, back=True, under=P.CASE_LEAD),
    _restitution({R.RETURNING}, R.DISPOSING, back=True),
    _restitution({R.COMPLETED, R.IMPOSSIBLE}, R.DISPOSING, back=True),
)
"""What leads to ``impossible`` needs a reason as a move back does, and the leader's approval instead of the city's."""


def find_move(track: str, source: str, target: str) -> Move | None:
    """The row that leads from one stage to another, or ``None``."""
    return next((row for row in MOVES if row.track == track and row.leads(source, target)), None)


class CaseAction(StrEnum):
    """What can be done to a case."""

    PROPOSE_STAGE = "propose_stage"
    CONFIRM_STAGE = "confirm_stage"
    REFUSE_STAGE = "refuse_stage"
    MONITOR = "monitor"
    CLOSE = "close"
    REOPEN = "reopen"


CASE_ACTION_TEXTS: Final[Mapping[CaseAction, str]] = {
    CaseAction.PROPOSE_STAGE: "填报阶段变更",
    CaseAction.CONFIRM_STAGE: "确认阶段变更",
    CaseAction.REFUSE_STAGE: "退回阶段变更",
    CaseAction.MONITOR: "转入善后跟踪",
    CaseAction.CLOSE: "结案",
    CaseAction.REOPEN: "重新启动",
}

CASE_STATUS_TEXTS: Final[Mapping[CaseStatus, str]] = {
    CaseStatus.OPEN: "在办",
    CaseStatus.MONITORING: "善后跟踪",
    CaseStatus.CLOSED: "已结案",
}


class CaseAlertKind(StrEnum):
    """What the program reminds of (before) and puts under supervision (after)."""

    PROGRESS_DUE = "progress_due"
    PROGRESS_MISSED = "progress_missed"
    MEASURE_MISSED = "measure_missed"
    TARGET_NEAR = "target_near"
    TARGET_MISSED = "target_missed"


CASE_ALERT_TEXTS: Final[Mapping[CaseAlertKind, str]] = {
    CaseAlertKind.PROGRESS_DUE: "本月进展待填报",
    CaseAlertKind.PROGRESS_MISSED: "月度进展逾期未填报",
    CaseAlertKind.MEASURE_MISSED: "方案措施逾期未完成",
    CaseAlertKind.TARGET_NEAR: "化解目标日期临近",
    CaseAlertKind.TARGET_MISSED: "化解目标逾期未完成",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the case's own table; ``permissions``: any one of them (a stage names the one that confirms it)."""

    action: CaseAction
    sources: frozenset[CaseStatus]
    target: CaseStatus | None
    permissions: frozenset[P]
    needs: tuple[str, ...] = ()


_UNDER_WAY: Final = frozenset({CaseStatus.OPEN, CaseStatus.MONITORING})
_CONFIRMING: Final = frozenset({P.CASE_REVIEW, P.CASE_LEAD})

STEPS: Final[tuple[Step, ...]] = (
    Step(CaseAction.PROPOSE_STAGE, _UNDER_WAY, None, frozenset({P.CASE_HANDLE}), ("track", "stage", "on")),
    Step(CaseAction.CONFIRM_STAGE, _UNDER_WAY, None, _CONFIRMING, ("track",)),
    Step(CaseAction.REFUSE_STAGE, _UNDER_WAY, None, _CONFIRMING, ("track", "reason")),
    Step(CaseAction.MONITOR, frozenset({CaseStatus.OPEN}), CaseStatus.MONITORING, frozenset({P.CASE_REVIEW})),
    Step(CaseAction.CLOSE, _UNDER_WAY, CaseStatus.CLOSED, frozenset({P.CASE_LEAD}), ("reason",)),
    Step(CaseAction.REOPEN, frozenset({CaseStatus.CLOSED}), CaseStatus.OPEN, frozenset({P.CASE_LEAD}), ("reason",)),
)


def step_of(action: str) -> Step:
    """The row of an action; every action has exactly one."""
    return next(row for row in STEPS if row.action == action)


def is_concluded(admin_stage: str, judicial_stage: str) -> bool:
    """Whether the matter itself is settled: by the courts, or by the office where there is no crime."""
    if judicial_stage != J.NONE:
        return judicial_stage == J.CONCLUDED
    return admin_stage in {A.EXCLUDED, A.HANDLED}


def missing_for_closing(admin_stage: str, judicial_stage: str, restitution_stage: str) -> list[str]:
    """What still stands in the way of closing, in the office's words (domain rule 19)."""
    missing = [] if is_concluded(admin_stage, judicial_stage) else ["行政处理或司法处置尚未终结"]
    settled = restitution_stage in {R.COMPLETED, R.IMPOSSIBLE}
    return missing if settled else [*missing, "资金清退尚未完毕，也未经批准认定无法清退"]
