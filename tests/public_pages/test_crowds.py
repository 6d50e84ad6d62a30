"""A crowd at the web form: told to wait a little, nothing lost, and the ticket opens the door."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from tests import factories, rows
from tests.files import samples
from tests.moments import MONDAY_MORNING
from tests.public_pages.visitor import send, words
from tests.tips import reporters
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


def test_files_of_a_form_are_counted_and_the_text_stays(client: FlaskClient, crowded: Callable[[int], None]) -> None:  # noqa: F811
    crowded(1)
    html = client.get("/report/new").get_data(as_text=True)
    photos = [(io.BytesIO(samples.png(8, 8)), f"{name}.png") for name in "甲乙"]
    refused = send(client, html, "/report/new", file=photos, **STATEMENT)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "“乙.png”：现在上传的人较多，请过一分钟再选一次" in page
    assert "“甲.png”" not in page
    assert STATEMENT["subject__name"] in page
    assert rows.scalar("SELECT count(*) FROM stored_files") == 1
    assert send(client, page, "/report/new").status_code == 201  # without the file, or with it a minute later
    assert rows.scalar("SELECT count(*) FROM tip_evidence") == 1


def test_a_supplement_stores_no_crowd_of_files(client: FlaskClient, crowded: Callable[[int], None]) -> None:  # noqa: F811
    codes = reporters.codes_of(factories.file_tip(client))
    crowded(1)
    for status, kept in ((200, 1), (422, 1)):
        photo = (io.BytesIO(samples.png(8, 8)), "收据.png")
        answer = client.post("/report/follow/supplement", data={**codes, "file": photo})
        assert answer.status_code == status
        assert rows.scalar("SELECT count(*) FROM stored_files") == kept
    assert "请过一分钟再选一次" in answer.get_data(as_text=True)
