"""The page where a participant looks at the own claim."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.cases import ledgers
from tests.cases.ledgers import CLAIMS, PERSON
from tests.public_pages.visitor import read, send, words


@pytest.fixture
def codes(client: FlaskClient) -> dict[str, str]:
    case_id = ledgers.paying_case(client, [CLAIMS[0] | {"participant": PERSON}, *CLAIMS[1:]])
    ledgers.batch(client, case_id)
    ledgers.settle(client, case_id, 债1="failed")
    body = {"claim_nos": ["债1"], "reason": "发放查询凭证。"}
    (found,) = ledgers.post(client, case_id, "claims/codes", body).get_json()["items"]
    return {name: found[name] for name in ("query_number", "query_code")}


def test_the_owner_reads_what_was_verified_and_paid(client: FlaskClient, codes: dict[str, str]) -> None:
    page = client.get("/report/claim").get_data(as_text=True)
    answer = send(client, page, "/claim", **codes)
    text = words(answer.get_data(as_text=True))
    for part in ("已核实", "100.00", "33.33", "发放失败", "2025-05-08"):
        assert part in text, part
    assert PERSON["name"] not in text
    assert codes["query_code"] not in answer.get_data(as_text=True)


def test_a_wrong_code_keeps_the_number_and_says_nothing_more(client: FlaskClient, codes: dict[str, str]) -> None:
    page = client.get("/report/claim").get_data(as_text=True)
    wrong = send(client, page, "/claim", query_number=codes["query_number"], query_code="1" * 20)
    unknown = send(client, page, "/claim", query_number="9" * 16, query_code="1" * 20)
    assert (wrong.status_code, unknown.status_code) == (404, 404)
    assert read(wrong.get_data(as_text=True)).forms[0][1]["query_number"] == codes["query_number"]
    assert words(wrong.get_data(as_text=True)) == words(unknown.get_data(as_text=True))
