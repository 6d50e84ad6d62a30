"""schemathesis plays the OpenAPI document: a few requests an operation, always the same ones, as a good client and a bad.

Nothing may end in a fault of the server, and every answer bears a status, a content type and a shape that the document
tells of.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.foundation.database import OPEN_WALL, db, enter_wall
from app.tips import jobs as tip_jobs
from tests import factories, rows
from tests.cases import office as cases
from tests.tips import reporters

EXAMPLES = 2
PAGES = {"/api/v1/docs", "/api/v1/openapi.json"}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STEADY = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def operations(app: Flask) -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    found = [one.ok() for one in schema.get_all_operations()]
    assert len(found) > 60
    return found


def _is_played(operation: Any) -> bool:
    return operation.path.startswith("/api/v1/") and operation.path not in PAGES


def _headers(path: str) -> dict[str, str]:
    if path.startswith("/api/v1/office/"):
        return factories.office_headers("auditor" if "/audit" in path else "city.reviewer")
    return factories.reporter_headers()


def _played(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> Callable[[], None]:
    @STEADY
    @given(case=operation.as_strategy(generation_mode=mode))
    def play(case: Any) -> None:
        try:
            answer = case.call(headers=headers)
        finally:
            db.session.remove()
            enter_wall(OPEN_WALL)
        case.validate_response(answer, checks=CHECKS)

    return play


def _something_of_everything(client: FlaskClient) -> dict[str, str]:
    """Rows for the lists, and ids for the paths: a tip that went to its reward and its re-check, with a picture."""
    picture = factories.upload(client).get_json()["id"]
    receipt, tip_id = reporters.replied_tip(client, reporter=factories.REPORTER, evidence=[picture])
    factories.file_tip(client)
    reporters.call(client, "messages", receipt, text="请问进展？")
    reporters.call(client, "rating", receipt, score=1, comment="没有联系我")
    tip_jobs.link_tips()
    reporters.run_outbox()
    return {
        "tip_id": str(tip_id),
        "file_id": picture,
        "reward_id": str(rows.scalar("SELECT id FROM rewards")),
        "case_id": cases.case(client),
        "number": "1",
    }


def test_what_is_found_looks_as_documented(client: FlaskClient, operations: list[Any]) -> None:
    """Every operation that reads, over rows that are there: 200, of the kind and in the shape that the document says."""
    known, faults, read = _something_of_everything(client), {}, 0
    for operation in operations:
        wanted = set(re.findall(r"{(\w+)}", operation.path))
        if operation.method != "get" or not _is_played(operation) or not wanted <= known.keys():
            continue
        case = operation.Case(path_parameters={name: known[name] for name in wanted})
        try:
            answer = case.call(headers=_headers(operation.path))
            case.validate_response(answer, checks=CHECKS)
            read += answer.status_code == 200
        except Exception as fault:  # noqa: BLE001  # all of them together tell more than the first
            faults[operation.path] = str(fault)[:1500]
        finally:
            db.session.remove()
            enter_wall(OPEN_WALL)
    assert not faults, "\n\n".join(f"{name}\n{told}" for name, told in faults.items())
    assert read > 25


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_document_tells_every_answer(operations: list[Any], mode: GenerationMode) -> None:
    faults: dict[str, str] = {}
    for operation in operations:
        if not _is_played(operation) or operation.method == "delete":
            continue  # a DELETE would end the session that plays
        try:
            _played(operation, mode, _headers(operation.path))()
        except Unsatisfiable:  # nothing wrong can be sent there
            continue
        except BaseException as fault:  # all of them together tell more than the first
            if isinstance(fault, KeyboardInterrupt):
                raise
            faults[f"{operation.method} {operation.path}"] = str(fault)[:1500]
    assert not faults, "\n\n".join(f"{name}\n{told}" for name, told in faults.items())
