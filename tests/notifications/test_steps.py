"""The tables of who hears of what are complete, and what goes outside fits and tells nothing."""

from __future__ import annotations

import re

import pytest

from app.demo.wechat_standin import _VALUE_LIMITS
from app.notifications.channels import NEWS, Letter, template_data
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


@pytest.mark.parametrize("status", Status)
def test_every_status_fits_the_template(status: Status) -> None:
    data = template_data(Letter("o", "t", "2506051234567891", status.public_text))
    assert {entry["value"] for entry in data.values()} == {"2506051234567891", status.public_text, NEWS}
    for name, entry in data.items():
        assert re.fullmatch(_VALUE_LIMITS[name.rstrip("0123456789")], entry["value"])


def test_a_letter_never_shows_the_address() -> None:
    assert "o-secret" not in repr(Letter("o-secret", "t", "n", "s"))
