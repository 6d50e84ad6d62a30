"""An anonymous tip leads nowhere: everything that is stored after a whole life of one is searched for its reporter.

Every table of the database (asked of PostgreSQL itself, not of our models), every key and value in Redis and every file
on disk. A named tip of the same person is the proof that the search would find something.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.foundation.database import OPEN_WALL, transaction
from tests import factories
from tests.public_pages.visitor import send
from tests.tips import reporters

OPENID = "oABCD-openid-of-somebody-silent"
PHONE = "13900005678"
ADDRESSES = ("203.0.113.99", "198.51.100.23")
AGENT = "MicroMessenger/8.0.99 of-one-telephone"


def _tables() -> list[str]:
    with transaction(OPEN_WALL) as session:
        listed = session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        return [name for (name,) in listed]


def _database() -> list[str]:
    with transaction(OPEN_WALL) as session:
        return [
            f"{name}: {line}"
            for name in _tables()
            for (line,) in session.execute(text(f"SELECT t::text FROM {name} t"))
        ]


def _redis(app: Flask) -> list[str]:
    redis = app.extensions["shudi_redis"]
    found = []
    for key in redis.scan_iter("*"):
        name = key.decode("utf-8", "replace")
        found += [f"redis {name}", f"redis {name}: {redis.dump(key)!r}"]
    return found


def _files(app: Flask) -> list[bytes]:
    root = Path(unquote(urlsplit(app.extensions["shudi_settings"].files_url).path))
    return [str(path.relative_to(root)).encode() + path.read_bytes() for path in root.rglob("*") if path.is_file()]


def _traces(app: Flask, headers: dict[str, str]) -> list[str]:
    """Every form in which the reporter could have been kept: plain, hexadecimal, hashed, or as our blind index."""
    token = headers["Authorization"].removeprefix("Bearer ")
    crypto = factories.crypto_of(app)
    plain = [OPENID, PHONE, token, token.rpartition(".")[2], *ADDRESSES, AGENT]
    hashed = [hash_(one.encode()).hexdigest() for one in plain for hash_ in (hashlib.sha256, hashlib.md5)]
    blind = [crypto.blind_index(kind, value).hex() for kind, value in (("openid", OPENID), ("phone", PHONE))]
    return [*plain, *(one.encode().hex() for one in plain), *hashed, *blind]


def _life(client: FlaskClient, headers: dict[str, str], reporter: dict[str, Any] | None) -> None:
    """File with a session in hand, talk, follow, rate, take the proof, lose the code: all from one telephone."""
    client.environ_base |= {"REMOTE_ADDR": ADDRESSES[0], "HTTP_USER_AGENT": AGENT}
    sent = headers | {"X-Forwarded-For": ADDRESSES[1]}
    photo = factories.upload(client, content=factories.PNG, name=f"{PHONE}.png").get_json()["id"]
    receipt = factories.file_tip(client, headers=sent, reporter=reporter, evidence=[photo])
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    codes = reporters.codes_of(receipt)
    for path, given in (
        ("query", {}),
        ("query", {"query_code": "1" * 20}),
        ("messages", {"text": "您好"}),
        ("supplement", {"text": "补充"}),
        ("proof", {}),
    ):
        client.post(f"/api/v1/tips/{path}", json=codes | given, headers=sent)
    recover = {"receipt_number": receipt["receipt_number"], "phone": PHONE}
    client.post("/api/v1/tips/recover", json=recover, headers=sent)
    client.post("/api/v1/tips/new-code", json={"receipt_number": receipt["receipt_number"]}, headers=sent)
    page = client.get("/report/follow", headers=sent).get_data(as_text=True)
    assert send(client, page, "/follow", **codes).status_code == 200
    assert factories.office_act(client, "city.reviewer", tip_id, "accept").status_code == 200
    client.post("/api/v1/tips/withdraw", json=codes | {"reason": "算了"}, headers=sent)
    reporters.run_outbox()


@pytest.fixture
def headers(app: Flask) -> dict[str, str]:
    return factories.reporter_headers(OPENID)


def test_nothing_stored_leads_to_an_anonymous_reporter(
    app: Flask, client: FlaskClient, headers: dict[str, str]
) -> None:
    known, files = set(_database()), set(_files(app))
    _life(client, headers, reporter=None)
    added = [line for line in _database() if line not in known] + _redis(app)
    grown = {line.partition(":")[0] for line in added}
    assert {"tips", "tip_messages", "tip_evidence", "tip_withdrawals", "stored_files", "audit_events"} <= grown
    assert grown & {"reporters", "wechat_users", "consents", "deliveries", "reissued_codes"} == set()
    bytes_added = [content for content in _files(app) if content not in files]
    assert bytes_added
    for trace in _traces(app, headers):
        assert [line for line in added if trace in line] == [], trace
        assert not any(trace.encode() in content for content in bytes_added), trace


def test_the_search_finds_a_named_reporter(app: Flask, client: FlaskClient, headers: dict[str, str]) -> None:
    """The same search over the same life of a named tip: it finds the blind indexes, and only them."""
    known = set(_database())
    _life(client, headers, reporter=factories.REPORTER | {"phone": PHONE})
    added = [line for line in _database() if line not in known]
    found = {(line.partition(":")[0], trace) for trace in _traces(app, headers) for line in added if trace in line}
    crypto = factories.crypto_of(app)
    assert {trace for _, trace in found} == {
        crypto.blind_index("openid", OPENID).hex(),
        crypto.blind_index("phone", PHONE).hex(),
    }
    assert {table for table, _ in found} <= {"reporters", "deliveries", "consents"}


def test_redis_keeps_addresses_as_keyed_digests_only(app: Flask, client: FlaskClient) -> None:
    client.environ_base |= {"REMOTE_ADDR": ADDRESSES[0], "HTTP_USER_AGENT": AGENT}
    wrong = {"receipt_number": "2506051234567891", "query_code": "1" * 20}
    assert client.post("/api/v1/tips/query", json=wrong).status_code == 404
    kept = _redis(app)
    assert any("guard:" in line for line in kept)  # it is counted
    for address in ADDRESSES:
        hashes = (hashlib.sha256, hashlib.md5)
        for trace in (address, address.encode().hex(), *(h(address.encode()).hexdigest()[:32] for h in hashes)):
            assert not any(trace in line for line in kept)
