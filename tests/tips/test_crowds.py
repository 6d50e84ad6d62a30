"""A crowd at the doors of filing and uploading: asked for a small work or a little patience, never refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from app.foundation import clock
from app.tips import guard, proof_of_work
from tests import factories, rows
from tests.files import samples
from tests.moments import MONDAY_MORNING

Allow = Callable[[int], None]


def _file(client: FlaskClient, address: str = "203.0.113.9", agent: str = "one phone", **headers: str) -> Any:
    return client.post(
        "/api/v1/tips",
        json=factories.tip_body(),
        headers={"User-Agent": agent, **headers},
        environ_overrides={"REMOTE_ADDR": address},
    )


def _solved(problem: dict[str, Any]) -> dict[str, str]:
    return {problem["header"]: proof_of_work.solve(problem["challenge"], problem["difficulty_bits"])}


def test_over_the_limit_work_opens_the_door_once(client: FlaskClient, crowded: Allow) -> None:
    crowded(3)
    answers = [_file(client) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    problem = answers[-1].get_json()
    assert (problem["code"], answers[-1].mimetype) == ("proof_of_work_required", "application/problem+json")
    proof = _solved(problem)
    assert [_file(client, **proof).status_code for _ in range(2)] == [201, 429]
    assert rows.scalar("SELECT count(*) FROM tips") == 4


def test_looking_up_a_district_costs_work_like_filing(client: FlaskClient, crowded: Allow) -> None:
    crowded(3)
    body = {"registered_address": "乌鲁木齐市天山区中山路1号"}
    answers = [client.post("/api/v1/jurisdiction/preview", json=body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    again = client.post("/api/v1/jurisdiction/preview", json=body, headers=_solved(answers[-1].get_json()))
    assert again.get_json()["lead"] == factories.TIANSHAN


def test_patience_opens_it_where_no_script_runs(client: FlaskClient, crowded: Allow) -> None:
    crowded(1)
    _file(client)
    problem = _file(client).get_json()
    ticket = {"X-Proof-Of-Work": problem["waiting_ticket"]}
    assert proof_of_work.SHORTEST_WAIT_SECONDS <= problem["wait_seconds"] <= proof_of_work.LONGEST_WAIT_SECONDS
    assert _file(client, **ticket).status_code == 429
    with clock.stopped_at(MONDAY_MORNING + timedelta(seconds=problem["wait_seconds"])):
        assert [_file(client, **ticket).status_code for _ in range(2)] == [201, 429]


def test_a_surge_from_many_devices_is_taken_in_full(client: FlaskClient, crowded: Allow) -> None:
    crowded(2)
    answers = [_file(client, f"198.51.{n % 50}.{n}", f"phone {n}").status_code for n in range(100)]
    assert answers == [201] * 100


def test_one_device_is_asked_before_its_neighbours_at_the_same_address(client: FlaskClient, crowded: Allow) -> None:
    crowded(2)
    assert [_file(client).status_code for _ in range(3)] == [201, 201, 429]
    assert _file(client, agent="another phone").status_code == 201


def test_changing_the_browser_does_not_help_for_ever(client: FlaskClient, crowded: Allow) -> None:
    crowded(2)
    answers = [_file(client, agent=f"browser {n}").status_code for n in range(2 * guard.ADDRESS_FACTOR + 1)]
    assert answers == [201] * (2 * guard.ADDRESS_FACTOR) + [429]


def test_nor_does_changing_the_address_within_a_range(client: FlaskClient, crowded: Allow) -> None:
    crowded(1)
    answers = [_file(client, f"203.0.113.{n}").status_code for n in range(guard.RANGE_FACTOR + 1)]
    assert answers == [201] * guard.RANGE_FACTOR + [429]


def test_one_session_is_counted_wherever_it_comes_from(client: FlaskClient, crowded: Allow) -> None:
    crowded(2)
    headers = factories.reporter_headers()
    named = factories.tip_body(reporter=factories.REPORTER)
    answers = [
        client.post(
            "/api/v1/tips",
            json=named | {"client_request_id": None},
            headers=headers,
            environ_overrides={"REMOTE_ADDR": f"198.51.{n}.7"},
        ).status_code
        for n in range(3)
    ]
    assert answers == [201, 201, 429]


def test_an_anonymous_tip_is_not_counted_by_its_session(client: FlaskClient, crowded: Allow) -> None:
    crowded(2)
    headers = factories.reporter_headers()
    answers = [_file(client, f"198.51.{n}.7", **headers).status_code for n in range(4)]
    assert answers == [201] * 4


def test_uploads_have_a_door_of_their_own(client: FlaskClient, crowded: Allow) -> None:
    crowded(2)
    answers = [factories.upload(client).status_code for _ in range(3)]
    assert answers == [201, 201, 429]
    problem = factories.upload(client).get_json()
    assert _file(client, **_solved(problem)).status_code == 201, "a tip still has room"
    again = factories.upload(client).get_json()
    assert client.post("/api/v1/uploads", headers=_solved(again), data={}).status_code == 422, "past the door"


def test_uploads_in_parts_are_counted_where_they_begin_and_then_go_on(client: FlaskClient, crowded: Allow) -> None:
    """One upload is one knock, in one piece or in a hundred parts: nobody is stopped in the middle of a film."""
    crowded(2)
    path, content = "/api/v1/uploads/partial", samples.mp4() + samples.box(b"free", bytes(5000))
    said = {"size": len(content), "name": "现场.mp4", "type": "video/mp4"}
    begun, asked = [client.post(path, json=said) for _ in range(2)], client.post(path, json=said)
    assert [answer.status_code for answer in (*begun, asked)] == [201, 201, 429]
    assert factories.upload(client).status_code == 429, "the same door as uploads in one piece"
    upload = f"{path}/{begun[0].get_json()['id']}"
    for at in range(0, len(content), 1000):
        part = content[at : at + 1000]
        assert client.put(f"{upload}?at={at}", data=part, content_type="application/octet-stream").status_code == 200
    assert client.get(upload).get_json()["received"] == len(content)
    assert client.post(f"{upload}/complete").status_code == 201
    proof = _solved(asked.get_json())
    assert [client.post(path, json=said, headers=proof).status_code for _ in range(2)] == [201, 429]
    assert rows.scalar("SELECT count(*) FROM partial_uploads") == 3


def test_the_next_minute_begins_anew(client: FlaskClient, crowded: Allow) -> None:
    crowded(1)
    assert [_file(client).status_code for _ in range(2)] == [201, 429]
    with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=1)):
        assert _file(client).status_code == 201


def test_far_from_the_limit_redis_is_not_asked_and_near_it_once(
    app: Flask, client: FlaskClient, crowded: Allow, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded(32)
    trips: list[int] = []
    execute = type(app.extensions["shudi_redis"].pipeline()).execute
    monkeypatch.setattr(
        type(app.extensions["shudi_redis"].pipeline()), "execute", lambda self: (trips.append(1), execute(self))[1]
    )
    counts = []
    for _ in range(4):
        trips.clear()
        assert _file(client).status_code == 201
        counts.append(len(trips))
    assert counts == [0, 0, 1, 1]


def test_without_redis_everybody_gets_in(
    app: Flask, client: FlaskClient, crowded: Allow, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded(16)
    monkeypatch.setitem(app.extensions, "shudi_redis", Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2))
    assert [_file(client).status_code for _ in range(4)] == [201] * 4


def test_redis_knows_neither_addresses_nor_browsers(app: Flask, client: FlaskClient, crowded: Allow) -> None:
    crowded(1)
    for _ in range(2):
        _file(client, agent="a very peculiar telephone")
    keys = [key.decode() for key in app.extensions["shudi_redis"].keys("guard:*")]
    assert keys
    assert not any("203.0.113" in key or "peculiar" in key for key in keys)


class TestForgeries:
    @given(st.text(max_size=220))
    def test_no_text_is_a_proof(self, session_app: Flask, text: str) -> None:
        assert proof_of_work.nonce_of_proof(factories.crypto_of(session_app), "tips", text) is None

    def test_a_ticket_of_another_door_or_with_another_time_is_worthless(self, session_app: Flask) -> None:
        crypto = factories.crypto_of(session_app)
        ticket, wait = proof_of_work.waiting_ticket(crypto, "uploads", 2.0)
        moment, *rest = ticket.split(".")
        with clock.stopped_at(clock.now() + timedelta(seconds=wait)):
            assert proof_of_work.nonce_of_proof(crypto, "uploads", ticket)
            assert proof_of_work.nonce_of_proof(crypto, "tips", ticket) is None
        assert proof_of_work.nonce_of_proof(crypto, "uploads", ".".join([str(int(moment) - wait), *rest])) is None
        with clock.stopped_at(clock.now() + timedelta(seconds=wait + proof_of_work.VALID_SECONDS + 1)):
            assert proof_of_work.nonce_of_proof(crypto, "uploads", ticket) is None
