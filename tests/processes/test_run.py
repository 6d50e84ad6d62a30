"""`make run` as a user has it: real processes, killed one by one, stopped, started again on the same data."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("processes"),  # one program for the whole module
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

REPOSITORY = Path(__file__).parents[2]

# What the command line of each child holds, and nothing else's does.
CHILDREN = {
    "postgres": "bin/postgres",
    "valkey": "valkey-server",
    "web": "granian",
    "relay": "relay",
    "worker": "worker",
    "wechat-standin": "wechat_standin.py",
    "sms-standin": "sms_standin.py",
}
WEB_WORKER = "web-worker"  # one of the two that the web server forks


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def parents() -> dict[int, int]:
    """Every living process and its parent."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found[int(stat.parent.name)] = int(parent)
    return found


class Run:
    """One run of the demo on a data directory."""

    def __init__(self, data_dir: Path, argv: list[str], environment: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.data_dir = data_dir
        self.said = data_dir.parent / f"said-{self.port}"
        environment = {**os.environ, "DATA_DIR": str(data_dir), "PORT": str(self.port), **(environment or {})}
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SEALING_KEYS", "WECHAT_API_BASE"):
            environment.pop(name, None)
        with self.said.open("w") as out:
            self.process = subprocess.Popen(
                argv, env=environment, cwd=REPOSITORY, stdout=out, stderr=out, start_new_session=True
            )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20.0)

    def wait_until_up(self) -> None:
        eventually(lambda: "按 Ctrl-C 停止" in self.said.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said.read_text()

    def descendants(self) -> set[int]:
        tree, found = parents(), {self.process.pid}
        while more := {pid for pid, parent in tree.items() if parent in found} - found:
            found |= more
        return found

    def pids(self, name: str) -> set[int]:
        """The processes of this name that the supervisor itself started; for WEB_WORKER those that the server did."""
        tree, everyone = parents(), self.descendants()
        if name == WEB_WORKER:
            web = self.pids("web")
            return {pid for pid in everyone if tree.get(pid) in web and "granian" in _command(pid)}
        supervisors = {pid for pid in everyone if "app.demo.processes" in _command(pid)}
        return {pid for pid in everyone if tree.get(pid) in supervisors and CHILDREN[name] in _command(pid)}

    def is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def submit_tip(self) -> dict[str, str]:
        tip = {
            "client_request_id": str(uuid.uuid4()),
            "subject": {
                "kind": "organization",
                "name": "某某财富管理公司",
                "operating_address": "乌鲁木齐市天山区解放北路1号",
            },
            "conduct": {"description": "承诺高额回报，公开吸收资金"},
            "reporter": None,
        }
        answer = self.http.post("/api/v1/tips", json=tip)
        assert answer.status_code == 201, answer.text
        return {name: answer.json()[name] for name in ("receipt_number", "query_code")}

    def knows(self, receipt: dict[str, str]) -> bool:
        return self.http.post("/api/v1/tips/query", json=receipt).status_code == 200

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    except OSError:
        return ""


PROGRAM = [sys.executable, "-m", "app.demo.processes"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "var"


@pytest.fixture(scope="module")
def receipts() -> list[dict[str, str]]:
    """Every receipt that was answered with 201 so far."""
    return []


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Run]:
    run = Run(data_dir, PROGRAM)
    run.wait_until_up()
    yield run
    if run.process.poll() is None:
        run.stop(signal.SIGKILL)


def test_is_ready_and_says_how_to_sign_in(running: Run) -> None:
    assert running.is_ready()
    demo = json.loads((running.data_dir / "demo.json").read_text())
    said = running.said.read_text()
    assert demo["password"] in said
    assert {account["username"] for account in demo["accounts"]} >= {"city.reviewer", "district.650102", "auditor"}
    assert all(account["username"] in said for account in demo["accounts"])


def test_a_second_run_on_the_same_data_says_so_and_leaves(running: Run) -> None:
    second = Run(running.data_dir, PROGRAM)
    assert second.process.wait(PATIENCE_SECONDS) == 1
    assert "已经在运行" in second.said.read_text()
    assert running.is_ready()


@contextlib.contextmanager
def submitting(run: Run, receipts: list[dict[str, str]]) -> Iterator[None]:
    """Send tips all the while; what is answered with 201 is written down, what is refused meanwhile is not."""
    enough = threading.Event()

    def submit() -> None:
        while not enough.wait(0.05):
            with contextlib.suppress(httpx.TransportError, AssertionError):
                receipts.append(run.submit_tip())

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(submit)
        try:
            yield
        finally:
            enough.set()
        done.result()


@pytest.mark.parametrize("name", [*CHILDREN, WEB_WORKER])
def test_a_killed_process_comes_back_and_no_answered_tip_is_lost(
    running: Run, receipts: list[dict[str, str]], name: str
) -> None:
    fresh = [running.submit_tip()]
    before = running.pids(name)
    assert before
    with submitting(running, fresh):
        eventually(lambda: len(fresh) > 3)
        os.kill(min(before), signal.SIGKILL)
        eventually(lambda: len(running.pids(name) - {min(before)}) == len(before))
        eventually(running.is_ready)
        answered = len(fresh)
        eventually(lambda: len(fresh) > answered + 3)
    assert all(running.knows(receipt) for receipt in fresh)
    receipts += fresh


def test_ctrl_c_stops_everything_and_the_next_start_keeps_the_data(
    running: Run, receipts: list[dict[str, str]], data_dir: Path
) -> None:
    everyone = running.descendants()
    assert running.stop() == 0
    assert everyone & parents().keys() == set()
    again = Run(data_dir, PROGRAM)
    again.wait_until_up()
    assert all(again.knows(receipt) for receipt in receipts)
    everyone = again.descendants()
    again.stop(signal.SIGKILL)  # and a killed supervisor leaves nothing behind either
    eventually(lambda: everyone & parents().keys() == set())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stops_with_the_make_that_called_it(tmp_path: Path, how: signal.Signals) -> None:
    """make passes no SIGINT on when it alone receives one, and cannot when it is killed."""
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@{' '.join(PROGRAM)} --stop-with-parent\n")
    run = Run(tmp_path / "var", ["make", "-f", str(makefile), "run"])
    eventually(lambda: "正在启动数据库" in run.said.read_text())
    eventually(lambda: len(run.descendants()) > 2)
    everyone = run.descendants()
    run.stop(how)
    eventually(lambda: everyone & parents().keys() == set())
