"""How fast one action on a tip is, against inserting and committing one bare row, in one process and one run.

An action is everything the office gets for it: scope, lock, version, policy, table, the move with its clock, history,
audit row and outbox message, in one transaction. Rounds of floor and product alternate; the ratio is the median. The
second table sweeps tips whose day has come.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import select

from app import create_app, spare_the_collector
from app.foundation.config import REPOSITORY, load_settings
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.http import Audience
from app.foundation.permissions import Actor
from app.identity import service as identity
from app.identity.models import Account
from app.workflow import jobs, service
from bench.stage import _environment, _services, machine, say

ACTION_BAR: Final = 0.2
_STEPS: Final = (
    ("accept", "city.reviewer", {}),
    ("assign", "city.reviewer", {"division": "650104"}),
    ("sign_for", "district.650104", {}),
    ("submit_feedback", "district.650104", {"outcome": "SUBSTANTIATED", "text": "经查属实。"}),
    ("conclude", "city.reviewer", {}),
)
_FILL: Final = """
INSERT INTO handlings (tip_id, status, version, dispute, needs_review, registered_at, clock_from, clock_days, due_on,
                       next_mark_on)
SELECT gen_random_uuid(), 'registered', 1, false, false, %(at)s, %(day)s, 5, %(day)s::date + 7, %(day)s::date + 3
FROM generate_series(1, %(tips)s) RETURNING tip_id
"""


def main() -> int:
    """Measure, print the tables, return 1 when the bar is missed."""
    options = _options()
    with _office() as (url, app), app.app_context(), psycopg.connect(url) as raw:
        people = {name: _person(name) for _, name, _ in _STEPS}
        raw.execute("CREATE TABLE IF NOT EXISTS bench_floor (id bigint GENERATED ALWAYS AS IDENTITY, payload bytea)")
        raw.commit()
        ratios = [
            ratio
            for _ in range(options.rounds)
            for ratio in _round(raw, people, _fill(raw, options.actions), options.actions)
        ]
        swept = _sweep(raw, options.sweep)
        print(machine(url))
        _print(ratios, options.sweep, swept)
        db.session.remove()
        db.engine.dispose()
    return 0 if statistics.median(ratio for _, _, _, ratio in ratios) >= ACTION_BAR else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.workflow", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--actions", type=int, default=200, help="tips in each round, each goes through every step")
    parser.add_argument("--sweep", type=int, default=5000, help="tips whose day has come")
    return parser.parse_args()


@contextmanager
def _office() -> Iterator[tuple[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="shudi-bench-") as directory:
        data_dir = Path(directory)
        data_dir.chmod(0o711)  # PostgreSQL runs as another user when we are root
        with _services(data_dir) as (database_url, redis_url):
            environment = _environment(data_dir, database_url, redis_url)
            say("migrating, creating the office …")
            prepare = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "prepare"]
            subprocess.run(prepare, cwd=REPOSITORY, env=environment, check=True)
            app = create_app(load_settings(environment))
            spare_the_collector()
            yield database_url, app


def _person(username: str) -> Actor:
    with transaction(OPEN_WALL):
        account = db.session.scalars(select(Account).where(Account.username == username)).one()
        return identity.open_session(account, Audience.OFFICER)[1]


def _fill(raw: psycopg.Connection[Any], tips: int) -> list[UUID]:
    """Registered tips of today, as the rows that handling needs; returns their ids."""
    from app.foundation import clock

    rows = raw.execute(_FILL, {"tips": tips, "at": clock.now(), "day": clock.today()}).fetchall()
    raw.commit()
    return [row[0] for row in rows]


def _rate(number: int, run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return number / (time.perf_counter() - began)


def _round(
    raw: psycopg.Connection[Any], people: dict[str, Actor], tips: list[UUID], number: int
) -> Iterator[tuple[str, float, float, float]]:
    """Every step over all tips, each beside a run of the floor: (step, floor, product, ratio)."""

    def floor() -> None:
        for _ in range(number):
            raw.execute("INSERT INTO bench_floor (payload) VALUES (%b)", [b"x" * 600])
            raw.commit()

    for version, (action, username, given) in enumerate(_STEPS, start=1):

        def product(
            action: str = action, actor: Actor = people[username], given: Any = given, version: int = version
        ) -> None:
            for tip_id in tips:
                with transaction(OPEN_WALL):
                    service.act(actor, tip_id, action, version, given)
                db.session.remove()

        below, above = _rate(number, floor), _rate(number, product)
        say(f"{action}: floor {below:,.0f}/s, product {above:,.0f}/s")
        yield action, below, above, above / below


def _sweep(raw: psycopg.Connection[Any], tips: int) -> float:
    """Tips a second of a sweep that finds ``tips`` of them due."""
    due = _fill(raw, tips)
    raw.execute("UPDATE handlings SET next_mark_on = registered_at::date WHERE tip_id = ANY (%s)", [due])
    raw.commit()
    return _rate(tips, jobs.sweep_clocks)


def _print(ratios: list[tuple[str, float, float, float]], tips: int, swept: float) -> None:
    print("\n| action | floor /s | actions /s | ratio | bar |\n| --- | ---: | ---: | ---: | --- |")
    for action, _, _ in _STEPS:
        own = [line for line in ratios if line[0] == action]
        below, above, ratio = (statistics.median(line[column] for line in own) for column in (1, 2, 3))
        print(f"| {action} | {below:,.0f} | {above:,.0f} | **{ratio:.2f}** | ≥ {ACTION_BAR} |")
    print(f"\nSweep over {tips:,} tips whose day has come: {swept:,.0f} tips a second.")


if __name__ == "__main__":
    sys.exit(main())
