"""What operators see: masked logs, health that tells the truth, counters without persons, an id for each request."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.observability import JsonFormatter, masked
from tests import factories

DIGITS = "0123456789"
PHONES = st.builds(
    lambda second, rest: f"1{second}{rest}", st.sampled_from("3456789"), st.text(DIGITS, min_size=9, max_size=9)
)
ID_NUMBERS = st.builds(
    lambda body, check: body + check, st.text(DIGITS, min_size=17, max_size=17), st.sampled_from("0123456789Xx")
)
QUERY_CODES = st.builds(
    lambda parts, gap: gap.join(parts),
    st.lists(st.text(DIGITS, min_size=4, max_size=4), min_size=5, max_size=5),
    st.sampled_from(["", " ", "-"]),
)
BASE64URL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
TOKENS = st.builds(
    lambda parts: "eyJ" + ".".join(parts),
    st.lists(st.text(BASE64URL, min_size=12, max_size=40), min_size=3, max_size=3),
)
SECRETS = PHONES | ID_NUMBERS | QUERY_CODES | TOKENS
PROSE = st.text(st.characters(codec="utf-8", exclude_categories=["N"]), max_size=10).map(lambda said: f"{said}，")


def line_of(message: str, *arguments: Any, **fields: Any) -> dict[str, Any]:
    """The log line of a message, read as the JSON that it must be."""
    record = logging.LogRecord("x", logging.INFO, "", 0, message, arguments, None)
    record.fields = fields
    line = JsonFormatter().format(record)
    assert "\n" not in line
    read: dict[str, Any] = json.loads(line)
    return read


class TestMask:
    @given(before=PROSE, secret=SECRETS, after=PROSE)
    def test_blanks_wherever_it_stands(self, before: str, secret: str, after: str) -> None:
        assert secret not in masked(f"{before}{secret}，{after}")

    @given(secrets=st.lists(SECRETS, min_size=2, max_size=5))
    def test_blanks_each_of_several(self, secrets: list[str]) -> None:
        said = masked("，".join(secrets))
        assert not any(secret in said for secret in secrets)

    @given(said=st.text())
    def test_twice_is_once(self, said: str) -> None:
        assert masked(masked(said)) == masked(said)

    @pytest.mark.parametrize(
        "said", ["+8613900001234", "8613900001234", "139-0000-1234", "139 0000 1234", "(+86)139 0000 1234"]
    )
    def test_knows_the_usual_ways_to_write_a_telephone_number(self, said: str) -> None:
        assert "1234" not in masked(f"来电{said}。")

    @given(known=st.text("ghijkl-： ", max_size=20), number=st.integers(0, 10**9))
    def test_leaves_what_is_no_secret(self, known: str, number: int) -> None:
        assert masked(f"{known}{number}") == f"{known}{number}"


class TestLogLine:
    @given(said=st.text(), key=st.text(max_size=8), value=st.text())
    def test_is_one_line_of_json_whatever_was_said(self, said: str, key: str, value: str) -> None:
        line_of("%s", said, **{f"key {key}": value})

    @given(secret=SECRETS, key=st.sampled_from(["note", "status", "手机"]))
    def test_masks_fields_however_deep(self, secret: str, key: str) -> None:
        line = line_of("x", **{key: {"inner": [secret, {"deeper": secret}]}})
        assert secret not in json.dumps(line, ensure_ascii=False)

    @given(number=st.integers(13_000_000_000, 19_999_999_999))
    def test_masks_a_number_that_is_a_telephone_number(self, number: int) -> None:
        assert line_of("x", caller=number)["caller"] == "[手机号]"

    @given(secret=st.text(min_size=1).filter(lambda said: said not in "[隐去]"))
    @pytest.mark.parametrize(
        "name", ["password", "secret", "access_token", "session_key", "js_code", "token", "query_code"]
    )
    def test_never_tells_the_value_of_a_secret_field(self, name: str, secret: str) -> None:
        assert line_of("x", **{name: secret})[name] == "[隐去]"
        assert line_of("x", inner={name: secret})["inner"][name] == "[隐去]"

    @pytest.mark.parametrize(
        "said",
        [
            '{"password": "Hunter2"}',
            '{"appid": "wx", "secret":"Hunter2", "js_code":"1"}',
            '{\\"password\\": \\"Hunter2\\"}',
            "{'access_token': 'Hunter2'}",
            "password=Hunter2&next=/",
            "Authorization: Bearer Hunter2",
        ],
    )
    def test_masks_secrets_inside_a_quoted_body(self, said: str) -> None:
        assert "Hunter2" not in line_of("answer %s", said)["message"]

    def test_keeps_ordinary_fields_and_their_kinds(self) -> None:
        line = line_of(
            "request", status=404, ms=17, ratio=0.5, ok=True, none=None, id="0198a3c2-7d51-7c1e-a5a1-139000012345"
        )
        assert (line["status"], line["ms"], line["ratio"], line["ok"], line["none"]) == (404, 17, 0.5, True, None)
        assert line["id"] == "0198a3c2-7d51-7c1e-a5a1-139000012345"


class TestRequestIds:
    def test_are_new_for_each_request_and_stand_in_header_and_refusal(self, client: FlaskClient) -> None:
        answers = [client.get("/api/v1/office/tips") for _ in range(2)]
        ids = [answer.headers["X-Request-Id"] for answer in answers]
        assert len(set(ids)) == 2
        assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
        assert [answer.get_json()["request_id"] for answer in answers] == ids

    def test_are_ours_and_not_the_callers(self, client: FlaskClient) -> None:
        answer = client.get("/healthz", headers={"X-Request-Id": "chosen\tby the caller"})
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])

    def test_join_a_refusal_with_its_log_line(self, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "shudi.request"):
            answer = client.get("/api/v1/office/tips")
        lines = [
            json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "shudi.request"
        ]
        assert [(line["request_id"], line["status"]) for line in lines] == [(answer.headers["X-Request-Id"], 401)]


class TestHealth:
    def test_the_process_answers_without_its_services(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any, **__: Any) -> Any:
            raise AssertionError("no service is asked")

        monkeypatch.setattr(db.session, "scalar", away)
        monkeypatch.setattr(client.application.extensions["shudi_redis"], "ping", away)
        assert (client.get("/healthz").status_code, client.get("/healthz").get_json()) == (200, {"status": "ok"})

    def test_ready_when_all_is_well(self, client: FlaskClient) -> None:
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.get_json() == {
            "status": "ready",
            "database": "at_head",
            "redis": "reachable",
            "outbox": {"oldest_waiting_seconds": 0},
        }

    def test_names_redis_when_it_is_away(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        def away() -> None:
            raise RedisConnectionError("Error 111 connecting to 10.0.0.9:6379")

        monkeypatch.setattr(client.application.extensions["shudi_redis"], "ping", away)
        answer = client.get("/readyz")
        assert answer.status_code == 503
        report = answer.get_json()
        assert (report["status"], report["redis"], report["database"]) == ("not_ready", "unreachable", "at_head")
        assert "10.0.0.9" not in answer.get_data(as_text=True)

    @pytest.mark.parametrize("deed", ["UPDATE alembic_version SET version_num = '0001'", "DELETE FROM alembic_version"])
    def test_names_the_database_when_migrations_are_behind(self, client: FlaskClient, deed: str) -> None:
        _as_owner(deed)
        report = client.get("/readyz")
        assert (report.status_code, report.get_json()["database"]) == (503, "not_migrated")
        assert report.get_json()["redis"] == "reachable"

    def test_names_the_database_when_it_was_never_migrated(self, client: FlaskClient) -> None:
        _as_owner("ALTER TABLE alembic_version RENAME TO alembic_version_away")
        report = client.get("/readyz")
        assert (report.status_code, report.get_json()["database"]) == (503, "not_migrated")
        assert report.get_json()["outbox"] == {"oldest_waiting_seconds": 0}, "one fault is not told as two"

    def test_names_the_database_when_it_is_away(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: Any, **__: Any) -> Any:
            raise OperationalError("SELECT", {}, Exception("could not connect to db.example"))

        monkeypatch.setattr(db.session, "scalar", away)
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert (answer.get_json()["database"], answer.get_json()["outbox"]) == ("unreachable", "unreachable")
        assert "db.example" not in answer.get_data(as_text=True)


def _as_owner(statement: str) -> None:
    with transaction(OPEN_WALL) as session:
        session.execute(text("RESET ROLE"))
        session.execute(text(statement))
        session.execute(text("SET ROLE shudi_app"))


class TestMetrics:
    def test_count_by_door_and_hold_no_person(self, app: Flask, client: FlaskClient) -> None:
        reporter = factories.REPORTER
        receipt = factories.file_tip(client, reporter=reporter)
        tip_id = factories.tip_id_of(receipt["receipt_number"])
        assert factories.office_act(client, "city.reviewer", tip_id, "accept").status_code == 200
        client.get("/13900001234/650102199001011234")
        answer = client.get("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain")
        told = answer.get_data(as_text=True)
        assert re.search(
            r'shudi_requests_total\{endpoint="[a-z_.]*submit[a-z_]*",method="POST",status="201"\} [1-9]', told
        )
        assert 'endpoint="unmatched"' in told
        persons = [reporter["name"], reporter["phone"], reporter["id_number"], "city.reviewer", "13900001234"]
        for personal in (
            *persons,
            str(tip_id),
            receipt["receipt_number"],
            receipt["query_code"],
            "瑞丰源",
            "127.0.0.1",
        ):
            assert str(personal) not in told

    @pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 200), ("::1", 200), ("203.0.113.9", 404), ("", 404)])
    def test_nobody_outside_learns_when_somebody_filed(self, client: FlaskClient, address: str, status: int) -> None:
        answer = client.get("/metrics", environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status
        assert (b"shudi_requests_total" in answer.data) == (status == 200)

    def test_a_method_that_nobody_knows_makes_no_new_series(self, client: FlaskClient) -> None:
        client.open("/healthz", method="X13900001234")
        assert "X13900001234" not in client.get("/metrics").get_data(as_text=True)
