"""Handling against a reference: any person tries anything in any order, and a simple model says what must happen.

The model knows nothing of the program's tables; it is domain.md §9.1 and §9.2 written down a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, enter_wall, new_id
from app.foundation.errors import DomainError
from app.foundation.permissions import Actor
from app.workflow import police, policy, reassignment, service
from app.workflow.models import PoliceTransfer, Reassignment
from app.workflow.queries import history_of
from tests import factories
from tests.workflow import office

UNITS: Final = (factories.XINSHI, factories.TIANSHAN, factories.SHUIMOGOU)
HANDLERS: Final = {f"district.{unit}": unit for unit in UNITS}
REVIEWERS: Final = ("city.reviewer", "city.reviewer2")
PEOPLE: Final = (*HANDLERS, *REVIEWERS, "city.adjuster", "city.leader", "observer.650000")
UNDER_WAY: Final = {
    "registered", "need_supplement", "accepted", "assigned", "return_requested", "verifying", "feedback_submitted",
    "rework", "transferred",
}  # fmt: skip
SIMPLE: Final = {  # by the city's reviewer: from → to
    "accept": ({"registered"}, "accepted"),
    "ask_supplement": ({"registered"}, "need_supplement"),
    "reject": ({"registered", "need_supplement"}, "rejected"),
    "conclude": ({"feedback_submitted"}, "concluded"),
    "rework": ({"feedback_submitted"}, "rework"),
    "record_receipt": ({"transferred"}, "concluded"),
    "archive": ({"replied"}, "archived"),
}
SETTLED_BY_TRANSFER: Final = {"accepted", "assigned", "verifying", "feedback_submitted", "rework"}
ACTIONS: Final = (
    *SIMPLE, "assign", "sign_for", "request_return", "decide_return", "extend", "submit_feedback", "transfer", "reply",
    "reopen", "supervise", "mark_urgent",
)  # fmt: skip
STEPS: Final = ("approve", "reject", "return_for_evidence", "resubmit", "adjust", "confirm", "cancel")
POLICE_STEPS: Final = ("propose", "decline", "send")


@dataclass
class Model:
    """One tip, its request and its way to the police, as the office's rules have them."""

    status: str = "registered"
    unit: str | None = None
    decided: bool = False
    returned: set[str] = field(default_factory=set)
    extended: int = 0
    urgent: bool = False
    moves: int = 0
    request: str | None = None
    target: str = ""
    source: str = ""
    again: bool = False
    reviewed_again: set[str] = field(default_factory=set)
    withdrew: set[str] = field(default_factory=set)
    stopped: bool = False
    police: str | None = None

    def acts(self, who: str, action: str, given: dict[str, Any]) -> bool:
        """Whether it is allowed; then it has happened."""
        holder = HANDLERS.get(who) == self.unit and self.unit is not None
        locked = self.request is not None
        if who in HANDLERS and not holder:
            return False
        if action in SIMPLE:
            sources, target = SIMPLE[action]
            if who not in REVIEWERS or self.status not in sources or (action == "conclude" and locked):
                return False
            if (action, self.police) in {("conclude", "proposed"), ("record_receipt", "approved")}:
                return False
            if action == "record_receipt" and self.police == "sent":
                self.police = "received"
            self.status = target
            return True
        return bool(getattr(self, f"_{action}")(who, given, holder=holder, locked=locked))

    def _assign(self, who: str, given: dict[str, Any], **_: bool) -> bool:
        if who not in REVIEWERS or self.status != "accepted":
            return False
        self.status, self.unit = "assigned", given["division"]
        self.decided, self.extended = self.unit in self.returned, self.extended & 2
        return True

    def _sign_for(self, _who: str, _given: dict[str, Any], *, holder: bool, **_: bool) -> bool:
        if not holder or self.status != "assigned":
            return False
        self.status = "verifying"
        if self.request == "adjusted":
            self.request = None
        return True

    def _request_return(self, _who: str, _given: dict[str, Any], *, holder: bool, locked: bool) -> bool:
        if not holder or self.status not in {"assigned", "verifying"} or locked or self.decided:
            return False
        self.status = "return_requested"
        self.returned.add(self.unit or "")
        return True

    def _decide_return(self, who: str, given: dict[str, Any], **_: bool) -> bool:
        if who not in REVIEWERS or self.status != "return_requested":
            return False
        if given["agree"]:
            self.status, self.unit = "accepted", None
        else:
            self.status, self.decided = "assigned", True
        return True

    def _extend(self, who: str, _given: dict[str, Any], *, locked: bool, **_: bool) -> bool:
        if who != "city.leader" or self.status != "verifying" or locked:
            return False
        free = 2 if self.extended & 1 else 1
        if self.extended & free:
            return False
        self.extended |= free
        return True

    def _submit_feedback(self, _who: str, _given: dict[str, Any], *, holder: bool, locked: bool) -> bool:
        if not holder or self.status not in {"verifying", "rework"} or locked:
            return False
        self.status = "feedback_submitted"
        return True

    def _transfer(self, who: str, given: dict[str, Any], *, locked: bool, **_: bool) -> bool:
        if who != "city.leader" or self.status not in SETTLED_BY_TRANSFER or locked:
            return False
        if (given["to"] == "police") != (self.police == "proposed"):
            return False
        if self.police == "proposed":
            self.police = "approved"
        self.status = "transferred"
        return True

    def goes_to_police(self, who: str, step: str) -> bool:
        """One step on the way to the police."""
        holder = HANDLERS.get(who) == self.unit and self.unit is not None
        allowed = {
            "propose": (holder or who in REVIEWERS)
            and self.status in SETTLED_BY_TRANSFER
            and self.police in {None, "declined"},
            "decline": who == "city.leader" and self.police == "proposed",
            "send": who in REVIEWERS and self.police == "approved",
        }[step]
        if allowed:
            self.police = {"propose": "proposed", "decline": "declined", "send": "sent"}[step]
        return allowed

    def _reply(self, who: str, _given: dict[str, Any], *, holder: bool, **_: bool) -> bool:
        if not (holder or who in REVIEWERS) or self.status != "concluded":
            return False
        self.status = "replied"
        return True

    def _reopen(self, who: str, _given: dict[str, Any], **_: bool) -> bool:
        if who not in REVIEWERS or self.status not in {"archived", "rejected"}:
            return False
        self.status, self.unit, self.decided, self.extended = "accepted", None, False, 0
        return True

    def _supervise(self, who: str, _given: dict[str, Any], **_: bool) -> bool:
        return who in REVIEWERS and self.status in UNDER_WAY

    def _mark_urgent(self, who: str, _given: dict[str, Any], **_: bool) -> bool:
        if who not in REVIEWERS or self.status not in UNDER_WAY or self.urgent:
            return False
        self.urgent = True
        return True

    def applies(self, who: str, to: str) -> bool:
        """A unit's own request."""
        holder = HANDLERS.get(who) == self.unit and self.unit is not None
        if not holder or self.status not in {"assigned", "verifying", "rework"} or self.request or to == self.unit:
            return False
        if self.decided and self.unit in self.reviewed_again:
            return False
        self.again = self.decided
        if self.again:
            self.reviewed_again.add(self.unit or "")
        self.request, self.target, self.source = "applied", to, self.unit or ""
        self.stopped = self.source not in self.withdrew
        return True

    def steps(self, who: str, step: str) -> bool:
        """One step on the open request."""
        reviewer = who == "city.leader" if self.again else who in REVIEWERS
        allowed = {
            "approve": self.request == "applied" and reviewer,
            "reject": self.request in {"applied", "returned"} and reviewer,
            "return_for_evidence": self.request == "applied" and reviewer,
            "resubmit": self.request == "returned" and HANDLERS.get(who) == self.source,
            "adjust": self.request == "approved" and who == "city.adjuster",
            "confirm": self.request == "adjusted" and HANDLERS.get(who) == self.target,
            "cancel": self.request in {"applied", "returned"} and HANDLERS.get(who) == self.source,
        }[step]
        if not allowed:
            return False
        if step == "adjust":
            self.status, self.unit, self.decided = "assigned", self.target, True
            self.extended, self.moves = self.extended & 2, self.moves + 1
        if step == "confirm":
            self.status = "verifying"
        if step == "reject":
            self.decided = True
        if step == "cancel":
            self.withdrawn()
        follows = {
            "approve": "approved", "adjust": "adjusted", "return_for_evidence": "returned", "resubmit": "applied",
        }  # fmt: skip
        self.request = follows.get(step)
        return True

    def withdrawn(self) -> None:
        """Taken back, or not proved in its term: it counts as none, but for the clock that it stopped."""
        self.withdrew.add(self.source)
        if self.again:
            self.reviewed_again.discard(self.source)
        self.request = None


class Office(RuleBasedStateMachine):
    """The program beside the model."""

    app: Flask
    people: dict[str, Actor]
    begins_with_a_unit = False

    def __init__(self) -> None:
        super().__init__()
        enter_wall(OPEN_WALL)
        self.model = Model()
        self.tip_id: UUID = factories.tip_id_of(factories.file_tip(self.app.test_client())["receipt_number"])
        self.request_id: UUID | None = None
        self.transfer_id: UUID | None = None
        self.version = 1
        if self.begins_with_a_unit:
            self._act("city.reviewer", "accept", UNITS[0], agree=True)
            self._act("city.reviewer", "assign", UNITS[0], agree=True)

    def _tried(self, command: Any) -> bool:
        try:
            with db.session.begin_nested():
                command()
                db.session.flush()
        except DomainError:
            db.session.expire_all()
            return False
        return True

    @rule(
        who=st.sampled_from(PEOPLE),
        action=st.sampled_from(ACTIONS),
        division=st.sampled_from(UNITS),
        agree=st.booleans(),
        to=st.sampled_from(("police", "other_authority")),
    )
    def act(self, who: str, action: str, division: str, agree: bool, to: str) -> None:
        self._act(who, action, division, agree=agree, to=to)

    @rule(data=st.data(), division=st.sampled_from(UNITS), agree=st.booleans())
    def act_as_offered(self, data: st.DataObject, division: str, agree: bool) -> None:
        """A button that somebody sees: it does what it says."""
        found = service.lock_for_reassignment(self.tip_id)
        request = service.open_reassignment_of(self.tip_id)
        seen = [
            (name, row.action)
            for name, actor in self.people.items()
            if name not in HANDLERS or actor.unit_id == found.unit_id
            for row in policy.available_actions(actor, found, request)
            if row.action in ACTIONS and row.targets
        ]
        if seen:
            who, action = data.draw(st.sampled_from(seen))
            version = self.version
            to = "police" if self.model.police == "proposed" else "other_authority"
            self._act(who, action, division, agree=agree, to=to)
            assert self.version == version + 1, (who, action)

    def _act(self, who: str, action: str, division: str, *, agree: bool, to: str = "police") -> None:
        given = {
            "division": division, "agree": agree, "reason": "理由。", "text": "情况。", "outcome": "SUBSTANTIATED",
            "reason_code": "NO_FACTS", "route": "信访", "to": to, "number": "1", "kind": "urge",
            "received_on": clock.today(),
        }  # fmt: skip
        actor = self.people[who]
        done = self._tried(lambda: service.act(actor, self.tip_id, action, self.version, given))
        assert done == self.model.acts(who, action, given), (who, action)
        self.version += done

    @rule(who=st.sampled_from(list(HANDLERS)), to=st.sampled_from(UNITS))
    def apply(self, who: str, to: str) -> None:
        self.apply_for(who, to)

    def apply_for(self, who: str, to: str) -> None:
        found: list[Reassignment] = []
        given = {"to_division": to, "ground": "moved", "reason": "已迁。", "evidence": [new_id()]}
        actor = self.people[who]
        done = self._tried(lambda: found.append(reassignment.apply(actor, self.tip_id, self.version, given)))
        assert done == self.model.applies(who, to), (who, to)
        if done:
            self.request_id = found[0].id

    @rule(to=st.sampled_from(UNITS))
    def apply_as_holder(self, to: str) -> None:
        if self.model.unit:
            self.apply_for(f"district.{self.model.unit}", to)

    @rule(data=st.data())
    def step_as_offered(self, data: st.DataObject) -> None:
        """A button on the request that somebody sees: it does what it says."""
        if self.request_id is None or self.model.request is None:
            return
        request = db.session.get_one(Reassignment, self.request_id, populate_existing=True)
        seen = [
            (name, row.action)
            for name, actor in self.people.items()
            for row in policy.available_reassignment_actions(actor, request)
            if row.action in STEPS
            and (name not in HANDLERS or actor.unit_id in {request.from_unit_id, request.to_unit_id})
        ]
        assert seen, "an open request can always go on"
        who, step = data.draw(st.sampled_from(seen))
        before = self.model.request
        self.step_by(who, step)
        assert self.model.request != before, (who, step)

    @rule(who=st.sampled_from(PEOPLE), step=st.sampled_from(STEPS))
    def step(self, who: str, step: str) -> None:
        self.step_by(who, step)

    def step_by(self, who: str, step: str) -> None:
        if self.request_id is None or self.model.request is None:
            return
        request = db.session.get_one(Reassignment, self.request_id, populate_existing=True)
        actor, version = self.people[who], request.version
        done = self._tried(
            lambda: reassignment.act(actor, request.id, step, version, {"reason": "理由。", "evidence": []})
        )
        assert done == self.model.steps(who, step), (who, step, self.model)
        self.version += done and step in {"adjust", "confirm"}

    @rule()
    def end_of_term(self) -> None:
        """The sweep after the last day for more evidence."""
        if self.request_id is not None:
            request = db.session.get_one(Reassignment, self.request_id, populate_existing=True)
            request.due_on = clock.today() - timedelta(days=1)
            db.session.flush()
        ended = reassignment.end_unproved()
        assert ended == (self.model.request == "returned")
        if ended:
            self.model.withdrawn()

    @rule(who=st.sampled_from(PEOPLE), step=st.sampled_from(POLICE_STEPS))
    def go_to_police(self, who: str, step: str) -> None:
        actor, made = self.people[who], list[PoliceTransfer]()
        if step == "propose":
            done = self._tried(lambda: made.append(police.propose(actor, self.tip_id, ["甲", "乙"], "涉嫌犯罪。")))
        elif self.transfer_id is not None:
            way = db.session.get_one(PoliceTransfer, self.transfer_id, populate_existing=True)
            given = {"reason": "理由。", "documents": {"letter": new_id()}}
            done = self._tried(lambda: police.act(actor, way.id, step, way.version, given))
        else:
            done = False
        if made and done:
            self.transfer_id = made[0].id
        assert done == self.model.goes_to_police(who, step), (who, step, self.model)

    @invariant()
    def agree(self) -> None:
        found = service.lock_for_reassignment(self.tip_id)
        unit = self.people[f"district.{self.model.unit}"].unit_id if self.model.unit else None
        assert (found.status, found.unit_id, found.version) == (self.model.status, unit, self.version)
        assert (found.decided_by_city, found.moves) == (self.model.decided, self.model.moves)
        assert (found.verification_extended, found.overall_extended) == (
            bool(self.model.extended & 1),
            bool(self.model.extended & 2),
        )
        stops = self.model.stopped and self.model.request in {"applied", "returned", "approved"}
        assert (found.paused_on is not None) == stops
        steps = history_of(self.tip_id)
        assert [step.version for step in steps] == list(range(1, self.version + 1))
        assert all(before.to_status == after.from_status for before, after in pairwise(steps))


class OfficeOfUnits(Office):
    """The same, from a tip on that a unit has been given: requests and returns are reached more often."""

    begins_with_a_unit = True


@pytest.mark.parametrize("machine", [Office, OfficeOfUnits])
def test_any_order_of_steps_agrees_with_the_model(
    app: Flask, monkeypatch: pytest.MonkeyPatch, machine: type[Office]
) -> None:
    # Files are claimed in tests of their own; here each request brings one.
    monkeypatch.setattr(reassignment, "_claim_evidence", lambda _actor, file_ids: list(file_ids))
    monkeypatch.setattr(police, "_documents", lambda _actor, given: {code: str(one) for code, one in given.items()})
    Office.app = app
    Office.people = {name: factories.actor(name) for name in PEOPLE}
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30, stateful_step_count=60, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert office.HANDLER in Office.people
