"""The signed filing proof: genuine ones are known, forged and altered ones are not, and the paper tells no secrets."""

from __future__ import annotations

import base64
import re
import zlib
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.foundation.database import db
from app.tips import filing_proof
from app.tips.models import Tip
from tests import factories, rows
from tests.tips import reporters


def _line(receipt: dict[str, Any]) -> str:
    tip = db.session.get_one(Tip, factories.tip_id_of(receipt["receipt_number"]))
    return filing_proof.signed_line(filing_proof.proved_of(tip))


def _verify(client: FlaskClient, proof: str) -> dict[str, Any]:
    answer = client.post("/api/v1/receipts/verify", json={"proof": proof})
    assert answer.status_code == 200, answer.get_json()
    verified: dict[str, Any] = answer.get_json()
    return verified


def test_a_genuine_proof_says_when_and_what(client: FlaskClient) -> None:
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    line = _line(receipt)
    verified = _verify(client, line)
    assert verified["valid"]
    assert verified["receipt_number"] == receipt["receipt_number"]
    moments = [datetime.fromisoformat(one["registered_at"]) for one in (verified, receipt)]
    assert moments[0] == moments[1].replace(microsecond=0)
    assert re.fullmatch(r"[0-9a-f]{64}", verified["statement_sha256"])
    broken_over_lines = line[:40] + "\n " + line[40:]
    assert _verify(client, broken_over_lines)["valid"]


def test_the_digest_is_that_of_the_statement(client: FlaskClient) -> None:
    first, second = factories.file_tip(client), factories.file_tip(client)
    digests = {_verify(client, _line(one))["statement_sha256"] for one in (first, second)}
    assert len(digests) == 2  # other tips, other digests
    before = _verify(client, _line(first))["statement_sha256"]
    reporters.call(client, "supplement", first, text="后来又想起。")
    assert _verify(client, _line(first))["statement_sha256"] == before  # what came later is no part of it


@pytest.mark.parametrize("change", ["content", "signature", "edition", "nothing left", "not ours", "not base64"])
def test_anything_else_is_not_ours(client: FlaskClient, change: str) -> None:
    line = _line(factories.file_tip(client))
    edition, content, signature = line.split(".")
    forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(content + "==").replace(b"2", b"3")).decode().rstrip("=")
    altered = {
        "content": f"{edition}.{forged}.{signature}",
        "signature": f"{edition}.{content}.{signature[:-4]}AAAA",
        "edition": f"SHUDI2.{content}.{signature}",
        "nothing left": edition,
        "not ours": "https://example.invalid/",
        "not base64": f"{edition}.{content}.***",
    }
    assert _verify(client, altered[change]) == {"valid": False}


def test_the_paper_is_a_pdf_with_the_code_and_without_secrets(client: FlaskClient) -> None:
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    answer = client.post("/api/v1/tips/proof", json=reporters.codes_of(receipt))
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Cache-Control"] == "private, no-store"
    content = answer.get_data()
    assert content.startswith(b"%PDF-")
    drawn = b"".join(_streams(content))
    assert drawn.count(b" re") > 400  # the squares of the QR code
    text = drawn.decode("latin-1") + content.decode("latin-1")
    shown = [receipt["receipt_number"]]
    hidden = [receipt["query_code"], factories.REPORTER["name"], factories.REPORTER["phone"], "瑞丰源"]
    assert all(_as_drawn(value) in text for value in shown)
    assert not any(_as_drawn(value) in text or value in text for value in hidden)


def _streams(pdf: bytes) -> list[bytes]:
    found = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    return [zlib.decompress(base64.a85decode(raw.strip().removesuffix(b"~>"))) for raw in found]


def _as_drawn(text: str) -> str:
    """UniGB-UCS2-H: two bytes a letter; digits become an escaped NUL and themselves."""
    return "".join(f"\\000{char}" if char.isascii() else char.encode("utf-16-be").decode("latin-1") for char in text)


def test_other_peoples_codes_make_no_proof(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    before = rows.row_counts()
    body = reporters.codes_of(receipt) | {"query_code": "0" * 20}
    assert client.post("/api/v1/tips/proof", json=body).status_code == 404
    assert rows.growth(before) == {}
