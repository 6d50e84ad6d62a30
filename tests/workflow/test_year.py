"""A year of work with a stopped clock: every due date is compared with a calculation of its own from the bare list of days.

``SIMULATED_TIPS=10000`` simulates a full office; the default keeps the suite short.
"""

from __future__ import annotations

import csv
import os
import random
from bisect import bisect_right
from datetime import date, timedelta
from typing import Final

import pytest
from flask.testing import FlaskClient

from app.workflow import calendar
from app.workflow.models import Handling
from tests import factories
from tests.workflow import office
from tests.workflow.office import HANDLER

A_PART: Final = 80
"""Tips of one test: each test is one transaction, and PostgreSQL gets slow over one with very many savepoints."""
PARTS: Final = -(-int(os.environ.get("SIMULATED_TIPS", A_PART)) // A_PART)
FIRST, LAST = date(2026, 1, 5), date(2026, 7, 31)


def _working_days() -> list[date]:
    with calendar.SEED.open(encoding="utf-8") as source:
        kinds: dict[str, dict[date, str]] = {"CN": {}, "650000": {}}
        for line in csv.DictReader(source):
            if line["region"] in kinds:
                kinds[line["region"]][date.fromisoformat(line["date"])] = line["kind"]
    told = kinds["CN"] | kinds["650000"]
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    return [day for day in year if told.get(day, "work" if day.weekday() < 5 else "off") == "work"]


WORKING: Final = _working_days()


def after(day: date, days: int) -> date:
    """The day on which a limit of working days ends, by counting along the list."""
    return WORKING[bisect_right(WORKING, day) + days - 1]


def between(start: date, end: date) -> int:
    return bisect_right(WORKING, end) - bisect_right(WORKING, start)


class Simulated:
    """One tip on its way through a random part of the year."""

    def __init__(self, client: FlaskClient, chance: random.Random) -> None:
        self.client, self.chance = client, chance
        self.day = FIRST + timedelta(days=chance.randrange((LAST - FIRST).days))
        self.urgent = chance.random() < 0.15
        people = 6000 if self.urgent else 60
        with office.on(self.day):
            conduct = factories.tip_body()["conduct"] | {"participants": people}
            self.tip_id = office.registered(client, conduct=conduct)

    def limit(self, days: int) -> int:
        return (days + 1) // 2 if self.urgent else days

    @property
    def handling(self) -> Handling:
        return office.handling(self.tip_id)

    def due(self, expected: date) -> None:
        assert self.handling.due_on == expected, (self.day, self.urgent, self.handling.status)

    def wait(self, most: int) -> None:
        self.day += timedelta(days=self.chance.randrange(most))

    def do(self, username: str, action: str, **given: str) -> None:
        with office.on(self.day):
            office.do(username, self.tip_id, action, **given)

    def live(self) -> None:
        self.due(after(self.day, self.limit(5)))
        self.wait(5)
        self.do("city.reviewer", "accept")
        overall = self.day + timedelta(days=60)
        self.due(after(self.day, self.limit(2)))
        self.wait(3)
        self.do("city.reviewer", "assign", division=factories.XINSHI)
        self.due(after(self.day, self.limit(1)))
        self.wait(3)
        self.do(HANDLER, "sign_for")
        due = after(self.day, self.limit(15))
        self.due(due)
        if self.chance.random() < 0.4:
            due = self.stop(due)
            if self.chance.random() < 0.5:
                self.ask_again(due)
        if self.chance.random() < 0.3:
            self.do("city.leader", "extend", reason="取证。")
            due = after(due, self.limit(15))
            self.due(due)
        self.wait(10)
        self.do(HANDLER, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
        self.due(after(self.day, self.limit(3)))
        if self.chance.random() < 0.3:
            self.do("city.reviewer", "rework", reason="不清。")
            self.due(after(self.day, self.limit(5)))
            self.do(HANDLER, "submit_feedback", outcome="SUBSTANTIATED", text="属实。")
        self.wait(4)
        self.do("city.reviewer", "conclude")
        self.due(after(self.day, self.limit(5)))
        self.do(HANDLER, "reply", text="已办结。")
        self.due(after(self.day, self.limit(30)))
        assert self.handling.overall_due_on == overall

    def stop(self, due: date) -> date:
        """A request that is withdrawn: what was left is left, a day at least; what was over stays over."""
        self.wait(20)
        with office.on(self.day):
            request = office.apply(self.client, self.tip_id)
        over, left = self.day > due, max(between(self.day, due), 1)
        self.wait(25)
        with office.on(self.day):
            office.step(HANDLER, request, "cancel")
        expected = due if over else after(self.day, left)
        self.due(expected)
        return expected

    def ask_again(self, due: date) -> None:
        """A unit that has withdrawn one request stops nothing by another."""
        with office.on(self.day):
            request = office.apply(self.client, self.tip_id)
        self.wait(10)
        with office.on(self.day):
            office.step(HANDLER, request, "cancel")
        self.due(due)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_year_of_simulated_work_agrees_with_an_independent_calculation(client: FlaskClient, part: int) -> None:
    chance = random.Random(2026 + part)
    for _ in range(A_PART):
        Simulated(client, chance).live()
