"""The way to the police (domain rule 18; 行政执法机关移送涉嫌犯罪案件的规定 Art. 5 to 9)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope, StaleVersion, TransitionNotAllowed
from app.workflow import jobs, police
from app.workflow.models import HandlingAlert, PoliceTransfer
from tests import factories
from tests.moments import MONDAY_MORNING
from tests.workflow import office
from tests.workflow.office import HANDLER

MONDAY = MONDAY_MORNING.date()
OFFICERS = ["甲（执法证 650001）", "乙（执法证 650002）"]


def proposed(tip_id: UUID, username: str = HANDLER, officers: list[str] = OFFICERS) -> PoliceTransfer:
    person = factories.actor(username)
    with transaction(OPEN_WALL):
        return police.propose(person, tip_id, officers, "涉嫌集资诈骗。")


def step(username: str, row: PoliceTransfer, action: str, **given: Any) -> PoliceTransfer:
    person = factories.actor(username)
    with transaction(OPEN_WALL):
        version = db.session.get_one(PoliceTransfer, row.id, populate_existing=True).version
        return police.act(person, row.id, action, version, given)


def documents(client: FlaskClient, *codes: str) -> dict[str, UUID]:
    return {code: office.evidence(client, "city.reviewer") for code in codes}


def sent(client: FlaskClient) -> PoliceTransfer:
    tip_id = office.verifying(client)
    row = proposed(tip_id)
    office.do("city.leader", tip_id, "transfer", to="police", reason="同意。")
    return step("city.reviewer", row, "send", documents=documents(client, "letter", "report", "items"))


def test_rule_18_three_days_to_decide_and_24_hours_to_send(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    row = proposed(tip_id)
    assert (row.state, row.decide_by) == ("proposed", MONDAY + timedelta(days=3))
    with office.on(date(2026, 3, 4)):
        office.do("city.leader", tip_id, "transfer", to="police", reason="同意。")
        found = db.session.get_one(PoliceTransfer, row.id, populate_existing=True)
        assert (found.state, found.send_by) == ("approved", clock.now() + timedelta(hours=24))
        assert office.handling(tip_id).due_on == date(2026, 3, 5)


def test_rule_18_it_does_not_leave_with_an_incomplete_list(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    row = proposed(tip_id)
    office.do("city.leader", tip_id, "transfer", to="police", reason="同意。")
    with pytest.raises(InvalidInput) as fault:
        step("city.reviewer", row, "send", documents=documents(client, "letter", "report"))
    assert "涉案物品清单" in fault.value.errors["documents"][0]
    whole = documents(client, "letter", "report", "items", "expert_opinion")
    with pytest.raises(InvalidInput):
        step("city.reviewer", row, "send", documents=whole | {"gossip": uuid4()})
    found = step("city.reviewer", row, "send", documents=whole)
    assert (found.state, set(found.documents), found.sent_at) == ("sent", set(whole), clock.now())


def test_rule_18_the_receipt_is_recorded_and_settles_the_tip(client: FlaskClient) -> None:
    row = sent(client)
    found = office.do("city.reviewer", row.tip_id, "record_receipt", number="公经受1", received_on=MONDAY)
    assert (found.status, found.outcome) == ("concluded", "TRANSFERRED_POLICE")
    assert db.session.get_one(PoliceTransfer, row.id, populate_existing=True).state == "received"


def test_two_officers_propose(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    for officers in (["甲"], ["甲", "甲 "], ["甲", "  "]):
        with pytest.raises(InvalidInput):
            proposed(tip_id, officers=officers)
    proposed(tip_id)
    with pytest.raises(Conflict):
        proposed(tip_id)


@pytest.mark.parametrize("username", [office.OTHER, "city.adjuster", "city.leader", "observer.650000"])
def test_who_does_not_handle_the_tip_does_not_propose(client: FlaskClient, username: str) -> None:
    tip_id = office.verifying(client)
    with pytest.raises((Forbidden, OutOfScope)):
        proposed(tip_id, username)


def test_a_refusal_of_the_head_is_recorded_with_its_reason(client: FlaskClient) -> None:
    row = proposed(office.verifying(client))
    with pytest.raises(InvalidInput):
        step("city.leader", row, "decline", reason="")
    with pytest.raises(Forbidden):
        step("city.reviewer", row, "decline", reason="证据不足。")
    found = step("city.leader", row, "decline", reason="证据不足。")
    assert (found.state, found.decision) == ("declined", "证据不足。")
    assert proposed(row.tip_id).state == "proposed", "with better evidence it is proposed anew"


def test_the_police_refuse_and_are_asked_to_reconsider_within_three_days(client: FlaskClient) -> None:
    row = sent(client)
    with office.on(date(2026, 3, 4)):
        with pytest.raises(InvalidInput):
            step("city.reviewer", row, "note_refusal", decided_on=date(2026, 3, 5), reason="不构成。")
        assert step(
            "city.reviewer", row, "note_refusal", decided_on=date(2026, 3, 4), reason="不构成。"
        ).reconsider_by == date(2026, 3, 7)
    with office.on(date(2026, 3, 8)), pytest.raises(Conflict):
        step("city.leader", row, "ask_reconsideration", reason="有新证据。")
    with office.on(date(2026, 3, 7)):
        assert step("city.leader", row, "ask_reconsideration", reason="有新证据。").state == "reconsidering"
        assert step("city.reviewer", row, "note_filing", decided_on=date(2026, 3, 7)).state == "filed"
        with pytest.raises(TransitionNotAllowed):
            step("city.reviewer", row, "note_upheld", decided_on=date(2026, 3, 7), reason="。")


def test_a_proposal_that_waits_too_long_reaches_the_leader_once(client: FlaskClient) -> None:
    row = proposed(office.verifying(client))
    for day in (date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 6)):
        with office.on(day):
            jobs.sweep_clocks()
    found = db.session.execute(
        select(HandlingAlert.kind, HandlingAlert.due_on).where(HandlingAlert.tip_id == row.tip_id)
    )
    assert [tuple(line) for line in found] == [("red", date(2026, 3, 5))]


def test_a_stale_version_and_another_district_are_refused(client: FlaskClient) -> None:
    row = proposed(office.verifying(client))
    with pytest.raises(StaleVersion):
        police.act(factories.actor("city.leader"), row.id, "decline", 7, {"reason": "。"})
    with pytest.raises(OutOfScope):
        police.act(factories.actor(office.OTHER), row.id, "decline", 1, {"reason": "。"})
    headers = factories.office_headers(office.OTHER)
    assert client.get(f"/api/v1/office/tips/{row.tip_id}/police-transfers", headers=headers).status_code == 404
    own = factories.office_headers(HANDLER)
    shown = client.get(f"/api/v1/office/tips/{row.tip_id}/police-transfers", headers=own).get_json()
    assert [item["state"] for item in shown["items"]] == ["proposed"]
