"""The office's figures (limits, thresholds, switches) and reasons, dated: the constants here are the seed alone.

What holds on a day is the newest row whose day has come, or the seed where no row speaks. A change is a new row, so
what held before can still be read. Each process keeps the rows and asks every other second whether newer ones exist.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from flask import current_app
from sqlalchemy import func, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor
from app.workflow.models import WorkflowLimit, WorkflowReason
from app.workflow.states import (
    ADJUST_WORKING_DAYS,
    EVIDENCE_WORKING_DAYS,
    LIMITS,
    OVERALL_DAYS,
    REPORTERS_TERMS,
    REVIEW_WORKING_DAYS,
    Status,
)

_ASKED_EVERY_SECONDS: Final = 2.0
_LARGEST: Final = 10**15


class Measure(StrEnum):
    """What a figure counts."""

    WORKING_DAYS = "个工作日"
    DAYS = "日"
    YUAN = "元"
    PEOPLE = "人"
    TIMES = "次"
    PERCENT = "%"
    SWITCH = "（1 开，0 关）"
    YEAR = "年（0 为不按年份认定）"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the rules: its name for people, what it counts, and the value the program starts with."""

    text: str
    measure: Measure
    value: int


RETURN_WINDOW: Final = "return_window"
VERIFICATION_EXTENSION: Final = "verification_extension"
OVERALL: Final = "overall"
OVERALL_EXTENSION: Final = "overall_extension"
POLICE_SENDING: Final = "police_sending"
REASSIGNMENT_REVIEW: Final = "reassignment_review"
REASSIGNMENT_ADJUST: Final = "reassignment_adjust"
REASSIGNMENT_EVIDENCE: Final = "reassignment_evidence"
OTHER_VIEW: Final = "other_view"
MOVES_WITHOUT_LEADER: Final = "moves_without_leader"
POLICE_DECISION: Final = "police_decision"
POLICE_RECONSIDERATION: Final = "police_reconsideration"
CASE_PROGRESS_REMINDER: Final = "case_progress_reminder"
CASE_TARGET_REMINDER: Final = "case_target_reminder"
CASE_LEGACY_BEFORE: Final = "case_legacy_before"
CASE_IMPORT_RETENTION: Final = "case_import_retention"
AUTO_DISPATCH: Final = "auto_dispatch"
AUTO_DISPATCH_CONFIDENCE: Final = "auto_dispatch_confidence"

_DAYS, _YUAN, _PEOPLE = Measure.WORKING_DAYS, Measure.YUAN, Measure.PEOPLE

SEED: Final[Mapping[str, Figure]] = {
    **{status.value: Figure(f"{limit.name}期限", _DAYS, limit.working_days) for status, limit in LIMITS.items()},
    RETURN_WINDOW: Figure("申请退回期限（自交办之日起）", _DAYS, 5),
    VERIFICATION_EXTENSION: Figure("核查延长", _DAYS, 15),
    OVERALL: Figure("总期限（自受理之日起）", Measure.DAYS, OVERALL_DAYS),
    OVERALL_EXTENSION: Figure("总期限延长", Measure.DAYS, 30),
    POLICE_SENDING: Figure("移送公安：批准后送达期限", Measure.DAYS, 1),
    REASSIGNMENT_REVIEW: Figure("属地调整审核期限", _DAYS, REVIEW_WORKING_DAYS),
    REASSIGNMENT_ADJUST: Figure("属地调整执行期限", _DAYS, ADJUST_WORKING_DAYS),
    REASSIGNMENT_EVIDENCE: Figure("属地调整退回补证期限（逾期视为撤回）", _DAYS, EVIDENCE_WORKING_DAYS),
    OTHER_VIEW: Figure("征求对方区县意见期限", _DAYS, 1),
    MOVES_WITHOUT_LEADER: Figure("调整超过此次数由负责人督办", Measure.TIMES, 2),
    # 行政执法机关移送涉嫌犯罪案件的规定 Art. 5, 9.
    POLICE_DECISION: Figure("移送公安：负责人决定期限", Measure.DAYS, 3),
    POLICE_RECONSIDERATION: Figure("移送公安：接到不予立案通知后提请复议期限", Measure.DAYS, 3),
    CASE_PROGRESS_REMINDER: Figure("存量案件：月末前提醒填报进展", Measure.DAYS, 5),
    CASE_TARGET_REMINDER: Figure("存量案件：化解目标日期前提醒", Measure.DAYS, 30),
    CASE_LEGACY_BEFORE: Figure("存量案件：立案早于此年为陈案", Measure.YEAR, 0),
    CASE_IMPORT_RETENTION: Figure("存量案件：导入文件、代发清单保存期限", Measure.DAYS, 90),
    AUTO_DISPATCH: Figure("无争议线索自动交办", Measure.SWITCH, 0),
    AUTO_DISPATCH_CONFIDENCE: Figure("自动交办的最低置信度", Measure.PERCENT, 95),
    # 最高人民法院非法集资司法解释 (2022) Art. 3–5: amounts and numbers of people.
    "p1_yuan": Figure("一级优先：涉及金额", _YUAN, 50_000_000),
    "p1_people": Figure("一级优先：涉及人数", _PEOPLE, 5000),
    "p2_yuan": Figure("二级优先：涉及金额", _YUAN, 5_000_000),
    "p2_people": Figure("二级优先：涉及人数", _PEOPLE, 500),
    "p3_yuan": Figure("三级优先：涉及金额", _YUAN, 1_000_000),
    "p3_people": Figure("三级优先：涉及人数", _PEOPLE, 150),
}

PRIORITIES: Final = ("P1", "P2", "P3", "P4")
REJECTION: Final = "rejection"


@dataclass(frozen=True, slots=True)
class WordList:
    """Words that the office may word anew from a day on.

    Attributes:
        title: what the list is.
        seed: code → wording that the program starts with, in its order.
        fixed: the codes are the law's or the program's: none is added.
        always_used: no entry goes out of use.
        check: raises ``InvalidInput`` for a wording of this code that must not be said.
    """

    title: str
    seed: Mapping[str, str]
    fixed: bool = True
    always_used: bool = False
    check: Callable[[str, str], None] | None = None


REASONS: Final[dict[str, WordList]] = {
    REJECTION: WordList(
        "不予受理理由",
        {
            "NO_DEFINITE_TARGET": "无明确被举报对象",
            "NO_FACTS": "无具体事实或线索",
            "NOT_IN_REMIT": "不属于职责范围",
            "ALREADY_FILED_CRIMINAL": "已立案侦查、起诉、审判或执行",
            "DUPLICATE_ACCEPTED": "同一事项已受理",
            "ALREADY_CONCLUDED": "已依法处理且无新事实",
            "CIVIL_DISPUTE": "一般民间借贷或合同纠纷",
            "OTHER": "其他",
        },
        fixed=False,
    )
}
"""Kind → list (reasons: 潍坊市12345条例 Art. 19; 信访工作条例); higher rooms offer lists of their own."""
_STEP: Final = 10
_LAST: Final = 9990


@dataclass(frozen=True, slots=True)
class _Rows:
    version: tuple[int, int]
    """How many rows of each kind: rows are only ever added, while an id may be committed after a higher one."""
    asked_at: float
    figures: list[tuple[str, date, int]]
    reasons: list[tuple[str, str, date, str, bool, int | None]]
    in_force: dict[date, Mapping[str, int]] = field(default_factory=dict)
    lists: dict[tuple[str, date], Mapping[str, Entry]] = field(default_factory=dict)


def value(name: str) -> int:
    """What figure ``name`` is today; raise ``KeyError`` for a name that is none."""
    return _in_force(_rows(), clock.today())[name]


def _in_force(rows: _Rows, day: date) -> Mapping[str, int]:
    """Every figure on ``day``; found once for these rows, since a filing asks for half a dozen."""
    if day not in rows.in_force:
        changed = {name: value for name, valid_from, value in rows.figures if valid_from <= day}
        rows.in_force[day] = {name: figure.value for name, figure in SEED.items()} | changed
    return rows.in_force[day]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list as it stands today."""

    text: str
    position: int
    in_use: bool = True


def entries(kind: str) -> Mapping[str, Entry]:
    """Code → entry of a list as it stands today, those out of use too, in their order."""
    rows, today = _rows(), clock.today()
    if (kind, today) not in rows.lists:  # found once for these rows, since a queue asks for one with each line
        rows.lists[kind, today] = _list_on(today, kind, rows)
    return rows.lists[kind, today]


def _list_on(today: date, kind: str, rows: _Rows) -> dict[str, Entry]:
    found = {code: Entry(text, (number + 1) * _STEP) for number, (code, text) in enumerate(REASONS[kind].seed.items())}
    for row_kind, code, valid_from, wording, in_use, position in rows.reasons:
        if row_kind == kind and valid_from <= today:
            kept = found[code].position if code in found else _LAST
            found[code] = Entry(wording, kept if position is None else position, in_use)
    return dict(sorted(found.items(), key=lambda one: one[1].position))


def reasons(kind: str) -> dict[str, str]:
    """Code → wording of the entries of ``kind`` in use today."""
    return {code: entry.text for code, entry in entries(kind).items() if entry.in_use}


def wordings(kind: str) -> dict[str, str]:
    """Code → wording of every entry of ``kind``, for what was said when one was still in use."""
    return {code: entry.text for code, entry in entries(kind).items()}


def priority_of(amount_yuan: Decimal | None, participants: int | None) -> str:
    """The priority P1 to P4 of a tip by the amount or the number of people it names (domain §1b)."""
    for level in ("p1", "p2", "p3"):
        if (amount_yuan or 0) >= value(f"{level}_yuan") or (participants or 0) >= value(f"{level}_people"):
            return level.upper()
    return "P4"


_RANGES: Final = {
    Measure.YUAN: (1, _LARGEST),
    Measure.PEOPLE: (1, _LARGEST),
    Measure.PERCENT: (1, 100),
    Measure.SWITCH: (0, 1),
}


def set_value(actor: Actor, name: str, new: int, valid_from: date) -> None:
    """Let figure ``name`` be ``new`` from a day on; raise ``InvalidInput`` for the past or an absurd value."""
    if name not in SEED:
        raise InvalidInput(errors={"name": [f"没有名为 {name} 的规则"]})
    least, most = _RANGES.get(SEED[name].measure, (1, 1000))
    if not least <= new <= most:
        raise InvalidInput(errors={"value": ["数值超出允许范围"]})
    _refuse_the_past(valid_from)
    before = value(name)
    row = WorkflowLimit(
        name=name, value=new, valid_from=valid_from, changed_by=actor.account_id, changed_at=clock.now()
    )
    db.session.add(row)
    db.session.flush()
    forget()
    audit.record(
        actor, "workflow.set_limit", "limit", name, before=before, after=new, valid_from=valid_from.isoformat()
    )


def set_reason(
    actor: Actor,
    kind: str,
    code: str,
    wording: str,
    valid_from: date,
    *,
    in_use: bool = True,
    position: int | None = None,
) -> None:
    """Word an entry, add one, move it in the order, or take it out of use, from a day on.

    Raises:
        InvalidInput: the past, a code that is not the list's, words that must not be said, nothing left in use.
    """
    _refuse_the_past(valid_from)
    _check_entry(kind, code, wording, in_use=in_use)
    before = entries(kind).get(code)
    row = WorkflowReason(
        kind=kind,
        code=code,
        text=wording,
        in_use=in_use,
        position=position,
        valid_from=valid_from,
        changed_by=actor.account_id,
        changed_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    forget()
    after = {"wording": wording, "in_use": in_use, "position": position, "valid_from": valid_from.isoformat()}
    audit.record(actor, "workflow.set_reason", "reason", f"{kind}/{code}", before=_told(before), after=after)


def _told(entry: Entry | None) -> dict[str, Any] | None:
    return {"wording": entry.text, "in_use": entry.in_use, "position": entry.position} if entry else None


def _check_entry(kind: str, code: str, wording: str, *, in_use: bool) -> None:
    if kind not in REASONS:
        raise InvalidInput(errors={"kind": [f"没有名为 {kind} 的理由类别"]})
    if not code.strip() or not wording.strip():
        raise InvalidInput(errors={"code": ["代码和文字均须填写"]})
    words = REASONS[kind]
    if words.fixed and code not in words.seed:
        raise InvalidInput(errors={"code": [f"{words.title}中没有代码 {code}"]})
    if words.always_used and not in_use:
        raise InvalidInput(errors={"in_use": [f"{words.title}不能停用"]})
    if not in_use and not set(reasons(kind)) - {code}:
        raise InvalidInput(errors={"in_use": ["至少保留一项在用"]})
    check_wording(kind, code, wording)


def check_wording(kind: str, code: str, wording: str) -> None:
    """Raise ``InvalidInput`` for words that must not be said there."""
    if (check := REASONS[kind].check) is not None:
        check(code, wording)


def history() -> Sequence[WorkflowLimit]:
    """Every change of a figure, the newest day first."""
    return db.session.scalars(
        select(WorkflowLimit).order_by(WorkflowLimit.valid_from.desc(), WorkflowLimit.id.desc())
    ).all()


def reason_history() -> Sequence[WorkflowReason]:
    """Every change of a reason, the newest day first."""
    return db.session.scalars(
        select(WorkflowReason).order_by(WorkflowReason.valid_from.desc(), WorkflowReason.id.desc())
    ).all()


def _refuse_the_past(valid_from: date) -> None:
    if valid_from < clock.today():
        raise InvalidInput(errors={"valid_from": ["生效日期不能早于今天：已经计算的期限不追溯改变"]})


def forget() -> None:
    """Read the rows again at the next question."""
    current_app.extensions.pop("shudi_limits", None)


def _rows() -> _Rows:
    """The rows of this process, oldest first; read again when newer ones exist."""
    kept: _Rows | None = current_app.extensions.get("shudi_limits")
    moment = time.monotonic()
    if kept and moment - kept.asked_at < _ASKED_EVERY_SECONDS:
        return kept
    version = db.session.execute(
        select(
            select(func.count()).select_from(WorkflowLimit).scalar_subquery(),
            select(func.count()).select_from(WorkflowReason).scalar_subquery(),
        )
    ).one()
    if kept and kept.version == tuple(version):
        rows = replace(kept, asked_at=moment)
    else:
        rows = _read((version[0], version[1]), moment)
    current_app.extensions["shudi_limits"] = rows
    return rows


def _read(version: tuple[int, int], moment: float) -> _Rows:
    figures = select(WorkflowLimit.name, WorkflowLimit.valid_from, WorkflowLimit.value)
    wordings = select(
        WorkflowReason.kind,
        WorkflowReason.code,
        WorkflowReason.valid_from,
        WorkflowReason.text,
        WorkflowReason.in_use,
        WorkflowReason.position,
    )
    return _Rows(
        version,
        moment,
        [(*row,) for row in db.session.execute(figures.order_by(WorkflowLimit.valid_from, WorkflowLimit.id))],
        [(*row,) for row in db.session.execute(wordings.order_by(WorkflowReason.valid_from, WorkflowReason.id))],
    )


def days_of(status: Status, *, urgent: bool) -> int | None:
    """Working days that ``status`` may last; half of it, rounded up, for an urgent tip. ``None`` without a limit.

    A term that the reporter was given is never halved: the urgency is the office's.
    """
    if status not in LIMITS:
        return None
    return shortened(value(status.value), urgent=urgent and status not in REPORTERS_TERMS)


def shortened(days: int, *, urgent: bool) -> int:
    """``days``, halved and rounded up for an urgent tip."""
    return -(-days // 2) if urgent else days
