"""A claim looked at by its owner: number and code from the slip, one answer for every wrong pair, locks."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import rows
from tests.cases import ledgers
from tests.cases.ledgers import CLAIMS, PERSON

QUERY = "/api/v1/claims/query"


@pytest.fixture
def case_id(client: FlaskClient) -> str:
    return ledgers.paying_case(client, [CLAIMS[0] | {"participant": PERSON}, *CLAIMS[1:]])


def slip(client: FlaskClient, case_id: str, renew: bool = False) -> dict[str, str]:
    body = {"claim_nos": ["债1"], "reason": "向集资参与人发放查询凭证。", "renew": renew}
    items = ledgers.post(client, case_id, "claims/codes", body).get_json()["items"]
    assert items[0].pop("claim_no") == "债1"
    found: dict[str, str] = items[0]
    return found


def ask(client: FlaskClient, codes: dict[str, str], address: str = "203.0.113.5") -> Any:
    return client.post(QUERY, json=codes, environ_base={"REMOTE_ADDR": address})


def test_the_owner_sees_amounts_and_payments_and_nobodys_name(client: FlaskClient, case_id: str) -> None:
    ledgers.batch(client, case_id)
    ledgers.settle(client, case_id, 债1="paid")
    answer = ask(client, slip(client, case_id))
    assert answer.get_json() == {
        "case_name": "瑞丰源案", "claim_no": "债1", "state": "verified", "claimed_yuan": "100.00", "verified_yuan": "100.00",
        "reason": "", "distributed_yuan": "33.33", "paid_yuan": "33.33",
        "rounds": [{"round": 1, "yuan": "33.33", "state": "paid", "settled_on": "2025-05-08"}],
    }  # fmt: skip
    assert not any(said in answer.get_data(as_text=True) for said in (PERSON["name"], PERSON["account"]))
    assert rows.scalar("SELECT actor_kind FROM audit_events WHERE action = 'cases.query_claim'") == "public"


def test_a_code_is_read_as_it_is_typed_and_a_new_slip_ends_the_old_one(client: FlaskClient, case_id: str) -> None:
    first = slip(client, case_id)
    spaced = first | {"query_code": " ".join(first["query_code"])}
    assert ask(client, spaced).status_code == 200
    assert slip(client, case_id) == first
    second = slip(client, case_id, renew=True)
    assert second["query_number"] == first["query_number"]
    assert ask(client, first).status_code == 404
    assert ask(client, second).status_code == 200


def test_a_wrong_code_and_an_unknown_number_are_answered_alike(client: FlaskClient, case_id: str) -> None:
    codes = slip(client, case_id)
    answers = []
    for wrong in (
        codes | {"query_code": "1" * 20},
        codes | {"query_number": "9" * 16},
        {"query_number": "x", "query_code": "ü"},
    ):
        problem = ask(client, wrong).get_json()
        problem.pop("request_id")
        answers.append(problem)
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0]["status"], answers[0]["code"]) == (404, "number_or_code_wrong")


def test_five_wrong_codes_lock_the_number_for_everybody(client: FlaskClient, case_id: str) -> None:
    codes = slip(client, case_id)
    for n in range(5):
        assert ask(client, codes | {"query_code": f"{n:020d}"}, f"203.0.113.{n}").status_code == 404
    locked = ask(client, codes, "203.0.113.99")
    assert (locked.status_code, locked.get_json()["code"]) == (429, "query_locked")


def test_no_code_is_stored_and_the_codes_never_travel_in_a_url(client: FlaskClient, case_id: str) -> None:
    codes = slip(client, case_id)
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any(codes["query_code"] in line for line in stored)
    assert client.get(QUERY, query_string=codes).status_code == 405
