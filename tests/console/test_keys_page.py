"""The keys at the console: which, since when, what hangs on each; rotation as a task that is confirmed."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.config import SealingKey
from app.foundation.crypto import Crypto
from tests import factories, rows
from tests.console.office import Officer
from tests.moments import MONDAY_MORNING


@pytest.fixture
def new_key(app: Flask) -> Iterator[Callable[[], None]]:
    """Puts a new key first, as a restart with another SEALING_KEYS would."""
    old = app.extensions["shudi_crypto"]

    def put() -> None:
        known = tuple(old._keys.values())
        app.extensions["shudi_crypto"] = Crypto((SealingKey("tests-2", b"u" * 32), *known), old.suite)

    yield put
    app.extensions["shudi_crypto"] = old


def test_keys_are_told_by_id_age_and_use_and_never_shown(
    officer: Callable[[str], Officer], client: FlaskClient
) -> None:
    factories.file_tip(client, reporter=factories.REPORTER)
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=10)):
        security = officer("secadmin")
        assert "尚未统计" in security.text("/keys")
        assert security.post("/keys/count", seen="/keys").status_code == 303
        factories.deliver()
        assert security.get("/keys/count").headers["HX-Refresh"] == "true"
        page = security.text("/keys")
    assert "tests-1" in page
    assert re.search(r"[1-9][0-9]* 项", page)
    assert "统计于" in page
    assert "2026-03-12" in page
    assert "现用" in page
    assert base64.b64encode(b"t" * 32).decode() not in page
    for other in ("sysadmin", "auditor", "city.leader"):
        assert officer(other).get("/keys").status_code == 403


def test_rotation_is_confirmed_and_runs_as_a_task(
    officer: Callable[[str], Officer], client: FlaskClient, new_key: Callable[[], None]
) -> None:
    factories.file_tip(client, reporter=factories.REPORTER)
    factories.deliver()
    security = officer("secadmin")
    new_key()
    security.post("/keys/count", seen="/keys")
    factories.deliver()
    assert "待轮换" in security.text("/keys")
    assert security.post("/keys/rotation", seen="/keys", key_id="tests-1").status_code == 422
    assert rows.scalar("SELECT count(*) FROM office_tasks WHERE kind = 'keys-rotate'") == 0
    assert security.post("/keys/rotation", seen="/keys", key_id="tests-2").status_code == 303
    assert security.post("/keys/rotation", seen="/keys", key_id="tests-2").status_code == 409
    factories.deliver()
    page = security.text("/keys")
    assert "上次轮换已完成" in page
    assert "待轮换" not in page
    assert security.get("/keys/rotation").headers["HX-Refresh"] == "true"
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.rotate_keys'") == 1
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'outbox.start_task'") == 2
    left = rows.scalar("SELECT count(*) FROM wechat_users WHERE substring(sealed_openid, 2, 7) <> 'tests-2'::bytea")
    assert left == 0
