"""Rotation of the master keys: everything is wrapped anew, nothing is lost, and the codes still open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.files import service as files
from app.foundation.config import SealingKey
from app.foundation.crypto import CannotOpen, Crypto, InternationalSuite
from app.foundation.database import OPEN_WALL, transaction
from app.tips import key_rotation
from tests import factories, rows
from tests.files import samples
from tests.tips import reporters

OLD = SealingKey("tests-1", b"t" * 32)
NEW = SealingKey("tests-2026", b"n" * 32)


@pytest.fixture
def _new_key(app: Flask) -> Iterator[None]:
    """Runs with the new key first, as after the restart; made before the test puts it in force."""
    before = app.extensions["shudi_crypto"], app.extensions.pop("shudi_files", None)
    yield
    app.extensions["shudi_crypto"] = before[0]
    app.extensions.pop("shudi_files", None)


def _put_in_force(app: Flask, *keys: SealingKey) -> None:
    app.extensions["shudi_crypto"] = Crypto(keys, InternationalSuite())
    app.extensions.pop("shudi_files", None)


@pytest.mark.usefixtures("_new_key")
def test_everything_is_wrapped_anew_and_still_opens(app: Flask, client: FlaskClient) -> None:
    photo = factories.upload(client, content=samples.png(9, 9), name="合同.png").get_json()["id"]
    headers = factories.reporter_headers("openid-of-a-rotated-one")
    receipt = factories.file_tip(client, headers=headers, reporter=factories.REPORTER, evidence=[photo])
    reporters.run_outbox()  # draws the copies of the photograph, each with a key of its own
    _put_in_force(app, NEW, OLD)
    newer = factories.file_tip(client, reporter=factories.REPORTER)  # sealed with the new key already
    with transaction(OPEN_WALL):
        used = key_rotation.keys_in_use()
    assert used[OLD.key_id] >= 6  # identity, openid, the file's key and name, two copies
    assert used[NEW.key_id] == 1

    ran = app.test_cli_runner().invoke(args=["keys", "rotate"])
    assert ran.exit_code == 0, ran.output
    with transaction(OPEN_WALL):
        assert set(key_rotation.keys_in_use()) == {NEW.key_id}
    for one in (receipt, newer):
        tip_id = factories.tip_id_of(one["receipt_number"])
        answer = client.post(
            f"/api/v1/office/tips/{tip_id}/identity",
            json={"reason": "核实"},
            headers=factories.office_headers("city.reviewer"),
        )
        assert answer.get_json()["phone"] == factories.REPORTER["phone"]
        assert reporters.call(client, "query", one).status_code == 200
    with transaction(OPEN_WALL):
        _, content = files.open_file(photo)
        assert b"".join(content) == samples.png(9, 9)
    again = app.test_cli_runner().invoke(args=["keys", "rotate"])
    assert "已重新封装 0 项" in again.output
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.rotate_keys'") == 2


@pytest.mark.usefixtures("_new_key")
def test_a_change_made_meanwhile_stands(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.file_tip(client, reporter=factories.REPORTER)
    _put_in_force(app, NEW, OLD)
    provider = factories.crypto_of(app)
    table, column = next(pair for pair in key_rotation.sealed_columns() if pair[1].name == "sealed_identity")
    changed = b"somebody else's bytes"

    def change_first(sealed: bytes) -> bytes:
        rows.scalar("UPDATE reporters SET sealed_identity = :changed RETURNING 1", changed=changed)
        return b"rewrapped"

    monkeypatch.setattr(provider, "rewrap", change_first)
    with transaction(OPEN_WALL):
        key_rotation.rewrap_batch(table, column, provider, None)
    assert bytes(rows.scalar("SELECT sealed_identity FROM reporters")) == changed


@pytest.mark.usefixtures("_new_key")
def test_status_names_a_key_that_is_missing(app: Flask, client: FlaskClient) -> None:
    factories.file_tip(client, reporter=factories.REPORTER)
    _put_in_force(app, NEW)
    shown = app.test_cli_runner().invoke(args=["keys", "status"]).output
    assert "tests-1\t" in shown
    assert "缺失" in shown
    assert "tests-2026\t0（现用）" in shown


def test_rewrapping_opens_nothing_and_needs_the_old_key() -> None:
    sealed = Crypto((OLD,), InternationalSuite()).seal(b"secret", bound_to=b"row")
    both = Crypto((NEW, OLD), InternationalSuite())
    rewrapped = both.rewrap(sealed)
    assert rewrapped[-22:] == sealed[-22:]  # the content itself is not touched
    assert Crypto((NEW,), InternationalSuite()).open(rewrapped, bound_to=b"row") == b"secret"
    with pytest.raises(CannotOpen):
        both.open(rewrapped, bound_to=b"another row")
    with pytest.raises(CannotOpen):
        Crypto((NEW,), InternationalSuite()).rewrap(sealed)
    with pytest.raises(CannotOpen):
        both.rewrap(b"")
