"""Identities whose term is over: proposed by the program, decided by a person, and figures stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.tips import jobs
from tests import factories, rows
from tests.tips import reporters

FILED = datetime(2022, 3, 7, 10, tzinfo=clock.BEIJING)
"""Long enough ago that tokens of three years later are not from the future."""
CONDUCT = factories.tip_body()["conduct"] | {"started_on": None}
YEAR = timedelta(days=366)


@pytest.fixture(autouse=True)
def _then(_monday: None) -> Iterator[None]:
    with clock.stopped_at(FILED):
        yield


def _file(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    return factories.file_tip(client, **({"reporter": factories.REPORTER, "conduct": CONDUCT} | changes))


def _closed(client: FlaskClient, outcome: str, **changes: Any) -> UUID:
    """A tip that was concluded with ``outcome``, replied to and archived."""
    receipt = _file(client, **changes)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": factories.XINSHI}),
        ("district.650104", "sign_for", {}),
        ("district.650104", "submit_feedback", {"outcome": outcome, "text": "核查完毕。"}),
        ("city.reviewer", "conclude", {}),
        ("city.reviewer", "reply", {"text": "已依法处理。"}),
        ("city.reviewer", "archive", {}),
    ):
        answer = factories.office_act(client, username, tip_id, action, **given)
        assert answer.status_code == 200, (action, answer.get_json())
    return tip_id


def _proposed(client: FlaskClient, username: str = "city.leader") -> list[dict[str, Any]]:
    for _ in range(2):
        jobs.propose_removals()
    answer = client.get("/api/v1/office/identity-removals", headers=factories.office_headers(username))
    assert answer.status_code == 200, answer.get_json()
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def _decide(client: FlaskClient, removal_id: str, decision: str = "remove", username: str = "city.leader") -> Any:
    path = f"/api/v1/office/identity-removals/{removal_id}/decision"
    body = {"decision": decision, "reason": "保存期限届满"}
    return client.post(path, json=body, headers=factories.office_headers(username))


@pytest.mark.parametrize(("outcome", "years"), [("UNSUBSTANTIATED", 3), ("CANNOT_VERIFY", 3), ("SUBSTANTIATED", 10)])
def test_an_identity_is_proposed_when_its_term_is_over(client: FlaskClient, outcome: str, years: int) -> None:
    tip_id = _closed(client, outcome)
    with clock.stopped_at(FILED + years * timedelta(days=365) - timedelta(days=1)):
        jobs.propose_removals()
        assert rows.scalar("SELECT count(*) FROM identity_removals") == 0
    with clock.stopped_at(FILED + years * YEAR):
        for _ in range(2):
            jobs.propose_removals()
    assert rows.scalar("SELECT count(*) FROM identity_removals WHERE tip_id = :id", id=tip_id) == 1
    assert f"{years} 年" in rows.scalar("SELECT basis FROM identity_removals")
    assert rows.scalar("SELECT count(*) FROM reporters") == 1  # nothing is removed by the program


def test_open_and_anonymous_tips_are_never_proposed(client: FlaskClient) -> None:
    _file(client)
    _closed(client, "UNSUBSTANTIATED", reporter=None)
    with clock.stopped_at(FILED + 20 * YEAR):
        jobs.propose_removals()
    assert rows.scalar("SELECT count(*) FROM identity_removals") == 0


def test_a_refused_tip_has_the_short_term(client: FlaskClient) -> None:
    receipt = _file(client)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    given = {"reason_code": "CIVIL_DISPUTE", "reason": "属于民间借贷", "route": "人民法院"}
    assert factories.office_act(client, "city.reviewer", tip_id, "reject", **given).status_code == 200
    with clock.stopped_at(FILED + 3 * YEAR):
        assert len(_proposed(client)) == 1


def test_the_leader_removes_and_the_figures_stay(client: FlaskClient) -> None:
    headers = factories.reporter_headers("openid-of-a-forgotten-one")
    receipt = _file(client, headers=headers)
    index = factories.crypto_of().blind_index("openid", "openid-of-a-forgotten-one")
    client.post("/api/v1/subscriptions", json={"accepted": ["tip-progress-demo"]}, headers=headers)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    given = {"reason_code": "CIVIL_DISPUTE", "reason": "属于民间借贷", "route": "人民法院"}
    assert factories.office_act(client, "city.reviewer", tip_id, "reject", **given).status_code == 200
    reporters.run_outbox()
    told = rows.scalar("SELECT count(*) FROM deliveries WHERE openid_index = :index", index=index)
    assert told > 0
    with clock.stopped_at(FILED + 3 * YEAR):
        (proposal,) = _proposed(client)
        assert _decide(client, proposal["id"]).status_code == 200
        reporters.run_outbox()
        assert _proposed(client) == []
        opened = client.post(
            f"/api/v1/office/tips/{tip_id}/identity",
            json={"reason": "核实"},
            headers=factories.office_headers("city.reviewer"),
        )
        assert (opened.status_code, "保存期限" in opened.get_json()["detail"]) == (404, True)
        assert reporters.progress(client, receipt)["status"] == "rejected"
    assert rows.scalar("SELECT count(*) FROM reporters") == 0
    assert rows.scalar("SELECT count(*) FROM tips WHERE real_name") == 1
    assert rows.scalar("SELECT count(*) FROM deliveries") == told
    assert rows.scalar("SELECT count(*) FROM deliveries WHERE openid_index = :index", index=index) == 0
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.identity_remove'") == 1


def test_a_leader_who_stands_aside_does_not_decide(client: FlaskClient) -> None:
    tip_id = _closed(client, "UNSUBSTANTIATED")
    with clock.stopped_at(FILED + 3 * YEAR):
        (proposal,) = _proposed(client)
        body = {"tip_id": str(tip_id), "reason": "亲属持股。"}
        leader = factories.office_headers("city.leader")
        assert client.post("/api/v1/office/exclusions", json=body, headers=leader).status_code == 201
        refused = _decide(client, proposal["id"])
        assert (refused.status_code, refused.get_json()["code"]) == (403, "excluded")
    assert rows.scalar("SELECT count(*) FROM reporters") == 1


def test_a_person_may_keep_it_and_is_not_asked_again(client: FlaskClient) -> None:
    _closed(client, "UNSUBSTANTIATED")
    with clock.stopped_at(FILED + 3 * YEAR):
        (proposal,) = _proposed(client)
        assert _decide(client, proposal["id"], "keep").status_code == 200
        assert _decide(client, proposal["id"]).status_code == 409
        assert _proposed(client) == []
    assert rows.scalar("SELECT count(*) FROM reporters") == 1


@pytest.mark.parametrize("username", ["city.reviewer", "district.650104", "sysadmin", "auditor", "observer.650000"])
def test_nobody_else_decides(client: FlaskClient, username: str) -> None:
    _closed(client, "UNSUBSTANTIATED")
    with clock.stopped_at(FILED + 3 * YEAR):
        (proposal,) = _proposed(client)
        assert _decide(client, proposal["id"], username=username).status_code == 403
        assert _decide(client, proposal["id"], "burn").status_code == 422
    assert rows.scalar("SELECT count(*) FROM reporters") == 1


def test_a_tip_that_is_handled_again_keeps_its_reporter(client: FlaskClient) -> None:
    tip_id = _closed(client, "UNSUBSTANTIATED")
    with clock.stopped_at(FILED + 3 * YEAR):
        (proposal,) = _proposed(client)
    answer = factories.office_act(client, "city.reviewer", tip_id, "reopen", reason="有新线索")
    assert answer.status_code == 200, answer.get_json()
    refused = _decide(client, proposal["id"])
    assert (refused.status_code, refused.get_json()["code"]) == (409, "tip_reopened")


def test_another_district_sees_no_proposal(client: FlaskClient) -> None:
    _closed(client, "UNSUBSTANTIATED")
    with clock.stopped_at(FILED + 3 * YEAR):
        assert len(_proposed(client, "district.650104")) == 1
        assert _proposed(client, "district.650102") == []


def test_a_merged_tip_has_ended_when_its_main_tip_has(client: FlaskClient) -> None:
    tips = [factories.tip_id_of(_file(client)["receipt_number"]) for _ in range(2)]
    main, later = tips
    assert factories.office_act(client, "city.reviewer", later, "merge", into=str(main)).status_code == 200
    with clock.stopped_at(FILED + 3 * YEAR):
        assert _proposed(client) == []
    given = {"reason_code": "CIVIL_DISPUTE", "reason": "属于民间借贷", "route": "人民法院"}
    assert factories.office_act(client, "city.reviewer", main, "reject", **given).status_code == 200
    with clock.stopped_at(FILED + 3 * YEAR):
        proposals = _proposed(client)
        assert {one["tip_id"] for one in proposals} == {str(one) for one in tips}
        for one in proposals:
            assert _decide(client, one["id"]).status_code == 200
    assert rows.scalar("SELECT count(*) FROM reporters") == 0


def test_no_identity_is_removed_on_what_no_longer_holds(client: FlaskClient) -> None:
    """Proposed as not accepted; then reopened, found true and archived: another term has begun."""
    receipt = _file(client)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    given = {"reason_code": "NO_FACTS", "reason": "无事实。", "route": "信访"}
    assert factories.office_act(client, "city.reviewer", tip_id, "reject", **given).status_code == 200
    with clock.stopped_at(FILED + 3 * YEAR):
        (proposal,) = _proposed(client)
        for username, action, more in (
            ("city.reviewer", "reopen", {"reason": "有新线索"}),
            ("city.reviewer", "assign", {"division": factories.XINSHI}),
            ("district.650104", "sign_for", {}),
            ("district.650104", "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "属实。"}),
            ("city.reviewer", "conclude", {}),
            ("city.reviewer", "reply", {"text": "已依法处理。"}),
            ("city.reviewer", "archive", {}),
        ):
            answer = factories.office_act(client, username, tip_id, action, **more)
            assert answer.status_code == 200, (action, answer.get_json())
        refused = _decide(client, proposal["id"])
        assert (refused.status_code, refused.get_json()["code"]) == (409, "term_not_over")
        assert _proposed(client) == [], "nobody is asked about it any more"
    assert rows.scalar("SELECT count(*) FROM reporters") == 1
    with clock.stopped_at(FILED + 14 * YEAR):
        (again,) = _proposed(client)
        assert "10 年" in again["basis"]
        assert _decide(client, again["id"]).status_code == 200
    assert rows.scalar("SELECT count(*) FROM reporters") == 0
