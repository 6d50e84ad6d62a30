"""Merging tips about one matter, and dispatch without a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import Conflict, Forbidden, InvalidInput, StaleVersion
from app.foundation.permissions import PROGRAM
from app.tips import dispatching
from app.tips.progress import leading
from app.workflow import limits, queries, service
from app.workflow.queries import history_of
from tests import factories
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.workflow import office
from tests.workflow.test_sweeping import deliver

CLEAR = {
    "subject": factories.tip_body()["subject"]
    | {"operating_address": "新疆乌鲁木齐市新市区长春中路1号", "name": "乌鲁木齐明川商贸有限公司"}
}
"""Registered and operating in one district."""


class TestMerge:
    def test_a_tip_follows_the_main_tip_and_keeps_its_own_row(self, client: FlaskClient) -> None:
        main, later = office.verifying(client), office.registered(client)
        filed = office.handling(later).registered_at
        found = office.do("city.reviewer", later, "merge", into=main)
        assert (found.status, found.merged_into, found.due_on) == ("merged", main, None)
        assert found.registered_at == filed, "the first reporter stays known (domain rule 6)"
        assert history_of(later)[-1].details["into"] == str(main)
        assert leading(later).tip_id == main

    def test_what_was_merged_before_follows_along(self, client: FlaskClient) -> None:
        first, second, third = (office.registered(client) for _ in range(3))
        office.do("city.reviewer", first, "merge", into=second)
        assert office.do("city.reviewer", second, "merge", into=third).merged_into == third
        assert office.handling(first).merged_into == third
        with pytest.raises(InvalidInput):
            office.do("city.reviewer", third, "merge", into=first)

    def test_into_a_merged_tip_is_into_its_main_tip(self, client: FlaskClient) -> None:
        main, second, third = (office.registered(client) for _ in range(3))
        office.do("city.reviewer", second, "merge", into=main)
        assert office.do("city.reviewer", third, "merge", into=second).merged_into == main

    def test_not_into_itself_nothing_or_what_is_settled(self, client: FlaskClient) -> None:
        tip_id, settled = office.registered(client), office.registered(client)
        office.do("city.reviewer", settled, "reject", reason_code="NO_FACTS", reason="无。", route="信访")
        for into in (tip_id, settled, uuid4()):
            with pytest.raises(InvalidInput):
                office.do("city.reviewer", tip_id, "merge", into=into)

    def test_through_the_contract(self, client: FlaskClient) -> None:
        main, later = office.registered(client), office.registered(client)
        assert factories.office_act(client, "city.reviewer", later, "merge").status_code == 422
        answer = factories.office_act(client, "city.reviewer", later, "merge", into=str(main))
        assert (answer.status_code, answer.get_json()["status"]) == (200, "merged")

    @pytest.mark.parametrize("username", ["city.leader", "city.adjuster"])
    def test_the_reviewer_alone(self, client: FlaskClient, username: str) -> None:
        main, later = office.registered(client), office.registered(client)
        with pytest.raises(Forbidden):
            office.do(username, later, "merge", into=main)

    def test_two_tips_merged_into_each_other_at_once_form_no_ring(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        tips = [office.registered(client), office.registered(client)]
        person = factories.actor("city.reviewer")
        db.session.rollback()

        def merge(tip: UUID, into: UUID) -> bool:
            try:
                with transaction(OPEN_WALL):
                    service.act(person, tip, "merge", 1, {"into": into})
            except (Conflict, InvalidInput, StaleVersion):
                return False
            return True

        done = at_once(committed_app, [lambda: merge(tips[0], tips[1]), lambda: merge(tips[1], tips[0])])
        with transaction(OPEN_WALL):
            merged = [office.handling(tip).status == "merged" for tip in tips]
        assert merged == done
        assert sum(done) <= 1


class TestDispatch:
    def _switch(self, on: int, confidence: int = 90) -> None:
        with transaction(OPEN_WALL):
            limits.set_value(PROGRAM, "auto_dispatch", on, clock.today())
            limits.set_value(PROGRAM, "auto_dispatch_confidence", confidence, clock.today())

    def _accepted(self, client: FlaskClient, **changes: Any) -> Any:
        tip_id = office.registered(client, **changes)
        office.do("city.reviewer", tip_id, "accept")
        deliver()
        return office.handling(tip_id)

    def test_off_until_the_office_switches_it_on(self, client: FlaskClient) -> None:
        assert self._accepted(client, **CLEAR).status == "accepted"

    def test_a_clear_case_is_assigned_marked_and_counted(self, client: FlaskClient) -> None:
        self._switch(1)
        found = self._accepted(client, **CLEAR)
        assert (found.status, found.division_code, found.dispatched_automatically) == (
            "assigned",
            factories.XINSHI,
            True,
        )
        last = history_of(found.tip_id)[-1]
        assert (last.actor_id, last.actor_name, last.action) == (None, "系统", "assign")
        assert "自动交办" in last.reason
        assert "置信度" in last.reason
        day = clock.start_of_today()
        assert queries.dispatched_automatically(day, clock.now().replace(hour=23)) == 1
        assert not dispatching.dispatch(found.tip_id), "twice assigns once"

    def test_rule_4_registered_is_not_operating_district(self, client: FlaskClient) -> None:
        self._switch(1, 1)
        found = self._accepted(client)
        assert found.dispute
        assert (found.status, found.dispatched_automatically) == ("accepted", False)

    @pytest.mark.parametrize(
        "subject",
        [
            {"registered_address": "不知道在哪里", "operating_address": None},
            {"registered_address": None, "operating_address": None},
        ],
    )
    def test_nothing_unknown_is_dispatched(self, client: FlaskClient, subject: dict[str, Any]) -> None:
        self._switch(1, 1)
        found = self._accepted(client, subject=CLEAR["subject"] | subject)
        assert (found.status, found.needs_review) == ("accepted", True)

    def test_a_guess_that_contradicts_is_left_to_the_reviewer(self, client: FlaskClient) -> None:
        self._switch(1, 1)
        assert self._accepted(client, **CLEAR, district_guess=factories.SHUIMOGOU).status == "accepted"

    def test_below_the_threshold_nothing_is_dispatched(self, client: FlaskClient) -> None:
        self._switch(1, 100)
        assert self._accepted(client, **CLEAR).status == "accepted"

    @pytest.mark.parametrize(("name", "value"), [("auto_dispatch", 2), ("auto_dispatch_confidence", 101)])
    def test_a_switch_is_on_or_off_and_percent_end_at_hundred(self, app: Flask, name: str, value: int) -> None:
        with pytest.raises(InvalidInput), clock.stopped_at(MONDAY_MORNING):
            limits.set_value(PROGRAM, name, value, clock.today())
