"""Antivirus: held until clean, against a stand-in that speaks clamd's protocol over a socket."""

from __future__ import annotations

import dataclasses
import socketserver
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.files import antivirus, jobs
from app.files.models import Scan
from app.files.storage import LocalStorage, StorageFault
from tests import factories, rows
from tests.files import samples

MARK: Final = b"STANDARD-ANTIVIRUS-TEST-FILE"
LIMIT: Final = 200_000


class Clamd(socketserver.ThreadingTCPServer):
    """Answers INSTREAM as clamd does: a verdict after the zero, an error and a closed line over the limit."""

    daemon_threads = True
    seen: list[bytes]

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"


class _Line(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert self._take(10) == b"zINSTREAM\0"
        content = b""
        while length := int.from_bytes(self._take(4), "big"):
            content += self._take(length)
            if len(content) > LIMIT:
                self.request.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        assert isinstance(self.server, Clamd)
        self.server.seen.append(content)
        found = b"stream: Eicar-Signature FOUND\0" if MARK in content else b"stream: OK\0"
        self.request.sendall(found)

    def _take(self, length: int) -> bytes:
        taken = b""
        while len(taken) < length:
            taken += self.request.recv(length - len(taken))
        return taken


@pytest.fixture
def clamd(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clamd]:
    with Clamd(("127.0.0.1", 0), _Line) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings = dataclasses.replace(app.extensions["shudi_settings"], clamd_url=server.url)
        monkeypatch.setitem(app.extensions, "shudi_settings", settings)
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _evidence(client: FlaskClient, content: bytes) -> str:
    file_id: str = factories.upload(client, content=content, name="照片.png").get_json()["id"]
    tip_id = factories.tip_id_of(factories.file_tip(client, evidence=[file_id])["receipt_number"])
    return f"/api/v1/office/tips/{tip_id}/evidence/{file_id}"


def _open(client: FlaskClient, path: str) -> Any:
    return client.get(path, headers=factories.office_headers("city.reviewer"))


def _infected() -> bytes:
    return samples.jpeg(comment=MARK)


def test_a_file_is_held_until_it_is_clean(client: FlaskClient, clamd: Clamd) -> None:
    path = _evidence(client, samples.png(9, 9))
    held = _open(client, path)
    assert (held.status_code, held.get_json()["code"]) == (409, "file_held")
    for _ in range(2):
        jobs.scan_waiting()
    assert clamd.seen == [samples.png(9, 9)]  # once, and all of it
    assert _open(client, path).get_data() == samples.png(9, 9)


def test_an_infected_file_stays_held_and_the_tip_does_not(client: FlaskClient, clamd: Clamd) -> None:
    file_id = factories.upload(client, content=_infected(), name="照片.jpg").get_json()["id"]
    tip_id = factories.tip_id_of(factories.file_tip(client, evidence=[file_id])["receipt_number"])
    jobs.scan_waiting()
    assert rows.scalar("SELECT scan FROM stored_files WHERE id = :id", id=file_id) == "infected"
    for size in ("", "/view"):
        assert _open(client, f"/api/v1/office/tips/{tip_id}/evidence/{file_id}{size}").status_code in {404, 409}
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download' AND succeeded") == 0


def test_a_scanner_that_is_away_lets_nothing_pass(client: FlaskClient, clamd: Clamd) -> None:
    path = _evidence(client, samples.png(9, 9))
    clamd.shutdown()
    clamd.socket.close()
    jobs.scan_waiting()
    assert _open(client, path).status_code == 409
    assert rows.scalar("SELECT scan FROM stored_files") == "waiting"


def test_a_storage_that_is_away_condemns_no_file(
    client: FlaskClient, clamd: Clamd, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _evidence(client, samples.png(9, 9))
    with monkeypatch.context() as away:
        away.setattr(LocalStorage, "read", _not_reachable)
        jobs.scan_waiting()
    assert rows.scalar("SELECT scan FROM stored_files") == "waiting"
    jobs.scan_waiting()
    assert _open(client, path).get_data() == samples.png(9, 9)


def _not_reachable(*_: Any, **__: Any) -> Iterator[bytes]:
    raise StorageFault("not reachable")


def test_what_is_too_long_for_the_scanner_is_held(clamd: Clamd) -> None:
    assert antivirus.ask(clamd.url, [bytes(64 * 1024)] * 40) is Scan.FAILED
    assert antivirus.ask(clamd.url, [b"", b"harmless"]) is Scan.CLEAN
    assert antivirus.ask(clamd.url, [MARK[:10], MARK[10:]]) is Scan.INFECTED


def test_without_a_scanner_nothing_waits(client: FlaskClient) -> None:
    path = _evidence(client, samples.png(9, 9))
    assert antivirus.scan_waiting() == 0
    assert _open(client, path).status_code == 200
