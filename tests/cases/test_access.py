"""Who reads what of cases: every look at claims leaves an audit row; the region reads masked and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.cases import office_settings, policy
from app.cases.models import FundraisingCase
from app.cases.queries import case_for
from tests import factories, rows
from tests.cases import ledgers, office
from tests.cases.ledgers import CLAIMS, PERSON


@pytest.fixture
def case_id(client: FlaskClient) -> str:
    case_id = ledgers.paying_case(client, [CLAIMS[0] | {"participant": PERSON}, *CLAIMS[1:]])
    assert ledgers.batch(client, case_id).status_code == 201
    return case_id


def get(client: FlaskClient, case_id: str, path: str) -> Any:
    return client.get(f"{office.CASES}/{case_id}/{path}", headers=factories.office_headers(office.HANDLER))


LOOKS: dict[str, tuple[Callable[[FlaskClient, str], Any], str]] = {
    "the list": (lambda client, case_id: ledgers.post(client, case_id, "claims/search", {}), "cases.view_claims"),
    "by number": (
        lambda client, case_id: ledgers.post(client, case_id, "claims/search", {"claim_no": "债1"}), "cases.view_claims",
    ),
    "by telephone": (
        lambda client, case_id: ledgers.post(client, case_id, "claims/search", {"phone": PERSON["phone"]}),
        "cases.view_claims",
    ),
    "the lines of a round": (lambda client, case_id: get(client, case_id, "restitution/1/shares"), "cases.view_claims"),
    "the person": (
        lambda client, case_id: ledgers.post(client, case_id, "claims/债1/person", {"reason": "核对账号。"}),
        "cases.open_participant",
    ),
    "the codes": (
        lambda client, case_id: ledgers.post(client, case_id, "claims/codes", {"claim_nos": ["债1"], "reason": "发放。"}),
        "cases.issue_claim_codes",
    ),
    "the list for the bank": (
        lambda client, case_id: ledgers.post(client, case_id, "batches/1/export", {"reason": "送银行。"}),
        "cases.export_payments",
    ),
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_at_claims_leaves_an_audit_row_that_names_nobody(
    client: FlaskClient, case_id: str, look: str
) -> None:
    ask, action = LOOKS[look]
    count = "SELECT count(*) FROM audit_events WHERE action = :action"
    before = rows.scalar(count, action=action)
    assert ask(client, case_id).status_code == 200
    assert rows.scalar(count, action=action) == before + 1
    told = rows.scalar("SELECT string_agg(details::text, ' ') FROM audit_events WHERE action = :action", action=action)
    assert not any(value in told for value in PERSON.values())


def test_a_look_that_is_refused_is_seen_by_the_auditor_too(client: FlaskClient, case_id: str) -> None:
    about = "SELECT count(*) FROM audit_events WHERE object_id = :case_id AND NOT succeeded"
    before = rows.scalar(about, case_id=case_id)
    assert ledgers.post(client, case_id, "claims/search", {}, office.OTHER).status_code == 404
    assert rows.scalar(about, case_id=case_id) == before + 1


def test_the_region_writes_nothing(client: FlaskClient, case_id: str) -> None:
    observer = factories.actor(office.OBSERVER)
    case: FundraisingCase = case_for(observer, UUID(case_id))
    may = [policy.can_change, policy.can_report, policy.can_pay]
    assert not any(can(observer, case) for can in may)
    assert not policy.can_register(observer)
    assert not office_settings.may_set(observer)
    assert policy.available_actions(observer, case, []) == []
    version = office.shown(client, case_id)["version"]
    tried = {
        "actions": {"action": "close", "expected_version": version, "reason": "试。"},
        "plans": office.PLAN,
        "progress": office.ENTRY,
        "restitution": {"total_yuan": "1.00", "source": "balance"},
        "claims": {"claims": [{"claim_no": "新", "claimed_yuan": "1.00"}]},
        "batches": {"round": 1, "reason": "试。"},
        "tasks": {"kind": "round", "total_yuan": "1.00", "source": "balance"},
        "documents": {"kind": "case_card"},
    }
    before = rows.row_counts()
    for path, body in tried.items():
        assert ledgers.post(client, case_id, path, body, office.OBSERVER).status_code == 403, path
    assert set(rows.growth(before)) <= {"audit_events", "staff_sessions"}
