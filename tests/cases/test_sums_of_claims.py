"""What the claims of a case and the payments of a batch come to: kept by triggers, always what counting would find."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.foundation.database import db
from tests import factories, rows
from tests.cases import ledgers, office, sheets
from tests.console.office import Officer

WRONG_CASES = """
SELECT count(*) FROM fundraising_cases c, LATERAL (
    SELECT count(*) AS claims, count(*) FILTER (WHERE verified_at IS NULL) AS waiting,
        coalesce(sum(verified_yuan), 0) AS yuan
    FROM case_claims WHERE case_id = c.id
) n WHERE (c.claims, c.claims_waiting, c.claims_verified_yuan) IS DISTINCT FROM (n.claims, n.waiting, n.yuan)
"""
WRONG_BATCHES = """
SELECT count(*) FROM case_batches b, LATERAL (
    SELECT count(*) FILTER (WHERE state = 'sent') AS sent, count(*) FILTER (WHERE state = 'paid') AS paid,
        count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'returned') AS returned,
        count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn,
        coalesce(sum(yuan) FILTER (WHERE state = 'paid'), 0) AS yuan
    FROM case_payments WHERE batch_id = b.id
) n WHERE (b.sent, b.paid, b.failed, b.returned, b.withdrawn, b.paid_yuan)
    IS DISTINCT FROM (n.sent, n.paid, n.failed, n.returned, n.withdrawn, n.yuan)
"""


def assert_kept() -> None:
    assert (rows.scalar(WRONG_CASES), rows.scalar(WRONG_BATCHES)) == (0, 0)


def test_every_step_of_the_ledger_keeps_them(client: FlaskClient) -> None:
    case_id, other = ledgers.returning_case(client), office.case(client, case_no="乌非集〔2021〕8号")
    to = f"{office.CASES}/{case_id}/claims/imports"
    sheet = sheets.workbook([["债权编号", "投资金额（元）"], ["表1", 50], ["表2", 70]])
    less = {"claims": [{"claim_no": "债1", "verified_yuan": "80.00", "reason": "凭证不足。"}]}
    anew = {"claims": [{"claim_no": "债2", "verified_yuan": "90.00", "reason": "凭证相符。"}]}
    steps: list[Any] = [
        lambda: ledgers.enter(client, case_id),
        lambda: ledgers.enter(client, other),
        lambda: ledgers.verify_all(client, case_id),
        lambda: ledgers.patch(client, case_id, "claims/债2", {"claimed_yuan": "90.00", "reason": "更正。"}),
        lambda: ledgers.post(client, case_id, "claims/verification", less, office.REVIEWER),
        lambda: sheets.take_in(client, sheet, office.HANDLER, to=to),
        lambda: ledgers.verify_all(client, case_id),
        lambda: ledgers.post(client, case_id, "claims/verification", anew, office.REVIEWER),
        lambda: ledgers.post(
            client, case_id, "claims/codes", {"claim_nos": ["债1"], "reason": "发放。", "renew": True}
        ),
        lambda: ledgers.receive(client, case_id, "1000.00"),
        lambda: ledgers.share(client, case_id, "150.00"),
        lambda: ledgers.batch(client, case_id),
        lambda: ledgers.settle(client, case_id, 债1="paid", 债2="failed"),
        lambda: ledgers.settle(client, case_id, 债1="returned", 债3="paid"),
        lambda: ledgers.batch(client, case_id),
        lambda: ledgers.patch(client, case_id, "claims/债2", {"claimed_yuan": "95.00", "reason": "更正。"}),
    ]
    for step in steps:
        step()
        assert_kept()
    told = ledgers.ledger(client, case_id).get_json()
    assert (told["claims"], told["waiting_claims"], told["verified_yuan"]) == (5, 1, "390.01")
    assert [one["states"] for one in told["batches"]] == [
        {"sent": 2, "paid": 1, "failed": 1, "returned": 1}, {"sent": 1, "withdrawn": 1},
    ]  # fmt: skip


STATEMENTS = st.one_of(
    st.tuples(st.just("enter"), st.integers(0, 3)),
    st.tuples(st.just("verify"), st.integers(0, 6)),
    st.tuples(st.just("unverify"), st.integers(0, 6)),
    st.tuples(st.just("move"), st.integers(0, 6)),
    st.tuples(st.just("delete"), st.integers(0, 6)),
)
SQL = {
    "enter": "INSERT INTO case_claims (id, case_id, claim_no, claimed_yuan, query_number, entered_at) "
    "SELECT gen_random_uuid(), id, gen_random_uuid()::text, 10, gen_random_uuid()::text, now() "
    "FROM fundraising_cases, generate_series(1, :n)",
    "verify": "UPDATE case_claims SET verified_yuan = 1.01 + :n, verified_at = now() WHERE id IN (SELECT id FROM case_claims LIMIT :n)",
    "unverify": "UPDATE case_claims SET verified_at = NULL WHERE id IN (SELECT id FROM case_claims LIMIT :n)",
    "move": "UPDATE case_claims SET case_id = (SELECT max(id::text)::uuid FROM fundraising_cases) "
    "WHERE id IN (SELECT id FROM case_claims LIMIT :n)",
    "delete": "DELETE FROM case_claims WHERE id IN (SELECT id FROM case_claims ORDER BY id LIMIT :n)",
}


def test_any_statement_keeps_them_whoever_sends_it(app: Flask, client: FlaskClient) -> None:
    """Several cases in one statement, claims that move between them and claims that are gone."""
    for number in (1, 2):
        office.case(client, case_no=f"甲{number}")

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.lists(STATEMENTS, max_size=8))
    def run(statements: list[tuple[str, int]]) -> None:
        db.session.execute(text("SAVEPOINT model"))
        db.session.execute(text("RESET ROLE"))
        for name, n in statements:
            db.session.execute(text(SQL[name]), {"n": n})
            assert db.session.scalar(text(WRONG_CASES)) == 0, name
        db.session.execute(text("ROLLBACK TO SAVEPOINT model"))

    run()


@pytest.mark.parametrize("path", ["/cases/{}", "/cases/{}/ledger", "/api/v1/office/cases/{}/restitution"])
def test_a_case_and_its_ledger_are_shown_without_reading_a_claim(app: Flask, client: FlaskClient, path: str) -> None:
    """However many there are: the page of a case must not grow with its claims, shares or payments."""
    case_id = ledgers.paying_case(client)
    ledgers.batch(client, case_id)
    person, headers = Officer(app, office.HANDLER), factories.office_headers(office.HANDLER)
    with rows.asked() as statements:
        answer = person.get(path.format(case_id), headers=headers if path.startswith("/api") else None)
    assert answer.status_code == 200
    large = ("case_claims", "case_shares", "case_payments")
    assert [one for one in statements if any(name in one for name in large)] == []
