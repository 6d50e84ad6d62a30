"""Long work on a case: a round and a list for the bank by a job, once, for whoever may, with how far it is."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.cases import bank_file, jobs, tasks
from app.cases.jobs import sweep_cases
from app.foundation import clock
from tests import factories, rows
from tests.cases import ledgers, office
from tests.cases.ledgers import CLAIMS, PERSON

ROUND = {"kind": "round", "total_yuan": "100.00", "source": "balance"}
LIST = {"kind": "bank_file", "batch": 1, "reason": "送银行代发。"}


@pytest.fixture
def case_id(client: FlaskClient) -> str:
    """A case with verified claims and money, and no round."""
    case_id = ledgers.returning_case(client)
    ledgers.enter(client, case_id, claims=[CLAIMS[0] | {"participant": PERSON}, *CLAIMS[1:]])
    ledgers.verify_all(client, case_id)
    ledgers.receive(client, case_id, "1000.00")
    return case_id


def ask(client: FlaskClient, case_id: str, body: Any, username: str = office.HANDLER) -> Any:
    return ledgers.post(client, case_id, "tasks", body, username)


def listed(client: FlaskClient, case_id: str, username: str = office.HANDLER) -> list[dict[str, Any]]:
    answer = client.get(f"{office.CASES}/{case_id}/tasks", headers=factories.office_headers(username))
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def test_a_round_is_computed_by_a_job_and_once(client: FlaskClient, case_id: str) -> None:
    asked = ask(client, case_id, ROUND)
    assert (asked.status_code, asked.get_json()["state"], asked.get_json()["whole"]) == (202, "queued", 3)
    assert ask(client, case_id, ROUND).get_json()["code"] == "task_under_way"
    factories.deliver()
    told = listed(client, case_id)[0]
    assert (told["state"], told["given"]["round"], told["done"]) == ("done", 1, 3)
    before = rows.row_counts()
    jobs.run_case_task(0, {"task_id": told["id"]})
    assert rows.growth(before) == {}
    ledger = ledgers.ledger(client, case_id).get_json()
    assert (ledger["distributed_yuan"], len(ledger["rounds"])) == ("100.00", 1)


def test_what_cannot_be_shared_is_refused_at_once_or_told_by_the_job(client: FlaskClient, case_id: str) -> None:
    refused = ask(client, case_id, ROUND | {"total_yuan": "300.02"})
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["total_yuan"])
    assert ask(client, case_id, ROUND | {"total_yuan": "300.01"}).status_code == 202
    ledgers.share(client, case_id, "200.00")  # somebody else is faster
    factories.deliver()
    told = listed(client, case_id)[0]
    assert (told["state"], told["given"].get("round")) == ("failed", None)
    assert told["problem"]
    assert len(ledgers.ledger(client, case_id).get_json()["rounds"]) == 1


@pytest.mark.parametrize(
    "body", [{"kind": "round"}, {"kind": "bank_file", "batch": 1}, {"kind": "x"}, ROUND | {"y": 1}]
)
def test_what_is_missing_is_named(client: FlaskClient, case_id: str, body: Any) -> None:
    assert ask(client, case_id, body).status_code == 422


def test_the_list_is_written_in_pieces_and_kept_sealed(
    client: FlaskClient, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_file, "_LINES_AT_ONCE", 2)
    ledgers.share(client, case_id, "100.00")
    ledgers.batch(client, case_id)
    assert ask(client, case_id, LIST).status_code == 202
    factories.deliver()
    told = listed(client, case_id)[0]
    assert (told["state"], told["has_file"], told["done"]) == ("done", True, 3)
    path = f"{office.CASES}/{case_id}/tasks/{told['id']}/file"
    answer = client.get(path, headers=factories.office_headers(office.HANDLER))
    body = {"format": "csv", "reason": "送银行代发。"}
    at_once = ledgers.post(client, case_id, "batches/1/export", body)
    assert answer.get_data() == at_once.get_data()
    lines = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [(line[0], line[1], line[3]) for line in lines[1:]] == [
        ("1", "债1", PERSON["account"]), ("2", "债2", ""), ("3", "债3", ""),
    ]  # fmt: skip
    audited = "SELECT count(*) FROM audit_events WHERE action = :action"
    assert rows.scalar(audited, action="cases.download_bank_file") == 1
    assert rows.scalar(audited, action="cases.export_payments") == 2
    for username, status in ((office.REVIEWER, 403), (office.OBSERVER, 403), (office.OTHER, 404)):
        assert client.get(path, headers=factories.office_headers(username)).status_code == status
    with clock.stopped_at(clock.now() + timedelta(days=91)):
        sweep_cases()
    assert client.get(path, headers=factories.office_headers(office.HANDLER)).status_code == 404


def test_a_run_that_was_killed_is_done_again(client: FlaskClient, case_id: str) -> None:
    asked = ask(client, case_id, ROUND).get_json()
    from uuid import UUID

    from app.foundation.database import OPEN_WALL, transaction

    with transaction(OPEN_WALL):
        assert tasks.claim(UUID(asked["id"])) is not None  # and then the worker was killed
    with transaction(OPEN_WALL):
        assert tasks.claim(UUID(asked["id"])) is None
    with clock.stopped_at(clock.now() + timedelta(minutes=11)):
        factories.deliver()
        assert listed(client, case_id)[0]["state"] == "done"


@pytest.mark.parametrize(("username", "status"), [(office.REVIEWER, 403), (office.OBSERVER, 403), (office.OTHER, 404)])
def test_nobody_else_asks_for_them(client: FlaskClient, case_id: str, username: str, status: int) -> None:
    assert ask(client, case_id, ROUND, username).status_code == status
    assert ask(client, case_id, LIST, username).status_code == status
