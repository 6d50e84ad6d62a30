"""Steps that tests of the restitution ledger take through the API. All persons and numbers invented."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests import factories
from tests.cases import office

PERSON = {
    "name": "王测试", "id_number": "650102199001010017", "phone": "13900001234", "bank": "测试银行友好路支行",
    "account": "6222000011112222", "account_name": "王测试",
}  # fmt: skip
CLAIMS = [{"claim_no": f"债{n}", "claimed_yuan": yuan} for n, yuan in enumerate(("100.00", "100.00", "100.01"), 1)]


def post(client: FlaskClient, case_id: str, path: str, body: Any, username: str = office.HANDLER) -> Any:
    """Send a body to the ledger of a case; returns the response."""
    headers = factories.office_headers(username)
    return client.post(f"{office.CASES}/{case_id}/{path}", json=body, headers=headers)


def patch(client: FlaskClient, case_id: str, path: str, body: Any, username: str = office.HANDLER) -> Any:
    """Send a change to the ledger of a case; returns the response."""
    headers = factories.office_headers(username)
    return client.patch(f"{office.CASES}/{case_id}/{path}", json=body, headers=headers)


def returning_case(client: FlaskClient, **changes: Any) -> str:
    """The id of a case of 新市区 that is returning money."""
    return office.case(client, username=office.REVIEWER, stages={"restitution_stage": "returning"}, **changes)


def enter(client: FlaskClient, case_id: str, username: str = office.HANDLER, claims: Any = CLAIMS) -> Any:
    """Enter claims; returns the response."""
    return post(client, case_id, "claims", {"claims": claims}, username)


def verify_all(client: FlaskClient, case_id: str, username: str = office.REVIEWER) -> Any:
    """Let every claim hold as it was claimed; returns the response."""
    return post(client, case_id, "claims/verification", {"all_as_claimed": True}, username)


def receive(client: FlaskClient, case_id: str, yuan: str, username: str = office.HANDLER, **changes: Any) -> Any:
    """Enter money that came in; returns the response."""
    body = {"source": "balance", "yuan": yuan, "received_on": "2025-05-06", "origin": "公安机关移交冻结资金"} | changes
    return post(client, case_id, "funds", body, username)


def share(client: FlaskClient, case_id: str, total: str, username: str = office.HANDLER) -> Any:
    """Share a sum among the claims; returns the response."""
    return post(client, case_id, "restitution", {"total_yuan": total, "source": "balance"}, username)


def batch(client: FlaskClient, case_id: str, number: int = 1, username: str = office.HANDLER) -> Any:
    """Put what is to be paid of a round into a batch; returns the response."""
    return post(client, case_id, "batches", {"round": number, "reason": "经集体研究决定发放。"}, username)


def settle(
    client: FlaskClient, case_id: str, batch_number: int = 1, username: str = office.HANDLER, **states: str
) -> Any:
    """Write down what the bank says, claim by claim; returns the response."""
    results = [{"claim_no": number, "state": state, "settled_on": "2025-05-08"} for number, state in states.items()]
    return post(client, case_id, f"batches/{batch_number}/results", {"results": results}, username)


def ledger(client: FlaskClient, case_id: str, username: str = office.HANDLER) -> Any:
    """The ledger as this officer sees it; returns the response."""
    return client.get(f"{office.CASES}/{case_id}/restitution", headers=factories.office_headers(username))


def paying_case(client: FlaskClient, claims: Any = CLAIMS, total: str = "100.00") -> str:
    """A case with verified claims and one round."""
    case_id = returning_case(client)
    for step in (
        enter(client, case_id, claims=claims),
        verify_all(client, case_id),
        receive(client, case_id, "1000.00"),
        share(client, case_id, total),
    ):
        assert step.status_code in {200, 201}, step.get_json()
    return case_id
