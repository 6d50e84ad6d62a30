"""Stock cases in bulk: import of a register, a round over a million claims, and reading at 100 and at 10,000 cases.

The import is the command that the office runs, as a process of its own: its time and its largest memory are told. The
round is one request's worth of work for one case that holds all the claims; afterwards every share is held against the
exact fraction. Reading goes through office API and console in one process; each figure is the 95th percentile.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
import xlsxwriter
from sqlalchemy import event, text
from stdnum.cn import ric

from app import create_app
from app.cases import ledger, money, payments, sharing
from app.cases.claim_columns import CLAIM_COLUMNS
from app.cases.claim_import import ClaimTarget
from app.cases.sheet_columns import find_headings
from app.cases.sheet_engine import take_in
from app.files.sheets import Workbook
from app.foundation.config import REPOSITORY, load_settings
from app.foundation.database import OPEN_WALL, db, end_reading, transaction
from app.foundation.http import Audience
from app.identity.authentication import CONSOLE_COOKIE_KEY
from bench.officers import person, token_of
from bench.search import PLANS
from bench.stage import _environment, _services, machine, say

IMPORT_BAR, ROUND_BAR, READ_BAR, MEMORY_BAR = 60.0, 30.0, 1.5, 400
_HEADINGS: Final = (
    "案件编号", "案件名称", "集资单位", "统一社会信用代码", "注册地", "案发地", "属地", "业务类别", "集资方式", "涉案金额（万元）",
    "未兑付金额（万元）", "参与集资人数", "发案时间", "具体责任人", "联系电话", "公安机关", "是否跨省", "涉稳等级",
)  # fmt: skip
_CATEGORIES: Final = ("债权类", "股权类", "商品营销类", "生产经营类", "其他")
_DISTRICTS: Final = ("天山区", "沙依巴克区", "新市区", "水磨沟区", "头屯河区", "达坂城区", "米东区", "乌鲁木齐县")
_CLAIMS: Final = """
INSERT INTO case_claims (id, case_id, claim_no, claimed_yuan, verified_yuan, verified_at, query_number, entered_at)
SELECT gen_random_uuid(), %(case_id)s, 'Z' || n, 1 + (n::bigint * 7919 %% 5000000) / 100.0, 1 + (n::bigint * 7919 %% 5000000) / 100.0,
       now(), %(mark)s || n, now()
FROM generate_series(1, %(claims)s) n
"""


def main() -> int:
    """Measure, print the tables, return 1 when a bar is missed."""
    options = _options()
    with _office() as (url, environment, directory):
        app = create_app(load_settings(environment))
        with app.app_context(), psycopg.connect(url, autocommit=True) as raw:
            _import(environment, directory, "small", 100)
            small = _reads(app, options.reads, None)
            end_reading()  # while the command works, which may take longer than a transaction may stand idle
            imported = [
                _import(environment, directory, "large", options.rows),
                _import(environment, directory, "large", options.rows),
            ]
            imported.append(_import_claims(raw, directory, options.rows))
            raw.execute("DELETE FROM case_claims")
            _keep_only(raw, options.cases)
            raw.execute("ANALYZE")
            large = _reads(app, options.reads, None)
            case_id = _fill(raw, options.claims)
            seconds, exact = _round(case_id)
            batch = _batch(raw, case_id)
            with_claims = _reads(app, options.reads, case_id)
            if options.plans:
                _write_plans(app, case_id)
            print(machine(url))
            return _print(options, imported, (small, large, with_claims), (seconds, exact, batch))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.cases", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the imported register")
    parser.add_argument("--cases", type=int, default=10_000, help="cases that reading is measured at")
    parser.add_argument("--claims", type=int, default=1_000_000, help="claims of the case that is shared")
    parser.add_argument("--reads", type=int, default=60, help="requests of each kind")
    parser.add_argument("--plans", action="store_true", help="write bench/plans/cases-*.txt")
    return parser.parse_args()


@contextmanager
def _office() -> Iterator[tuple[str, dict[str, str], Path]]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="shudi-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # PostgreSQL runs as another user when we are root
        with _services(directory) as (database_url, redis_url):
            environment = _environment(directory, database_url, redis_url)
            say("migrating, creating the office …")
            prepare = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "prepare"]
            subprocess.run(prepare, cwd=REPOSITORY, env=environment, check=True)
            yield database_url, environment, directory


def _sheet(path: Path, mark: str, rows: int) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        page = book.add_worksheet("台账")
        page.write_row(0, 0, _HEADINGS)
        for n in range(1, rows + 1):
            district = _DISTRICTS[n % len(_DISTRICTS)]
            page.write_row(n, 0, (
                f"{mark}〔2019〕{n}号", f"测试项目{n}案", f"乌鲁木齐测试{n}投资咨询有限公司", None, f"新疆乌鲁木齐市{district}测试路{n}号",
                f"新疆乌鲁木齐市天山区解放北路{n}号", district, _CATEGORIES[n % 5], "投资理财", n % 9000 + 0.5, n % 4000, n % 700,
                f"{2014 + n % 11}年{1 + n % 12}月{1 + n % 28}日",
                "责任人测试", 13900000000 + n, "测试公安分局", "否", "低",
            ))  # fmt: skip


def _import(environment: dict[str, str], directory: Path, mark: str, rows: int) -> tuple[float, float, int]:
    """Seconds, seconds on a processor, and largest memory in MB of the command that takes a register in."""
    path = directory / f"{mark}.xlsx"
    if not path.exists():
        _sheet(path, mark, rows)
    say(f"importing {rows:,} rows …")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "cases", "import", str(path), "--yes"]
    began = time.perf_counter()
    child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, status
    seconds = time.perf_counter() - began
    say(f"in {seconds:.0f} s")
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def _claim_sheet(path: Path, rows: int) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        page = book.add_worksheet("名单")
        page.write_row(0, 0, ("债权编号", "姓名", "身份证号", "联系电话", "申报金额", "开户银行", "银行账号", "户名"))
        for n in range(1, rows + 1):
            born = f"650102{1950 + n % 50}{1 + n % 12:02d}{1 + n % 28:02d}{n % 1000:03d}"
            number = born + ric.calc_check_digit(f"{born}0")
            page.write_row(n, 0, (
                f"参{n}", f"测试{n}", number, f"139{n:08d}", 100 + n % 9999, "测试银行", f"62220000{n:08d}", f"测试{n}",
            ))  # fmt: skip


def _import_claims(raw: psycopg.Connection[Any], directory: Path, rows: int) -> tuple[float, float, int]:
    """The same of a list of participants, taken in as the job does it, in this process."""
    path = directory / "claims.xlsx"
    _claim_sheet(path, rows)
    case_id = raw.execute("SELECT id FROM fundraising_cases WHERE division_code = '650104' LIMIT 1").fetchone()
    assert case_id is not None
    actor = person("district.650104")
    say(f"importing {rows:,} claims …")
    began, busy = time.perf_counter(), time.process_time()
    book = Workbook(path.read_bytes())
    with transaction(actor.wall):
        outcome = take_in(
            book, find_headings(book, CLAIM_COLUMNS), ClaimTarget(actor, case_id[0]),
            by_row=False, dry_run=False, progress=lambda _done: None,
        )  # fmt: skip
    assert outcome.created == rows, outcome.faults[:3]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return time.perf_counter() - began, time.process_time() - busy, memory


def _keep_only(raw: psycopg.Connection[Any], cases: int) -> None:
    raw.execute(
        "DELETE FROM case_events WHERE case_id IN (SELECT id FROM fundraising_cases ORDER BY id OFFSET %s)", [cases]
    )
    raw.execute(
        "DELETE FROM fundraising_cases WHERE id IN (SELECT id FROM fundraising_cases ORDER BY id OFFSET %s)", [cases]
    )


def _reads(app: Any, times: int, case_id: UUID | None) -> dict[str, float]:
    """Milliseconds of the 95th percentile of each kind of reading."""
    readings = _readings(app, case_id)
    found = {name: _p95(ask, times) for name, ask in readings.items()}
    found["statistics, first after a change"] = _p95(readings["statistics"], times, before=_change)
    return found


def _change() -> None:
    """A step of one case: its version tells that the figures of its unit are out of date."""
    with transaction(OPEN_WALL):
        step = (
            "UPDATE fundraising_cases SET version = version + 1 WHERE id = (SELECT id FROM fundraising_cases LIMIT 1)"
        )
        db.session.execute(text(step))


def _readings(app: Any, case_id: UUID | None) -> dict[str, Callable[[], Any]]:
    """What is read, over the office API and at the console; of the cases the newest one, or ``case_id``."""
    client, headers = app.test_client(), _signed_in("city.reviewer")
    first = case_id or client.get("/api/v1/office/cases", headers=headers).get_json()["items"][0]["id"]
    console = app.test_client()
    with console.session_transaction() as cookie:
        cookie[CONSOLE_COOKIE_KEY] = str(person("city.reviewer", Audience.CONSOLE).session_id)
    paths = {
        "register": "/api/v1/office/cases?limit=20",
        "register, one district": "/api/v1/office/cases?limit=20&division=650104",
        "one case": f"/api/v1/office/cases/{first}",
        "its page": f"/cases/{first}",
        "its ledger": f"/api/v1/office/cases/{first}/restitution",
        "statistics": "/cases/statistics",
    }
    return {
        name: lambda path=path: _asked(client if path.startswith("/api") else console, path, headers)
        for name, path in paths.items()
    }


def _signed_in(username: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(username)}"}


def _write_plans(app: Any, case_id: UUID) -> None:
    """What PostgreSQL does for each statement about cases of each reading."""
    for name, ask in _readings(app, case_id).items():
        seen: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any, seen: Any = seen) -> None:
            seen.append((statement, parameters))

        event.listen(db.engine, "before_cursor_execute", note)
        ask()
        event.remove(db.engine, "before_cursor_execute", note)
        lines = [line for statement, parameters in seen for line in _explained(statement, parameters)]
        (PLANS / f"cases-{name.replace(',', '').replace(' ', '-')}.txt").write_text("\n".join(lines), encoding="utf-8")


def _explained(statement: str, parameters: Any) -> Iterator[str]:
    if not re.match(r"\s*SELECT .*\b(fundraising_cases|case_\w+)\b", statement, re.DOTALL):
        return
    with transaction(OPEN_WALL):
        connection = db.session.connection()
        plan = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}", parameters
        )
        yield "-- " + re.sub(r"SELECT .*? FROM", "SELECT … FROM", " ".join(statement.split()), count=1)
        yield from (row[0] for row in plan)
        yield ""


def _asked(client: Any, path: str, headers: dict[str, str]) -> None:
    assert client.get(path, headers=headers).status_code == 200, path


def _p95(ask: Callable[[], Any], times: int, before: Callable[[], Any] = lambda: None) -> float:
    taken = []
    for _ in range(times):
        before()
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(taken, n=20)[-1]


def _fill(raw: psycopg.Connection[Any], claims: int) -> UUID:
    """A case that is returning money, with all the claims and the money for half of them."""
    say(f"filling {claims:,} claims …")
    row = raw.execute("SELECT id FROM fundraising_cases ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    case_id: UUID = row[0]
    raw.execute(_CLAIMS, {"case_id": case_id, "claims": claims, "mark": "bench-"})
    raw.execute(
        "UPDATE fundraising_cases SET restitution_stage = 'returning', outstanding_yuan = 1e12, "
        "unit_id = (SELECT unit_id FROM accounts WHERE username = 'district.650104') WHERE id = %s", [case_id]
    )  # fmt: skip
    raw.execute(
        "INSERT INTO case_funds (id, case_id, source, yuan, received_on, origin, entered_by_name, entered_at) "
        "VALUES (gen_random_uuid(), %s, 'balance', 1e12, now(), 'bench', 'bench', now())", [case_id]
    )  # fmt: skip
    raw.execute("ANALYZE case_claims")
    return case_id


def _round(case_id: UUID) -> tuple[float, bool]:
    """(seconds until the round is computed and committed, whether every share is exact)."""
    actor = person("district.650104")
    with transaction(OPEN_WALL):
        owed_fen = db.session.connection().exec_driver_sql(sharing.OWED_IN_ALL, {"case_id": case_id}).scalar_one()
    total = int(owed_fen) * 3 // 7 + 1
    say("sharing …")
    began = time.perf_counter()
    with transaction(actor.wall):
        ledger.distribute_round(actor, case_id, money.to_yuan(total), "balance")
    seconds = time.perf_counter() - began
    return seconds, _is_exact(case_id, total, int(owed_fen))


def _batch(raw: psycopg.Connection[Any], case_id: UUID) -> float:
    """Seconds until every share of the round is in a batch for the bank; half of them are paid afterwards."""
    actor = person("district.650104")
    say("making the batch …")
    began = time.perf_counter()
    with transaction(actor.wall):
        payments.make_batch(actor, case_id, 1, "bench")
    seconds = time.perf_counter() - began
    raw.execute("UPDATE case_payments SET state = 'paid' WHERE get_byte(uuid_send(id), 0) < 128")
    raw.execute("VACUUM ANALYZE case_payments")
    return seconds


def _is_exact(case_id: UUID, total: int, whole: int) -> bool:
    """Whether the parts are the whole, and each is the exact fraction rounded down or up to a fen."""
    found = text(
        "SELECT c.verified_yuan, coalesce(s.yuan, 0) FROM case_claims c LEFT JOIN case_shares s ON s.claim_id = c.id "
        "WHERE c.case_id = :case_id"
    ).execution_options(yield_per=10_000)
    given = 0
    with transaction(OPEN_WALL):
        for verified, yuan in db.session.execute(found, {"case_id": case_id}):
            share = int(Decimal(yuan) * 100)
            given += share
            if abs(share * whole - total * int(verified * 100)) >= whole:
                return False
    return given == total


def _print(
    options: argparse.Namespace,
    imported: list[tuple[float, float, int]],
    reads: tuple[dict[str, float], ...],
    shared: tuple[float, bool, float],
) -> int:
    small, large, with_claims = reads
    print("\n| what | measured | bar |\n| --- | ---: | ---: |")
    names = ("register, new", "register, again without a change", "participants, sealed")
    for name, (seconds, busy, memory) in zip(names, imported, strict=True):
        rate = options.rows / seconds
        print(
            f"| import, {name}: {options.rows:,} rows | {seconds:.1f} s ({rate:,.0f} rows/s; {busy:.1f} s on a processor), {memory} MB | {IMPORT_BAR:.0f} s, {MEMORY_BAR} MB |"
        )
    seconds, exact, batch = shared
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"| round over {options.claims:,} claims, computed and committed | {seconds:.1f} s, exact: {exact}, {own} MB | {ROUND_BAR:.0f} s, {MEMORY_BAR} MB |"
    )
    print(f"| batch for the bank of the same round | {batch:.1f} s | |")
    print(
        "\n| reading, p95 | 100 cases | " + f"{options.cases:,} cases | with {options.claims:,} claims | ratio | bar |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    missed = (
        not exact
        or seconds > ROUND_BAR
        or any(took > IMPORT_BAR or memory > MEMORY_BAR for took, _, memory in imported)
    )
    for name, before in small.items():
        ratio = with_claims[name] / before
        missed |= ratio > READ_BAR
        print(
            f"| {name} | {before:.1f} ms | {large[name]:.1f} ms | {with_claims[name]:.1f} ms | {ratio:.2f} | {READ_BAR} |"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
