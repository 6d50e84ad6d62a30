"""Officers enter what people report by telephone, letter or in person; it is a tip like any other."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories, rows
from tests.tips import reporters

PATH = "/api/v1/office/assisted-filings"


def _body(**changes: Any) -> dict[str, Any]:
    body = {"channel": "letter", "received_on": "2026-02-26", "source_number": "信字12号", "tip": factories.tip_body()}
    return body | changes


def _enter(client: FlaskClient, username: str = "city.reviewer", **changes: Any) -> Any:
    return client.post(PATH, json=_body(**changes), headers=factories.office_headers(username))


def test_the_codes_work_and_the_channel_is_kept(client: FlaskClient) -> None:
    answer = _enter(client)
    receipt = answer.get_json()
    assert answer.status_code == 201
    assert reporters.progress(client, receipt)["status"] == "registered"
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    assert reporters.office_sees(client, tip_id)["statement"]["channel"] == "letter"
    kept = rows.scalar("SELECT received_on || ' ' || source_number FROM assisted_filings WHERE tip_id = :id", id=tip_id)
    assert kept == "2026-02-26 信字12号"
    assert receipt["registered_at"].startswith("2026-03-02"), "the server's time, not the letter's"


def test_who_entered_it_stands_in_the_audit_log(client: FlaskClient) -> None:
    _enter(client)
    found = rows.scalar(
        "SELECT actor_role || ' ' || (details->>'channel') FROM audit_events WHERE action = 'tips.submit'"
    )
    assert found == "city_reviewer letter"


def test_a_district_enters_for_the_whole_city_and_sees_nothing_more_of_it(client: FlaskClient) -> None:
    receipt = _enter(client, "district.650102").get_json()
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    own = factories.office_headers("district.650102")
    assert client.get(f"/api/v1/office/tips/{tip_id}", headers=own).status_code == 404
    assert reporters.office_sees(client, tip_id)["status"] == "registered"


@pytest.mark.parametrize(
    "username", ["city.adjuster", "city.leader", "observer.650000", "auditor", "sysadmin", "secadmin"]
)
def test_nobody_else_enters_tips(client: FlaskClient, username: str) -> None:
    headers = factories.office_headers(username)
    before = rows.row_counts()
    assert client.post(PATH, json=_body(), headers=headers).status_code == 403
    assert rows.growth(before) == {"audit_events": 1}


def test_the_scan_of_a_letter_is_its_evidence(client: FlaskClient) -> None:
    own, other = factories.office_headers("city.reviewer"), factories.office_headers("district.650102")
    scans = [factories.upload(client, headers).get_json()["id"] for headers in (own, other)]
    refused = _enter(client, tip=factories.tip_body(evidence=[scans[1]]))
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["evidence"])
    receipt = _enter(client, tip=factories.tip_body(evidence=[scans[0]])).get_json()
    seen = reporters.office_sees(client, factories.tip_id_of(receipt["receipt_number"]))
    assert [one["id"] for one in seen["evidence"]] == [scans[0]]


def test_sent_twice_it_is_one_tip_with_the_same_codes(client: FlaskClient) -> None:
    body = _body()
    headers = factories.office_headers("city.reviewer")
    first, second = (client.post(PATH, json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    told = [
        {name: one.get_json()[name] for name in ("receipt_number", "query_code", "claim_code")}
        for one in (first, second)
    ]
    assert told[0] == told[1]
    assert rows.scalar("SELECT count(*) FROM assisted_filings") == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "web"}, "channel"),
        ({"channel": None}, "channel"),
        ({"received_on": "2026-03-03"}, "received_on"),
        ({"tip": {"subject": {"kind": "unknown"}}}, "tip.subject.name"),
        ({"tip": factories.tip_body(reporter=factories.REPORTER | {"phone": "x"})}, "tip.reporter.phone"),
        ({"source_number": "长" * 61}, "source_number"),
        ({"query_code": "1"}, "query_code"),
    ],
)
def test_the_same_checks_as_for_the_public(client: FlaskClient, changes: dict[str, Any], field: str) -> None:
    answer = _enter(client, **changes)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_only_an_anonymous_reporter_gets_a_claim_code(client: FlaskClient) -> None:
    anonymous = _enter(client).get_json()
    named = _enter(client, tip=factories.tip_body(reporter=factories.REPORTER)).get_json()
    assert len(anonymous["claim_code"]) == 12
    assert named["claim_code"] is None
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any(anonymous["claim_code"] in line for line in stored)
