"""Long work on a case: a round, its batch and the bank's list by a job, once, for whoever may, with how far it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from app.cases import bank_file, jobs, payments, tasks
from app.cases.jobs import sweep_cases
from app.cases.ledger_models import CaseTask
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.outbox import single_run
from tests import factories, rows
from tests.cases import ledgers, office
from tests.cases.ledgers import CLAIMS, PERSON

ROUND = {"kind": "round", "total_yuan": "100.00", "source": "balance"}
BATCH = {"kind": "batch", "round": 1, "reason": "经集体研究决定发放。"}
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


def test_what_is_too_large_for_a_request_is_refused_with_the_way_to_a_job(
    client: FlaskClient, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers.share(client, case_id, "100.00")
    wanted = {
        "restitution": {"total_yuan": "100.00", "source": "balance"},
        "batches": {"round": 1, "reason": "经集体研究决定发放。"},
    }
    monkeypatch.setattr(tasks, "LARGE", 2)
    before = ledgers.ledger(client, case_id).get_json()
    for path, body in wanted.items():
        answer = ledgers.post(client, case_id, path, body, office.HANDLER)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "needs_task"), path
        assert f"POST /api/v1/office/cases/{case_id}/tasks" in answer.get_json()["detail"]
        assert ledgers.post(client, case_id, path, body, office.OTHER).status_code == 404, path
        assert ledgers.post(client, case_id, path, body, office.REVIEWER).status_code == 403, path
    assert ledgers.ledger(client, case_id).get_json() == before
    for path, body in wanted.items():
        monkeypatch.setattr(tasks, "LARGE", 3)
        assert ledgers.post(client, case_id, path, body, office.HANDLER).status_code == 201, path


def test_a_list_too_long_for_a_request_is_refused_with_the_way_to_a_job(
    client: FlaskClient, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers.share(client, case_id, "100.00")
    ledgers.batch(client, case_id)
    body = {"format": "csv", "reason": LIST["reason"]}
    before = rows.row_counts()
    monkeypatch.setattr(tasks, "LARGE", 2)
    refused = ledgers.post(client, case_id, "batches/1/export", body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "needs_task")
    assert f"POST /api/v1/office/cases/{case_id}/tasks" in refused.get_json()["detail"]
    assert rows.growth(before) == {}
    monkeypatch.setattr(tasks, "LARGE", 3)
    written = ledgers.post(client, case_id, "batches/1/export", body)
    assert (written.status_code, len(written.text.splitlines())) == (200, 4)


def test_a_batch_is_made_by_a_job_and_once(client: FlaskClient, case_id: str) -> None:
    ledgers.share(client, case_id, "100.00")
    change = {"participant": {"account": "6222000099998888"}, "reason": "换账号。"}
    ledgers.patch(client, case_id, "claims/债1", change)
    asked = ask(client, case_id, BATCH)
    assert (asked.status_code, asked.get_json()["state"], asked.get_json()["whole"]) == (202, "queued", 3)
    for other in (BATCH, ROUND):
        assert ask(client, case_id, other).get_json()["code"] == "task_under_way"
    factories.deliver()
    told = listed(client, case_id)[0]
    assert (told["state"], told["given"]["batch"], told["done"], told["whole"]) == ("done", 1, 2, 2)
    before = rows.row_counts()
    jobs.run_case_task(0, {"task_id": told["id"]})
    assert rows.growth(before) == {}
    (made,) = ledgers.ledger(client, case_id).get_json()["batches"]
    assert (made["count"], made["states"], made["reason"]) == (2, {"sent": 2}, BATCH["reason"])


def test_what_cannot_be_paid_is_refused_at_once_or_told_by_the_job(client: FlaskClient, case_id: str) -> None:
    assert ask(client, case_id, BATCH).status_code == 404
    ledgers.share(client, case_id, "100.00")
    assert ask(client, case_id, BATCH).status_code == 202
    ledgers.batch(client, case_id)  # somebody else is faster
    factories.deliver()
    told = listed(client, case_id)[0]
    assert (told["state"], told["problem"]) == ("failed", "该轮分配没有待发放的款项")
    heard = rows.scalar("SELECT title FROM notices WHERE run_id = :id", id=told["id"])
    assert heard.startswith("第 1 轮发放批次未能制作，请查看原因")
    assert rows.scalar("SELECT count(*) FROM case_batches") == 1


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
    "body",
    [
        {"kind": "round"},
        {"kind": "batch", "round": 1},
        {"kind": "bank_file", "batch": 1},
        {"kind": "x"},
        ROUND | {"y": 1},
    ],
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
    with transaction(OPEN_WALL):
        assert single_run.claim(CaseTask, UUID(asked["id"])) is not None  # and then the worker was killed
    with transaction(OPEN_WALL):
        assert single_run.claim(CaseTask, UUID(asked["id"])) is None
    with clock.stopped_at(clock.now() + timedelta(minutes=11)):
        factories.deliver()
        assert listed(client, case_id)[0]["state"] == "done"


def test_a_round_whose_answer_was_lost_stays_done(
    client: FlaskClient, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(client, case_id, ROUND).get_json()

    @contextmanager
    def lost(wall: str | None = None) -> Iterator[Any]:
        with transaction(wall) as session:
            yield session
        if wall != OPEN_WALL:  # the round is committed, and then the database goes away
            raise OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly"))

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "transaction", lost)
        with pytest.raises(OperationalError):
            jobs.run_case_task(0, {"task_id": asked["id"]})
    factories.deliver()
    told = listed(client, case_id)[0]
    assert (told["state"], told["problem"], told["given"]["round"]) == ("done", "", 1)
    assert rows.scalar("SELECT count(*) FROM notices WHERE run_id = :id", id=asked["id"]) == 1
    heard = rows.scalar("SELECT title FROM notices WHERE run_id = :id", id=asked["id"])
    assert heard.startswith("第 1 轮清退分配已计算")


def test_a_batch_that_was_broken_off_is_made_again_and_once(
    client: FlaskClient, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(batch_id: UUID) -> None:
        raise KeyboardInterrupt

    ledgers.share(client, case_id, "100.00")
    asked = ask(client, case_id, BATCH).get_json()
    with monkeypatch.context() as patched:
        patched.setattr(payments, "_counted", killed)  # its payments are written, and then the worker is killed
        with pytest.raises(KeyboardInterrupt):
            jobs.run_case_task(0, {"task_id": asked["id"]})
    assert listed(client, case_id)[0]["state"] == "running"
    assert rows.scalar("SELECT count(*) FROM case_payments") == 0
    with clock.stopped_at(clock.now() + timedelta(minutes=11)):
        factories.deliver()
        assert listed(client, case_id)[0]["state"] == "done"
    assert rows.scalar("SELECT count(*) FROM case_batches") == 1
    assert rows.scalar("SELECT count(*) FROM case_payments") == 3


@pytest.mark.parametrize(("username", "status"), [(office.REVIEWER, 403), (office.OBSERVER, 403), (office.OTHER, 404)])
def test_nobody_else_asks_for_them(client: FlaskClient, case_id: str, username: str, status: int) -> None:
    ledgers.share(client, case_id, "100.00")
    ledgers.batch(client, case_id)
    for body in (ROUND, BATCH, LIST):
        assert ask(client, case_id, body, username).status_code == status


@pytest.mark.parametrize("body", [ROUND, BATCH])
def test_an_account_that_was_closed_meanwhile_ends_the_task_and_frees_the_case(
    client: FlaskClient, case_id: str, body: Any
) -> None:
    ledgers.share(client, case_id, "100.00")
    before = rows.row_counts()
    active = "UPDATE accounts SET active = :active WHERE username = :name RETURNING 1"
    assert ask(client, case_id, body).status_code == 202
    assert rows.scalar(active, active=False, name=office.HANDLER) == 1
    factories.deliver()
    assert rows.scalar("SELECT state FROM case_tasks WHERE case_id = :id", id=case_id) == "failed"
    assert rows.scalar("SELECT problem FROM case_tasks WHERE case_id = :id", id=case_id)
    assert not rows.growth(before).keys() & {"case_rounds", "case_batches", "case_payments"}
    assert rows.scalar(active, active=True, name=office.HANDLER) == 1
    assert ask(client, case_id, body).status_code == 202
