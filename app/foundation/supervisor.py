"""Keeps the processes of one machine alive: starts them in order, restarts the fallen, stops them all.

Standard library only, one thread, no polling of pipes: every child writes straight into its own log file, so that a
busy or dead supervisor never blocks a child. A process holds one `Supervisor` at a time and starts nothing else while
it is open, because the supervisor reaps every child of the process, also the adopted grandchildren.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Self

_PR_SET_PDEATHSIG, _PR_SET_SECUREBITS, _PR_SET_CHILD_SUBREAPER, _PR_CAP_AMBIENT = 1, 28, 36, 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 10.0
_STAYED_UP_SECONDS = 20.0
_FAILURES_BEFORE_READY = 6
_LOG_BYTES = 5_000_000
_IS_LINUX = sys.platform == "linux"
_LIBC: Any = ctypes.CDLL(None, use_errno=True)


class StopRequested(Exception):
    """A signal arrived or `stop_when` said yes; leaving the `with` block of the supervisor stops every child."""


class ChildFailedError(RuntimeError):
    """A child could not be brought up, or a step ended with an error; the message holds the end of its log."""


@dataclass(frozen=True)
class RunAs:
    """The user a child runs as when we are root.

    `keep_file_access` leaves it CAP_DAC_OVERRIDE and nothing else: a checkout below a directory of mode 0700 (`/root`,
    `mkdtemp`) is closed to `nobody`, and PostgreSQL refuses to run as root.
    """

    uid: int
    gid: int
    keep_file_access: bool = False


@dataclass(frozen=True)
class Child:
    """One process to keep alive.

    `env=None` inherits ours. `ready` is asked again and again until it answers true; without it the child is ready once
    started. `stop_signal` asks it to end; after `stop_seconds` it is killed. `death_signal` is what the kernel sends it
    when the supervisor itself is killed.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    ready: Callable[[], bool] | None = None
    depends_on: Sequence[str] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    start_seconds: float = 60.0
    death_signal: signal.Signals = signal.SIGTERM
    run_as: RunAs | None = None


@dataclass
class _Post:
    """The place of one child in the supervisor: the process that fills it now, if any."""

    child: Child
    pid: int | None = None
    started_at: float = 0.0
    failures: int = 0
    restart_at: float = 0.0
    is_ready: bool = False
    deadline: float = 0.0


def become(run_as: RunAs | None, death_signal: int) -> Callable[[], None]:
    """Return what a forked child does before exec: change the user, then ask to die with its parent.

    The order matters: the kernel forgets the death signal whenever the credentials change.
    """
    parent = os.getpid()

    def in_child() -> None:
        if run_as is not None:
            _change_user(run_as)
        die_with_parent(death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def die_with_parent(death_signal: int) -> None:
    """Have the kernel send us this signal when the process that started us dies (Linux; elsewhere nothing)."""
    if _IS_LINUX:
        _prctl(_PR_SET_PDEATHSIG, int(death_signal))


def _change_user(run_as: RunAs) -> None:
    """Give up root; keep at most the right to pass closed directories (Linux capabilities(7))."""
    if run_as.keep_file_access:
        # Without this bit access(2), by which PostgreSQL looks for its own binaries, ignores the capability.
        _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(run_as.gid, run_as.gid, run_as.gid)
    os.setresuid(run_as.uid, run_as.uid, run_as.uid)
    if run_as.keep_file_access:
        mask = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)(
            mask, mask, mask, 0, 0, 0
        )  # effective, permitted, inheritable; then the high words
        _checked("capset", _LIBC.capset(header, sets))
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    _checked("prctl", _LIBC.prctl(option, *padded))


def _checked(call: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


class Supervisor:
    """`with Supervisor(log_dir) as supervisor: supervisor.start(children); supervisor.watch()`.

    `say` receives one Chinese line for every event a person at the screen should see. `stop_when` is asked a few times
    a second; its yes counts like a signal.
    """

    def __init__(
        self,
        log_dir: Path,
        say: Callable[[str], None] | None = None,
        stop_when: Callable[[], bool] = lambda: False,
    ) -> None:
        self._log_dir = log_dir
        self._stop_when = stop_when
        self._say = say or (lambda line: sys.stderr.write(line + "\n") and None)
        self._posts: dict[str, _Post] = {}
        self._step: tuple[int, int | None] | None = None
        self._stop_signal: int | None = None
        self._stopping = False
        self._logs_checked_at = 0.0
        self._previous_handlers: dict[int, Any] = {}
        self._wake_read = self._wake_write = -1

    def __enter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        heard = [signal.SIGINT, signal.SIGTERM, signal.SIGCHLD]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup wants us to outlive the terminal
            heard.append(signal.SIGHUP)
        for number in heard:
            self._previous_handlers[number] = signal.signal(number, self._on_signal)
        if _IS_LINUX:
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def start(self, children: Sequence[Child]) -> None:
        """Start children, each once the ones it depends on are ready; return when all are ready.

        Raises ChildFailedError (time is up, or it keeps falling) and StopRequested.
        """
        waiting = [self._posts.setdefault(child.name, _Post(child)) for child in children]
        while not all(post.is_ready for post in waiting):
            for post in waiting:
                if post.pid is None and post.failures == 0 and self._may_start(post.child):
                    post.deadline = time.monotonic() + post.child.start_seconds
                    self._launch(post)
            self._tick(0.05)
            for post in waiting:
                self._look_whether_ready(post)

    def run_step(self, child: Child) -> None:
        """Run a command to its end while the children stay watched. Raises ChildFailedError and StopRequested."""
        pid = self._spawn(child)
        self._step = (pid, None)
        try:
            while (code := self._step[1]) is None:
                self._tick(0.1)
        except StopRequested:
            os.killpg(pid, signal.SIGKILL)
            raise
        finally:
            self._step = None
        if code != 0:
            self._fail(child, f"{child.name} 没有成功（{_how_it_ended(code)}）")

    def watch(self) -> None:
        """Keep the children alive until a signal or `stop_when` ends it."""
        with contextlib.suppress(StopRequested):
            while True:
                self._tick(0.5)

    def stop(self) -> None:
        """Stop all, dependents first, each gracefully within its bound; then kill whatever is left of them."""
        self._stopping = True
        while alive := [post for post in self._posts.values() if post.pid is not None]:
            needed = {name for post in alive for name in post.child.depends_on}
            self._stop_wave([post for post in alive if post.child.name not in needed])
        self._posts.clear()
        self._kill_adopted()

    def pids(self) -> dict[str, int]:
        """Return the process id of every child that is up."""
        return {name: post.pid for name, post in self._posts.items() if post.pid is not None}

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._stop_signal = number

    def _may_start(self, child: Child) -> bool:
        return all(name not in self._posts or self._posts[name].is_ready for name in child.depends_on)

    def _look_whether_ready(self, post: _Post) -> None:
        if post.is_ready or not post.deadline:
            return
        if post.pid is not None and (post.child.ready is None or post.child.ready()):
            post.is_ready = True
        elif time.monotonic() > post.deadline:
            self._fail(post.child, f"{post.child.name} 在 {post.child.start_seconds:.0f} 秒内没有就绪")
        elif post.failures >= _FAILURES_BEFORE_READY:
            self._fail(post.child, f"{post.child.name} 启动后反复退出")

    def _fail(self, child: Child, what: str) -> NoReturn:
        path = self._log_path(child)
        raise ChildFailedError(f"{what}。日志 {path} 的末尾：\n{tail(path)}")

    def _tick(self, seconds: float) -> None:
        """Sleep until a signal, an exit or the time; then do what is due. Raises StopRequested."""
        now = time.monotonic()
        due = [post.restart_at - now for post in self._posts.values() if post.restart_at]
        select.select([self._wake_read], [], [], max(0.0, min([seconds, *due])))
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 512):
                pass
        for pid, code in _exited():
            self._note_exit(pid, code)
        if self._stopping:
            return
        if self._stop_signal is not None or self._stop_when():
            raise StopRequested
        for post in self._posts.values():
            if post.restart_at and post.restart_at <= time.monotonic():
                self._launch(post)
        self._bound_logs()

    def _note_exit(self, pid: int, code: int) -> None:
        _kill_group(pid)  # what a server leaves behind would keep its port
        if self._step is not None and self._step[0] == pid:
            self._step = (pid, code)
        for post in self._posts.values():
            if post.pid == pid:
                post.pid = None
                if not self._stopping:
                    self._plan_restart(post, code)

    def _plan_restart(self, post: _Post, code: int) -> None:
        now = time.monotonic()
        post.failures = 1 if now - post.started_at > _STAYED_UP_SECONDS else post.failures + 1
        delay = min(_FIRST_DELAY * 2 ** (post.failures - 1), _LONGEST_DELAY)
        post.restart_at = now + delay
        how = f"意外退出（{_how_it_ended(code)}），{delay:.1f} 秒后重新启动"
        self._say(f"{post.child.name} {how}；日志：{self._log_path(post.child)}")

    def _launch(self, post: _Post) -> None:
        post.restart_at = 0.0
        post.started_at = time.monotonic()
        post.pid = self._spawn(post.child)

    def _spawn(self, child: Child) -> int:
        log = os.open(self._log_path(child), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            process = subprocess.Popen(  # noqa: S603 - argv comes from our own process list
                child.argv,
                env=None if child.env is None else dict(child.env),
                cwd=child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the terminal reaches us alone; we stop the others in order
                preexec_fn=become(child.run_as, child.death_signal),  # noqa: PLW1509 - this process has one thread
            )
        finally:
            os.close(log)
        process.returncode = 0  # `_exited` reaps it; Popen must not warn about it
        return process.pid

    def _stop_wave(self, posts: Sequence[_Post]) -> None:
        start = time.monotonic()
        for post in posts:
            _signal(post.pid, post.child.stop_signal)
        while alive := [post for post in posts if post.pid is not None]:
            for post in alive:
                if time.monotonic() - start > post.child.stop_seconds:
                    self._say(f"{post.child.name} 在 {post.child.stop_seconds:.0f} 秒内没有停下，强制结束")
                    _kill_group(post.pid)
                    _signal(post.pid, signal.SIGKILL)
            self._tick(0.1)

    def _kill_adopted(self) -> None:
        """End orphans of the children (an RQ work-horse whose worker was killed): first asked, then killed."""
        for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
            deadline = time.monotonic() + seconds
            for pid in _own_children():
                _signal(pid, number)
            while _own_children() and time.monotonic() < deadline:
                self._tick(0.05)

    def _log_path(self, child: Child) -> Path:
        return self._log_dir / f"{child.name}.log"

    def _bound_logs(self) -> None:
        now = time.monotonic()
        if now - self._logs_checked_at < 1.0:
            return
        self._logs_checked_at = now
        for post in self._posts.values():
            path = self._log_path(post.child)
            if path.exists() and path.stat().st_size > _LOG_BYTES:
                # The child appends to an open file: copy what there is and empty it, a rename would be followed.
                path.with_suffix(".log.1").write_bytes(path.read_bytes())
                os.truncate(path, 0)


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a log; empty when there is none."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])


def _exited() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def _own_children() -> list[int]:
    """Return the living processes whose parent we are (Linux only; elsewhere nobody is adopted)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat") if _IS_LINUX else ():
        with contextlib.suppress(OSError):
            state, parent = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(stat.parent.name))
    return found


def _signal(pid: int | None, number: int) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _kill_group(pid: int | None) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _how_it_ended(code: int) -> str:
    return f"信号 {signal.Signals(-code).name}" if code < 0 else f"退出码 {code}"
