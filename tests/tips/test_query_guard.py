"""Guessing codes is locked alike for numbers that exist and numbers that do not; crowds pay, none is refused."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app.foundation import clock, prepared
from app.foundation.crypto import Crypto
from app.tips import guard
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.tips import reporters

WRONG = "0" * 20
UNKNOWN = {"receipt_number": "2506051234567891", "query_code": WRONG}


@pytest.fixture
def receipt(client: FlaskClient) -> dict[str, Any]:
    return factories.file_tip(client)


def _guess(client: FlaskClient, receipt: dict[str, Any], address: str = "203.0.113.9") -> Any:
    return reporters.call(client, "query", receipt | {"query_code": WRONG}, address)


def _address(number: int) -> str:
    return f"198.51.{number}.7"


def test_five_wrong_codes_lock_a_receipt_for_everybody(client: FlaskClient, receipt: dict[str, Any]) -> None:
    for number in range(5):
        assert _guess(client, receipt, _address(number)).status_code == 404
    answer = reporters.call(client, "query", receipt, _address(9))
    assert (answer.status_code, answer.get_json()["code"]) == (429, "query_locked")
    assert 0 < int(answer.headers["Retry-After"]) <= guard.FIRST_WAIT_SECONDS + 1
    with clock.stopped_at(MONDAY_MORNING + timedelta(seconds=guard.FIRST_WAIT_SECONDS + 1)):
        assert reporters.call(client, "query", receipt, _address(9)).status_code == 200


def test_five_wrong_codes_lock_a_source_for_every_receipt(client: FlaskClient, receipt: dict[str, Any]) -> None:
    others = [factories.file_tip(client) for _ in range(5)]
    for other in others:
        assert _guess(client, other).status_code == 404
    assert reporters.call(client, "query", receipt).status_code == 429
    assert reporters.call(client, "query", receipt, "203.0.113.10").status_code == 200


def test_waits_grow(client: FlaskClient, receipt: dict[str, Any]) -> None:
    moment, waits = MONDAY_MORNING, []
    for number in range(9):
        with clock.stopped_at(moment):
            assert _guess(client, receipt, _address(number)).status_code == 404
            locked = _guess(client, receipt, _address(number))
        if locked.status_code == 429:
            waits.append(int(locked.headers["Retry-After"]))
            moment += timedelta(seconds=waits[-1])
    assert len(waits) == 7
    assert all(later > 1.8 * earlier for earlier, later in pairwise(waits))


def test_the_right_code_clears_the_receipt_and_not_the_source(client: FlaskClient, receipt: dict[str, Any]) -> None:
    for _ in range(4):
        assert _guess(client, receipt).status_code == 404
    assert reporters.call(client, "query", receipt).status_code == 200
    assert _guess(client, receipt).status_code == 404
    assert reporters.call(client, "query", receipt).status_code == 429
    assert reporters.call(client, "query", receipt, "203.0.113.10").status_code == 200


def test_unknown_numbers_lock_like_known_ones(client: FlaskClient, receipt: dict[str, Any]) -> None:
    answers = {}
    for name, asked in (("known", receipt), ("unknown", UNKNOWN)):
        found = [_guess(client, asked, f"192.0.{len(name)}.{number}") for number in range(7)]
        answers[name] = [(a.status_code, a.get_json()["code"], a.get_json().get("detail")) for a in found]
    assert answers["known"] == answers["unknown"]
    assert [status for status, *_ in answers["known"]] == [404] * 5 + [429] * 2


def test_guesses_at_once_are_five_and_no_more(committed_app: Flask) -> None:
    receipt = factories.file_tip(committed_app.test_client())

    def guess(number: int) -> Any:
        return lambda: _guess(committed_app.test_client(), receipt, _address(number)).status_code

    answers = at_once(committed_app, [guess(number) for number in range(12)])
    assert sorted(answers) == [404] * 5 + [429] * 7


@pytest.fixture
def work(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements, digests, comparisons and commands to Redis, in their order."""
    done: list[str] = []
    digest, same = Crypto.digest, Crypto.same

    def noted_digest(self: Crypto, purpose: str, *parts: bytes) -> bytes:
        done.append(f"digest {purpose}")
        return digest(self, purpose, *parts)

    def noted_same(left: bytes, right: bytes) -> bool:
        done.append("compare")
        return same(left, right)

    execute, ask = psycopg.Cursor.execute, prepared.ask

    def noted_prepared(connection: Any, statement: str, *arguments: Any) -> list[Any]:
        done.append(statement)
        return ask(connection, statement, *arguments)

    def noted_statement(self: Any, statement: Any, *arguments: Any, **options: Any) -> Any:
        done.append(str(statement))
        return execute(self, statement, *arguments, **options)

    command = Redis.execute_command

    def noted_command(self: Any, *arguments: Any, **options: Any) -> Any:
        done.append(f"redis {arguments[0]}")
        return command(self, *arguments, **options)

    monkeypatch.setattr(Crypto, "digest", noted_digest)
    monkeypatch.setattr(Crypto, "same", staticmethod(noted_same))
    monkeypatch.setattr(Redis, "execute_command", noted_command)
    monkeypatch.setattr(psycopg.Cursor, "execute", noted_statement)
    monkeypatch.setattr(prepared, "ask", noted_prepared)
    return done


def test_wrong_code_and_unknown_number_do_the_same_work(
    client: FlaskClient, receipt: dict[str, Any], work: list[str]
) -> None:
    """Equal work rather than equal time: a clock would measure the machine."""
    done, told = {}, {}
    for name, asked in (("wrong", receipt), ("unknown", UNKNOWN)):
        work.clear()
        answer = _guess(client, asked)
        done[name] = [line for line in work if "SAVEPOINT" not in line]
        told[name] = {**answer.get_json(), "request_id": ""}, answer.status_code
    assert done["wrong"] == done["unknown"]
    assert any("FROM tips" in line for line in done["wrong"])
    assert done["wrong"].count("compare") == 4, "what may open a tip is held against four digests, there or not"
    assert told["wrong"] == told["unknown"]


def test_no_address_is_kept_in_clear_or_beside_a_tip(app: Flask, client: FlaskClient, receipt: dict[str, Any]) -> None:
    before = rows.dump()
    _guess(client, receipt, "203.0.113.200")
    assert rows.added(before, rows.dump()) == []
    redis = app.extensions["shudi_redis"]
    keys = [key.decode() for key in redis.keys("guard:*")]
    assert keys
    assert not any("203.0.113" in key or receipt["receipt_number"] in key for key in keys)
    assert all(0 < redis.ttl(key) <= 3600 for key in keys)


def test_without_redis_reporters_still_get_in(
    app: Flask, client: FlaskClient, receipt: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "shudi_redis", Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2))
    assert reporters.call(client, "query", receipt).status_code == 200
    assert _guess(client, receipt).status_code == 404
