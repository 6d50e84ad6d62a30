"""schemathesis plays the OpenAPI document: a few requests an operation, always the same ones, as a good client and a bad.

Nothing may end in a fault of the server, and every answer bears a status that the document tells of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import status_code_conformance

from app.foundation.database import OPEN_WALL, db, enter_wall
from tests import factories

EXAMPLES = 2
PAGES = {"/api/v1/docs", "/api/v1/openapi.json"}
CHECKS: list[Any] = [not_a_server_error, status_code_conformance]
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


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_document_tells_every_answer(operations: list[Any], mode: GenerationMode) -> None:
    faults: dict[str, str] = {}
    for operation in operations:
        if not operation.path.startswith("/api/v1/") or operation.path in PAGES or operation.method == "delete":
            continue  # a DELETE would end the session that plays
        try:
            _played(operation, mode, _headers(operation.path))()
        except Unsatisfiable:  # nothing wrong can be sent there
            continue
        except BaseException as fault:  # all of them together tell more than the first
            if isinstance(fault, KeyboardInterrupt):
                raise
            faults[f"{operation.method} {operation.path}"] = str(fault)[:900]
    assert not faults, "\n\n".join(f"{name}\n{told}" for name, told in faults.items())
