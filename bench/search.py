"""Queue, search, single tips and every page at several sizes of the database: p95 of the server's time, and the plans.

Every database is filled by ``flask demo fill`` once and kept in ``--data``; each has a process of its own, through whose
whole application (signing in, wall, queries, JSON or page) its requests run. The processes take turns, a few requests of
one case each, so that a machine that slows down slows all of them; each case is asked with many different words, tips
and officers. The ratio compares the largest size with 1,000 tips, or with the smallest at which a list is not empty,
and for pages with an empty office.
``--clock cpu`` counts the time on a processor of this process and of its database connections, for a machine that has
other work as well.
``--plans`` writes what PostgreSQL does for each statement of each case at the largest size to ``bench/plans/``, but for
those that ``app.foundation.prepared`` asks for by name.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from app import create_app, spare_the_collector
from app.foundation import clock
from app.foundation.config import REPOSITORY, demo_environment, load_settings
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.http import Audience
from app.foundation.local_services import LocalServices
from app.foundation.paging import to_cursor
from app.identity.authentication import CONSOLE_COOKIE_KEY
from app.tips import jobs
from bench.officers import person, token_of
from bench.stage import machine, say

SIZES: Final = (0, 1_000, 100_000, 1_000_000)
LIST_BAR, SEARCH_BAR, PAGE_MS_BAR = 1.5, 3.0, 150.0
PLANS: Final = Path(__file__).parent / "plans"
_PAGE: Final = 20
_TURN: Final = 10
"""Requests of a case before the next size has its turn."""
_DISTRICT: Final = "district.650104"
_CITY: Final = "city.reviewer"
_OPENERS: Final = (_CITY, "city.leader", "sysadmin", "secadmin", "auditor", _DISTRICT)
"""Who tries to open a page, one after another."""
Choose = Callable[["Sample", random.Random], str]


class Case(NamedTuple):
    """One kind of request: its name, the bar it is held to, who asks, and an address drawn by chance."""

    name: str
    kind: str
    who: str
    address: Choose


class Sample(NamedTuple):
    """What a database holds, to ask for."""

    ids: Sequence[Any]
    receipts: Sequence[str]
    names: Sequence[str]
    statements: Sequence[str]
    addresses: Sequence[str]
    page_1000: str


def _year(chance: random.Random) -> str:
    """A year that begins and ends within a month, so that whole months and single days are added up."""
    until = clock.today() - timedelta(days=chance.randrange(400))
    return f"since={until - timedelta(days=364)}&until={until}"


def _list(words: str) -> Choose:
    return lambda _sample, _chance: f"/api/v1/office/tips?{words}"


def _search(draw: Callable[[Sample, random.Random], str]) -> Choose:
    return lambda sample, chance: f"/api/v1/office/tips?q={draw(sample, chance)}"


def _piece(texts: Sequence[str], chance: random.Random, length: int) -> str:
    text = re.sub(r"[，。、“”：%\s]", "", chance.choice(texts))
    start = chance.randrange(max(1, len(text) - length))
    return text[start : start + length]


CASES: Final = (
    Case("first page", "list", _CITY, _list("")),
    Case("first page of a district", "list", _DISTRICT, _list("")),
    Case("page 1,000", "list", _CITY, lambda sample, _: f"/api/v1/office/tips?cursor={sample.page_1000}"),
    Case("status", "list", _CITY, _list("status=verifying")),
    Case("rare status", "list", _CITY, _list("status=return_requested")),
    Case("district's status", "list", _DISTRICT, _list("status=verifying")),
    Case("division", "list", _CITY, _list("division=650107")),
    Case("overdue", "list", _CITY, _list("overdue=true")),
    Case("dispute", "list", _CITY, _list("dispute=true")),
    Case("priority", "list", _CITY, _list("priority=P1")),
    Case("conduct type", "list", _CITY, _list("conduct=forestry")),
    Case("channel", "list", _CITY, _list("channel=web")),
    Case("days of registration", "list", _CITY, _list("since=2025-03-01&until=2025-03-31")),
    Case("stage, oldest first", "list", _CITY, _list("stage=open&order=oldest")),
    Case("by deadline", "list", _CITY, _list("order=due")),
    Case("stage by deadline", "list", _CITY, _list("stage=unit&order=due")),
    Case("district by deadline", "list", _DISTRICT, _list("stage=open&order=due")),
    Case("search: name", "search", _CITY, _search(lambda s, c: c.choice(s.names))),
    Case("search: two characters", "search", _CITY, _search(lambda s, c: _piece(s.statements, c, 2))),
    Case("search: two of a name", "search", _CITY, _search(lambda s, c: _piece(s.names, c, 2))),
    Case("search: one character", "search", _CITY, _search(lambda s, c: _piece(s.statements, c, 1))),
    Case("search: four characters", "search", _CITY, _search(lambda s, c: _piece(s.statements, c, 4))),
    Case("search: address", "search", _CITY, _search(lambda s, c: c.choice(s.addresses)[6:])),
    Case("search: two words", "search", _CITY, _search(lambda s, c: f"{_piece(s.names, c, 2)} {_piece(s.statements, c, 2)}")),
    Case("search: nothing has it", "search", _CITY, _search(lambda _s, c: f"鞑靼{c.randrange(10)}")),
    Case("search: receipt number", "search", _CITY, _search(lambda s, c: c.choice(s.receipts))),
    Case("search of a district", "search", _DISTRICT, _search(lambda s, c: _piece(s.statements, c, 2))),
    Case("search by deadline", "search", _CITY, lambda s, c: f"/api/v1/office/tips?order=due&q={_piece(s.names, c, 3)}"),
    Case("open one", "open", _CITY, lambda s, c: f"/api/v1/office/tips/{c.choice(s.ids)}"),
    Case("page: home", "page", _CITY, lambda _s, _c: "/"),
    Case("page: home of a district", "page", _DISTRICT, lambda _s, _c: "/"),
    Case("page: queue", "page", _CITY, lambda _s, _c: "/tips"),
    Case("page: queue of a district", "page", _DISTRICT, lambda _s, _c: "/tips"),
    Case("page: one tip", "page", _CITY, lambda s, c: f"/tips/{c.choice(s.ids)}"),
    Case("page: reassignments", "page", _CITY, lambda _s, _c: "/reassignments"),
    Case("page: figures of 30 days", "page", _CITY, lambda _s, _c: "/statistics"),
    Case("page: figures of a year", "page", _CITY, lambda _s, c: f"/statistics?{_year(c)}"),
    Case("page: figures of a district", "page", _DISTRICT, lambda _s, c: f"/statistics?{_year(c)}"),
    Case("page: list behind a figure", "page", _CITY, lambda _s, c: f"/tips?took=conclude-{c.randrange(5, 30)}&{_year(c)}"),
    Case("page: list behind a rare figure", "page", _CITY, lambda _s, c: f"/tips?corrected=true&{_year(c)}"),
)  # fmt: skip


def main() -> int:
    """Measure every size in turns, print the table, return 1 when a bar is missed."""
    options = _options()
    if options.worker is not None:
        return _work(options)
    with contextlib.ExitStack() as stack:
        workers = {size: stack.enter_context(_Worker.of(size)) for size in sorted(options.sizes)}
        largest = workers[max(workers)]
        pages = [Case(f"page {path}", "page", who, _constantly(path)) for path, who in largest.ask("pages")]
        cases = [case for case in (*CASES, *pages) if re.search(options.only, case.name)]
        figures = {case.name: _in_turns(workers, case, options.requests) for case in cases}
        if options.plans:
            largest.ask("plans")
        print(largest.ask("machine"))
    return _print(cases, figures, options.clock)


class _Worker:
    """The process of one size: a line of JSON asks, a line answers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextlib.contextmanager
    def of(cls, size: int) -> Iterator[_Worker]:
        """The worker of a size, ready; the options of this command are its own too."""
        command = [sys.executable, "-m", "bench.search", *sys.argv[1:], "--worker", str(size)]
        with subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            worker = cls(process)
            worker.ask("ready")
            yield worker
            assert process.stdin  # opened above
            process.stdin.close()

    def ask(self, what: str, *given: Any) -> Any:
        """The answer to one question."""
        assert self._process.stdin  # opened above
        assert self._process.stdout
        self._process.stdin.write(json.dumps([what, *given]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _in_turns(workers: dict[int, _Worker], case: Case, requests: int) -> dict[int, list[float]]:
    """Milliseconds of each request of a case at each size that has anything to ask it about."""
    found: dict[int, list[float]] = {size: [] for size in workers}
    for turn in range(-(-requests // _TURN)):
        for size, worker in workers.items():
            found[size] += worker.ask("measure", case.name, case.who, turn)
    say(f"{case.name}: " + ", ".join(f"{statistics.median(taken):.1f}" for taken in found.values() if taken) + " ms")
    return {size: taken for size, taken in found.items() if taken}


def _work(options: argparse.Namespace) -> int:
    """Answer the questions of :func:`main` about one size, until there are no more."""
    with _filled(options.data / str(options.worker), options.worker) as (app, url), app.app_context():
        _count()
        sample, tell = _sample(url), _clock(options.clock)
        office = _Office(app, tell)
        spare_the_collector()  # as the server does
        for line in sys.stdin:
            match json.loads(line):
                case ["ready"]:
                    answer: Any = True
                case ["pages"]:
                    answer = office.pages()
                case ["measure", name, who, turn]:
                    answer = _measure(office, sample, _case(name, who), turn)
                case ["plans"]:
                    answer = _write_plans(office, sample)
                case _:
                    answer = machine(url)
            print(json.dumps(answer), flush=True)
        db.session.remove()
        db.engine.dispose()
    return 0


def _case(name: str, who: str) -> Case:
    known = {case.name: case for case in CASES}
    return known.get(name) or Case(name, "page", who, _constantly(name.removeprefix("page ")))


def _constantly(path: str) -> Choose:
    return lambda _sample, _chance: path


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--requests", type=int, default=60, help="requests of each case")
    parser.add_argument(
        "--data", type=Path, default=REPOSITORY / "var" / "bench-search", help="where databases are kept"
    )
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--plans", action="store_true", help="write bench/plans/")
    parser.add_argument("--only", default="", help="a regular expression that the names of the cases must hold")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


@contextlib.contextmanager
def _filled(data_dir: Path, size: int) -> Iterator[tuple[Flask, str]]:
    """The application over a database of ``size`` tips, made when it is not there yet."""
    data_dir.mkdir(parents=True, exist_ok=True)
    services = LocalServices(data_dir)
    endpoints = services.ensure_running()
    fixed = {"DATABASE_URL": endpoints.database_url, "REDIS_URL": endpoints.redis_url, "DATA_DIR": str(data_dir)}
    fixed |= {"DEMO": "1", "WECHAT_API_BASE": "http://127.0.0.1:9"}
    environment = {**os.environ, **demo_environment(fixed, data_dir), **fixed}
    flask = [sys.executable, "-m", "flask", "--app", "wsgi", "demo"]
    try:
        told = {"cwd": REPOSITORY, "env": environment, "stdout": sys.stderr}  # its own stdout is for answers
        subprocess.run([*flask, "prepare"], check=True, **told)
        with psycopg.connect(endpoints.database_url, autocommit=True) as connection:
            held = connection.execute("SELECT count(*) FROM tip_grams").fetchone()
            if held and held[0] < size:
                say(f"filling {size - held[0]:,} tips …")
                began = time.perf_counter()
                subprocess.run([*flask, "fill", "--tips", str(size - held[0])], check=True, **told)
                say(f"filled in {time.perf_counter() - began:,.0f} s")
                connection.execute("VACUUM ANALYZE")
        yield create_app(load_settings(environment)), endpoints.database_url
    finally:
        services.release()


def _count() -> None:
    """Let the background count what it has not counted."""
    began = time.perf_counter()
    jobs.count_tips()
    say(f"counted in {time.perf_counter() - began:,.1f} s")


def _sample(url: str) -> Sample:
    """What can be asked for, nothing in an empty office; the 1,000th page, or the last one of a small office."""
    with psycopg.connect(url) as connection:
        tips = connection.execute(
            "SELECT t.id, t.receipt_number, s.name, t.description, s.operating_address FROM tips t "
            "JOIN tip_subjects s ON s.tip_id = t.id WHERE t.id IN "
            "(SELECT id FROM tips TABLESAMPLE BERNOULLI (least(100, 60000000.0 / "
            "(SELECT greatest(reltuples, 1) FROM pg_class WHERE relname = 'tips') / 100))) AND s.name IS NOT NULL LIMIT 500"
        ).fetchall()
        before = connection.execute(
            "SELECT registered_at, tip_id FROM handlings ORDER BY registered_at DESC, tip_id DESC "
            "OFFSET greatest(least(999 * %s, (SELECT count(*) FROM handlings) - %s) - 1, 0) LIMIT 1", [_PAGE, _PAGE]
        ).fetchone()  # fmt: skip
    if before is None:
        return Sample((), (), (), (), (), "")
    columns = list(zip(*tips, strict=True))
    return Sample(*columns, page_1000=to_cursor(*before))


def _clock(name: str) -> Callable[[], float]:
    """What tells the seconds: the wall's clock, or the time on a processor."""
    if name == "wall":
        return time.perf_counter
    with transaction(OPEN_WALL) as session:
        backend = session.scalar(select(func.pg_backend_pid()))
    runs = Path(f"/proc/{backend}/schedstat")  # the one connection that requests, one after another, take from the pool
    return lambda: time.process_time() + int(runs.read_text().split()[0]) / 1e9


def _measure(office: _Office, sample: Sample, case: Case, turn: int) -> list[float]:
    """Milliseconds of the requests of one turn, after one that is not counted; none where there is nothing to ask.

    Nor are there any of an empty list.
    """
    if case.kind != "page" and not sample.ids:
        return []
    chance = random.Random(f"{case.name} {turn}")
    try:
        addresses = [case.address(sample, chance) for _ in range(_TURN + 1)]
    except IndexError:  # a page about one tip, in an empty office
        return []
    answers = [office.ask(case.who, address) for address in addresses]
    if case.kind == "list" and not any(answer.get_json()["items"] for answer, _ in answers):
        return []
    return [1000 * taken for _, taken in answers][1:]


class _Office:
    """Signed-in officers with token and cookie, who ask the application of this process."""

    def __init__(self, app: Flask, tell: Callable[[], float]) -> None:
        self._app, self._tell = app, tell
        self._clients: dict[str, tuple[FlaskClient, str, str]] = {}

    def ask(self, username: str, address: str) -> tuple[TestResponse, float]:
        """What one address answers, and the seconds that it took; anything but 200 is a fault of the bench."""
        answer, taken = self._answer(username, address)
        assert answer.status_code == 200, (address, answer.status_code, answer.get_data(as_text=True)[:300])
        return answer, taken

    def pages(self) -> list[tuple[str, str]]:
        """Every whole page of the console without a thing of its own in the address, and who opens it here."""
        found = []
        for rule in self._app.url_map.iter_rules():
            if not rule.endpoint.startswith("console.") or rule.arguments or "GET" not in (rule.methods or ()):
                continue
            for who in _OPENERS:
                answer, _ = self._answer(who, rule.rule)
                if answer.status_code == 200 and answer.mimetype == "text/html" and b"<main" in answer.get_data():
                    found.append((rule.rule, who))
                    break
        return sorted(found)

    def _answer(self, username: str, address: str) -> tuple[TestResponse, float]:
        client, token, _ = self._client(username)
        for name in list(g):  # this process's own application context lends it to every request
            g.pop(name)
        began = self._tell()
        answer = client.get(address, headers={"Authorization": f"Bearer {token}"})
        answer.get_data()
        return answer, self._tell() - began

    def wall(self, username: str) -> str:
        """The district wall of an officer."""
        return self._client(username)[2]

    def _client(self, username: str) -> tuple[FlaskClient, str, str]:
        if username not in self._clients:
            token, page = token_of(username), person(username, Audience.CONSOLE)
            client = self._app.test_client()
            with client.session_transaction() as session:
                session[CONSOLE_COOKIE_KEY] = str(page.session_id)
            self._clients[username] = client, token, page.wall
        return self._clients[username]


def _write_plans(office: _Office, sample: Sample) -> None:
    """The plan of every statement of each case, as the program's role meets it."""
    PLANS.mkdir(exist_ok=True)
    for case in CASES:
        chance, seen = random.Random(case.name), []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any, seen: Any = seen) -> None:
            seen.append((statement, parameters))

        event.listen(db.engine, "before_cursor_execute", note)
        office.ask(case.who, case.address(sample, chance))
        event.remove(db.engine, "before_cursor_execute", note)
        name = re.sub(r"[^a-z0-9]+", "-", case.name.lower()).strip("-")
        (PLANS / f"{name}.txt").write_text("\n".join(_explained(seen, office.wall(case.who))), encoding="utf-8")


_ABOUT_TIPS: Final = re.compile(
    r"\b(handlings|tips|tip_subjects|handling_events|search_tips|reassignments|tip_facts|tip_counts)\b"
)


def _explained(statements: Sequence[tuple[str, Any]], wall: str) -> Iterator[str]:
    """Each statement about tips with its plan, behind the wall of who asked."""
    with transaction(wall) as session:
        connection = session.connection()
        for statement, parameters in statements:
            if statement.lstrip().startswith(("SELECT", "WITH")) and _ABOUT_TIPS.search(statement):
                plan = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}", parameters
                )
                yield "-- " + " ".join(_shortened(statement).split())
                yield from (row[0] for row in plan)
                yield ""


def _shortened(statement: str) -> str:
    return re.sub(r"SELECT .*? FROM", "SELECT … FROM", re.sub(r"\s+", " ", statement), count=1)


def _print(cases: Sequence[Case], figures: dict[str, dict[int, list[float]]], clock_name: str) -> int:
    sizes = sorted({size for taken in figures.values() for size in taken})
    print("\n| case | " + " | ".join(f"{size:,} tips" for size in sizes) + " | ratio | bar | verdict |")
    print("| --- |" + " ---: |" * len(sizes) + " ---: | --- | --- |")
    missed = 0
    for case in cases:
        p95 = {size: _p95(taken) for size, taken in figures[case.name].items()}
        most = p95[max(p95)]
        ratio, bar = most / p95[min(p95)], SEARCH_BAR if case.kind == "search" else LIST_BAR
        met = ratio <= bar and (case.kind != "page" or most <= PAGE_MS_BAR)
        missed += not met
        told = f"≤ {bar}" + (f", ≤ {PAGE_MS_BAR:.0f} ms" if case.kind == "page" else "")
        cells = " | ".join(f"{p95[size]:.1f}" if size in p95 else "–" for size in sizes)
        print(f"| {case.name} | {cells} | {ratio:.2f} | {told} | {'met' if met else 'MISSED'} |")
    print(f"\nMilliseconds, p95 of the server's time by the {clock_name} clock.")
    return 1 if missed else 0


def _p95(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
