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
from app.workflow import jobs, police, policy
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


def approved(tip_id: UUID, reason: str = "同意。") -> PoliceTransfer:
    """Proposed by the unit that handles it, and approved by the head."""
    row = proposed(tip_id)
    office.do("city.leader", tip_id, "transfer", to="police", reason=reason)
    return row


def buttons(username: str, tip_id: UUID) -> set[str]:
    found = policy.available_actions(factories.actor(username), office.handling(tip_id), None)
    return {row.action for row in found}


def refused(code: str) -> Any:
    """A refusal with this code."""
    return pytest.raises(Conflict, check=lambda error: error.code == code)


def sent(client: FlaskClient) -> PoliceTransfer:
    row = approved(office.verifying(client))
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
    row = approved(office.verifying(client))
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


def test_rule_18_nothing_goes_to_the_police_that_two_officers_did_not_propose(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    with refused("police_proposal_missing"):
        office.do("city.leader", tip_id, "transfer", to="police", reason="同意。")
    answer = factories.office_act(client, "city.leader", tip_id, "transfer", to="police", reason="同意。")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "police_proposal_missing")
    assert "两名以上行政执法人员" in answer.get_json()["detail"]
    assert office.handling(tip_id).status == "verifying"
    step("city.leader", proposed(tip_id), "decline", reason="证据不足。")
    with refused("police_proposal_missing"):  # what was declined is no proposal
        office.do("city.leader", tip_id, "transfer", to="police", reason="同意。")
    assert approved(tip_id).officers == OFFICERS


def test_rule_18_no_receipt_of_what_was_not_sent_with_its_documents(client: FlaskClient) -> None:
    row = approved(office.verifying(client))
    assert "record_receipt" not in buttons("city.reviewer", row.tip_id)
    with refused("police_not_sent") as fault:
        office.do("city.reviewer", row.tip_id, "record_receipt", number="公经受1", received_on=MONDAY)
    for name in ("移送书", "调查报告", "涉案物品清单"):
        assert name in str(fault.value)
    assert office.handling(row.tip_id).status == "transferred"
    step("city.reviewer", row, "send", documents=documents(client, "letter", "report", "items"))
    assert "record_receipt" in buttons("city.reviewer", row.tip_id)
    assert (
        office.do("city.reviewer", row.tip_id, "record_receipt", number="1", received_on=MONDAY).status == "concluded"
    )


def test_sending_ends_the_24_hours_and_begins_the_term_of_the_receipt(client: FlaskClient) -> None:
    row = sent(client)
    found = office.handling(row.tip_id)
    assert (found.due_on, found.clock_natural) == (date(2026, 3, 9), False)  # five working days, as for others
    with office.on(date(2026, 3, 4)):
        jobs.sweep_clocks()
    alerts = select(HandlingAlert.kind).where(HandlingAlert.tip_id == row.tip_id)
    assert db.session.scalars(alerts).all() == []
    with office.on(date(2026, 3, 10)):
        jobs.sweep_clocks()
    assert db.session.scalars(alerts).all() == ["red"], "nor is the receipt forgotten"


def test_a_tip_is_not_settled_otherwise_while_the_head_decides(client: FlaskClient) -> None:
    row = proposed(office.verifying(client))
    with refused("police_undecided"):
        office.do("city.leader", row.tip_id, "transfer", to="other_authority", reason="属其职责。")
    office.do(HANDLER, row.tip_id, "submit_feedback", outcome="UNSUBSTANTIATED", text="未查实。")
    assert buttons("city.reviewer", row.tip_id) & {"conclude", "rework"} == {"rework"}
    with refused("police_undecided"):
        office.do("city.reviewer", row.tip_id, "conclude")
    step("city.leader", row, "decline", reason="证据不足。")
    assert "conclude" in buttons("city.reviewer", row.tip_id)
    assert office.do("city.reviewer", row.tip_id, "conclude").status == "concluded"


def test_what_was_reported_on_can_still_be_proposed_and_approved(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    office.do(HANDLER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text="属实，涉嫌犯罪。")
    proposed(tip_id, "city.reviewer")
    assert "transfer" in buttons("city.leader", tip_id)
    assert office.do("city.leader", tip_id, "transfer", to="police", reason="同意。").status == "transferred"


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
            refusal(row, date(2026, 3, 5), date(2026, 3, 5))
        assert refusal(row, date(2026, 3, 4), date(2026, 3, 4)).reconsider_by == date(2026, 3, 7)
    with office.on(date(2026, 3, 8)), pytest.raises(Conflict):
        step("city.leader", row, "ask_reconsideration", reason="有新证据。")
    with office.on(date(2026, 3, 7)):
        assert step("city.leader", row, "ask_reconsideration", reason="有新证据。").state == "reconsidering"
        assert step("city.reviewer", row, "note_filing", decided_on=date(2026, 3, 7)).state == "filed"
        with pytest.raises(TransitionNotAllowed):
            step("city.reviewer", row, "note_upheld", decided_on=date(2026, 3, 7), reason="。")


def refusal(row: PoliceTransfer, decided_on: date, notified_on: date | None) -> PoliceTransfer:
    days = {"decided_on": decided_on, "notified_on": notified_on}
    return step("city.reviewer", row, "note_refusal", **days, reason="不构成。")


def test_the_days_for_reconsideration_are_counted_from_the_arrival_of_the_refusal(client: FlaskClient) -> None:
    """Art. 9: 自接到不予立案通知书之日起 3 日内."""
    row = sent(client)
    with office.on(date(2026, 3, 12)):
        for never in (None, date(2026, 3, 4), date(2026, 3, 13)):  # before the decision, and to come
            with pytest.raises(InvalidInput) as fault:
                refusal(row, date(2026, 3, 5), never)
            assert list(fault.value.errors) == ["notified_on"]
        found = refusal(row, date(2026, 3, 5), date(2026, 3, 12))
        days = (found.police_decided_on, found.police_notified_on, found.reconsider_by)
        assert days == (date(2026, 3, 5), date(2026, 3, 12), date(2026, 3, 15))
    with office.on(date(2026, 3, 15)):
        assert step("city.leader", row, "ask_reconsideration", reason="有新证据。").state == "reconsidering"


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
