"""The load generator, a process of its own: ``python -m bench.load PORT`` obeys one JSON job a line, answers one a line.

One thread, one epoll, keep-alive connections, each with one request under way; requests are joined from bytes made
beforehand. It costs the same for the floor as for the product, because both get the same requests.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any, Final

from bench.bodies import split_at_id, tips

_BODIES: Final = 400
_PATIENCE_SECONDS: Final = 30.0


@dataclass(slots=True)
class _Line:
    """One connection: the request under way and what came of its answer."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""
    awaited: int = 0


@dataclass(slots=True)
class _Outcome:
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    sample: str = ""


class Generator:
    """Keeps the receipts of every tip that was answered with 201, to ask for them later and to count them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pieces = [split_at_id(body) for body in tips(_BODIES)]
        self.receipts: list[tuple[str, str]] = []

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do one job and tell its figures; latencies in milliseconds."""
        makers: dict[str, Callable[[str], Iterator[bytes]]] = {
            "tip": self._tips,
            "query": self._queries,
            "get": self._reads,
        }
        if job["kind"] == "each":
            requests, seconds = _each(job), float("inf")
        else:
            requests, seconds = makers[job["kind"]](job["path"]), job["seconds"]
        answers: list[bytes] = []
        outcome = self._drive(requests, job["connections"], seconds, answers)
        if job.get("keep_receipts"):
            kept = (json.loads(one) for one in answers)
            self.receipts += [(one["receipt_number"], one["query_code"]) for one in kept if "receipt_number" in one]
        return {
            "seconds": outcome.seconds,
            "latencies": [round(1000 * one, 3) for one in outcome.latencies],
            "statuses": dict(outcome.statuses),
            "sample": outcome.sample,
        }

    def _tips(self, path: str) -> Iterator[bytes]:
        ready = [(_head("POST", path, size) + before, after) for before, after, size in self._pieces]
        for before, after in cycle(ready):
            yield before + str(uuid.uuid4()).encode() + after

    def _queries(self, path: str) -> Iterator[bytes]:
        asked = (json.dumps({"receipt_number": number, "query_code": code}) for number, code in self.receipts)
        return cycle([_head("POST", path, len(body)) + body.encode() for body in asked])

    def _reads(self, path: str) -> Iterator[bytes]:
        return cycle([_head("GET", f"{path}?{number}", 0) for number in range(1, 1 + len(self.receipts))])

    def _drive(self, requests: Iterator[bytes], connections: int, seconds: float, answers: list[bytes]) -> _Outcome:
        """Send for some seconds, or until there is nothing more to send."""
        outcome = _Outcome()
        lines = {line.socket.fileno(): line for line in (self._connect() for _ in range(connections))}
        poll = select.epoll()
        for number in lines:
            poll.register(number, select.EPOLLIN)
        began = time.perf_counter()
        for line in lines.values():
            _send(line, next(requests))
        waiting = connections
        while waiting:
            ready = poll.poll(_PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"no answer for {_PATIENCE_SECONDS} s")
            for number, _ in ready:
                line = lines[number]
                if not _receive(line):
                    continue
                now = time.perf_counter()
                _note(outcome, line, now - line.sent_at, answers)
                request = next(requests, None) if now - began < seconds else None
                if request is None:
                    waiting -= 1
                else:
                    _send(line, request)
        outcome.seconds = time.perf_counter() - began
        for line in lines.values():
            line.socket.close()
        return outcome

    def _connect(self) -> _Line:
        made = socket.create_connection(("127.0.0.1", self._port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Line(made)


def _each(job: dict[str, Any]) -> Iterator[bytes]:
    """Every request of the job once: paths and bodies, with the bearer token of one person."""
    bearer = f"Authorization: Bearer {job['token']}\r\n"
    for path, body in job["requests"]:
        content = json.dumps(body).encode()
        yield _head("POST", path, len(content), bearer) + content


def _head(method: str, path: str, size: int, more: str = "") -> bytes:
    fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n{more}"
    return f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode()


def _send(line: _Line, request: bytes) -> None:
    line.received, line.awaited = b"", 0
    line.sent_at = time.perf_counter()
    line.socket.sendall(request)


def _receive(line: _Line) -> bool:
    """Take what arrived; tell whether the answer is whole."""
    piece = line.socket.recv(65536)
    if not piece:
        raise ConnectionError("the server closed a connection")
    line.received += piece
    if not line.awaited:
        head, mark, _ = line.received.partition(b"\r\n\r\n")
        if not mark:
            return False
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        line.awaited = len(head) + len(mark) + int(length)
    return len(line.received) >= line.awaited


def _note(outcome: _Outcome, line: _Line, latency: float, answers: list[bytes]) -> None:
    status = line.received[9:12].decode()
    outcome.latencies.append(latency)
    outcome.statuses[status] += 1
    content = line.received.partition(b"\r\n\r\n")[2]
    if status in {"200", "201"}:
        answers.append(content)
    elif not outcome.sample:
        outcome.sample = content.decode()


def main() -> None:
    generator = Generator(int(sys.argv[1]))
    for number in count():
        line = sys.stdin.readline()
        if not line:
            return
        job = json.loads(line)
        answer = {"receipts": generator.receipts} if job["kind"] == "receipts" else generator.run(job)
        sys.stdout.write(json.dumps({"job": number} | answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
