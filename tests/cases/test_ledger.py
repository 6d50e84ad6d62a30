"""The restitution ledger: claims by number, rounds that add up to the fen, never more than is owed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.foundation.database import db, enter_wall
from tests import factories, rows
from tests.cases import office

CLAIMS = [{"claim_no": f"债{n}", "verified_yuan": yuan} for n, yuan in enumerate(("100.00", "100.00", "100.01"), 1)]


@pytest.fixture
def case_id(client: FlaskClient) -> str:
    return office.case(client, username=office.REVIEWER, stages={"restitution_stage": "returning"})


def enter(client: FlaskClient, case_id: str, username: str = office.HANDLER, claims: Any = CLAIMS) -> Any:
    headers = factories.office_headers(username)
    return client.post(f"{office.CASES}/{case_id}/claims", json={"claims": claims}, headers=headers)


def share(client: FlaskClient, case_id: str, total: str, username: str = office.HANDLER) -> Any:
    headers = factories.office_headers(username)
    body = {"total_yuan": total, "source": "balance"}
    return client.post(f"{office.CASES}/{case_id}/restitution", json=body, headers=headers)


def ledger(client: FlaskClient, case_id: str, username: str = office.HANDLER) -> Any:
    return client.get(f"{office.CASES}/{case_id}/restitution", headers=factories.office_headers(username))


def test_rounds_share_what_is_owed_to_the_last_fen(client: FlaskClient, case_id: str) -> None:
    assert enter(client, case_id).status_code == 201
    first = share(client, case_id, "100.00")
    assert first.status_code == 201, first.get_json()
    assert [line["yuan"] for line in first.get_json()["shares"]] == ["33.33", "33.33", "33.34"]
    told = ledger(client, case_id).get_json()
    assert {name: told[name] for name in ("claims", "verified_yuan", "distributed_yuan", "distributed_ratio")} == {
        "claims": 3, "verified_yuan": "300.01", "distributed_yuan": "100.00", "distributed_ratio": "0.3333",
    }  # fmt: skip
    last = share(client, case_id, "200.01").get_json()
    assert sum(Decimal(line["yuan"]) for line in last["shares"]) == Decimal("200.01")
    assert ledger(client, case_id).get_json()["distributed_ratio"] == "1.0000"
    assert (
        rows.scalar(
            "SELECT count(*) FROM (SELECT c.id FROM case_claims c JOIN case_shares s ON s.claim_id = c.id "
            "GROUP BY c.id HAVING sum(s.yuan) = c.verified_yuan) settled"
        )
        == 3
    )
    assert office.shown(client, case_id)["history"][-1]["action"] == "distribute"


def test_nobody_gets_more_than_is_owed(client: FlaskClient, case_id: str) -> None:
    enter(client, case_id)
    share(client, case_id, "100.00")
    over = share(client, case_id, "200.02")
    assert (over.status_code, list(over.get_json()["errors"])) == (422, ["total_yuan"])
    assert len(ledger(client, case_id).get_json()["rounds"]) == 1


def test_money_is_shared_while_it_is_being_returned_only(client: FlaskClient) -> None:
    case_id = office.case(client)
    enter(client, case_id)
    early = share(client, case_id, "100.00")
    assert (early.status_code, early.get_json()["code"]) == (409, "transition_not_allowed")


def test_a_number_is_claimed_once_and_claims_enter_all_or_none(client: FlaskClient, case_id: str) -> None:
    enter(client, case_id, claims=CLAIMS[:1])
    again = enter(client, case_id)
    assert again.get_json()["errors"] == {"claims": ["编号重复：债1"]}
    assert enter(client, case_id, claims=[CLAIMS[1], CLAIMS[1]]).status_code == 422
    assert ledger(client, case_id).get_json()["claims"] == 1


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "x"])
def test_an_amount_is_money(client: FlaskClient, case_id: str, amount: str) -> None:
    assert enter(client, case_id, claims=[{"claim_no": "债9", "verified_yuan": amount}]).status_code == 422
    assert share(client, case_id, amount).status_code == 422


def test_only_the_responsible_district_writes_and_the_other_sees_nothing(client: FlaskClient, case_id: str) -> None:
    enter(client, case_id)
    for username, status in ((office.REVIEWER, 403), (office.LEADER, 403), (office.OBSERVER, 403), (office.OTHER, 404)):
        assert enter(client, case_id, username, [{"claim_no": "债9", "verified_yuan": "1"}]).status_code == status
        assert share(client, case_id, "1.00", username).status_code == status
    assert ledger(client, case_id, office.OTHER).status_code == 404


def test_the_database_hides_the_ledger_of_another_district(client: FlaskClient, case_id: str) -> None:
    enter(client, case_id)
    share(client, case_id, "1.00")
    for division, visible in ((factories.XINSHI, True), (factories.TIANSHAN, False)):
        enter_wall("open")
        unit = rows.scalar("SELECT id FROM units WHERE division_code = :code", code=division)
        db.session.remove()
        enter_wall(str(unit))
        for table in ("case_claims", "case_rounds", "case_shares"):
            assert bool(db.session.scalar(text(f"SELECT count(*) FROM {table}"))) is visible, (table, division)
