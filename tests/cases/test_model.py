"""A case against a reference: anybody tries any stage and any step in any order, and a simple model says what happens.

The model is domain.md §9.3 written down a second time: it knows nothing of the program's tables.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.cases import policy, service
from app.cases.queries import history_of, waiting_proposals
from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, enter_wall
from app.foundation.errors import DomainError
from app.foundation.permissions import Actor
from tests import factories
from tests.cases import office

PEOPLE: Final = (office.HANDLER, office.OTHER, office.REVIEWER, office.LEADER, "city.adjuster", office.OBSERVER)
FORWARD: Final = {
    "admin_stage": {
        "none": {"admin_accepted"}, "admin_accepted": {"determining"},
        "determining": {"excluded", "admin_handled", "police_transferred"},
    },
    "judicial_stage": {
        "none": {"police_accepted"}, "police_accepted": {"police_filed"}, "police_filed": {"investigating"},
        "investigating": {"prosecuting"}, "prosecuting": {"trial"}, "trial": {"judged"},
        "judged": {"enforcing", "concluded"}, "enforcing": {"concluded"},
    },
    "restitution_stage": {
        "none": {"registering"}, "registering": {"disposing", "returning"}, "disposing": {"returning"},
        "returning": {"completed"},
    },
}  # fmt: skip
BACK: Final = {
    "admin_stage": {"excluded": {"determining"}, "admin_handled": {"determining"}, "police_transferred": {"determining"}},
    "judicial_stage": {
        "police_accepted": {"none"}, "police_filed": {"none"}, "investigating": {"none"},
        "prosecuting": {"investigating", "none"}, "trial": {"investigating"}, "judged": {"trial"},
        "enforcing": {"trial"}, "concluded": {"trial"},
    },
    "restitution_stage": {
        "none": {"impossible"}, "registering": {"impossible"}, "disposing": {"impossible"},
        "returning": {"impossible", "disposing"}, "completed": {"disposing"}, "impossible": {"disposing"},
    },
}  # fmt: skip
STAGES: Final = {
    track: sorted({*FORWARD[track], *BACK[track], *(t for moves in FORWARD[track].values() for t in moves)})
    for track in FORWARD
}


class CaseBesideModel(RuleBasedStateMachine):
    """The program beside the model; every refusal changes nothing."""

    app: Flask
    people: dict[str, Actor]
    number = closed = 0

    def __init__(self) -> None:
        super().__init__()
        enter_wall(OPEN_WALL)
        CaseBesideModel.number += 1
        facts = {"case_no": f"模〔2026〕{self.number}号", "name": "模型案"}
        made = service.register(self.people[office.REVIEWER], facts, factories.XINSHI, {})
        self.case_id: UUID = made.id
        self.status, self.version = "open", 1
        self.at = dict.fromkeys(FORWARD, "none")
        self.waits: dict[str, str] = {}

    def tried(self, who: str, action: str, **given: Any) -> bool:
        try:
            with db.session.begin_nested():
                service.act(self.people[who], self.case_id, action, self.version, given)
                db.session.flush()
        except DomainError:
            db.session.expire_all()
            return False
        self.version += 1
        return True

    @property
    def concluded(self) -> bool:
        """By the courts, or by the office where there is no crime."""
        admin, judicial = self.at["admin_stage"], self.at["judicial_stage"]
        return judicial == "concluded" if judicial != "none" else admin in {"excluded", "admin_handled"}

    @property
    def settled(self) -> bool:
        """Closing: the matter is concluded AND the money is settled, and nothing waits."""
        return self.concluded and self.at["restitution_stage"] in {"completed", "impossible"} and not self.waits

    @rule(who=st.sampled_from(PEOPLE), data=st.data(), track=st.sampled_from(sorted(FORWARD)), reason=st.booleans())
    def enter(self, who: str, data: st.DataObject, track: str, reason: bool) -> None:
        self.enter_stage(who, track, data.draw(st.sampled_from(STAGES[track])), reason=reason)

    @rule(data=st.data(), track=st.sampled_from(sorted(FORWARD)))
    def enter_what_leads_on(self, data: st.DataObject, track: str) -> None:
        """The district enters a stage that the model knows to follow: the far ends are reached."""
        here = self.at[track]
        targets = sorted(FORWARD[track].get(here, set()) or BACK[track].get(here, set()))
        self.enter_stage(office.HANDLER, track, data.draw(st.sampled_from(targets)), reason=True)

    def enter_stage(self, who: str, track: str, stage: str, *, reason: bool) -> None:
        here = self.at[track]
        forward, back = stage in FORWARD[track].get(here, set()), stage in BACK[track].get(here, set())
        allowed = (
            who == office.HANDLER and self.status != "closed" and track not in self.waits
            and (forward or (back and reason))
        )  # fmt: skip
        given = {"track": track, "stage": stage, "on": clock.today(), "reason": "理由。" if reason else None}
        assert self.tried(who, "propose_stage", **given) is allowed, (who, track, here, stage)
        if allowed:
            self.waits[track] = stage

    @rule(who=st.sampled_from(PEOPLE), track=st.sampled_from(sorted(FORWARD)), agree=st.booleans())
    def decide(self, who: str, track: str, agree: bool) -> None:
        self.decide_on(who, track, agree=agree)

    @rule(track=st.sampled_from(sorted(FORWARD)))
    def confirm_what_waits(self, track: str) -> None:
        self.confirm_waiting(track)

    def confirm_waiting(self, track: str) -> None:
        who = office.LEADER if self.waits.get(track) == "impossible" else office.REVIEWER
        self.decide_on(who, track, agree=True)

    def decide_on(self, who: str, track: str, *, agree: bool) -> None:
        stage = self.waits.get(track)
        decides = office.LEADER if stage == "impossible" else office.REVIEWER
        allowed = stage is not None and who == decides and self.status != "closed"
        action = "confirm_stage" if agree else "refuse_stage"
        assert self.tried(who, action, track=track, reason="意见。") is allowed, (who, track, stage)
        if allowed:
            self.at[track] = self.waits.pop(track) if agree else self.at[track]
            self.waits.pop(track, None)

    @rule(who=st.sampled_from(PEOPLE), reason=st.sampled_from(["理由。", None]))
    def close(self, who: str, reason: str | None) -> None:
        self.close_by(who, reason)

    def close_by(self, who: str, reason: str | None) -> None:
        allowed = who == office.LEADER and self.status != "closed" and self.settled and reason is not None
        assert self.tried(who, "close", reason=reason) is allowed, (who, self.at, self.waits)
        self.status = "closed" if allowed else self.status

    @rule(who=st.sampled_from(PEOPLE))
    def monitor(self, who: str) -> None:
        allowed = who == office.REVIEWER and self.status == "open" and self.concluded
        assert self.tried(who, "monitor") is allowed, (who, self.at)
        self.status = "monitoring" if allowed else self.status

    @rule()
    def bring_to_its_end(self) -> None:
        """Every track goes as far forward as the model knows a way, as in an orderly case; then the leader closes."""
        for track in FORWARD if self.status != "closed" else ():
            while track in self.waits or (onward := sorted(FORWARD[track].get(self.at[track], ()))):
                if track not in self.waits:
                    self.enter_stage(office.HANDLER, track, onward[-1], reason=True)
                self.confirm_waiting(track)
        self.close_what_is_settled()

    @rule()
    def close_what_is_settled(self) -> None:
        if self.settled and self.status != "closed":
            self.close_by(office.LEADER, "理由。")
            CaseBesideModel.closed += 1

    @rule(who=st.sampled_from(PEOPLE), reason=st.sampled_from(["理由。", None]))
    def reopen(self, who: str, reason: str | None) -> None:
        allowed = who == office.LEADER and self.status == "closed" and reason is not None
        assert self.tried(who, "reopen", reason=reason) is allowed, who
        self.status = "open" if allowed else self.status

    @invariant()
    def agrees(self) -> None:
        case = service.locked(self.people[office.REVIEWER], self.case_id)
        assert (case.status, case.version) == (self.status, self.version)
        assert {track: getattr(case, track) for track in FORWARD} == self.at
        waiting = waiting_proposals(self.case_id)
        assert {one.track: one.to_stage for one in waiting} == self.waits
        steps = history_of(self.case_id)
        assert [step.version for step in steps] == list(range(1, self.version + 1))
        assert all(before.to_status == after.from_status for before, after in pairwise(steps))
        offered = {name: policy.available_actions(actor, case, waiting) for name, actor in self.people.items()}
        assert ("close" in offered[office.LEADER]) is (self.settled and self.status != "closed")
        assert not offered[office.OBSERVER]


def test_any_order_of_steps_agrees_with_the_model(app: Flask) -> None:
    CaseBesideModel.app = app
    CaseBesideModel.people = {name: factories.actor(name) for name in PEOPLE}
    run_state_machine_as_test(
        CaseBesideModel,
        settings=settings(
            max_examples=12, stateful_step_count=40, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert CaseBesideModel.closed > 0, "no order of steps came to an end"
