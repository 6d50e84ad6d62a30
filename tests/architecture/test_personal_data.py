"""The law of Article 16: no personal field in messages, audit rows, logs or settings; anonymous stays anonymous."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.foundation import clock
from app.foundation.database import db
from app.foundation.observability import JsonFormatter, masked
from tests import factories, rows
from tests.moments import MONDAY_MORNING

PERSONAL_FIELDS = {
    "name", "reporter_name", "phone", "mobile", "tel", "id_number", "identity", "openid", "openid_index", "contact",
    "description", "address", "registered_address", "operating_address", "email", "text", "reply", "feedback", "comment",
    "query_code", "password", "token", "ip", "user_agent", "filename",
}  # fmt: skip
OPENID = "oABCD-1234567890-openid-of-nobody"
SECRETS = [
    factories.REPORTER["name"],
    factories.REPORTER["phone"],
    factories.REPORTER["id_number"],
    OPENID,
]


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _whole_life(client: FlaskClient) -> tuple[UUID, dict[str, Any]]:
    """A named tip with evidence, from its filing to its reply, with a reassignment and some refused attempts."""
    evidence = [factories.upload(client, name="王小明的合同.png").get_json()["id"]]
    receipt = factories.file_tip(
        client, headers=factories.reporter_headers(OPENID), reporter=factories.REPORTER, evidence=evidence
    )
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    client.post("/api/v1/office/session", json={"username": "city.reviewer", "password": "Wrong-Pass-1"})
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": factories.XINSHI}),
        (f"district.{factories.XINSHI}", "sign_for", {}),
        (f"district.{factories.XINSHI}", "conclude", {}),  # refused: not his to conclude
        (f"district.{factories.XINSHI}", "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "机密的核查情况"}),
        ("city.reviewer", "conclude", {}),
        ("city.reviewer", "reply", {"text": "机密的答复"}),
    ):
        factories.office_act(client, username, tip_id, action, **given)
    client.post(
        f"/api/v1/office/tips/{tip_id}/identity",
        json={"reason": "回访核实"},
        headers=factories.office_headers("city.reviewer"),
    )
    client.post("/api/v1/tips/query", json={name: receipt[name] for name in ("receipt_number", "query_code")})
    return tip_id, receipt


class TestWhatIsWritten:
    def test_outbox_payloads_hold_ids_and_codes_only(self, client: FlaskClient) -> None:
        _whole_life(client)
        with db.session.begin_nested():
            payloads = [p for (p,) in db.session.execute(text("SELECT payload FROM outbox_messages"))]
        assert payloads
        assert set(_keys(payloads)) & PERSONAL_FIELDS == set()
        for payload in payloads:
            for value in payload.values():
                assert isinstance(value, int) or len(str(value)) <= 64, payload

    def test_audit_details_hold_no_personal_field(self, client: FlaskClient) -> None:
        _whole_life(client)
        events = list(db.session.execute(text("SELECT action, object_id, details FROM audit_events")))
        assert {"tips.submit", "tips.open_identity", "workflow.reply"} <= {action for action, _, _ in events}
        assert set(_keys([details for _, _, details in events])) & PERSONAL_FIELDS == set()
        for secret in [*SECRETS, "机密", "王小明", "瑞丰源"]:
            assert not any(secret in json.dumps([o, d], ensure_ascii=False) for _, o, d in events), secret

    def test_nothing_of_the_reporter_is_stored_in_clear(self, client: FlaskClient) -> None:
        _whole_life(client)
        stored = [line for lines in rows.dump().values() for line in lines]
        for secret in [*SECRETS, "王小明"]:
            assert not any(secret in line or secret.encode().hex() in line for line in stored), secret


class TestWhatIsLogged:
    def test_a_whole_life_leaves_no_personal_data_in_the_log(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="app")
        caplog.set_level(logging.DEBUG, logger="shudi")
        _, receipt = _whole_life(client)
        client.post("/api/v1/tips", json=factories.tip_body(reporter=factories.REPORTER | {"phone": "x"}))
        lines = [JsonFormatter().format(record) for record in caplog.records]
        assert lines
        for secret in [*SECRETS, receipt["query_code"], "王小明", "瑞丰源", factories.PASSWORD, "Wrong-Pass-1"]:
            assert not any(secret in line for line in lines), secret

    def test_requests_of_the_public_leave_no_address_and_no_agent(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        client.post(
            "/api/v1/tips",
            json={"subject": {}},
            headers={"User-Agent": "MicroMessenger-of-one-phone", "X-Forwarded-For": "203.0.113.9"},
            environ_base={"REMOTE_ADDR": "203.0.113.7"},
        )
        lines = [JsonFormatter().format(record) for record in caplog.records]
        assert any("request" in line for line in lines)
        assert not any(mark in line for line in lines for mark in ("203.0.113", "MicroMessenger"))

    @pytest.mark.parametrize(
        ("said", "blanked"),
        [
            ("电话13900001234。", "13900001234"),
            ("证件65010219900101123X，", "65010219900101123X"),
            ("查询码 1234 5678 9012 3456 7890 ", "1234 5678 9012 3456 7890"),
            ("查询码12345678901234567890", "12345678901234567890"),
            ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
            ('{"password": "Hunter2-Hunter2"}', "Hunter2"),
            ("access_token=ACCESS-1&x=1", "ACCESS-1"),
            ("appid=wx&secret=SECRET-1&js_code=CODE-1", "CODE-1"),
            ("session_key: KEY-1", "KEY-1"),
        ],
    )
    def test_the_mask_blanks(self, said: str, blanked: str) -> None:
        assert blanked not in masked(said)
        assert "[" in masked(said)

    def test_the_mask_leaves_ordinary_numbers(self) -> None:
        said = "tip 0198a3c2-7d51-7c1e-a5a1-139000012345 took 1234567 ms, 受理编号2603021234567891"
        assert masked(said) == said

    def test_exceptions_and_fields_pass_the_mask_too(self) -> None:
        try:
            raise ValueError("13900001234")
        except ValueError:
            import sys

            record = logging.LogRecord("x", logging.ERROR, "", 0, "%s", ("13911112222",), sys.exc_info())
        record.fields = {"note": "13933334444"}
        line = JsonFormatter().format(record)
        assert json.loads(line)["level"] == "error"
        assert not any(number in line for number in ("13900001234", "13911112222", "13933334444"))


def test_settings_show_no_secret(session_app: Flask) -> None:
    settings = session_app.extensions["shudi_settings"]
    shown = repr(settings) + str(settings) + repr(settings.sealing_keys) + repr(session_app.extensions["shudi_crypto"])
    for secret in (
        settings.secret_key, settings.wechat_app_secret, settings.database_url, settings.redis_url,
        repr(settings.sealing_keys[0].secret),
    ):  # fmt: skip
        assert secret not in shown


class TestAnAnonymousTip:
    @pytest.fixture
    def written(self, committed_app: Flask) -> Iterator[tuple[list[str], dict[str, str]]]:
        """What one anonymous tip sent with a session added to all tables, and the header it was sent with."""
        with clock.stopped_at(MONDAY_MORNING):
            client = committed_app.test_client()
            headers = factories.reporter_headers(OPENID)
            before = rows.dump()
            answer = client.post(
                "/api/v1/tips", json=factories.tip_body(), headers=headers, environ_base={"REMOTE_ADDR": "203.0.113.7"}
            )
            assert answer.status_code == 201
            yield rows.added(before, rows.dump()), headers

    def test_leads_to_no_session(self, written: tuple[list[str], dict[str, str]], committed_app: Flask) -> None:
        lines, headers = written
        token = headers["Authorization"].removeprefix("Bearer ")
        crypto = factories.crypto_of(committed_app)
        traces = [
            OPENID, OPENID.encode().hex(), crypto.blind_index("openid", OPENID).hex(), token, token.rpartition(".")[2],
            "203.0.113.7", "miniprogram",
        ]  # fmt: skip
        assert {line.partition(":")[0] for line in lines} >= {"tips", "tip_subjects", "handlings", "audit_events"}
        assert not any(line.startswith(("reporters:", "wechat_users:", "staff_sessions:")) for line in lines)
        for trace in traces:
            assert [line for line in lines if trace in line] == [], trace

    def test_says_the_same_whether_or_not_a_session_was_sent(self, app: Flask, client: FlaskClient) -> None:
        """Row for row, apart from random numbers: the same tables, the same channel."""
        grown = []
        for headers in (None, factories.reporter_headers(OPENID)):
            before = rows.row_counts()
            factories.file_tip(client, headers=headers)
            grown.append(rows.growth(before))
        assert grown[0] == grown[1]
        assert rows.scalar("SELECT count(DISTINCT channel) FROM tips") == 1

    def test_a_spoilt_token_does_not_stand_in_its_way(self, client: FlaskClient) -> None:
        """The session is not looked at, so it cannot refuse either."""
        factories.file_tip(client, headers={"Authorization": "Bearer spoilt"})

    def test_the_moment_of_signing_in_is_not_kept(self, client: FlaskClient) -> None:
        """A first sign-in a second before an anonymous tip would join the two: only the day is stored."""
        factories.reporter_headers("another-openid-of-nobody")
        moments = rows.scalar(
            "SELECT count(*) FROM wechat_users WHERE created_at::time <> '16:00' OR tokens_valid_from <> created_at"
        )
        assert moments == 0
