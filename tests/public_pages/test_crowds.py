"""A crowd at the web form: told to wait a little, nothing lost, and the ticket opens the door."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from tests import rows
from tests.moments import MONDAY_MORNING
from tests.public_pages.visitor import send, words
from tests.tips.conftest import crowded  # noqa: F401  # a fixture

STATEMENT = {"subject__name": "乌鲁木齐瑞丰源投资咨询有限公司", "truthful": "1"}


@pytest.mark.usefixtures("app")
def test_a_form_waits_with_everything_in_it(client: FlaskClient, crowded: Callable[[int], None]) -> None:  # noqa: F811
    crowded(1)
    forms = [client.get("/report/new").get_data(as_text=True) for _ in range(2)]
    assert send(client, forms[0], "/report/new", **STATEMENT).status_code == 201
    refused = send(client, forms[1], "/report/new", **STATEMENT)
    html = refused.get_data(as_text=True)
    assert refused.status_code == 429
    waits = re.search(r'name="proof" value="[^"]+" data-wait="(\d+)"', html)
    assert waits is not None
    assert f"请等{waits[1]}秒后再点一次" in words(html)
    assert send(client, html, "/report/new").status_code == 429  # too early
    with clock.stopped_at(MONDAY_MORNING + timedelta(seconds=int(waits[1]))):
        assert send(client, html, "/report/new").status_code == 201
    assert rows.scalar("SELECT count(*) FROM tips") == 2
