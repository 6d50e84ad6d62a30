"""The supervisor, run as a process of its own: it reaps every child of its process and answers to its signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_SECONDS, eventually

REPOSITORY = Path(__file__).parents[2]

PREAMBLE = """
import json, os, signal, sys, time
from pathlib import Path
from app.foundation.supervisor import Child, ChildFailedError, StopRequested, Supervisor
work = Path(sys.argv[1])
def say(line): print(line, flush=True)
def sleeper(name, code="", **more):
    body = f"import os,signal,sys,time,pathlib; work=pathlib.Path({str(work)!r}); {code}"
    return Child(name, [sys.executable, "-c", body + chr(10) + "time.sleep(600)"], **more)
"""


class Supervised:
    """A supervisor process that runs a script below PREAMBLE, and what it said."""

    def __init__(self, work: Path, script: str) -> None:
        self.work = work
        self.said = work / "said"
        source = PREAMBLE + textwrap.dedent(script)
        with self.said.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", source, str(work)], stdout=out, stderr=out, cwd=REPOSITORY, text=True
            )

    def log(self, name: str) -> str:
        path = self.work / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def pids(self) -> dict[str, int]:
        return json.loads((self.work / "pids").read_text())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Supervised]]:
    started: list[Supervised] = []

    def start(script: str) -> Supervised:
        started.append(Supervised(tmp_path, script))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


WATCHED = """
    def note_pids():
        if "up" in notes:
            draft = work / "draft"
            draft.write_text(json.dumps(supervisor.pids()))
            draft.rename(work / "pids")
        return (work / "enough").exists()
    notes = []
    with Supervisor(work / "logs", say, stop_when=note_pids) as supervisor:
        supervisor.start([{children}])
        notes.append("up")
        say("up")
        supervisor.watch()
    say("down")
"""


def test_starts_in_order_and_stops_in_reverse(run: Callable[[str], Supervised]) -> None:
    note = "signal.signal(15, lambda *_: (open(work / 'order', 'a').write('-NAME '), sys.exit()))"
    first = note.replace("NAME", "first") + "; time.sleep(0.3); open(work / 'order', 'a').write('+first ')"
    second = note.replace("NAME", "second") + "; open(work / 'order', 'a').write('+second ')"
    children = (
        f'sleeper("second", {second!r}, depends_on=["first"], ready=lambda: "+sec" in (work / "order").read_text()),'
        f'sleeper("first", {first!r}, ready=(work / "order").exists)'
    )
    supervised = run(WATCHED.format(children=children))
    eventually(lambda: "up" in supervised.said.read_text())
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert (supervised.work / "order").read_text() == "+first +second -second -first "
    assert supervised.said.read_text().splitlines()[-1] == "down"


def test_stops_when_told_by_its_condition(run: Callable[[str], Supervised]) -> None:
    supervised = run(WATCHED.format(children='sleeper("one")'))
    eventually((supervised.work / "pids").exists)
    (supervised.work / "enough").touch()
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert not is_alive(supervised.pids()["one"])


def test_brings_back_a_killed_child_and_says_so(run: Callable[[str], Supervised]) -> None:
    supervised = run(WATCHED.format(children='sleeper("one"), sleeper("other")'))
    eventually((supervised.work / "pids").exists)
    before = supervised.pids()
    os.kill(before["one"], signal.SIGKILL)
    eventually(lambda: supervised.pids().get("one", before["one"]) != before["one"])
    after = supervised.pids()
    assert is_alive(after["one"])
    assert after["other"] == before["other"]
    assert "one 意外退出（信号 SIGKILL）" in supervised.said.read_text()


def test_back_off_grows(run: Callable[[str], Supervised]) -> None:
    supervised = run(WATCHED.format(children='sleeper("one", "sys.exit(3)")'))
    eventually(lambda: supervised.said.read_text().count("one 意外退出（退出码 3）") >= 4)
    delays = re.findall(r"([\d.]+) 秒后重新启动", supervised.said.read_text())
    assert delays[:4] == ["0.1", "0.2", "0.4", "0.8"]


def test_a_child_that_keeps_falling_ends_the_start_with_its_log(run: Callable[[str], Supervised]) -> None:
    supervised = run("""
        child = Child("broken", [sys.executable, "-c", "raise SystemExit('because of this')"], ready=lambda: False)
        try:
            with Supervisor(work / "logs", say) as supervisor:
                supervisor.start([sleeper("good"), child])
        except ChildFailedError as error:
            say(f"refused: {error}")
    """)
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    said = supervised.said.read_text()
    assert "refused: broken 启动后反复退出" in said
    assert "because of this" in said


def test_a_child_that_is_never_ready(run: Callable[[str], Supervised]) -> None:
    supervised = run("""
        try:
            with Supervisor(work / "logs", say) as supervisor:
                supervisor.start([sleeper("slow", ready=lambda: False, start_seconds=1)])
        except ChildFailedError as error:
            say(f"refused: {error}")
    """)
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert "refused: slow 在 1 秒内没有就绪" in supervised.said.read_text()


def test_a_child_deaf_to_the_stop_signal_is_killed_within_its_bound(run: Callable[[str], Supervised]) -> None:
    deaf = "signal.signal(15, signal.SIG_IGN); open(work / 'deaf', 'w').close()"
    children = f'sleeper("deaf", {deaf!r}, ready=(work / "deaf").exists, stop_seconds=0.5)'
    supervised = run(WATCHED.format(children=children))
    eventually((supervised.work / "pids").exists)
    pid = supervised.pids()["deaf"]
    supervised.process.terminate()
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert not is_alive(pid)
    assert "强制结束" in supervised.said.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
def test_killed_supervisor_leaves_nothing_behind(run: Callable[[str], Supervised]) -> None:
    supervised = run(WATCHED.format(children='sleeper("one"), sleeper("other")'))
    eventually((supervised.work / "pids").exists)
    pids = supervised.pids().values()
    supervised.process.kill()
    eventually(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")
def test_grandchildren_in_sessions_of_their_own_end_too(run: Callable[[str], Supervised]) -> None:
    """An RQ work-horse has its own process group; its worker is killed, then everything is stopped."""
    horse = "import subprocess; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], "
    horse += "start_new_session=True); open(work / 'horse', 'a').write(str(p.pid) + ' ')"
    ready = 'lambda: (work / "horse").exists() and " " in (work / "horse").read_text()'
    supervised = run(WATCHED.format(children=f'sleeper("worker", {horse!r}, ready={ready})'))
    eventually((supervised.work / "pids").exists)
    os.kill(supervised.pids()["worker"], signal.SIGKILL)
    eventually(lambda: len((supervised.work / "horse").read_text().split()) == 2)
    horses = [int(pid) for pid in (supervised.work / "horse").read_text().split()]
    assert is_alive(horses[0])  # it may finish its job
    supervised.process.terminate()
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert not any(is_alive(pid) for pid in horses)


def test_a_step_runs_to_its_end_and_a_failed_one_is_told(run: Callable[[str], Supervised]) -> None:
    supervised = run("""
        with Supervisor(work / "logs", say) as supervisor:
            supervisor.start([sleeper("one")])
            supervisor.run_step(Child("good", [sys.executable, "-c", "print('done')"]))
            try:
                supervisor.run_step(Child("bad", [sys.executable, "-c", "print('wrong'); raise SystemExit(4)"]))
            except ChildFailedError as error:
                say(str(error))
    """)
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert supervised.log("good") == "done\n"
    said = supervised.said.read_text()
    assert "bad 没有成功（退出码 4）" in said
    assert "wrong" in said


def test_stop_request_during_a_step_ends_the_step(run: Callable[[str], Supervised]) -> None:
    supervised = run("""
        try:
            with Supervisor(work / "logs", say) as supervisor:
                supervisor.run_step(sleeper("long", "print(os.getpid(), flush=True)"))
        except StopRequested:
            say("stopped")
    """)
    eventually(lambda: supervised.log("long") != "")
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert not is_alive(int(supervised.log("long")))


def test_logs_are_bounded(run: Callable[[str], Supervised]) -> None:
    chatter = "[sys.stdout.write('x' * 99 + chr(10)) for _ in range(60_000)]; sys.stdout.flush()"
    supervised = run(WATCHED.format(children=f'sleeper("chatty", {chatter!r})'))
    older = supervised.work / "logs" / "chatty.log.1"
    eventually(lambda: older.exists() and older.stat().st_size > 5_000_000)
    eventually(lambda: (supervised.work / "logs" / "chatty.log").stat().st_size < 5_000_000)
