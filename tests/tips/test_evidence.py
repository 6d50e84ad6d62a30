"""Evidence for officers: clean copies come by themselves, originals stay as they were, every look is audited."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests import factories, rows
from tests.files import samples
from tests.tips import reporters


def _jpeg() -> bytes:
    exif = Image.Exif()
    exif[271] = "TelephoneOfSomebody"
    target = io.BytesIO()
    Image.new("RGB", (50, 30), "red").save(target, "JPEG", exif=exif)
    return target.getvalue()


def _get(client: FlaskClient, path: str, username: str = "city.reviewer") -> Any:
    return client.get(f"/api/v1/office/tips/{path}", headers=factories.office_headers(username))


def test_a_photograph_gets_its_copies_and_keeps_its_original(client: FlaskClient) -> None:
    original = _jpeg()
    photo = factories.upload(client, content=original, name="照片.jpg").get_json()["id"]
    paper = factories.upload(client, content=samples.pdf(), name="合同.pdf").get_json()["id"]
    receipt = factories.file_tip(client, evidence=[photo, paper])
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    assert _get(client, f"{tip_id}/evidence/{photo}/view").status_code == 404  # not drawn yet
    for _ in range(2):
        reporters.run_outbox()
    for size in ("view", "thumbnail"):
        answer = _get(client, f"{tip_id}/evidence/{photo}/{size}")
        assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
        assert b"TelephoneOfSomebody" not in answer.get_data()
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert answer.headers["Cache-Control"] == "private, no-store"
    answer = _get(client, f"{tip_id}/evidence/{photo}")
    assert answer.get_data() == original
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert _get(client, f"{tip_id}/evidence/{paper}/view").status_code == 404
    assert _get(client, f"{tip_id}/evidence/{paper}").get_data() == samples.pdf()
    looked = "SELECT count(*) FROM audit_events WHERE action = 'files.download' AND succeeded"
    assert rows.scalar(looked) == 4


def test_a_supplement_gets_copies_too(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    photo = factories.upload(client, content=_jpeg(), name="照片.jpg").get_json()["id"]
    assert reporters.call(client, "supplement", receipt, evidence=[photo]).status_code == 201
    reporters.run_outbox()
    assert rows.scalar("SELECT count(*) FROM file_copies WHERE file_id = :id", id=photo) == 2


@pytest.mark.parametrize(
    ("username", "status"), [("district.650102", 404), ("auditor", 403), ("observer.650000", 403), ("sysadmin", 403)]
)
def test_nobody_else_sees_evidence(client: FlaskClient, username: str, status: int) -> None:
    photo = factories.upload(client, content=_jpeg(), name="照片.jpg").get_json()["id"]
    tip_id = factories.tip_id_of(factories.file_tip(client, evidence=[photo])["receipt_number"])
    reporters.run_outbox()
    for path in ("", "/view", "/thumbnail"):
        assert _get(client, f"{tip_id}/evidence/{photo}{path}", username).status_code == status


def test_a_file_of_another_tip_is_not_found(client: FlaskClient) -> None:
    photo = factories.upload(client, content=_jpeg(), name="照片.jpg").get_json()["id"]
    factories.file_tip(client, evidence=[photo])
    other = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
    assert _get(client, f"{other}/evidence/{photo}").status_code == 404
