"""Queue, search and single tips at several sizes of the database: p95 of the server's time, and the plans it rests on.

Every database is filled by ``flask demo fill`` once and kept in ``--data``. Requests run in this process, through the
whole application (signing in, wall, queries, JSON or page), one after another and the sizes' cases in the same order;
each is asked with many different words, tips and officers. The ratio compares the largest size with the smallest.
``--clock cpu`` counts the time on a processor of this process and of its database connections, for a machine that has
other work as well.
``--plans`` writes what PostgreSQL does for each statement of each case at the largest size to ``bench/plans/``.
"""

from __future__ import annotations

import argparse
import contextlib
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
from sqlalchemy import event, func, select

from app import create_app
from app.foundation import clock
from app.foundation.config import REPOSITORY, demo_environment, load_settings
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.http import Audience
from app.foundation.local_services import LocalServices
from app.foundation.paging import to_cursor
from app.identity import service as identity
from app.identity import tokens
from app.identity.authentication import CONSOLE_COOKIE_KEY
from app.identity.models import Account
from app.tips import jobs
from bench.stage import machine, say

SIZES: Final = (1_000, 100_000, 1_000_000)
LIST_BAR, SEARCH_BAR, PAGE_MS_BAR = 1.5, 3.0, 150.0
PLANS: Final = Path(__file__).parent / "plans"
_PAGE: Final = 20
_DISTRICT: Final = "district.650104"
_CITY: Final = "city.reviewer"
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
    """Measure every size, print the table, return 1 when a bar is missed."""
    options = _options()
    figures: dict[int, dict[str, list[float]]] = {}
    for size in options.sizes:
        with _filled(options.data / str(size), size) as (app, url), app.app_context():
            _count()
            figures[size] = _measure(app, _sample(url), options.requests, _clock(options.clock))
            if options.plans and size == max(options.sizes):
                _write_plans(app, _sample(url))
            told = machine(url)
            db.session.remove()
            db.engine.dispose()
    print(told)
    return _print(figures, options.clock)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--requests", type=int, default=60, help="requests of each case")
    parser.add_argument(
        "--data", type=Path, default=REPOSITORY / "var" / "bench-search", help="where databases are kept"
    )
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--plans", action="store_true", help="write bench/plans/")
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
        subprocess.run([*flask, "prepare"], cwd=REPOSITORY, env=environment, check=True)
        with psycopg.connect(endpoints.database_url, autocommit=True) as connection:
            held = connection.execute("SELECT count(*) FROM tip_grams").fetchone()
            if held and held[0] < size:
                say(f"filling {size - held[0]:,} tips …")
                began = time.perf_counter()
                subprocess.run(
                    [*flask, "fill", "--tips", str(size - held[0])], cwd=REPOSITORY, env=environment, check=True
                )
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
    """What can be asked for; the 1,000th page, or the last one of a small office."""
    with psycopg.connect(url) as connection:
        tips = connection.execute(
            "SELECT t.id, t.receipt_number, s.name, t.description, s.operating_address FROM tips t "
            "JOIN tip_subjects s ON s.tip_id = t.id WHERE t.id IN "
            "(SELECT id FROM tips TABLESAMPLE BERNOULLI (least(100, 60000000.0 / "
            "(SELECT greatest(reltuples, 1) FROM pg_class WHERE relname = 'tips') / 100))) AND s.name IS NOT NULL LIMIT 500"
        ).fetchall()
        before = connection.execute(
            "SELECT registered_at, tip_id FROM handlings ORDER BY registered_at DESC, tip_id DESC "
            "OFFSET least(999 * %s, (SELECT count(*) FROM handlings) - %s) - 1 LIMIT 1", [_PAGE, _PAGE]
        ).fetchone()  # fmt: skip
    assert before is not None
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


def _measure(app: Flask, sample: Sample, requests: int, tell: Callable[[], float]) -> dict[str, list[float]]:
    """Milliseconds of each request of each case, after one that is not counted."""
    figures: dict[str, list[float]] = {case.name: [] for case in CASES}
    asking = {name: _officer(app, name, tell) for name in {case.who for case in CASES}}
    for case in CASES:
        chance = random.Random(case.name)
        for number in range(requests + 3):
            taken = asking[case.who](case.address(sample, chance))
            if number >= 3:
                figures[case.name].append(taken * 1000)
        say(f"{case.name}: {statistics.median(figures[case.name]):.1f} ms")
    return figures


def _officer(app: Flask, username: str, tell: Callable[[], float]) -> Callable[[str], float]:
    """A signed-in officer with token and cookie; asks one address and returns the seconds it took."""
    with transaction(OPEN_WALL):
        account = db.session.scalars(select(Account).where(Account.username == username)).one()
        api = identity.open_session(account, Audience.OFFICER)[1]
        page = identity.open_session(account, Audience.CONSOLE)[1]
    token, _ = tokens.issue(Audience.OFFICER, str(api.account_id), api.session_id, clock.now())
    client = app.test_client()
    with client.session_transaction() as session:
        session[CONSOLE_COOKIE_KEY] = str(page.session_id)

    def ask(address: str) -> float:
        for name in list(g):  # this process's own application context lends it to every request
            g.pop(name)
        began = tell()
        answer = client.get(address, headers={"Authorization": f"Bearer {token}"})
        answer.get_data()
        taken = tell() - began
        assert answer.status_code == 200, (address, answer.status_code, answer.get_data(as_text=True)[:300])
        return taken

    return ask


def _write_plans(app: Flask, sample: Sample) -> None:
    """The plan of every statement of each case, as the program's role meets it."""
    PLANS.mkdir(exist_ok=True)
    asking = {name: _officer(app, name, time.perf_counter) for name in {case.who for case in CASES}}
    for case in CASES:
        chance, seen = random.Random(case.name), []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any, seen: Any = seen) -> None:
            seen.append((statement, parameters))

        event.listen(db.engine, "before_cursor_execute", note)
        asking[case.who](case.address(sample, chance))
        event.remove(db.engine, "before_cursor_execute", note)
        name = re.sub(r"[^a-z0-9]+", "-", case.name.lower()).strip("-")
        (PLANS / f"{name}.txt").write_text("\n".join(_explained(seen)), encoding="utf-8")


_ABOUT_TIPS: Final = re.compile(
    r"\b(handlings|tips|tip_subjects|handling_events|search_tips|reassignments|tip_facts|tip_counts)\b"
)


def _explained(statements: Sequence[tuple[str, Any]]) -> Iterator[str]:
    """Each statement about tips with its plan, behind the wall that the request put up."""
    with db.engine.connect() as connection:
        for statement, parameters in statements:
            if "set_config" in statement:
                connection.exec_driver_sql(statement, parameters)
            elif statement.lstrip().startswith(("SELECT", "WITH")) and _ABOUT_TIPS.search(statement):
                plan = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}", parameters
                )
                yield "-- " + " ".join(_shortened(statement).split())
                yield from (row[0] for row in plan)
                yield ""


def _shortened(statement: str) -> str:
    return re.sub(r"SELECT .*? FROM", "SELECT … FROM", re.sub(r"\s+", " ", statement), count=1)


def _print(figures: dict[int, dict[str, list[float]]], clock_name: str) -> int:
    sizes = sorted(figures)
    print("\n| case | " + " | ".join(f"{size:,} tips" for size in sizes) + " | ratio | bar | verdict |")
    print("| --- |" + " ---: |" * len(sizes) + " ---: | --- | --- |")
    missed = 0
    for case in CASES:
        p95 = [_p95(figures[size][case.name]) for size in sizes]
        ratio, bar = p95[-1] / p95[0], SEARCH_BAR if case.kind == "search" else LIST_BAR
        met = ratio <= bar and (case.kind != "page" or p95[-1] <= PAGE_MS_BAR)
        missed += not met
        told = f"≤ {bar}" + (f", ≤ {PAGE_MS_BAR:.0f} ms" if case.kind == "page" else "")
        cells = " | ".join(f"{figure:.1f}" for figure in p95)
        print(f"| {case.name} | {cells} | {ratio:.2f} | {told} | {'met' if met else 'MISSED'} |")
    print(f"\nMilliseconds, p95 of the server's time by the {clock_name} clock.")
    return 1 if missed else 0


def _p95(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
