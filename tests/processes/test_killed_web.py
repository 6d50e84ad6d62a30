"""The web server killed in the middle of uploads and right after a submission: nothing lost, nothing halved."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from flask import Flask

from app.files import jobs
from app.foundation import clock
from app.foundation.config import REPOSITORY
from tests import factories, rows
from tests.files import samples
from tests.notifications.test_killed_worker import environment_of, kill
from tests.waiting import eventually

pytestmark = pytest.mark.processes

PARTIAL = "/api/v1/uploads/partial"


@contextmanager
def web(app: Flask) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server process of its own on the test's database, ready to answer; killed at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "wsgi:app"]
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--blocking-threads", "4", "--log-level", "critical", *command],
        cwd=REPOSITORY,
        env=environment_of(app.extensions["shudi_settings"]),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _answers(port))
        yield process, port
    finally:
        kill(process)


def _answers(port: int) -> bool:
    try:
        return _call(port, "GET", "/healthz")[0] == 200
    except OSError:
        return False


def _call(port: int, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": kind} if body else {})
        answer = connection.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if answer.headers.get_content_type().endswith("json") else raw
    finally:
        connection.close()


def _half(port: int, method: str, path: str, body: bytes, kind: str) -> http.client.HTTPConnection:
    """Send the head and half of the body, and leave the server waiting for the rest."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path)
    connection.putheader("Content-Type", kind)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    connection.send(body[: len(body) // 2])
    return connection


def _objects(app: Flask) -> list[Path]:
    root = Path(unquote(urlsplit(app.extensions["shudi_settings"].files_url).path))
    return [path for path in root.rglob("*") if path.is_file()]


def test_uploads_and_submissions_survive_it(committed_app: Flask) -> None:
    film = samples.mp4() + samples.box(b"free", bytes(1_500_000))
    first, second = film[:700_000], film[700_000:]
    form = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n' + film + b"\r\n--xx--\r\n"
    tip = json.dumps(factories.tip_body(client_request_id=str(uuid4()))).encode()
    before = set(_objects(committed_app))
    with web(committed_app) as (process, port):
        said = json.dumps({"size": len(film), "name": "a.mp4", "type": "video/mp4"}).encode()
        status, begun = _call(port, "POST", PARTIAL, said)
        assert status == 201
        path = f"{PARTIAL}/{begun['id']}"
        assert _call(port, "PUT", f"{path}?at=0", first, "application/octet-stream")[1]["received"] == len(first)
        cut = [
            _half(port, "POST", "/api/v1/uploads", form, "multipart/form-data; boundary=xx"),
            _half(port, "PUT", f"{path}?at={len(first)}", second, "application/octet-stream"),
        ]
        eventually(lambda: len(set(_objects(committed_app)) - before) >= 3)  # both are being written beside the part
        filing = _half(port, "POST", "/api/v1/tips", tip, "application/json")
        filing.send(tip[len(tip) // 2 :])  # the answer is never read
        eventually(lambda: rows.scalar("SELECT count(*) FROM tips") == 1)
        kill(process)
        for connection in [*cut, filing]:
            connection.close()
    assert rows.scalar("SELECT count(*) FROM stored_files") == 0
    with web(committed_app) as (_, port):
        assert _call(port, "GET", path)[1]["received"] == len(first)
        assert _call(port, "PUT", f"{path}?at={len(first)}", second, "application/octet-stream")[0] == 200
        status, whole = _call(port, "POST", f"{path}/complete", b"{}")
        assert (status, whole["size"]) == (201, len(film))
        status, receipt = _call(port, "POST", "/api/v1/tips", tip)
        assert (status, len(receipt["query_code"])) == (200, 20)
    assert rows.scalar("SELECT count(*) FROM tips") == 1
    with clock.stopped_at(clock.now() + timedelta(hours=2)):
        assert jobs.remove_orphans(timedelta(hours=1)).objects >= 2  # what the kill left half-written
    assert set(_objects(committed_app)) - before == set()
