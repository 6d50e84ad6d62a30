"""Notices under fire: `python -m bench.chaos`.

Real processes on an embedded PostgreSQL and Valkey in a temporary directory. Named people file tips over the program's
own door while kill -9 hits Valkey, relay and workers, and while WeChat, SMS gateway and mail server refuse, hang and
drop connections. At the end every event must have been told once, as counted at the servers' side, or be listed as
unknown; and every reviewer must have read of every tip once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from flask import Flask
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app import create_app
from app.foundation.config import demo_environment, load_settings
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.local_services import LocalServices
from app.identity import service as identity
from app.notifications import consents
from bench import bodies
from bench.chaos import outside
from bench.chaos.crew import Crew, Hand
from bench.stage import machine, say

_PATIENCE_SECONDS = 900.0
_WISHES = (None, None, "wechat", "sms", "email")


@dataclass
class Told:
    """What became of the events, by this program's own rows and by what arrived."""

    events: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    unknown: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    notices_missing: int = 0


def main() -> int:
    """Run, print the table, return 1 when anything is missing or doubled."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=2000, help="events, one a person (default 2000)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run (default: drawn and printed)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")
    parser.add_argument("--kills", type=int, default=30, help="kill about so often (default 30)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    say(f"seed {seed}")
    began = time.monotonic()
    world = outside.World(seed)
    with _stage(world) as (environment, data_dir):
        app = create_app(load_settings(environment))
        crew = Crew(environment, options.workers, data_dir / "crew.log")
        port = urlsplit(environment["REDIS_URL"]).port or 0
        with app.app_context(), crew:
            # An event makes two messages, an announcement and a delivery.
            spacing = max(1, 2 * options.events // options.kills)
            hand = Hand(crew, port, random.Random(seed), lambda: _done(environment["DATABASE_URL"]), spacing)
            hand.start()
            numbers = _play(app, hand, options.events, seed)
            told = _count(environment["DATABASE_URL"], numbers, world)
        print(machine(environment["DATABASE_URL"]))
    _report(told, world, hand, seed, time.monotonic() - began)
    return 1 if told.missing or told.doubled or told.notices_missing else 0


@contextlib.contextmanager
def _stage(world: outside.World) -> Iterator[tuple[dict[str, str], Path]]:
    with tempfile.TemporaryDirectory(prefix="shudi-chaos-") as directory, outside.opened(world) as channels:
        data_dir = Path(directory)
        data_dir.chmod(0o711)  # PostgreSQL runs as another user when we are root
        services = LocalServices(data_dir)
        say("starting PostgreSQL and Valkey …")
        endpoints = services.ensure_running()
        fixed = {
            "DATABASE_URL": endpoints.database_url,
            "REDIS_URL": endpoints.redis_url,
            "DATA_DIR": directory,
            "DEMO": "1",
            **channels,
        }
        environment = {**os.environ, **demo_environment(fixed, data_dir), **fixed}
        try:
            app = create_app(load_settings(environment))
            say("migrating, creating the office …")
            prepared = app.test_cli_runner().invoke(args=["demo", "prepare"])
            if prepared.exit_code:
                raise SystemExit(prepared.output)
            yield environment, data_dir
        finally:
            services.release()


def _play(app: Flask, hand: Hand, events: int, seed: int) -> dict[str, int]:
    """File, and wait until nothing is under way any more; return receipt number → person."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), transient=False
    ) as bars:
        filing, settling = bars.add_task("filed", total=events), bars.add_task("settled", total=events)
        numbers: dict[str, int] = {}
        for person, body in enumerate(_bodies(events, seed)):
            numbers[_file(app, person, body, seed)] = person
            bars.update(filing, advance=1)
            if person % 50 == 0:
                bars.update(settling, completed=_settled())
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _under_way() and time.monotonic() < deadline:
            bars.update(settling, completed=_settled())
            time.sleep(0.5)
        hand.rest()
        bars.update(settling, completed=_settled())
    return numbers


def _bodies(events: int, seed: int) -> Iterator[dict[str, Any]]:
    drawn = random.Random(seed)
    for person, body in enumerate(bodies.tips(events, seed)):
        body["client_request_id"] = f"00000000-0000-4000-8000-{person:012d}"
        body["subject"] |= {"name": f"乌鲁木齐第{person}号投资咨询有限公司", "online_presence": [], "contact": None}
        body["reporter"] = {
            "name": f"测试{person}",
            "phone": outside.mobile_of(person),
            "email": outside.address_of(person),
            "reply_channel": drawn.choice(_WISHES),
        }
        yield body


def _file(app: Flask, person: int, body: dict[str, Any], seed: int) -> str:
    """File one tip; four in five with a session, most of them with a consent. Repeated until it is answered."""
    drawn = random.Random(f"{seed} {person}")
    headers = _session(person, consent=drawn.random() < 0.75) if drawn.random() < 0.8 else {}
    while True:
        answer = app.test_client().post("/api/v1/tips", json=body, headers=headers)
        if answer.status_code in {200, 201}:
            number: str = answer.get_json()["receipt_number"]
            return number
        time.sleep(0.2)  # Valkey is away: whoever files tries again


def _session(person: int, *, consent: bool) -> dict[str, str]:
    openid = outside.openid_of(person)
    with transaction(OPEN_WALL):
        token, _ = identity.sign_in_reporter(openid)
        if consent:
            index = identity.crypto().blind_index("openid", openid)
            consents.remember_consents(index, list(consents.templates().values()))
    return {"Authorization": f"Bearer {token}"}


def _scalar(statement: str) -> int:
    with db.engine.connect() as connection:
        found: int = connection.exec_driver_sql(statement).scalar() or 0
        return found


def _done(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT count(*) FROM outbox_messages WHERE done_at IS NOT NULL").fetchone()
    return int(found[0]) if found else 0


def _settled() -> int:
    return _scalar("SELECT count(DISTINCT tip_id) FROM deliveries WHERE state IN ('sent','failed','unknown')")


def _under_way() -> int:
    return _scalar("SELECT count(*) FROM outbox_messages WHERE done_at IS NULL AND given_up_at IS NULL")


def _count(database_url: str, numbers: dict[str, int], world: outside.World) -> Told:
    told = Told(events=len(numbers))
    statement = (
        "SELECT t.receipt_number, d.id, d.channel, d.state, d.error FROM tips t "
        "LEFT JOIN deliveries d ON d.tip_id = t.id AND d.account_id IS NULL ORDER BY d.id"
    )
    with psycopg.connect(database_url) as connection:
        ways: dict[str, list[tuple[Any, ...]]] = {}
        for number, *way in connection.execute(statement):
            ways.setdefault(number, []).append(tuple(way))
        notices = dict(
            connection.execute(
                "SELECT t.receipt_number, count(n.id) FROM tips t LEFT JOIN notices n ON n.tip_id = t.id "
                "AND n.title LIKE '新举报待受理%' GROUP BY 1"
            ).fetchall()
        )
        reviewers = connection.execute("SELECT count(*) FROM accounts WHERE role = 'city_reviewer'").fetchone()
    for number, person in numbers.items():
        _judge(told, number, ways.get(number, []), world.arrivals_of(person))
        told.notices_missing += notices.get(number) != (reviewers or (0,))[0]
    return told


def _judge(told: Told, number: str, way: list[tuple[Any, ...]], arrivals: int) -> None:
    """One event: the states of its ladder against what arrived at the servers' side."""
    states = Counter(state for _, _, state, _ in way)
    if arrivals > 1 or states["sent"] > 1:
        told.doubled.append(number)
    if states["sent"]:
        channel = next(channel for _, channel, state, _ in way if state == "sent")
        told.sent[channel] += 1
        if channel != "in_app" and arrivals == 0:
            told.missing.append(f"{number}: recorded as sent by {channel}, arrived nowhere")
    elif states["unknown"]:
        for delivery_id, channel, state, error in way:
            if state == "unknown":
                told.unknown.append(f"{number} {delivery_id} {channel} {error} arrived={arrivals}")
    elif way and states["failed"] == len(way):
        told.failed += 1
        if arrivals:
            told.doubled.append(f"{number}: recorded as failed, yet arrived")
    else:
        told.missing.append(f"{number}: {dict(states)}")


def _report(told: Told, world: outside.World, hand: Hand, seed: int, seconds: float) -> None:
    sent = sum(told.sent.values())
    by_channel = ", ".join(f"{channel} {count:,}" for channel, count in told.sent.most_common())
    met = ", ".join(f"{fate} {count:,}" for fate, count in world.met.most_common())
    kills = ", ".join(f"{name} {count}" for name, count in sorted(hand.kills.items()))
    print(f"\nseed {seed} · {seconds:.0f} s · kill -9: {kills} · calls met: {met}\n")
    print("| events | sent | failed | unknown | missing | doubled | officers' notices missing |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    row = (told.events, sent, told.failed, len(told.unknown), len(told.missing), len(told.doubled))
    print("| " + " | ".join(f"{number:,}" for number in (*row, told.notices_missing)) + " |")
    print(f"\nsent by: {by_channel}")
    for title, lines in (("unknown", told.unknown), ("missing", told.missing), ("doubled", told.doubled)):
        if lines:
            print(f"\n{title}:\n" + "\n".join(f"  {line}" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
