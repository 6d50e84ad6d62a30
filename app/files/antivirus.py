"""ClamAV through the socket of its daemon (clamd), where ``CLAMD_URL`` names one.

A file is held from the moment it comes until the scanner has said that it is clean. A scanner that is away lets nothing
pass: what waits goes on waiting. What it cannot judge (longer than its own limit) stays held, for a person to see.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app
from sqlalchemy import select, update

from app.files import service
from app.files.models import Scan, StoredFile
from app.files.storage import ObjectMissing, StorageFault
from app.foundation.crypto import CannotOpen
from app.foundation.database import OPEN_WALL, db, transaction

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 50
_SECONDS: Final = 60.0
_LONGEST_ANSWER: Final = 4096


class ScannerAway(Exception):
    """Nobody answers at ``CLAMD_URL``, or not as clamd does."""


def scan_waiting() -> int:
    """Scan what waits, oldest first; return how many got a verdict. Ends when scanner or storage do not answer."""
    url: str = current_app.extensions["shudi_settings"].clamd_url
    if not url:
        return 0
    with transaction(OPEN_WALL):
        waiting = list(
            db.session.scalars(
                select(StoredFile)
                .where(StoredFile.scan == Scan.WAITING)
                .order_by(StoredFile.created_at)
                .limit(_AT_ONCE)
            )
        )
    for done, stored in enumerate(waiting):
        try:
            verdict = _verdict(url, stored)
        except ScannerAway as fault:
            logger.warning("the virus scanner is away: %s", fault)
            return done
        except StorageFault:
            logger.exception("file %s could not be read for the scanner and waits", stored.id)
            return done
        with transaction(OPEN_WALL):
            _write(stored.id, verdict)
    return len(waiting)


def _verdict(url: str, stored: StoredFile) -> Scan:
    try:
        return ask(url, service.vault().stream(stored.place))
    except (ObjectMissing, CannotOpen):
        logger.exception("file %s cannot be read for the scanner", stored.id)
        return Scan.FAILED


def _write(file_id: UUID, verdict: Scan) -> None:
    if verdict is not Scan.CLEAN:
        logger.error("file %s is held: %s", file_id, verdict.value)
    db.session.execute(
        update(StoredFile)
        .where(StoredFile.id == file_id, StoredFile.scan == Scan.WAITING)
        .values(scan=verdict)
        .execution_options(synchronize_session=False)
    )


def ask(url: str, pieces: Iterable[bytes]) -> Scan:
    """What clamd says of a stream (its command INSTREAM); raise ``ScannerAway``, or what ``pieces`` raises."""
    with _connected(url) as connection:
        answer = _sent(connection, pieces)
    if answer.endswith(b"OK"):
        return Scan.CLEAN
    if answer.endswith(b"FOUND"):
        return Scan.INFECTED
    if answer.endswith(b"ERROR"):
        return Scan.FAILED
    raise ScannerAway("no verdict")


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    try:
        if parts.scheme == "tcp":
            return socket.create_connection((parts.hostname or "", parts.port or 3310), timeout=_SECONDS)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_SECONDS)
        connection.connect(parts.path)
    except OSError as fault:
        raise ScannerAway(type(fault).__name__) from fault
    return connection


def _sent(connection: socket.socket, pieces: Iterable[bytes]) -> bytes:
    """Send every piece with its length and a zero at the end; the answer ends with a NUL.

    Over its limit clamd answers before everything was sent, and hangs up: the answer is then read all the same.
    """
    hung_up = not _send(connection, b"zINSTREAM\0")
    for piece in pieces:
        if hung_up or not piece:
            continue
        hung_up = not _send(connection, len(piece).to_bytes(4, "big") + piece)
    if not hung_up:
        _send(connection, bytes(4))
    return _answer(connection)


def _send(connection: socket.socket, data: bytes) -> bool:
    """Whether the other side still takes what is sent; raise ``ScannerAway`` when it is silent."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    except OSError as fault:
        raise ScannerAway(type(fault).__name__) from fault
    return True


def _answer(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER and (more := connection.recv(1024)):
            answer += more
    except OSError as fault:
        raise ScannerAway(type(fault).__name__) from fault
    return answer.rstrip(b"\0\n ")
