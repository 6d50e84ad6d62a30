"""How long `make run` takes until it is ready, on a new and on a used data directory, and what each process weighs."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

import psutil

from app.foundation.config import REPOSITORY
from bench.stage import free_port, machine, say

_PATIENCE_SECONDS: Final = 120.0
_WEB_BAR_MB: Final = 250
# What the command line of each process holds; the first that fits names it.
_NAMES: Final = (
    ("postgres", "PostgreSQL"),
    ("valkey-server", "Valkey"),
    ("granian", "web"),
    ("wechat_standin", "WeChat stand-in"),
    ("sms_standin", "SMS stand-in"),
    ("outbox relay", "relay"),
    ("wsgi worker", "worker"),
    ("app.demo.processes", "supervisor"),
)


def main() -> int:
    """Measure, print the tables, return 1 when a web worker is heavier than the bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--starts", type=int, default=3, help="starts on the used data directory (default 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shudi-start-") as directory:
        data_dir = Path(directory) / "var"
        Path(directory).chmod(0o711)  # PostgreSQL runs as another user when we are root
        first, _ = _start(data_dir)
        starts = [_start(data_dir) for _ in range(options.starts)]
    print(machine() + "\n")
    print("| start | seconds until /readyz answers 200 |\n| --- | ---: |")
    print(f"| new data directory | {first:.1f} |")
    print(
        f"| used data directory, median of {options.starts} | {sorted(s for s, _ in starts)[len(starts) // 2]:.1f} |\n"
    )
    weights = starts[-1][1]
    print("| process | resident MB | of it its own |\n| --- | ---: | ---: |")
    for name, resident, own in weights:
        print(f"| {name} | {resident:.0f} | {own:.0f} |")
    return 1 if any(name == "web" and resident >= _WEB_BAR_MB for name, resident, _ in weights) else 0


def _start(data_dir: Path) -> tuple[float, list[tuple[str, float, float]]]:
    """Start, wait, file nothing, weigh, stop with Ctrl-C; return seconds and the weights in MB."""
    port = free_port()
    environment = {**os.environ, "DATA_DIR": str(data_dir), "PORT": str(port)}
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    began = time.perf_counter()
    run = subprocess.Popen(
        [sys.executable, "-m", "app.demo.processes"], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        seconds = _until_ready(run, port, began)
        say(f"ready after {seconds:.1f} s")
        return seconds, _weights(run.pid)
    finally:
        run.send_signal(signal.SIGINT)
        run.wait(60)


def _until_ready(run: subprocess.Popen[bytes], port: int, began: float) -> float:
    while time.perf_counter() - began < _PATIENCE_SECONDS and run.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return time.perf_counter() - began
        time.sleep(0.02)
    raise RuntimeError("the program did not become ready")


def _weights(pid: int) -> list[tuple[str, float, float]]:
    """(name, resident, unshared) of the run and all below it; PostgreSQL's processes as one, by what is unshared."""
    found: list[tuple[str, float, float]] = []
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            memory, line = process.memory_full_info(), " ".join(process.cmdline())
            name = next((name for mark, name in _NAMES if mark in line), process.name())
            found.append((name, memory.rss / 1e6, memory.uss / 1e6))
    postgres = [one for one in found if one[0] == "PostgreSQL"]
    rest = [one for one in found if one[0] != "PostgreSQL"]
    total = ("PostgreSQL, all processes", max(r for _, r, _ in postgres), sum(own for *_, own in postgres))
    return [*sorted(rest, key=lambda one: -one[1]), total]


if __name__ == "__main__":
    sys.exit(main())
