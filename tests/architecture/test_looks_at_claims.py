"""The law of issue 7: whoever sees participants' claims leaves an audit row, by whatever door, later doors included."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.foundation.http import OPEN_TECHNICAL_ENDPOINTS, Audience, Policy
from tests import factories, rows
from tests.cases import ledgers, office, sheets
from tests.cases.ledgers import PERSON
from tests.console.office import Officer
from tests.public_pages.visitor import send

CLAIM_NO = "标记7731"
UNPAID = f"{CLAIM_NO}乙"
"""A claim that is in no batch: it can be corrected while the bank has the other one on a list."""
MARKS = (CLAIM_NO, "王测试", PERSON["id_number"], PERSON["phone"], PERSON["account"])
REASON = {"reason": "核对。"}
SHEET = [["债权编号", "姓名", "投资金额（元）"], [CLAIM_NO, PERSON["name"], 100]]

# What is sent to every door that shows something and is no GET: body, or the file of a form.
READING_POSTS: dict[str, dict[str, Any]] = {
    "office_case_ledger.find_claims": {},
    "office_case_ledger.hand_in_claims": {"file": SHEET},
    "office_case_ledger.hand_in_results": {
        "file": [["债权编号", "处理结果", "交易日期"], [CLAIM_NO, "成功", "2025-05-08"]]
    },
    "console.find_claims": {"claim_no": CLAIM_NO},
    "console.open_participant": {"claim_no": CLAIM_NO, **REASON},
    "console.print_claim_slip": REASON,
    "console.hand_in_claims": {"file": SHEET},
    "console.hand_in_results": {"file": [["债权编号", "处理结果", "交易日期"], [CLAIM_NO, "成功", "2025-05-08"]]},
}
# Doors that change something and answer with claims; every other change answers with figures.
SHOWING_CHANGES: dict[str, dict[str, Any]] = {
    "office_case_ledger.open_person": REASON,
    "office_case_ledger.issue_codes": {"claim_nos": [CLAIM_NO], **REASON},
    "office_case_ledger.export_batch": {"format": "xlsx", **REASON},
    "office_case_ledger.distribute": {"total_yuan": "10.00", "source": "balance"},
    "office_case_ledger.change_claim": {"claimed_yuan": "100.00", **REASON},
    "console.export_case_batch": {"action": "export_batch-1", "format": "csv", **REASON},
}


@pytest.fixture
def known(client: FlaskClient) -> dict[str, Any]:
    """A case with a claim in every place that a claim can be in, and what its doors are opened with."""
    claims = [{"claim_no": CLAIM_NO, "claimed_yuan": "100.00", "participant": PERSON}]
    case_id = ledgers.paying_case(client, claims, total="50.00")
    assert ledgers.batch(client, case_id).status_code == 201
    ledgers.enter(client, case_id, claims=[claims[0] | {"claim_no": UNPAID}])
    task = ledgers.post(client, case_id, "tasks", {"kind": "bank_file", "batch": 1, "reason": "送银行。"})
    to = f"{office.CASES}/{case_id}/claims/imports"
    refused = sheets.take_in(client, sheets.workbook([*SHEET, [None, "李测试", 5]]), office.HANDLER, to=to)
    assert refused["has_result"], refused
    preview = sheets.hand_in(client, sheets.workbook(SHEET), office.HANDLER, to=to)
    factories.deliver()
    return {
        "case_id": case_id, "claim_no": UNPAID, "number": 1, "task_id": task.get_json()["id"],
        "claim_id": rows.scalar("SELECT id FROM case_claims WHERE claim_no = :number", number=CLAIM_NO),
        "import_id": [preview.get_json()["id"], refused["id"]],
    }  # fmt: skip


def doors(app: Flask) -> Iterator[tuple[Rule, Policy]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in OPEN_TECHNICAL_ENDPOINTS:
            yield rule, app.view_functions[rule.endpoint].policy  # type: ignore[attr-defined]


def paths(rule: Rule, known: dict[str, Any]) -> list[str]:
    """The door with the arguments of the case, once for each import."""
    found = []
    for import_id in known["import_id"]:
        values = known | {"import_id": import_id}
        filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda name, values=values: str(values.get(name[1], uuid4())), rule.rule)  # type: ignore[misc]
        found.append(filled)
    return sorted(set(found))


def said(answer: Any) -> str:
    """The words of an answer, those within a workbook included."""
    content = answer.get_data()
    if not content.startswith(b"PK"):
        return str(content.decode("utf-8", "replace"))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return " ".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


class Walk:
    """One officer who opens doors at the API and at the console."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self._client, self._console = client, Officer(app, office.HANDLER)
        self._headers, self._token = factories.office_headers(office.HANDLER), self._console.token("/cases")
        self.shown: set[str] = set()
        self.unseen: list[str] = []

    def open(self, policy: Policy, rule: Rule, path: str, method: str, body: dict[str, Any] | None = None) -> None:
        """Open a door; remember whether it showed a claim, and whether the auditor was told nothing of it."""
        before = self._audited()
        answer = self._ask(policy, path, method, body)
        if any(mark in said(answer) for mark in MARKS):
            self.shown.add(rule.endpoint)
            if self._audited() == before:
                self.unseen.append(f"{method} {rule.rule}")

    def _audited(self) -> Any:
        return rows.scalar("SELECT count(*) FROM audit_events WHERE object_type IN ('case', 'claim', 'case_import')")

    def _ask(self, policy: Policy, path: str, method: str, body: dict[str, Any] | None) -> Any:
        given = dict(body or {})
        if "file" in given:
            given["file"] = (io.BytesIO(sheets.workbook(given["file"])), "表.xlsx")
        if policy.audience is Audience.CONSOLE:
            if method == "GET":
                return self._console.get(path)
            return self._console.open(path, method=method, data={"csrf_token": self._token, **given})
        sent: dict[str, Any] = {} if method == "GET" else {"data": given} if "file" in given else {"json": given}
        return self._client.open(path, method=method, headers=self._headers, **sent)


def test_every_look_at_claims_is_seen_by_the_auditor(app: Flask, client: FlaskClient, known: dict[str, Any]) -> None:
    walk = Walk(app, client)
    bodies = READING_POSTS | SHOWING_CHANGES
    for rule, policy in doors(app):
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        for path in paths(rule, known):
            if methods == {"GET"} and "sign-out" not in rule.rule:
                walk.open(policy, rule, path, "GET")
            elif rule.endpoint in bodies:
                walk.open(policy, rule, path, next(iter(methods)), bodies[rule.endpoint])
    assert walk.unseen == []
    shows_nothing = {"console.hand_in_claims", "console.hand_in_results"}  # they lead to the preview
    assert bodies.keys() - walk.shown == shows_nothing, "a body does not open its door any more"
    assert {
        "console.list_claims", "console.show_claim", "console.show_case_round", "console.show_case_import",
        "console.fetch_import_result", "console.fetch_case_bank_file", "office_case_ledger.list_shares",
        "office_case_imports.fetch_result", "office_case_tasks.fetch_bank_file",
    } <= walk.shown  # fmt: skip


def test_no_door_of_a_case_is_left_out_of_the_walk(session_app: Flask, known_names: set[str]) -> None:
    """A new door needs its arguments and, where it is no GET and changes nothing itself, its body above."""
    for rule, policy in doors(session_app):
        if "<uuid:case_id>" not in rule.rule:
            continue
        assert rule.arguments <= known_names, rule.rule
        if not policy.changes and "GET" not in (rule.methods or set()):
            assert rule.endpoint in READING_POSTS, rule.rule


@pytest.fixture
def known_names() -> set[str]:
    """Arguments that the walk knows, and those that lead to no claim."""
    return {"case_id", "claim_no", "number", "task_id", "claim_id", "import_id"} | {"asset_id", "document_id"}


def test_the_owners_look_is_seen_too(client: FlaskClient, known: dict[str, Any]) -> None:
    codes = ledgers.post(client, known["case_id"], "claims/codes", {"claim_nos": [CLAIM_NO], **REASON})
    (slip,) = codes.get_json()["items"]
    pair = {name: slip[name] for name in ("query_number", "query_code")}
    about = "SELECT count(*) FROM audit_events WHERE action = 'cases.query_claim'"
    assert CLAIM_NO in str(client.post("/api/v1/claims/query", json=pair).get_json())
    assert rows.scalar(about) == 1
    form = client.get("/report/claim").get_data(as_text=True)
    page = send(client, form, "/claim", **pair)
    assert CLAIM_NO in page.get_data(as_text=True)
    assert rows.scalar(about) == 2
