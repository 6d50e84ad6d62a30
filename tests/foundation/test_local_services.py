"""The embedded PostgreSQL and Valkey, for real: started, shared, killed, moved to another port."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from app.foundation import postgres_cluster
from app.foundation.local_services import LocalServices, ServicesClaimedError
from tests.waiting import PATIENCE_SECONDS, eventually

REPOSITORY = Path(__file__).parents[2]

USER_SCRIPT = """
import sys
from pathlib import Path
from app.foundation.local_services import LocalServices
LocalServices(Path(sys.argv[1])).ensure_running()
print("running", flush=True)
sys.stdin.readline()
"""


def user(data_dir: Path) -> subprocess.Popen[str]:
    """Another command that uses the services until its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-c", USER_SCRIPT, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


@pytest.mark.parametrize(("machine_gb", "kept_mb"), [(1, 160), (2, 256), (4, 512), (64, 1024)])
def test_postgresql_keeps_an_eighth_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, machine_gb: int, kept_mb: int
) -> None:
    sizes = {"SC_PHYS_PAGES": machine_gb * 2**18, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert postgres_cluster.shared_buffers() == kept_mb


def process_ids(data_dir: Path) -> dict[str, int]:
    """The servers of a data directory, by name, and their keeper."""
    return dict(named_processes(data_dir))


def keepers(data_dir: Path) -> list[int]:
    return [pid for name, pid in named_processes(data_dir) if name == "keeper"]


def named_processes(data_dir: Path) -> list[tuple[str, int]]:
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = cmdline.read_bytes().decode().split("\0")
            pid = int(cmdline.parent.name)
            if words[0].endswith("bin/postgres") and str(data_dir / "postgres") in words:
                found.append(("postgres", pid))
            elif "valkey-server" in words[0] and (cmdline.parent / "cwd").resolve() == data_dir / "valkey":
                found.append(("valkey", pid))
            elif "app.foundation.services_keeper" in words and str(data_dir) in words:
                found.append(("keeper", pid))
    return found


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    # pytest's directories have mode 0700: as root this is also the test that `nobody` gets through them. The name is
    # longer than the 107 bytes that a unix socket's path may have.
    data_dir = tmp_path_factory.mktemp("services") / ("long-" * 30) / "var"
    data_dir.parent.mkdir()
    local = LocalServices(data_dir)
    local.ensure_running()
    yield local
    local.release()


def test_answer_to_their_passwords_only(services: LocalServices) -> None:
    assert services.is_running()
    endpoints = services.endpoints()
    assert Redis.from_url(endpoints.redis_url).ping()
    password = json.loads((services.data_dir / "services.json").read_text())["postgres_password"]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(endpoints.database_url.replace(password, "wrong"))
    assert password not in repr(endpoints)
    assert stat.S_IMODE((services.data_dir / "services.json").stat().st_mode) == 0o600


def test_chinese_letters_count_as_letters(services: LocalServices) -> None:
    with psycopg.connect(services.endpoints().test_database_url) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        trigrams = connection.execute("SELECT cardinality(show_trgm('投资理财'))").fetchone()
        assert trigrams == (5,)


def test_are_set_up_to_lose_nothing_and_to_keep_the_wall(services: LocalServices) -> None:
    with psycopg.connect(services.endpoints().database_url) as connection:
        settings = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in ("fsync", "synchronous_commit", "data_checksums", "server_encoding", "is_superuser")
        }
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "is_superuser": "off",  # row-level security does not hold for a superuser
    }
    valkey = Redis.from_url(services.endpoints().redis_url)
    assert valkey.config_get("appendonly") == {"appendonly": "yes"}
    assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_restart_reads_again_what_was_in_memory(tmp_path: Path) -> None:
    services, log = LocalServices(tmp_path), tmp_path / "logs" / "postgres.log"
    services.ensure_running()
    services.release()
    assert process_ids(tmp_path) == {}
    services.ensure_running()
    eventually(lambda: "autoprewarm successfully prewarmed" in log.read_text())
    services.release()


def test_listen_on_loopback_only(services: LocalServices) -> None:
    with psycopg.connect(services.endpoints().database_url) as connection:
        row = connection.execute("SHOW listen_addresses").fetchone()
        assert row is not None
        assert row[0] == "127.0.0.1"
    assert Redis.from_url(services.endpoints().redis_url).config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user of the services")
def test_do_not_run_as_root(services: LocalServices) -> None:
    pids = process_ids(services.data_dir)
    for name in ("postgres", "valkey"):
        assert Path(f"/proc/{pids[name]}").stat().st_uid != 0


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_killed_server_comes_back_with_its_data(services: LocalServices, name: str) -> None:
    endpoints = services.endpoints()
    with psycopg.connect(endpoints.test_database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (what text)")
        connection.execute("INSERT INTO kept VALUES (%s)", (name,))
    Redis.from_url(endpoints.test_redis_url).set("kept", name)
    before = process_ids(services.data_dir)
    os.kill(before[name], signal.SIGKILL)
    eventually(lambda: process_ids(services.data_dir).get(name, before[name]) != before[name])
    eventually(services.is_running)
    with psycopg.connect(endpoints.test_database_url) as connection:
        assert connection.execute("SELECT what FROM kept WHERE what = %s", (name,)).fetchall() == [(name,)]
    assert Redis.from_url(endpoints.test_redis_url).get("kept") == name.encode()


def test_another_process_may_not_claim_them(services: LocalServices) -> None:
    with pytest.raises(ServicesClaimedError), services.claim():
        pass


def test_two_commands_at_once_share_them_and_the_last_one_stops_them(tmp_path: Path) -> None:
    users = [user(tmp_path), user(tmp_path)]
    for one in users:
        assert one.stdout is not None
        assert one.stdout.readline() == "running\n"
    eventually(lambda: len(keepers(tmp_path)) == 1)  # each may have started one; the second finds itself superfluous
    first = process_ids(tmp_path)
    assert set(first) == {"postgres", "valkey", "keeper"}
    users[0].communicate("\n", timeout=PATIENCE_SECONDS)
    assert LocalServices(tmp_path).is_running()
    assert process_ids(tmp_path) == first
    users[1].kill()  # does not say goodbye
    users[1].communicate(timeout=PATIENCE_SECONDS)
    eventually(lambda: process_ids(tmp_path) == {})


def test_survive_the_kill_of_their_keeper_and_a_taken_port(tmp_path: Path) -> None:
    services = LocalServices(tmp_path)
    before = services.ensure_running()
    with psycopg.connect(before.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS what")
    os.kill(process_ids(tmp_path)["keeper"], signal.SIGKILL)
    eventually(lambda: process_ids(tmp_path) == {})
    services.release()
    port = json.loads((tmp_path / "services.json").read_text())["postgres_port"]
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        after = services.ensure_running()
        assert f":{port}/" not in after.database_url
        with psycopg.connect(after.database_url) as connection:
            assert connection.execute("SELECT what FROM kept").fetchall() == [(1,)]
    services.release()
    assert process_ids(tmp_path) == {}


def test_lost_passwords_are_made_anew(tmp_path: Path) -> None:
    services = LocalServices(tmp_path)
    services.ensure_running()
    services.release()
    (tmp_path / "services.json").unlink()
    with psycopg.connect(services.ensure_running().database_url) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    services.release()
