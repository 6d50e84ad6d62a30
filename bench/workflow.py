"""How fast an action on a tip is, against the one-row floor of ``bench.submit``, and how fast the sweep of clocks.

An action is everything the office gets for it: scope, lock, version, policy, table, the move with its clock, history,
audit row and outbox message, in one transaction. It is asked of the server that ``make run`` starts, with the token of
an officer, and answered with the new version alone. The floor is a bare end point on the same server that gets the same
body, inserts one row of the same size with the raw driver and commits. Rounds of floor and product alternate; the ratio
is the median over the rounds. The second figure sweeps tips whose day has come.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from flask import Flask

from app import create_app, spare_the_collector
from app.foundation import clock
from app.foundation.config import load_settings
from app.foundation.database import db
from app.workflow import jobs
from bench.officers import token_of
from bench.stage import Load, machine, say, stage

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
_WRITTEN: Final = """
SELECT avg(pg_column_size(h.*) + pg_column_size(e.*) + pg_column_size(a.*) + pg_column_size(m.*))
FROM handlings h JOIN handling_events e USING (tip_id, version)
JOIN audit_events a ON a.object_type = 'tip' AND a.object_id = h.tip_id::text
JOIN outbox_messages m ON m.payload->>'event_id' = e.id::text
"""


@dataclass(frozen=True)
class Pair:
    """One round of one step: actions a second of the floor and of the product."""

    action: str
    connections: int
    floor: float
    product: float


def main() -> int:
    """Measure, print the tables, return 1 when the bar is missed."""
    options = _options()
    with stage(of_its_own=True) as running, psycopg.connect(running.database_url, autocommit=True) as raw:
        app = create_app(load_settings(running.environment))
        spare_the_collector()
        load = Load(running.port)
        try:
            with app.app_context():
                signed_in = {name: token_of(name) for _, name, _ in _STEPS}
                list(_round(load, raw, signed_in, options.connections[-1], options.actions, 600))  # warms both up
                size = _size_of_an_action(raw)
                pairs = [
                    pair
                    for number in range(options.rounds)
                    for connections in options.connections
                    for pair in _told(number, _round(load, raw, signed_in, connections, options.actions, size))
                ]
        finally:
            load.close()
        swept = _sweep(app, raw, options.sweep)
        print(machine(running.database_url))
        held = _print(pairs, size)
        print(f"\nSweep over {options.sweep:,} tips whose day has come: {swept:,.0f} tips a second.")
        _dispose(app)
    return 0 if held else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.workflow", description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32], help="default: 1 8 32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--actions", type=int, default=400, help="tips in each round, each goes through every step")
    parser.add_argument("--sweep", type=int, default=5000, help="tips whose day has come")
    return parser.parse_args()


def _fill(raw: psycopg.Connection[Any], tips: int) -> list[UUID]:
    """Registered tips of today, as the rows that handling needs; returns their ids."""
    return [row[0] for row in raw.execute(_FILL, {"tips": tips, "at": clock.now(), "day": clock.today()}).fetchall()]


def _round(
    load: Load, raw: psycopg.Connection[Any], signed_in: dict[str, str], connections: int, tips: int, size: int
) -> Iterator[Pair]:
    """Every step over all of some new tips, each beside a run of the floor."""
    ids = _fill(raw, tips)
    for version, (action, username, given) in enumerate(_STEPS, start=1):
        body = {"action": action, "expected_version": version, **given}
        job = {"kind": "each", "token": signed_in[username], "connections": connections}
        floor = load.run(**job, requests=[[f"/floor/insert?{size}", body]] * tips)
        product = load.run(**job, requests=[[f"/bare/act/{tip_id}", body] for tip_id in ids])
        for answer, status in ((floor, "201"), (product, "200")):
            if answer["statuses"] != {status: tips}:
                raise RuntimeError(f"{action}: {answer['statuses']} {answer['sample']}")
        yield Pair(action, connections, tips / floor["seconds"], tips / product["seconds"])


def _told(number: int, pairs: Iterator[Pair]) -> Iterator[Pair]:
    for pair in pairs:
        shown = f"floor {pair.floor:,.0f}/s, product {pair.product:,.0f}/s"
        say(f"round {number + 1}, {pair.connections} connections, {pair.action}: {shown}")
        yield pair


def _size_of_an_action(raw: psycopg.Connection[Any]) -> int:
    """Bytes of the rows that one action writes, on average."""
    row = raw.execute(_WRITTEN).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("no action was done")
    return round(row[0])


def _sweep(app: Flask, raw: psycopg.Connection[Any], tips: int) -> float:
    """Tips a second of a sweep that finds ``tips`` of them due."""
    due = _fill(raw, tips)
    raw.execute("UPDATE handlings SET next_mark_on = registered_at::date WHERE tip_id = ANY (%s)", [due])
    with app.app_context():
        began = time.perf_counter()
        jobs.sweep_clocks()
        return tips / (time.perf_counter() - began)


def _dispose(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _print(pairs: list[Pair], size: int) -> bool:
    """The table; whether every sustained load (more than one connection) met the bar."""
    print(
        f"Load of the machine {os.getloadavg()[0]:.1f}. An action writes {size:,} bytes of rows; so is the floor's row.\n"
    )
    print("| action | connections | floor /s | actions /s | ratio | bar | verdict |")
    print("| --- | ---: | ---: | ---: | --- | --- | --- |")
    held = True
    for connections in sorted({pair.connections for pair in pairs}):
        for action, _, _ in _STEPS:
            own = [pair for pair in pairs if (pair.action, pair.connections) == (action, connections)]
            floor, product = (statistics.median(getattr(pair, name) for pair in own) for name in ("floor", "product"))
            ratios = [pair.product / pair.floor for pair in own]
            ratio, sustained = statistics.median(ratios), connections > 1
            good = ratio >= ACTION_BAR or not sustained
            held &= good
            spread = f"**{ratio:.2f}** ({min(ratios):.2f} to {max(ratios):.2f})"
            judged = f"≥ {ACTION_BAR} | {'met' if good else 'MISSED'}" if sustained else "report |"
            print(f"| {action} | {connections} | {floor:,.0f} | {product:,.0f} | {spread} | {judged} |")
    return held


if __name__ == "__main__":
    sys.exit(main())
