"""How fast tips are filed and asked for, against a bare insert and a bare read on the same server in the same run.

The rounds of floor and product alternate, so that both see the same machine; the ratio is the median over the rounds.
Afterwards every tip that was answered with 201 is looked for in the database, with all its rows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from bench.stage import Load, Stage, machine, say, stage

SUBMIT, QUERY = "/api/v1/tips", "/api/v1/tips/query"
SUBMIT_BAR: Final = 0.25
QUERY_BAR: Final = 0.5
TAIL_BAR: Final = 10.0
TAIL_CONNECTIONS: Final = 8

# The rows of one tip: table, and the condition that joins them to ``tips t``.
_ROWS: Final = {
    "tips": "r.id = t.id",
    "tip_subjects": "r.tip_id = t.id",
    "reporters": "r.tip_id = t.id",
    "tip_jurisdictions": "r.tip_id = t.id",
    "handlings": "r.tip_id = t.id",
    "handling_events": "r.tip_id = t.id",
    "audit_events": "r.object_type = 'tip' AND r.object_id = t.id::text",
    "outbox_messages": "r.payload->>'tip_id' = t.id::text",
}


@dataclass
class Measured:
    """What the rounds of one path at one number of connections gave."""

    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    errors: int = 0

    def add(self, answer: dict[str, Any]) -> None:
        """Take the figures of one round."""
        good = sum(number for status, number in answer["statuses"].items() if status in {"200", "201"})
        self.rates.append(good / answer["seconds"])
        self.latencies += answer["latencies"]
        self.errors += sum(answer["statuses"].values()) - good
        if answer["sample"]:
            say("  first refusal: " + answer["sample"][:300])

    @property
    def rate(self) -> float:
        """Answers a second: the median of the rounds."""
        return statistics.median(self.rates)

    def percentile(self, share: float) -> float:
        """Milliseconds within which ``share`` of all requests were answered."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def told(self) -> str:
        """Rate and percentiles as cells of a table."""
        p50, p95, p99 = (self.percentile(share) for share in (0.5, 0.95, 0.99))
        return f"{self.rate:,.0f} | {p50:.1f} / {p95:.1f} / {p99:.1f} | {self.errors}"


@dataclass(frozen=True)
class Pair:
    """A path, the floor it is held against, and the bar."""

    name: str
    floor: dict[str, Any]
    product: dict[str, Any]
    bar: float | None


def main() -> int:
    """Measure, print the table, return 1 when a bar is missed or a tip is missing."""
    options = _options()
    with stage() as running:
        load = Load(running.port)
        try:
            size = _row_size(running, load)
            pairs = _pairs(size)
            for pair in pairs:
                _warm_up(load, pair, options.warm_up)
            lines, held = [], True
            for pair in pairs:
                for connections in options.connections:
                    floor, product, ratios = _rounds(load, pair, connections, options)
                    line, good = _judged(pair, connections, floor, product, ratios)
                    lines.append(line)
                    held &= good
            receipts = [number for number, _ in load.run(kind="receipts")["receipts"]]
        finally:
            load.close()
        counted, complete = _count(running, receipts)
        _print(running, lines, counted, size)
    return 0 if held and complete else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.submit",
        description=__doc__,
        epilog="With DATABASE_URL and REDIS_URL those services are used, and tens of thousands of tips stay in them: "
        "give it a database of its own. Without them PostgreSQL and Valkey run in a temporary directory.",
    )
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32], help="default: 1 8 32")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of rounds for each line (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one round (default 3)")
    parser.add_argument("--warm-up", type=float, default=4.0, help="seconds before the first round (default 4)")
    return parser.parse_args()


def _row_size(running: Stage, load: Load) -> int:
    """File a few tips and tell how many bytes the rows of one take, on average."""
    load.run(kind="tip", path=SUBMIT, connections=2, seconds=1.0, keep_receipts=True)
    sums = " + ".join(
        f"coalesce((SELECT sum(pg_column_size(r.*)) FROM {table} r WHERE {joined}), 0)"
        for table, joined in _ROWS.items()
    )
    with _owner(running) as connection:
        row = connection.execute(f"SELECT avg({sums}) FROM (SELECT * FROM tips LIMIT 400) t").fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("no tip was filed; the server said:\n" + running.log.read_text("utf-8")[-3000:])
    return round(row[0])


def _pairs(size: int) -> list[Pair]:
    filing = {"kind": "tip", "path": SUBMIT, "keep_receipts": True}
    asking = {"kind": "query", "path": QUERY}
    insert = {"kind": "tip", "path": f"/floor/insert?{size}"}
    read, raw_read = ({"kind": "get", "path": f"/{floor}/read"} for floor in ("bare", "floor"))
    return [
        Pair("file a tip / raw driver", insert, filing, SUBMIT_BAR),
        Pair("ask by code / bare end point", read, asking, QUERY_BAR),
        Pair("ask by code / raw driver", raw_read, asking, None),
    ]


def _warm_up(load: Load, pair: Pair, seconds: float) -> None:
    say(f"warming up: {pair.name} …")
    for job in (pair.floor, pair.product):
        load.run(**job, connections=32, seconds=seconds / 2)


def _rounds(
    load: Load, pair: Pair, connections: int, options: argparse.Namespace
) -> tuple[Measured, Measured, list[float]]:
    floor, product = Measured(), Measured()
    for number in range(options.rounds):
        floor.add(load.run(**pair.floor, connections=connections, seconds=options.seconds))
        product.add(load.run(**pair.product, connections=connections, seconds=options.seconds))
        shown = f"floor {floor.rates[-1]:,.0f}/s, product {product.rates[-1]:,.0f}/s"
        say(f"{pair.name}, {connections} connections, round {number + 1} of {options.rounds}: {shown}")
    return floor, product, [one / other for one, other in zip(product.rates, floor.rates, strict=True)]


def _judged(
    pair: Pair, connections: int, floor: Measured, product: Measured, ratios: Sequence[float]
) -> tuple[str, bool]:
    ratio, tail = statistics.median(ratios), product.percentile(0.99) / product.percentile(0.5)
    bar = pair.bar if connections > 1 else None  # one connection is reported: latency alone, nothing sustained
    good = (bar is None or ratio >= bar) and not product.errors and not floor.errors
    if connections == TAIL_CONNECTIONS:
        good &= tail < TAIL_BAR
    cells = [
        pair.name,
        str(connections),
        f"{floor.rate:,.0f}",
        product.told(),
        f"**{ratio:.2f}** ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{tail:.1f} × p50",
        "report" if bar is None else f"≥ {bar}",
        "met" if good else "MISSED",
    ]
    return "| " + " | ".join(cells) + " |", good


def _count(running: Stage, receipts: list[str]) -> tuple[str, bool]:
    """Look for all rows of every tip that was answered with 201."""
    kinds = ", ".join(
        f"count(*) FILTER (WHERE (SELECT count(*) FROM {table} r WHERE {joined}) = "
        + ("t.real_name::int)" if table == "reporters" else "1)")
        for table, joined in _ROWS.items()
        if table != "outbox_messages"
    )
    with _owner(running) as connection:
        found = connection.execute(f"SELECT {kinds} FROM tips t WHERE receipt_number = ANY (%s)", [receipts]).fetchone()
        messages = connection.execute(
            "SELECT count(DISTINCT t.id) FROM tips t JOIN outbox_messages m ON m.payload->>'tip_id' = t.id::text "
            "WHERE t.receipt_number = ANY (%s)",
            [receipts],
        ).fetchone()
    numbers = [*(found or ()), *(messages or ())]
    complete = all(number == len(receipts) for number in numbers)
    told = "every one is in the database with all its rows" if complete else f"ROWS ARE MISSING: {numbers}"
    return f"{len(receipts):,} tips were answered with 201; {told}.", complete


def _owner(running: Stage) -> psycopg.Connection[Any]:
    """A connection that sees every row: the owner of the tables stands above the wall."""
    return psycopg.connect(running.database_url)


def _print(running: Stage, lines: list[str], counted: str, size: int) -> None:
    print(machine(running.database_url))
    print(
        f"Load of the machine {os.getloadavg()[0]:.1f}. One tip is {size:,} bytes in its rows; so is the floor's row.\n"
    )
    print("| path | connections | floor /s | product /s | p50 / p95 / p99 ms | errors | ratio | p99 | bar | verdict |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- |")
    print("\n".join(lines))
    print("\n" + counted)


if __name__ == "__main__":
    sys.exit(main())
