"""Intake refuses what it cannot use: the right status and code, the fields named in Chinese, and no row left behind."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.foundation import clock
from app.foundation.http import LARGEST_JSON_BYTES
from tests import factories, rows
from tests.moments import MONDAY_MORNING

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def _nothing_left_behind(app: Flask, request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test of this module is refused throughout: all tables hold what they held."""
    prepared = getattr(request.node.get_closest_marker("prepared"), "args", None)
    before = None if prepared else rows.row_counts()
    yield
    if before is not None:
        assert rows.growth(before) == {}


def _refused(answer: Any, status: int, code: str, *fields: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.get_json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.mimetype == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"].startswith("urn:shudi:problem:")
    assert problem["request_id"]
    assert CHINESE.search(problem["title"])
    assert set(problem.get("errors", {})) == set(fields), problem
    for messages in problem.get("errors", {}).values():
        assert all(CHINESE.search(message) for message in messages), messages
    return problem


def _changed(path: str, value: Any) -> dict[str, Any]:
    """A complete tip with one thing in it replaced, added or (``...``) left out."""
    body = factories.tip_body(
        place={"longitude": 87.6, "latitude": 43.8, "datum": "gcj02"}, reporter=dict(factories.REPORTER)
    )
    *parents, last = path.split(".")
    inner: Any = body
    for name in parents:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return body


WRONG_TYPES: dict[str, list[Any]] = {
    "client_request_id": [1, "not-a-uuid", True, [], {}],
    "subject": [None, 1, "甲公司", [], True],
    "subject.kind": [None, 1, [], {}, "company", "ORGANIZATION", ""],
    "subject.name": [1, True, [], {}, 1.5],
    "subject.uscc": [91350100, []],
    "subject.registered_address": [{"text": "新市区"}, 5],
    "subject.operating_address": [["新市区"]],
    "subject.contact": [1],
    "conduct": [None, "x", 1, []],
    "conduct.type": [1, "ponzi", [], {}],
    "conduct.description": [1, [], {}],
    "conduct.promised_return": [0.18],
    "conduct.publicity": ["seminar", None, 1, {}],
    "conduct.started_on": [20250301, "2025/03/01", "yesterday", True, [], "2025-03-01T00:00:00"],
    "conduct.ongoing": ["yes", 1, 0, "true", []],
    "conduct.amount_yuan": ["二十万", True, [], {}, "", "1,000", "0x10", " "],
    "conduct.participants": ["60", 1.5, True, [], {}],
    "conduct.loss_yuan": ["-", False],
    "place": [1, "87.6,43.8", [87.6, 43.8]],
    "place.longitude": ["东经", None, [], {}],
    "place.latitude": [None, "x"],
    "place.datum": [None, "bd09", 1, "GCJ02"],
    "district_guess": [650104, [], {}, True],
    "relation": [1, "friend", []],
    "reporter": [1, "某人", []],
    "reporter.name": [None, 1, "", "   "],
    "reporter.phone": [None, 13900001234, "", "abc", "12", "139-0000-1234-5678-9012"],
    "reporter.id_number": [650102199001011234],
    "reporter.email": [1, "somebody", "a@b", "a b@example.org", "名@example.org", "a@example.org\nBcc: b@example.org"],
    "reporter.wants_reward": ["yes", 1, None],
    "reporter.reply_channel": [1, "pigeon"],
    "evidence": [None, "x", 1, {}],
}


class TestShape:
    @pytest.mark.parametrize("path", WRONG_TYPES)
    def test_a_wrong_type_is_named(self, client: FlaskClient, path: str) -> None:
        for value in WRONG_TYPES[path]:
            answer = client.post("/api/v1/tips", json=_changed(path, value))
            problem = _refused(answer, 422, "validation_error", *answer.get_json().get("errors", {}))
            assert all(name == path or name.startswith(path + ".") for name in problem["errors"]), problem

    @pytest.mark.parametrize(
        ("path", "value"),
        [("subject.online_presence", [1]), ("conduct.publicity", ["seminar", "rumour"]), ("evidence", ["x"])],
    )
    def test_a_wrong_element_is_named_by_its_place(self, client: FlaskClient, path: str, value: Any) -> None:
        answer = client.post("/api/v1/tips", json=_changed(path, value))
        _refused(answer, 422, "validation_error", f"{path}.{len(value) - 1}")

    @pytest.mark.parametrize("parent", ["", "subject.", "conduct.", "place.", "reporter."])
    def test_an_unknown_field_is_refused_at_every_level(self, client: FlaskClient, parent: str) -> None:
        for name in ("extra", "id", "receipt_number", "registered_at", "__class__", "名称"):
            answer = client.post("/api/v1/tips", json=_changed(parent + name, "x"))
            _refused(answer, 422, "validation_error", parent + name)

    @pytest.mark.parametrize(
        "path", ["subject", "subject.kind", "place.datum", "place.longitude", "reporter.phone", "reporter.name"]
    )
    def test_a_missing_field_is_named(self, client: FlaskClient, path: str) -> None:
        _refused(client.post("/api/v1/tips", json=_changed(path, ...)), 422, "validation_error", path)

    @pytest.mark.parametrize("body", [None, [], "text", 1, 1.5, True, [{}]])
    def test_a_body_that_is_no_object(self, client: FlaskClient, body: Any) -> None:
        answer = client.post("/api/v1/tips", data=json.dumps(body), content_type="application/json")
        _refused(answer, 422, "validation_error", "_schema")

    def test_an_empty_object_names_what_is_missing(self, client: FlaskClient) -> None:
        _refused(client.post("/api/v1/tips", json={}), 422, "validation_error", "subject")

    def test_a_tip_that_says_nothing(self, client: FlaskClient) -> None:
        body = {
            "subject": {"kind": "unknown", "name": "  ", "online_presence": ["", " "]},
            "conduct": {"description": "\n"},
        }
        _refused(client.post("/api/v1/tips", json=body), 422, "validation_error", "subject.name")

    @pytest.mark.parametrize(
        "raw",
        [b"", b"{", b"not json", b"{'subject': 1}", b'{"a": 1,}', b"\xff\xfe\xfd", b'{"a": "\x80"}', b"{} {}", b"\x00" * 10,
         b'{"subject": NaN}', b'{"conduct": {"amount_yuan": Infinity}}', b'{"place": {"longitude": -Infinity}}',
         b'{"n": 1' + b"0" * 5000 + b"}"],
    )  # fmt: skip
    def test_not_json(self, client: FlaskClient, raw: bytes) -> None:
        answer = client.post("/api/v1/tips", data=raw, content_type="application/json")
        _refused(answer, 422, "malformed_json")

    @pytest.mark.parametrize("opening", [b"[", b'{"subject":', b'[{"a":'])
    def test_deep_nesting(self, client: FlaskClient, opening: bytes) -> None:
        for depth in (900, 50_000):
            raw = opening * depth
            answer = client.post("/api/v1/tips", data=raw, content_type="application/json")
            assert answer.status_code == 422 if len(raw) <= LARGEST_JSON_BYTES else 413
            closed = b"[" * depth + b"]" * depth
            assert client.post("/api/v1/tips", data=closed, content_type="application/json").status_code == 422

    def test_deep_nesting_inside_a_field(self, client: FlaskClient) -> None:
        nested: Any = "x"
        for _ in range(400):
            nested = {"a": nested}
        raw = json.dumps(_changed("subject.name", nested))  # deeper than the program itself would write
        answer = client.post("/api/v1/tips", data=raw, content_type="application/json")
        _refused(answer, 422, "validation_error", "subject.name")

    @pytest.mark.parametrize("megabytes", [1, 10])
    def test_ten_megabytes_of_text(self, client: FlaskClient, megabytes: int) -> None:
        body = _changed("conduct.description", "骗" * (megabytes * 350_000))
        _refused(client.post("/api/v1/tips", json=body), 413, "payload_too_large")

    def test_ten_megabytes_without_a_stated_length(self, client: FlaskClient) -> None:
        raw = json.dumps(_changed("conduct.description", "x" * 10_000_000)).encode()
        answer = client.post(
            "/api/v1/tips",
            input_stream=io.BytesIO(raw),
            headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
            environ_overrides={"wsgi.input_terminated": True},
        )
        _refused(answer, 413, "payload_too_large")

    @pytest.mark.parametrize(
        ("path", "longest"),
        [
            ("subject.name", 200),
            ("subject.registered_address", 300),
            ("conduct.description", 5000),
            ("reporter.name", 100),
        ],
    )
    def test_a_text_longer_than_its_measure(self, client: FlaskClient, path: str, longest: int) -> None:
        _refused(client.post("/api/v1/tips", json=_changed(path, "长" * (longest + 1))), 422, "validation_error", path)

    def test_too_many_of_anything(self, client: FlaskClient) -> None:
        for path, value in {
            "subject.online_presence": ["http://a.example"] * 11,
            "conduct.publicity": ["seminar"] * 11,
            "evidence": [str(uuid4()) for _ in range(21)],
        }.items():
            _refused(client.post("/api/v1/tips", json=_changed(path, value)), 422, "validation_error", path)

    @pytest.mark.parametrize("bad", ["\x00", "a\x07b", "\x1b[2J", "\x7f", "\x85", "\ud800", "x\udfffy"])
    def test_control_characters_and_lone_surrogates(self, client: FlaskClient, bad: str) -> None:
        for path in ("subject.name", "conduct.description", "reporter.name", "subject.contact", "reporter.id_number"):
            raw = json.dumps(_changed(path, "甲" + bad))  # as ASCII escapes: a surrogate arrives as one
            answer = client.post("/api/v1/tips", data=raw, content_type="application/json")
            _refused(answer, 422, "validation_error", path)

    @pytest.mark.parametrize("name", ["\ud800", "\x00", "a\udfff"])
    def test_a_spoilt_field_name_is_answered_too(self, client: FlaskClient, name: str) -> None:
        answer = client.post("/api/v1/tips", data=json.dumps({name: 1}), content_type="application/json")
        assert answer.status_code == 422
        assert answer.get_json()["code"] == "validation_error"

    @pytest.mark.parametrize("bad", ["\x00", "\ud800", "organization\x00"])
    def test_a_spoilt_choice(self, client: FlaskClient, bad: str) -> None:
        for path in ("subject.kind", "relation", "district_guess", "conduct.type", "reporter.reply_channel"):
            answer = client.post("/api/v1/tips", data=json.dumps(_changed(path, bad)), content_type="application/json")
            _refused(answer, 422, "validation_error", path)


class TestMeaning:
    @pytest.mark.parametrize(
        "day",
        [
            "2025-02-29",
            "2025-13-01",
            "2025-00-10",
            "2025-04-31",
            "0000-01-01",
            "1979-12-31",
            "2026-03-03",
            "9999-12-31",
            "10000-01-01",
        ],
    )
    def test_an_impossible_date(self, client: FlaskClient, day: str) -> None:
        _refused(
            client.post("/api/v1/tips", json=_changed("conduct.started_on", day)),
            422,
            "validation_error",
            "conduct.started_on",
        )

    @pytest.mark.parametrize(
        "amount",
        [-1, "-0.01", "10000000000001", "1e30", "1E+400", "9" * 40, "9" * 4000, "0.001", "100.005", 0.001, "1e-9", 1e300,
         "NaN", "sNaN", "Infinity", "-Infinity", "nan", "inf"],
    )  # fmt: skip
    def test_a_negative_absurd_or_too_precise_amount(self, client: FlaskClient, amount: Any) -> None:
        for field in ("conduct.amount_yuan", "conduct.loss_yuan"):
            _refused(client.post("/api/v1/tips", json=_changed(field, amount)), 422, "validation_error", field)

    @pytest.mark.parametrize("people", [-1, 10**8 + 1, 2**63, 10**40])
    def test_an_absurd_number_of_participants(self, client: FlaskClient, people: int) -> None:
        answer = client.post("/api/v1/tips", json=_changed("conduct.participants", people))
        _refused(answer, 422, "validation_error", "conduct.participants")

    @pytest.mark.parametrize(
        ("axis", "degrees"),
        [("longitude", 180.1), ("longitude", -200), ("latitude", 91), ("latitude", 1e9), ("latitude", "nan")],
    )
    def test_a_place_off_the_globe(self, client: FlaskClient, axis: str, degrees: Any) -> None:
        _refused(
            client.post("/api/v1/tips", json=_changed(f"place.{axis}", degrees)),
            422,
            "validation_error",
            f"place.{axis}",
        )

    def test_a_code_that_is_no_division(self, client: FlaskClient) -> None:
        for code in (
            "000000", "999999", "650199", "65010", "6501040", "abcdef", "６５０１０４", "650104 ", " 650104", "650104\n", "-50104",
         "6501040031", "", "652301x", "650103000000", "1.0e05",
        ):  # fmt: skip
            _refused(
                client.post("/api/v1/tips", json=_changed("district_guess", code)),
                422,
                "validation_error",
                "district_guess",
            )

    def test_several_faults_are_named_at_once(self, client: FlaskClient) -> None:
        body = _changed("conduct.amount_yuan", -1)
        body["subject"]["kind"], body["reporter"]["phone"], body["district_guess"] = "x", "x", "x"
        fields = ["conduct.amount_yuan", "subject.kind", "reporter.phone", "district_guess"]
        _refused(client.post("/api/v1/tips", json=body), 422, "validation_error", *fields)


class TestUploads:
    @pytest.mark.parametrize(
        ("content", "name"),
        [(b"<html><script>alert(1)</script>", "a.png"), (b"MZ\x90\x00" + b"\x00" * 200, "a.pdf"), (factories.PNG, "a.pdf"),
         (b"", "a.png"), (b"#!/bin/sh\n", "a.jpg"), (b"%PDF-1.4", "a.exe"), (b"\x89PNG\r\n\x1a\n", "a.png")],
    )  # fmt: skip
    def test_an_upload_that_lies_about_its_type(self, client: FlaskClient, content: bytes, name: str) -> None:
        _refused(factories.upload(client, content=content, name=name), 415, "unsupported_file")

    @pytest.mark.parametrize("data", [{}, {"other": (io.BytesIO(b"x"), "x.png")}, {"file": "text"}])
    def test_a_form_of_another_shape(self, client: FlaskClient, data: dict[str, Any]) -> None:
        answer = client.post("/api/v1/uploads", data=data, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert answer.mimetype == "application/problem+json"

    def test_a_forged_upload_id(self, client: FlaskClient) -> None:
        _refused(
            client.post("/api/v1/tips", json=factories.tip_body(evidence=[str(uuid4())])),
            422,
            "validation_error",
            "evidence",
        )

    @pytest.mark.prepared("an upload")
    def test_a_repeated_used_or_expired_upload_id(self, client: FlaskClient) -> None:
        file_id, second = (factories.upload(client).get_json()["id"] for _ in range(2))
        before = rows.row_counts()
        for evidence in ([file_id, file_id], [file_id, str(uuid4())], [file_id, str(UUID(int=0))]):
            answer = client.post("/api/v1/tips", json=factories.tip_body(evidence=evidence))
            _refused(answer, 422, "validation_error", "evidence")
        assert rows.growth(before) == {}
        factories.file_tip(client, evidence=[file_id])
        before = rows.row_counts()
        answer = client.post("/api/v1/tips", json=factories.tip_body(evidence=[file_id]))
        _refused(answer, 422, "validation_error", "evidence")
        with clock.stopped_at(clock.now() + timedelta(hours=25)):
            answer = client.post("/api/v1/tips", json=factories.tip_body(evidence=[second]))
            _refused(answer, 422, "validation_error", "evidence")
        assert rows.growth(before) == {}

    @pytest.mark.prepared("an officer's upload")
    def test_an_officers_upload_is_no_evidence_of_a_reporter(self, client: FlaskClient) -> None:
        file_id = factories.upload(client, factories.office_headers("city.reviewer")).get_json()["id"]
        before = rows.row_counts()
        _refused(
            client.post("/api/v1/tips", json=factories.tip_body(evidence=[file_id])),
            422,
            "validation_error",
            "evidence",
        )
        assert rows.growth(before) == {}


def _token(app: Flask, **changes: Any) -> dict[str, str]:
    now = int(MONDAY_MORNING.timestamp())
    claims = {"aud": "reporter", "sub": "00" * 32, "jti": str(uuid4()), "iat": now, "exp": now + 60} | changes
    claims = {name: value for name, value in claims.items() if value is not ...}
    key = claims.pop("key", app.config["SECRET_KEY"])
    return {"Authorization": "Bearer " + jwt.encode(claims, key, claims.pop("alg", "HS256"))}


@pytest.mark.prepared("sessions")
class TestTokens:
    """A named tip with a token that is not good: refused rather than filed as somebody else's."""

    def _refuse(self, client: FlaskClient, headers: dict[str, str], code: str = "not_signed_in") -> None:
        before = rows.row_counts()
        calls = [
            client.post("/api/v1/tips", json=factories.tip_body(reporter=factories.REPORTER), headers=headers),
            client.get("/api/v1/tips", headers=headers),
        ]
        for answer in calls:
            _refused(answer, 401, code)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert rows.growth(before) == {}

    def test_of_another_audience(self, client: FlaskClient) -> None:
        self._refuse(client, factories.office_headers("city.reviewer"))

    def test_expired(self, client: FlaskClient) -> None:
        headers = factories.reporter_headers()
        with clock.stopped_at(clock.now() + timedelta(hours=12, seconds=1)):
            self._refuse(client, headers, "token_expired")

    def test_of_a_session_that_was_ended(self, client: FlaskClient) -> None:
        headers = factories.reporter_headers()
        assert client.get("/api/v1/tips", headers=headers).status_code == 200
        assert client.delete("/api/v1/session", headers=headers).status_code == 200
        self._refuse(client, headers)

    @pytest.mark.parametrize("place", ["header", "claims", "signature"])
    def test_tampered(self, client: FlaskClient, place: str) -> None:
        parts = factories.reporter_headers()["Authorization"].removeprefix("Bearer ").split(".")
        position = ["header", "claims", "signature"].index(place)
        parts[position] = parts[position][:-3] + ("AAA" if parts[position][-3:] != "AAA" else "BBB")
        self._refuse(client, {"Authorization": "Bearer " + ".".join(parts)})

    @pytest.mark.parametrize(
        "changes",
        [{"key": "another-key-of-at-least-32-bytes-length"}, {"alg": "HS512"}, {"aud": "officer"}, {"aud": ...}, {"exp": ...},
         {"sub": ...}, {"jti": ...}, {"iat": ...}, {"sub": "not hex"}, {"exp": 1}, {"sub": "00" * 32}],
        ids=str,
    )  # fmt: skip
    def test_forged(self, app: Flask, client: FlaskClient, changes: dict[str, Any]) -> None:
        code = "token_expired" if changes.get("exp") == 1 else "not_signed_in"
        self._refuse(client, _token(app, **changes), code)

    def test_without_a_signature(self, client: FlaskClient) -> None:
        token = jwt.encode({"aud": "reporter", "sub": "00", "jti": "x", "iat": 1, "exp": 99999999999}, "", "none")
        self._refuse(client, {"Authorization": f"Bearer {token}"})

    @pytest.mark.parametrize(
        "header",
        ["Bearer", "Bearer ", "Bearer a.b", "Token x", "Bearer a b c", "Bearer \u00e9", "Bearer " + "x" * 9000],
    )
    def test_of_no_shape(self, client: FlaskClient, header: str) -> None:
        self._refuse(client, {"Authorization": header})


class TestQueryByCode:
    @pytest.mark.parametrize("bad", ["\x00", "\ud800", "1\x00", "１" * 40])
    @pytest.mark.parametrize("field", ["receipt_number", "query_code"])
    def test_spoilt_codes_are_wrong_codes(self, client: FlaskClient, field: str, bad: str) -> None:
        body = {"receipt_number": "1", "query_code": "1"} | {field: bad}
        answer = client.post("/api/v1/tips/query", data=json.dumps(body), content_type="application/json")
        assert answer.status_code in {404, 422}
        assert answer.mimetype == "application/problem+json"

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"receipt_number": "1"},
            {"receipt_number": 1, "query_code": "1"},
            {"receipt_number": "1" * 41, "query_code": "1"},
        ],
    )
    def test_incomplete(self, client: FlaskClient, body: dict[str, Any]) -> None:
        answer = client.post("/api/v1/tips/query", json=body)
        _refused(answer, 422, "validation_error", *answer.get_json()["errors"])


class TestQueryStrings:
    @pytest.mark.parametrize(
        ("path", "field"),
        [("tips?limit=0", "limit"), ("tips?limit=101", "limit"), ("tips?limit=x", "limit"), ("tips?cursor=x", "cursor"),
         ("tips?cursor=%00", "cursor"), ("tips?cursor=MDAwMQ==", "cursor"), ("tips?extra=1", "extra"),
         ("divisions?parent=000000", "parent"), ("divisions?parent=%00", "parent"), ("divisions?parents=650100", "parents")],
    )  # fmt: skip
    @pytest.mark.prepared("a session")
    def test_bad_filters_are_named(self, client: FlaskClient, path: str, field: str) -> None:
        answer = client.get(f"/api/v1/{path}", headers=factories.reporter_headers())
        _refused(answer, 422, "validation_error", field)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(path=st.sampled_from(sorted(WRONG_TYPES)), value=JSON)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.prepared("some of what is drawn is a good tip")
def test_whatever_is_sent_is_taken_or_refused_never_a_fault(client: FlaskClient, path: str, value: Any) -> None:
    """No value of any type in any field ends in a 500: the answer is a receipt or a refusal that names fields."""
    raw = json.dumps(_changed(path, value))
    answer = client.post("/api/v1/tips", data=raw, content_type="application/json")
    assert answer.status_code in {200, 201, 422}, (path, value, answer.get_json())
