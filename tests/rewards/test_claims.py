"""Anonymous reporters claim with the code that was shown at filing; nothing that is stored leads to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation.errors import InvalidInput
from tests import factories, rows
from tests.rewards import office
from tests.tips import reporters


@pytest.fixture
def anonymous(client: FlaskClient) -> tuple[dict[str, Any], UUID]:
    return office.concluded(client, named=False)


def _claim(client: FlaskClient, receipt: dict[str, Any], **given: Any) -> Any:
    return office.claim(client, receipt, **({"claim_code": receipt["claim_code"]} | given))


def _granted(client: FlaskClient, receipt: dict[str, Any], tip_id: UUID) -> Any:
    office.budget()
    assert _claim(client, receipt).status_code == 200
    reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
    return office.do("city.leader", reward.id, "approve")


def test_from_the_claim_to_the_desk(client: FlaskClient, anonymous: tuple[dict[str, Any], UUID]) -> None:
    receipt, tip_id = anonymous
    assert reporters.progress(client, receipt)["reward"] == {
        "status": "none", "status_text": "可以申请奖励", "yuan": None, "collect_by": None, "can_claim": True,
    }  # fmt: skip
    reward = _granted(client, receipt, tip_id)
    assert _claim(client, receipt).get_json()["status"] == "claimed"
    for wrong in (
        {},
        {"query_code": receipt["query_code"]},
        {"query_code": "1" * 20, "claim_code": receipt["claim_code"]},
    ):
        with pytest.raises(InvalidInput):
            office.pay(reward, **wrong)
    shown = {name: receipt[name] for name in ("query_code", "claim_code")}
    assert office.pay(reward, **shown).state == "paid"
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any(receipt["claim_code"] in line or receipt["query_code"] in line for line in stored)


def test_claimed_twice_is_claimed_once(client: FlaskClient, anonymous: tuple[dict[str, Any], UUID]) -> None:
    receipt, tip_id = anonymous
    assert [_claim(client, receipt).status_code for _ in range(2)] == [200, 200]
    assert rows.scalar("SELECT count(*) FROM rewards") == 1
    _ = tip_id


@pytest.mark.parametrize("code", [None, "", "000000000000", "1", "０" * 12])
def test_a_wrong_code_claims_nothing(
    client: FlaskClient, anonymous: tuple[dict[str, Any], UUID], code: str | None
) -> None:
    assert _claim(client, anonymous[0], claim_code=code).status_code in {404, 422}
    assert rows.scalar("SELECT count(*) FROM rewards") == 0


def test_guessing_is_locked(client: FlaskClient, anonymous: tuple[dict[str, Any], UUID]) -> None:
    receipt = anonymous[0]
    answers = [_claim(client, receipt, claim_code=f"{number:012d}").status_code for number in range(6)]
    assert answers == [404] * 5 + [429]
    assert _claim(client, receipt).status_code == 429
    assert reporters.call(client, "query", receipt).status_code == 200, "following the tip is not locked by it"


def test_the_code_of_another_tip_does_not_fit(client: FlaskClient, anonymous: tuple[dict[str, Any], UUID]) -> None:
    other = factories.file_tip(client)
    assert _claim(client, anonymous[0], claim_code=other["claim_code"]).status_code == 404


def test_an_anonymous_reporter_names_no_payee(client: FlaskClient, anonymous: tuple[dict[str, Any], UUID]) -> None:
    payee = {"name": "张三", "account": "6222", "bank": "某银行"}
    answer = _claim(client, anonymous[0], payee=payee)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["payee"])


def test_before_the_end_nothing_can_be_claimed(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    assert reporters.progress(client, receipt)["reward"] is None
    answer = _claim(client, receipt)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "nothing_to_claim")


def test_a_repeat_within_a_day_brings_the_same_code(client: FlaskClient) -> None:
    body = factories.tip_body()
    first, second = (client.post("/api/v1/tips", json=body).get_json() for _ in range(2))
    assert first["claim_code"] == second["claim_code"]
    assert len({factories.file_tip(client)["claim_code"] for _ in range(5)}) == 5


def test_a_named_reporter_needs_no_claim_code(client: FlaskClient) -> None:
    receipt, tip_id = office.concluded(client)
    assert receipt["claim_code"] is None
    assert office.claim(client, receipt).get_json()["status"] == "open"
    assert office.reward_of(tip_id).claimed_with_code is False


def test_officers_open_a_review_by_hand(client: FlaskClient, anonymous: tuple[dict[str, Any], UUID]) -> None:
    receipt, _ = anonymous
    headers = factories.office_headers("city.reviewer")
    asked = {"receipt_number": receipt["receipt_number"]}
    answers = [client.post("/api/v1/office/rewards", json=asked, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json()["id"] == answers[1].get_json()["id"]
    assert answers[0].get_json()["verdict"] == "not_eligible", "without the code nobody knows the reporter"
    unsettled = {"receipt_number": factories.file_tip(client)["receipt_number"]}
    assert client.post("/api/v1/office/rewards", json=unsettled, headers=headers).status_code == 409
