"""The processes that deliver, and the hand that kills them: relay, workers with the children they fork, and Valkey."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil

from app.foundation.config import REPOSITORY

_RELAY = ("outbox", "relay")
_WORKER = ("worker",)


class Crew:
    """Keeps one relay and some workers up, as a supervisor would, from a thread of its own."""

    def __init__(self, environment: dict[str, str], workers: int, log: Path) -> None:
        self._environment = environment
        self._log = log
        self._posts: dict[str, tuple[str, ...]] = {"relay": _RELAY} | {f"worker {n}": _WORKER for n in range(workers)}
        self._up: dict[str, subprocess.Popen[bytes]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()
        for process in self._up.values():
            _kill(process.pid)
            process.wait(20)

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            for name, words in self._posts.items():
                if name not in self._up or self._up[name].poll() is not None:
                    self._up[name] = self._start(words)

    def _start(self, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", *words],
                cwd=REPOSITORY,
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def pid(self, name: str) -> int | None:
        process = self._up.get(name)
        return process.pid if process is not None and process.poll() is None else None

    @property
    def names(self) -> list[str]:
        return list(self._posts)


class Hand:
    """Kills whenever a random number of further messages is done, in the order that the seed gives, until told to rest.

    By work done and not by time: on a slow machine killing by time would leave no worker alive long enough to work.
    """

    def __init__(
        self, crew: Crew, valkey_port: int, drawn: random.Random, done: Callable[[], int], spacing: int
    ) -> None:
        self._crew, self._valkey_port, self._drawn = crew, valkey_port, drawn
        self._done, self._spacing = done, spacing
        self.kills: Counter[str] = Counter()
        self._rest = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def rest(self) -> None:
        self._rest.set()
        self._thread.join()

    def _work(self) -> None:
        following = self._drawn.randrange(1, 2 * self._spacing)
        while not self._rest.wait(0.2):
            if self._done() >= following:
                following = self._done() + self._drawn.randrange(1, 2 * self._spacing)
                self._strike()

    def _strike(self) -> None:
        victim = self._drawn.choice([*self._crew.names, "valkey"])
        pid = _valkey(self._valkey_port) if victim == "valkey" else self._crew.pid(victim)
        if pid is not None and _kill(pid):
            self.kills[victim.partition(" ")[0]] += 1


def _valkey(port: int) -> int | None:
    """The server that listens on this run's own port, and no other."""
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "valkey-server" in line and f"127.0.0.1:{port}" in line:
            return int(process.pid)
    return None


def _kill(pid: int) -> bool:
    """Kill a process and what it forked, at once and without a word."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for one in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        return True
    return False
