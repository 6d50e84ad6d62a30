"""An entry of money that is sent again, after a lost answer or by two clicks, does not count twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.cases import ledgers, office
from tests.threads import at_once

FUND: Final = {"source": "balance", "yuan": "100.00", "received_on": "2025-05-06", "origin": "公安机关移交冻结资金"}
ROUND: Final = {"total_yuan": "100.00", "source": "balance"}
ASSET: Final = {"kind": "real_estate", "description": "友好路商铺", "state": "seized"}
BATCH: Final = {"round": 1, "reason": "经集体研究决定发放。"}
ENTRIES: Final = [("funds", FUND), ("restitution", ROUND), ("assets", ASSET), ("batches", BATCH)]


def version(client: FlaskClient, case_id: str) -> int:
    seen: int = ledgers.ledger(client, case_id).get_json()["version"]
    return seen


@pytest.mark.parametrize(("path", "body"), ENTRIES)
def test_the_same_entry_again_is_refused(client: FlaskClient, path: str, body: dict[str, Any]) -> None:
    case_id = ledgers.paying_case(client)
    entry = body | {"expected_version": version(client, case_id)}
    assert ledgers.post(client, case_id, path, entry).status_code == 201
    before = ledgers.ledger(client, case_id).get_json()
    again = ledgers.post(client, case_id, path, entry)
    assert (again.status_code, again.get_json()["code"]) == (409, "stale_version")
    assert "请先核对台账" in again.get_json()["detail"]
    assert ledgers.ledger(client, case_id).get_json() == before
    assert ledgers.post(client, case_id, path, entry, office.OTHER).status_code == 404


@pytest.mark.parametrize(("path", "body"), ENTRIES)
def test_an_entry_without_a_version_is_taken_as_before(client: FlaskClient, path: str, body: dict[str, Any]) -> None:
    case_id = ledgers.paying_case(client)
    assert ledgers.post(client, case_id, path, body).status_code == 201
    wrong = ledgers.post(client, case_id, path, body | {"expected_version": "1"})
    assert (wrong.status_code, list(wrong.get_json()["errors"])) == (422, ["expected_version"])


def test_a_round_asked_of_a_job_is_not_computed_again_after_it_was_done(client: FlaskClient) -> None:
    case_id = ledgers.paying_case(client)
    asked = ROUND | {"kind": "round", "expected_version": version(client, case_id)}
    assert ledgers.post(client, case_id, "tasks", asked).status_code == 202
    factories.deliver()
    again = ledgers.post(client, case_id, "tasks", asked)
    assert (again.status_code, again.get_json()["code"]) == (409, "stale_version")
    assert ledgers.ledger(client, case_id).get_json()["distributed_yuan"] == "200.00"


def test_two_clicks_at_once_enter_one(committed_app: Flask) -> None:
    client = committed_app.test_client()
    case_id = ledgers.returning_case(client)
    ledgers.enter(client, case_id)
    ledgers.verify_all(client, case_id)
    headers = factories.office_headers(office.HANDLER)

    def sending(path: str, body: dict[str, Any]) -> Callable[[], int]:
        entry = body | {"expected_version": version(client, case_id)}
        url = f"{office.CASES}/{case_id}/{path}"

        def send() -> int:
            own = FlaskClient(committed_app, committed_app.response_class)
            return own.post(url, json=entry, headers=headers).status_code

        return send

    assert sorted(at_once(committed_app, [sending("funds", FUND)] * 2)) == [201, 409]
    assert sorted(at_once(committed_app, [sending("restitution", ROUND | {"total_yuan": "50.00"})] * 2)) == [201, 409]
    told = ledgers.ledger(client, case_id).get_json()
    assert (told["received_yuan"], told["distributed_yuan"]) == ("100.00", "50.00")
