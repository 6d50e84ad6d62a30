"""Everything `make run` starts, under one supervisor: `python -m app.demo.processes`.

Services → migrations and demo office → WeChat stand-in, web, relay, worker. With `DATABASE_URL` and `REDIS_URL` set
nothing embedded starts.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.foundation.config import REPOSITORY, demo_environment
from app.foundation.local_services import LocalServices, ServicesClaimedError
from app.foundation.postgres_cluster import LocalServicesError
from app.foundation.supervisor import Child, ChildFailedError, StopRequested, Supervisor, die_with_parent

_HOST = "127.0.0.1"
_READY_SECONDS = 60.0
_WEB_WORKERS = 2
_WEB_THREADS = 4  # a worker; more of them take the interpreter from each other (bench/README.md)
_BACKLOG = 1024
_HIGHEST_PORT = 65535
_DEMO_FILE = "demo.json"
_STANDINS = {"wechat": "WECHAT_API_BASE", "sms": "SMS_URL"}
"""Stand-in → the setting that names the real server; a stand-in runs where that is not given."""
_SMS_OF_THE_DEMO = {
    "SMS_KEY_ID": "demo-sms-key",
    "SMS_KEY_SECRET": "demo-sms-secret",
    "SMS_SIGN_NAME": "处非办（演示）",
    "SMS_TEMPLATE_PROGRESS": "SMS_1",
    "SMS_TEMPLATE_OFFICER": "SMS_2",
}
_SERVICE_URLS = ("DATABASE_URL", "REDIS_URL")


class RunRefusedError(RuntimeError):
    """`make run` cannot start; the message (Chinese) says what to do."""


def main() -> int:
    """Run the demo until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(description="Start the whole demo")
    parser.add_argument("--stop-with-parent", action="store_true", help="also stop when the calling make stops")
    arguments = parser.parse_args()
    stop_when = _parent_watch() if arguments.stop_with_parent else lambda: False
    given = {name: value for name, value in os.environ.items() if value.strip()}
    data_dir = Path(given.get("DATA_DIR", "").strip() or REPOSITORY / "var").absolute()
    try:
        with _only_run(data_dir):
            _run(given, data_dir, stop_when)
    except (StopRequested, KeyboardInterrupt):
        pass
    except (RunRefusedError, LocalServicesError, ChildFailedError) as error:
        say(str(error))
        return 1
    say("已停止，数据保留在 " + str(data_dir))
    return 0


def say(line: str) -> None:
    """Show one line to the person at the screen, who may have closed it."""
    with contextlib.suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _run(given: Mapping[str, str], data_dir: Path, stop_when: Callable[[], bool]) -> None:
    start = time.monotonic()
    port = _free_web_port(given)
    services = LocalServices(data_dir)
    with contextlib.ExitStack() as held:
        own = _claim_services(services, given, held)
        supervisor = held.enter_context(Supervisor(services.log_dir, say, stop_when))
        if own:
            say("正在启动数据库…")
            supervisor.start(services.children())
        standins = {name: _free_port() for name, setting in _STANDINS.items() if not given.get(setting)}
        environment = _environment(given, data_dir, services, port, standins)
        say("正在更新数据库结构、准备演示机构…")
        supervisor.run_step(Child("prepare", _flask("demo", "prepare"), env=environment, cwd=REPOSITORY))
        say("正在启动服务…")
        supervisor.start(_program(environment, port, standins))
        say(_welcome(data_dir, environment, time.monotonic() - start))
        supervisor.watch()
        say("正在停止…")


def _claim_services(services: LocalServices, given: Mapping[str, str], held: contextlib.ExitStack) -> bool:
    """Tell whether we are the ones to run the embedded services; when another command does, share them."""
    if all(given.get(name) for name in _SERVICE_URLS):
        return False
    try:
        held.enter_context(services.claim())
    except ServicesClaimedError:
        services.ensure_running()
        held.callback(services.release)
        return False
    return True


def _environment(
    given: Mapping[str, str], data_dir: Path, services: LocalServices, port: int, standins: Mapping[str, int]
) -> dict[str, str]:
    """Return the environment of every child: what was given wins, the demo's own fills the rest."""
    demo = demo_environment({**given, "DEMO": "1"}, data_dir)
    embedded = {}
    if not all(given.get(name) for name in _SERVICE_URLS):
        endpoints = services.endpoints()
        embedded = {"DATABASE_URL": endpoints.database_url, "REDIS_URL": endpoints.redis_url}
    local = {_STANDINS[name]: f"http://{_HOST}:{one}" for name, one in standins.items()} | {"PYTHONUNBUFFERED": "1"}
    if "sms" in standins:
        local |= _SMS_OF_THE_DEMO
    fixed = {"DATA_DIR": str(data_dir), "PORT": str(port), "DEMO": "1"}
    return {**embedded, **local, **demo, **given, **fixed}


def _program(environment: Mapping[str, str], port: int, standins: Mapping[str, int]) -> list[Child]:
    web = ["--interface", "wsgi", "--host", _HOST, "--port", str(port), "--workers", str(_WEB_WORKERS)]
    web += ["--blocking-threads", str(_WEB_THREADS), "--backlog", str(_BACKLOG), "--http", "1", "--no-ws"]
    web += ["--respawn-failed-workers", "--workers-kill-timeout", "5", "--log-level", "warning"]
    children = [
        Child("web", [sys.executable, "-m", "granian", *web, "wsgi:app"], ready=lambda: _answers(port, "/readyz")),
        Child("relay", _flask("outbox", "relay")),
        Child("worker", _flask("worker"), stop_seconds=15.0),
    ]
    children += [_standin(name, one) for name, one in standins.items()]
    common: dict[str, Any] = {"env": environment, "cwd": REPOSITORY, "start_seconds": _READY_SECONDS}
    return [replace(child, depends_on=("postgres", "valkey"), **common) for child in children]


def _standin(name: str, port: int) -> Child:
    script = str(REPOSITORY / "app" / "demo" / f"{name}_standin.py")
    return Child(
        f"{name}-standin",
        [sys.executable, "-P", script, "--port", str(port)],  # by path: it needs nothing of the app
        ready=lambda: _answers(port, "/_standin/calls"),
    )


def _flask(*words: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", *words]


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(_HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(data_dir: Path, environment: Mapping[str, str], seconds: float) -> str:
    with contextlib.suppress(FileNotFoundError):
        demo: dict[str, Any] = json.loads((data_dir / _DEMO_FILE).read_text("utf-8"))
        accounts = [
            f"    {one['username']:<18}{one['role']:<20}{one.get('division') or ''}" for one in demo["accounts"]
        ]
        url = f"http://{_HOST}:{environment['PORT']}"
        lines = [
            f"属地（Shudi）演示已就绪，用时 {seconds:.1f} 秒。",
            f"  网址      {url}",
            f"  接口文档  {url}/api/v1/docs",
            f"  微信接口  {environment['WECHAT_API_BASE']}（替身收到的消息：/_standin/messages）",
            f"  短信网关  {environment['SMS_URL']}（替身收到的短信：/_standin/messages）",
            f"  演示账号（统一口令：{demo['password']}）",
            *accounts,
            f"  账号与连接信息也写在 {data_dir / _DEMO_FILE}，日志在 {data_dir / 'logs'}",
            "按 Ctrl-C 停止；数据会保留，再次 make run 继续使用。",
        ]
        return "\n".join(lines)
    raise RunRefusedError(f"没有找到 {data_dir / _DEMO_FILE}：演示机构没有建立")


@contextlib.contextmanager
def _only_run(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's place for one `make run`. Raises RunRefusedError when there is one already."""
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (data_dir / ".run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunRefusedError(f"{data_dir} 的 make run 已经在运行；请先停止它，或换一个 DATA_DIR") from None
        yield


def _free_web_port(given: Mapping[str, str]) -> int:
    said = given.get("PORT", "8000")
    port = int(said) if said.isdecimal() else 0
    if not 1 <= port <= _HIGHEST_PORT:
        raise RunRefusedError(f"PORT 应为 1 至 {_HIGHEST_PORT} 之间的整数")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            raise RunRefusedError(f"端口 {port} 已被其他程序占用；可以用 PORT=8001 make run 换一个端口") from None
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _parent_watch() -> Callable[[], bool]:
    """Stop with the calling make: ended by the kernel when it dies, and when a SIGINT reached it alone.

    make does not pass a SIGINT on but waits for us; what shows is that it no longer catches the signal.
    """
    die_with_parent(signal.SIGTERM)
    parent = os.getppid()

    def catches_interrupt() -> bool:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            lines = Path(f"/proc/{parent}/status").read_text().splitlines()
            caught = int(next(line for line in lines if line.startswith("SigCgt")).split()[1], 16)
            return bool(caught >> (signal.SIGINT - 1) & 1)
        return False

    at_start = catches_interrupt()
    return lambda: at_start and not catches_interrupt()


if __name__ == "__main__":
    sys.exit(main())
