"""Storage in a bucket, against a server that speaks S3 over HTTP."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from moto.server import ThreadedMotoServer

from app.files import vault
from app.files.s3 import S3Storage, make_s3_storage
from app.files.storage import ObjectMissing, StorageFault
from tests import factories
from tests.files import samples

KEY, OTHER = "0123456789abcdef0123456789abcdef", "f" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests-only")
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()
    urllib.request.urlopen(urllib.request.Request(f"{server}/evidence", method="PUT")).close()
    return f"s3://evidence/shudi/files?endpoint={server}&region=us-east-1"


@pytest.fixture
def bucket(url: str) -> S3Storage:
    return make_s3_storage(url)


def test_write_read_delete(bucket: S3Storage) -> None:
    assert not bucket.exists(KEY)
    assert bucket.write(KEY, [b"abc", b"", b"defgh"]) == 8
    assert bucket.exists(KEY)
    assert b"".join(bucket.read(KEY)) == b"abcdefgh"
    assert b"".join(bucket.read(KEY, 2, 3)) == b"cde"
    assert b"".join(bucket.read(KEY, 3)) == b"defgh"
    assert b"".join(bucket.read(KEY, 6, 100)) == b"gh"
    assert b"".join(bucket.read(KEY, 6, 0)) == b""
    bucket.delete(KEY)
    bucket.delete(KEY)
    assert not bucket.exists(KEY)


def test_a_long_object_goes_up_in_parts(bucket: S3Storage) -> None:
    pieces = [bytes([number]) * 300_000 for number in range(70)]
    assert bucket.write(KEY, iter(pieces)) == 21_000_000
    assert b"".join(bucket.read(KEY)) == b"".join(pieces)
    assert b"".join(bucket.read(KEY, 299_999, 2)) == b"\x00\x01"


def test_what_the_source_raises_passes_through_and_leaves_nothing(bucket: S3Storage) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(9_000_000)
        raise KeyError("the telephone hung up")

    with pytest.raises(KeyError, match="hung up"):
        bucket.write(KEY, broken())
    assert not bucket.exists(KEY)


def test_missing_is_told_before_the_first_byte(bucket: S3Storage) -> None:
    with pytest.raises(ObjectMissing):
        bucket.read(KEY)


def test_keys_are_hexadecimal_only(bucket: S3Storage) -> None:
    for use in (bucket.exists, bucket.read, bucket.delete, lambda key: bucket.write(key, [b"x"])):
        with pytest.raises(ValueError, match="storage key"):
            use("../other")


def test_what_is_older_is_listed(bucket: S3Storage) -> None:
    bucket.write(KEY, [b"a"])
    bucket.write(OTHER, [b"b"])
    now = datetime.now(UTC)
    assert set(bucket.written_before(now + timedelta(minutes=1))) == {KEY, OTHER}
    assert list(bucket.written_before(now - timedelta(minutes=1))) == []


@pytest.mark.parametrize("bad", ["s3://", "s3:///prefix", "s3://UPPER/x", "s3://a"])
def test_an_address_names_a_bucket(bad: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket"):
        make_s3_storage(bad)


def test_the_clouds_own_address_needs_no_endpoint() -> None:
    assert repr(make_s3_storage("s3://evidence")) == "S3Storage(evidence)"


def test_a_bucket_that_is_not_there_is_a_fault_of_the_storage(server: str, url: str) -> None:
    nowhere = make_s3_storage(f"s3://nowhere/x?endpoint={server}&region=us-east-1")
    with pytest.raises(StorageFault):
        nowhere.write(KEY, [b"x"])


def test_evidence_lives_in_the_bucket(
    app: Flask, client: FlaskClient, url: str, bucket: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = vault.Vault(vault.make_storage(url), factories.crypto_of(app))
    monkeypatch.setitem(app.extensions, "shudi_files", made)
    content = samples.png(30, 20)
    photo = factories.upload(client, content=content).get_json()["id"]
    (key,) = bucket.written_before(datetime.now(UTC) + timedelta(minutes=1))
    assert b"IHDR" not in b"".join(bucket.read(key))  # sealed there too
    tip_id = factories.tip_id_of(factories.file_tip(client, evidence=[photo])["receipt_number"])
    headers = factories.office_headers("city.reviewer")
    answer = client.get(f"/api/v1/office/tips/{tip_id}/evidence/{photo}", headers=headers)
    assert answer.get_data() == content
