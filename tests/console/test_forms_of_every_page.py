"""Laws about forms: none works without its token, and what a lost session interrupts comes back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from app.foundation import clock
from app.foundation.http import Audience
from tests.console.office import Officer
from tests.console.test_intake_page import FORM
from tests.moments import MONDAY_MORNING

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def doors(app: Flask) -> list[tuple[str, str]]:
    """Every changing door of the console, with arguments that fit and mean nothing."""
    found = []
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("console.") or not (methods := (rule.methods or set()) & CHANGING):
            continue
        path = re.sub(r"<uuid:\w+>", str(uuid4()), rule.rule)
        found += [(method, re.sub(r"<(?:\w+:)?\w+>", "1", path)) for method in methods]
    return sorted(found)


@pytest.mark.parametrize("token", [None, "", "nonsense", "of-another-session"])
def test_no_form_of_the_console_works_without_its_token(
    app: Flask, officer: Callable[[str], Officer], token: str | None
) -> None:
    person = officer("city.reviewer")
    if token == "of-another-session":  # no secret
        token = officer("city.leader").token("/notices")
    found = doors(app)
    assert len(found) > 60
    for method, path in found:
        answer = person.open(path, method=method, data={} if token is None else {"csrf_token": token})
        assert answer.status_code == 400, (method, path, answer.status_code)
        assert "页面已过期" in answer.get_data(as_text=True)


def test_every_changing_door_that_a_cookie_opens_hangs_on_the_blueprint_that_checks(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        policy = getattr(app.view_functions[rule.endpoint], "policy", None)
        if policy is not None and policy.audience is Audience.CONSOLE:
            assert rule.endpoint.startswith("console."), rule.rule


def test_a_statement_typed_into_a_lost_session_comes_back_and_the_reporter_does_not(
    officer: Callable[[str], Officer],
) -> None:
    person = officer("city.reviewer")
    token = person.token("/intake")
    with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=16)):
        data = FORM | {"csrf_token": token, "tip.client_request_id": str(uuid4())}
        answer = person.open("/intake", method="POST", data=data, headers={"Referer": "http://localhost/intake"})
        page = answer.get_data(as_text=True)
    assert answer.status_code == 401
    assert "来访人称该公司承诺年化百分之二十。" in page
    assert "阿依古丽" not in page
    assert "13900001234" not in page
