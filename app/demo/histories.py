"""Invented ways of tips through the office: each step follows the transition table, the last one gives the status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

from app.foundation import clock
from app.foundation.errors import DeadlineBeyondCalendar
from app.workflow import clocks, limits
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling
from app.workflow.states import OPEN_STATUSES, Action, Destination, Outcome, Status

A, S = Action, Status


class Officer(NamedTuple):
    """An account of the demo that acts in a history."""

    id: UUID
    name: str
    role: str
    unit_id: int


@dataclass(frozen=True, slots=True)
class Office:
    """Who acts: the city's people, and one handler for each district."""

    reviewer: Officer
    adjuster: Officer
    leader: Officer
    handlers: Mapping[str, Officer]


@dataclass(slots=True)
class Step:
    """One step of a history; ``changes`` are the columns of the handling that it sets."""

    action: str
    source: Status | None
    target: Status
    at: datetime
    by: Officer | None
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    left_unit: int | None = None
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Story:
    """The steps of one tip up to now, and what the handling looks like after them."""

    steps: list[Step]
    columns: dict[str, Any]
    asks_to_move_to: str | None = None
    """The district that an open request for reassignment names."""

    @property
    def status(self) -> Status:
        """Where the tip stands."""
        return self.steps[-1].target


class Main(NamedTuple):
    """A tip that later ones about the same party may be merged into."""

    tip_id: str
    place: Mapping[str, Any]
    """Where it lies; what is merged into it lies there too."""


_REASONS: Final = {
    A.REJECT: ("NOT_IN_REMIT", "反映的是合同纠纷，不属于非法集资。", "请向人民法院提起诉讼。"),
    A.REQUEST_RETURN: "被举报企业注册地不在本区。",
    A.EXTEND: "涉及人员较多，需要继续调取银行流水。",
    A.REWORK: "未说明资金去向，请补充核查。",
    A.TRANSFER: "登记地在其他地州，由该地牵头。",
    A.REASSIGN: "企业登记地址已变更到该区，由登记地牵头。",
}
_OUTCOMES: Final = tuple(Outcome)[:6]
_OUTCOME_WEIGHTS: Final = (22, 18, 25, 15, 12, 8)
_FEEDBACK: Final = "经实地核查并调取合同、流水，{text}，已制作询问笔录。"
_REPLY: Final = "您反映的事项已办理完毕，感谢您对防范和处置非法集资工作的支持。"


class Teller:
    """Tells the story of one tip after another, by chance."""

    def __init__(self, chance: Random, office: Office, now: datetime) -> None:
        self._chance, self._office, self._now = chance, office, now

    def tell(
        self, registered_at: datetime, lead: str | None, near: Sequence[str], priority: str, main: Main | None
    ) -> Story:
        """The story of a tip filed then: whatever would lie in the future has not happened.

        Args:
            near: the district that should handle it, and one that it may be moved to.
            main: an earlier tip about the same party, which this one may be merged into.
        """
        self._steps = [Step("register", None, S.REGISTERED, registered_at, None)]
        self._at = registered_at
        self._course(lead if lead and lead in self._office.handlers else near[0], near[-1], main)
        steps = [step for step in self._steps if step.at <= self._now]
        columns: dict[str, Any] = {"division_code": lead, "unit_id": None}
        for step in steps:
            columns |= step.changes
        story = Story(steps, columns)
        if story.status is S.VERIFYING and near[0] != near[-1] and self._chance.random() < 0.06:  # noqa: PLR2004
            story.asks_to_move_to, columns["paused_on"] = near[-1], clock.beijing(self._now).date()
        columns |= _clock_columns(steps, columns, priority)
        return story

    def _go(self, action: Action, target: Status, most_days: float, by: Officer, **more: Any) -> None:
        days = self._chance.random() ** 2 * most_days * 1.3 + 0.02
        self._at += timedelta(days=days)
        self._steps.append(Step(action.value, self._steps[-1].target, target, self._at, by, **more))

    def _course(self, division: str, other: str, main: Main | None) -> None:
        reviewer, luck = self._office.reviewer, self._chance.random()
        if self._chance.random() < 0.06:  # noqa: PLR2004  # one in sixteen is too thin at first
            self._supplement()
        if luck < 0.06:  # noqa: PLR2004  # shares of what happens to tips
            code, reason, route = _REASONS[A.REJECT]
            self._go(A.REJECT, S.REJECTED, 5, reviewer, reason=reason, details={"reason_code": code, "route": route})
            return
        if main is not None and luck < 0.12:  # noqa: PLR2004
            self._go(A.MERGE, S.MERGED, 5, reviewer, details={"into": main.tip_id})
            self._steps[-1].changes = {"merged_into": main.tip_id, **main.place}
            return
        accepted = self._accept()
        self._assign(division)
        if 0.12 < luck < 0.14 and other != division:  # noqa: PLR2004
            division = self._given_back(division, other)
        self._sign_for(division)
        if 0.14 < luck < 0.18 and other != division:  # noqa: PLR2004
            self._reassigned(division, other)
            division = other
        if luck > 0.97:  # noqa: PLR2004
            self._transfer()
        else:
            self._verify(division, accepted)
        self._settle(division)

    def _supplement(self) -> None:
        self._go(A.ASK_SUPPLEMENT, S.NEED_SUPPLEMENT, 4, self._office.reviewer)
        self._go(A.SUPPLEMENT_RECEIVED, S.REGISTERED, 10, self._office.reviewer)
        self._steps[-1].by = None

    def _accept(self) -> Step:
        self._go(A.ACCEPT, S.ACCEPTED, 6, self._office.reviewer)
        step = self._steps[-1]
        due = clock.beijing(step.at).date() + timedelta(days=limits.value(limits.OVERALL))
        step.changes = {"accepted_at": step.at, "overall_due_on": due}
        return step

    def _assign(self, division: str) -> None:
        self._go(A.ASSIGN, S.ASSIGNED, 2, self._office.reviewer, details={"division": division})
        self._delivered(division)

    def _delivered(self, division: str) -> None:
        step = self._steps[-1]
        unit_id = self._office.handlers[division].unit_id
        day = clock.beijing(step.at).date()
        step.changes |= {"unit_id": unit_id, "division_code": division, "delivered_on": day}

    def _sign_for(self, division: str) -> None:
        self._go(A.SIGN_FOR, S.VERIFYING, 1.5, self._office.handlers[division])

    def _given_back(self, division: str, other: str) -> str:
        handler, why = self._office.handlers[division], _REASONS[A.REQUEST_RETURN]
        self._go(A.REQUEST_RETURN, S.RETURN_REQUESTED, 4, handler, reason=str(why))
        decided = {"reason": "同意退回，另行交办。", "details": {"agree": True}, "left_unit": handler.unit_id}
        self._go(A.DECIDE_RETURN, S.ACCEPTED, 2, self._office.reviewer, **decided)
        self._steps[-1].changes = {"unit_id": None, "delivered_on": None}
        self._assign(other)
        return other

    def _reassigned(self, division: str, other: str) -> None:
        left, reason = self._office.handlers[division].unit_id, str(_REASONS[A.REASSIGN])
        self._go(A.REASSIGN, S.ASSIGNED, 6, self._office.adjuster, reason=reason, left_unit=left)
        self._delivered(other)
        self._steps[-1].changes |= {"moves": 1, "decided_by_city": True}
        self._sign_for(other)

    def _transfer(self) -> None:
        details = {"to": Destination.OTHER_PREFECTURE.value}
        self._go(A.TRANSFER, S.TRANSFERRED, 10, self._office.leader, reason=str(_REASONS[A.TRANSFER]), details=details)
        received = {"outcome": Outcome.TRANSFERRED_OTHER.value, "number": f"收{self._chance.randrange(1000, 9999)}"}
        self._go(A.RECORD_RECEIPT, S.CONCLUDED, 6, self._office.reviewer, details=received)
        self._steps[-1].changes = {"outcome": received["outcome"]}

    def _verify(self, division: str, accepted: Step) -> None:
        handler, reviewer = self._office.handlers[division], self._office.reviewer
        if self._chance.random() < 0.08:  # noqa: PLR2004
            self._extend(accepted)
        self._feed_back(handler, 20)
        if self._chance.random() < 0.07:  # noqa: PLR2004
            self._go(A.REWORK, S.REWORK, 3, reviewer, reason=str(_REASONS[A.REWORK]))
            self._feed_back(handler, 6)
        self._go(A.CONCLUDE, S.CONCLUDED, 4, reviewer)

    def _feed_back(self, handler: Officer, most_days: float) -> None:
        outcome = self._chance.choices(_OUTCOMES, _OUTCOME_WEIGHTS)[0]
        self._go(A.SUBMIT_FEEDBACK, S.FEEDBACK_SUBMITTED, most_days, handler, details={"outcome": outcome.value})
        text = _FEEDBACK.format(text="反映情况基本属实" if outcome is Outcome.SUBSTANTIATED else "情况已核实")
        self._steps[-1].changes = {"outcome": outcome.value, "feedback": text, "feedback_by": handler.id}

    def _extend(self, accepted: Step) -> None:
        self._go(A.EXTEND, S.VERIFYING, 12, self._office.leader, reason=str(_REASONS[A.EXTEND]))
        self._steps[-1].changes = {"verification_extended": True}
        if self._chance.random() < 0.3:  # noqa: PLR2004
            later = accepted.changes["overall_due_on"] + timedelta(days=limits.value(limits.OVERALL_EXTENSION))
            self._go(A.EXTEND, S.VERIFYING, 8, self._office.leader, reason=str(_REASONS[A.EXTEND]))
            self._steps[-1].changes = {"overall_extended": True, "overall_due_on": later}

    def _settle(self, division: str) -> None:
        self._go(A.REPLY, S.REPLIED, 6, self._office.handlers[division])
        self._steps[-1].changes = {"reply": _REPLY}
        self._at += timedelta(days=30)
        self._go(A.ARCHIVE, S.ARCHIVED, 14, self._office.reviewer)


_KNOWN: Final = ("accepted_at", "overall_due_on", "verification_extended", "paused_on")
_CLOCK: Final = ("clock_from", "clock_days", "clock_natural", "due_on", "mark", "next_mark_on")


def _clock_columns(steps: Sequence[Step], columns: Mapping[str, Any], priority: str) -> dict[str, Any]:
    """The running clock as the program itself counts it, and the mark that the sweep has given it by now."""
    status = steps[-1].target
    if status not in OPEN_STATUSES:
        return {"clock_natural": False, "mark": 0}
    known = {
        name: columns.get(name) for name in ("accepted_at", "overall_due_on", "verification_extended", "paused_on")
    }
    handling = Handling(status=status.value, priority=priority, stability_risk=False, clock_natural=False, **known)
    entered = next(step for step in reversed(steps) if step.source != step.target)
    try:
        with clock.stopped_at(entered.at):
            clocks.enter(handling, status)
            if status is S.VERIFYING and handling.verification_extended:
                clocks.lengthen(handling, limits.value(limits.VERIFICATION_EXTENSION))
        status_mark, overall_mark, ahead = clocks.marks(handling, region_calendar())
        handling.mark, handling.next_mark_on = max(status_mark, overall_mark), min(ahead, default=None)
    except DeadlineBeyondCalendar:
        handling.due_on = handling.next_mark_on = None
    return {name: getattr(handling, name) for name in _CLOCK}
