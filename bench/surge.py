"""A surge: thousands of tips against one company at once, over HTTP. None may be lost, and the queue must stay quick.

A second office, empty, runs beside the one that is surged: once everything is filed and linked as the background job
links it, the two queues are read in turns, so that whatever else the machine does weighs on both. Every receipt number
that was answered is looked for in the database.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import chain
from typing import Any, Final
from urllib.parse import urlencode

import psycopg

from app import create_app
from app.foundation.config import load_settings
from app.tips import jobs
from bench.bodies import tips
from bench.stage import Stage, machine, say, stage

BARS: Final = {"console page `/tips`": 1.5}
"""The list of the API has no bar: beside a bare answer that holds nothing, twenty tips weigh more than they do on a page."""
_BODIES: Final = 200
_ROUNDS: Final = 9
_LOOKS: Final = 20
_JSON: Final = {"Content-Type": "application/json"}


def main() -> int:
    """File, link, look, print; return 1 when a tip is missing, a cluster is wrong or the queue became slow."""
    options = _options()
    with stage(of_its_own=True) as calm, stage() as running:
        say(f"filing {options.tips:,} tips against one company …")
        began = time.perf_counter()
        receipts, statuses = _file(running.port, options.tips, options.connections)
        filed = time.perf_counter() - began
        say("linking …")
        began = time.perf_counter()
        with create_app(load_settings(running.environment)).app_context():
            jobs.link_tips()
        linked = time.perf_counter() - began
        found, cluster = _count(running, receipts)
        say("reading both queues in turns …")
        looks = _in_turns(_Reader(calm), _Reader(running))
        print(machine(running.database_url) + "\n")
    refused = {status: number for status, number in statuses.items() if status != HTTPStatus.CREATED}
    print(
        f"{options.tips:,} tips sent over {options.connections} connections in {filed:.1f} s: {options.tips / filed:,.0f}/s"
    )
    print(
        f"answers other than 201: {refused or 'none'}; receipts {len(set(receipts)):,}, of them in the database {found:,}"
    )
    print(f"linked in {linked:.1f} s: the largest cluster counts {cluster:,}\n")
    held = found == len(set(receipts)) == options.tips == cluster and not refused
    print(f"the two queues, median of {_ROUNDS} rounds of {_LOOKS} looks each, and of their ratios round by round:\n")
    print("| queue | empty, ms | in the surge, ms | ratio | bar | verdict |\n| --- | ---: | ---: | ---: | ---: | --- |")
    for name, rounds in looks.items():
        ratios = sorted(full / empty for empty, full in rounds)
        ratio = statistics.median(ratios)
        bar = BARS.get(name)
        good = bar is None or ratio <= bar
        held &= good
        empty, full = (statistics.median(one) for one in zip(*rounds, strict=True))
        told = f"**{ratio:.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(
            f"| {name} | {empty:.1f} | {full:.1f} | {told} | {f'≤ {bar}' if bar else 'report'} | {'met' if good else 'MISSED'} |"
        )
    return 0 if held else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.surge", description=__doc__)
    parser.add_argument("--tips", type=int, default=10_000, help="default 10,000")
    parser.add_argument("--connections", type=int, default=8, help="default 8")
    return parser.parse_args()


def _bodies(number: int) -> Iterator[bytes]:
    """Statements of different people about one company, each with a request id of its own."""
    told = tips(_BODIES)
    for index in range(number):
        body = told[index % _BODIES]
        subject = body["subject"] | {"name": "乌鲁木齐瑞丰源投资咨询有限公司", "contact": None, "online_presence": []}
        yield json.dumps(body | {"client_request_id": str(uuid.uuid4()), "subject": subject}).encode()


def _file(port: int, number: int, connections: int) -> tuple[list[str], Counter[int]]:
    bodies = list(_bodies(number))

    def send(mine: list[bytes]) -> list[tuple[int, str]]:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        answers = []
        for body in mine:
            line.request("POST", "/api/v1/tips", body, _JSON)
            answer = line.getresponse()
            answers.append((answer.status, json.loads(answer.read()).get("receipt_number", "")))
        return answers

    with ThreadPoolExecutor(connections) as pool:
        parts = pool.map(send, [bodies[start::connections] for start in range(connections)])
        answers = list(chain.from_iterable(parts))
    return [receipt for _, receipt in answers if receipt], Counter(status for status, _ in answers)


def _count(running: Stage, receipts: list[str]) -> tuple[int, int]:
    """(receipts that the database holds, tips of the largest cluster); the tables are analysed as time would do."""
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        found = connection.execute("SELECT count(*) FROM tips WHERE receipt_number = ANY (%s)", [receipts]).fetchone()
        cluster = connection.execute("SELECT max(size) FROM tip_clusters").fetchone()
    return (found or (0,))[0], (cluster or (0,))[0] or 0


def _in_turns(calm: _Reader, surged: _Reader) -> dict[str, list[tuple[float, float]]]:
    """By queue: median milliseconds of the empty and of the full one, round by round.

    Each look at the one is followed by a look at the other; the first round only warms up.
    """
    taken: dict[str, list[tuple[float, float]]] = {}
    for number in range(_ROUNDS + 1):
        pairs: dict[str, list[tuple[float, float]]] = {}
        for _ in range(_LOOKS):
            empty, full = calm.look(), surged.look()
            for name in empty:
                pairs.setdefault(name, []).append((empty[name], full[name]))
        for name, seen in pairs.items() if number else ():
            empties, fulls = zip(*seen, strict=True)
            taken.setdefault(name, []).append((statistics.median(empties), statistics.median(fulls)))
    return taken


class _Reader:
    """The city's reviewer, at the console and over the API."""

    def __init__(self, running: Stage) -> None:
        demo = json.loads((running.log.parent / "demo.json").read_text("utf-8"))
        self._line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
        person = {"username": "city.reviewer", "password": demo["password"]}
        answer = self._ask("POST", "/api/v1/office/session", json.dumps(person).encode(), _JSON)[1]
        self._token = json.loads(answer)["token"]
        self._cookie = self._sign_in(person)

    def _sign_in(self, person: dict[str, str]) -> str:
        headers, page = self._ask("GET", "/sign-in")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.decode())
        assert token is not None
        form = urlencode(person | {"csrf_token": token[1]}).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": _cookie(headers)}
        return _cookie(self._ask("POST", "/sign-in", form, sent)[0])

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: Any = None) -> tuple[Any, bytes]:
        self._line.request(method, path, body, headers or {})
        answer = self._line.getresponse()
        content = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return answer.headers, content

    def look(self) -> dict[str, float]:
        """Milliseconds of the queue's page and of its list in the API."""
        return {
            "console page `/tips`": self._taken("/tips", {"Cookie": self._cookie}),
            "`GET /office/tips`": self._taken("/api/v1/office/tips", {"Authorization": f"Bearer {self._token}"}),
        }

    def _taken(self, path: str, headers: dict[str, str]) -> float:
        began = time.perf_counter()
        self._ask("GET", path, headers=headers)
        return 1000 * (time.perf_counter() - began)


def _cookie(headers: Any) -> str:
    return "; ".join(one.partition(";")[0] for one in headers.get_all("Set-Cookie", []))


if __name__ == "__main__":
    sys.exit(main())
