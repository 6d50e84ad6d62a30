"""The tables of who hears of what are complete, and what goes outside fits and tells nothing."""

from __future__ import annotations

import re
from uuid import uuid4

from app.demo.wechat_standin import _VALUE_LIMITS
from app.notifications.channels import NEWS, WHERE_TO_LOOK, Letter, template_data
from app.notifications.states import Channel, Kind
from app.notifications.steps import HANDLING_STEPS, REASSIGNMENT_STEPS, REGISTER, Circle
from app.workflow.states import Action, ReassignmentAction, Status

REPORTED = {"register", "accept", "ask_supplement", "reject", "merge", "assign", "conclude", "reply"}


def test_every_step_has_a_row() -> None:
    assert set(HANDLING_STEPS) == {REGISTER, *Action}
    assert set(REASSIGNMENT_STEPS) == set(ReassignmentAction)


def test_somebody_in_the_office_hears_of_each_step() -> None:
    silent = {action for action, step in HANDLING_STEPS.items() if not step.titles}
    assert silent == {Action.REASSIGN}  # told by the request that moved the tip
    assert all(step.titles for step in REASSIGNMENT_STEPS.values())


def test_circles_fit_their_table() -> None:
    circles = {circle for step in HANDLING_STEPS.values() for circle in step.titles}
    assert circles == {Circle.REVIEWERS, Circle.HANDLERS}
    assert Circle.HANDLERS not in {circle for step in REASSIGNMENT_STEPS.values() for circle in step.titles}


def test_reporters_hear_of_few_steps() -> None:
    assert {action for action, step in HANDLING_STEPS.items() if step.told_to_reporter} == REPORTED
    assert not any(step.told_to_reporter for step in REASSIGNMENT_STEPS.values())


def test_what_leaves_fits_the_template_and_tells_nothing_of_the_matter() -> None:
    letter = Letter(Channel.WECHAT, Kind.PROGRESS, uuid4(), "o", "t", "2506051234567891")
    data = template_data(letter)
    assert {entry["value"] for entry in data.values()} == {"2506051234567891", WHERE_TO_LOOK, NEWS}
    for name, entry in data.items():
        assert re.fullmatch(_VALUE_LIMITS[name.rstrip("0123456789")], entry["value"])
    told = "".join(entry["value"] for entry in data.values())
    assert not any(status.public_text in told for status in Status)


def test_a_letter_never_shows_the_address() -> None:
    assert "o-secret" not in repr(Letter(Channel.WECHAT, Kind.PROGRESS, uuid4(), "o-secret", "t", "n"))
