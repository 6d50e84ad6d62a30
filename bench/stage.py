"""What the measured requests need: services, schema, office, the server of ``make run`` with the floor beside it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psycopg

from app.foundation.config import REPOSITORY, demo_environment
from app.foundation.local_services import LocalServices

_READY_SECONDS: Final = 60.0
# The options of make run (app/demo/processes.py): two workers of four threads.
_SERVER: Final = (
    *("--interface", "wsgi", "--host", "127.0.0.1", "--workers", "2", "--blocking-threads", "4"),
    *("--backlog", "1024", "--http", "1", "--no-ws", "--log-level", "warning"),
)
_FLOOR_TABLE: Final = (
    "DROP TABLE IF EXISTS bench_floor",
    "CREATE TABLE bench_floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload bytea NOT NULL)",
    "ALTER TABLE bench_floor ALTER payload SET STORAGE PLAIN",  # one row in one place, never compressed
    "GRANT SELECT ON bench_floor TO shudi_app",
)


@dataclass(frozen=True)
class Stage:
    """A running server and its database."""

    port: int
    database_url: str
    server_pid: int
    log: Path
    environment: dict[str, str] = field(repr=False)


def say(line: str) -> None:
    """Progress, on standard error."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def stage(*, of_its_own: bool = False) -> Iterator[Stage]:
    """Everything running, in a directory that goes afterwards; the services of the environment are used when given.

    ``of_its_own``: not those of the environment, so that two stages stand beside each other.
    """
    with tempfile.TemporaryDirectory(prefix="shudi-bench-") as directory:
        data_dir = Path(directory)
        data_dir.chmod(0o711)  # PostgreSQL runs as another user when we are root
        with _services(data_dir, of_its_own) as (database_url, redis_url):
            environment = _environment(data_dir, database_url, redis_url)
            say("migrating, creating the office …")
            flask = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "prepare"]
            subprocess.run(flask, cwd=REPOSITORY, env=environment, check=True)
            with psycopg.connect(database_url, autocommit=True) as connection:
                for statement in _FLOOR_TABLE:
                    connection.execute(statement)
            with _server(environment, data_dir / "web.log") as (port, pid):
                yield Stage(port, database_url, pid, data_dir / "web.log", environment)


@contextlib.contextmanager
def _services(data_dir: Path, of_its_own: bool = False) -> Iterator[tuple[str, str]]:
    given = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if all(given) and not of_its_own:
        yield str(given[0]), str(given[1])
        return
    say("starting PostgreSQL and Valkey …")
    services = LocalServices(data_dir)
    endpoints = services.ensure_running()
    try:
        yield endpoints.database_url, endpoints.redis_url
    finally:
        services.release()


def _environment(data_dir: Path, database_url: str, redis_url: str) -> dict[str, str]:
    fixed = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DATA_DIR": str(data_dir), "DEMO": "1"}
    fixed["WECHAT_API_BASE"] = "http://127.0.0.1:9"  # nobody is asked: no session, no message
    return {**os.environ, **demo_environment(fixed, data_dir), **fixed}


@contextlib.contextmanager
def _server(environment: dict[str, str], log: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [sys.executable, "-m", "granian", *_SERVER, "--port", str(port), "bench.floor_app:app"]
    say("starting the server …")
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=output)
    try:
        _wait_until_ready(port, server, log)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(20)


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return
        time.sleep(0.05)
    raise RuntimeError("the server did not become ready:\n" + log.read_text("utf-8")[-3000:])


class Load:
    """The load generator's process."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load", str(port)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, **job: Any) -> dict[str, Any]:
        """Have one job done and return its figures."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def machine(database_url: str | None = None) -> str:
    """One line: date, processor, versions, and whether the database really writes to disk."""
    words = [
        datetime.now(UTC).date().isoformat(),
        f"{os.cpu_count()} cores",
        _processor(),
        f"Python {platform.python_version()}",
    ]
    words += [f"{name} {version(name)}" for name in ("granian", "flask", "sqlalchemy", "psycopg")]
    if database_url:
        with psycopg.connect(database_url) as connection:
            for name in ("server_version", "fsync", "synchronous_commit"):
                row = connection.execute(f"SHOW {name}").fetchone()  # type: ignore[arg-type]
                words.append(f"{name.replace('server_version', 'PostgreSQL')} {row[0] if row else '?'}")
    return " · ".join(words)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
