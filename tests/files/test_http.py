from __future__ import annotations

import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.files import jobs
from app.files.http import download_response
from app.files.models import StoredFile
from app.files.service import LARGEST_FILE_BYTES, receive, register
from app.foundation import clock
from app.foundation.database import db
from tests.files import samples
from tests.files.test_sniffing import HOSTILE

UPLOADS = "/api/v1/uploads"


def post(client: FlaskClient, content: bytes, name: str = "a.png", declared: str = "image/png", **more: Any) -> Any:
    form = {"file": (io.BytesIO(content), name, declared)} | more
    return client.post(UPLOADS, data=form, content_type="multipart/form-data")


def raw(client: FlaskClient, body: bytes, content_type: str = "multipart/form-data; boundary=xx") -> Any:
    return client.post(UPLOADS, data=body, content_type=content_type)


def rows() -> int:
    return db.session.scalar(select(func.count()).select_from(StoredFile)) or 0


def paths(app: Flask) -> set[Path]:
    root = Path(unquote(urlsplit(app.extensions["shudi_settings"].files_url).path))
    return {path for path in root.rglob("*") if path.is_file()}


def objects(app: Flask) -> int:
    return len(paths(app))


def part(
    name: str = "file", filename: str | None = "a.png", content: bytes = b"", declared: str = "image/png"
) -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    head = f"--xx\r\nContent-Disposition: {disposition}\r\nContent-Type: {declared}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def test_one_file_is_taken(client: FlaskClient) -> None:
    content = samples.png()
    answer = post(client, content, "收据.png")
    assert answer.status_code == 201, answer.json
    assert set(answer.json) == {"id", "sha256", "kind", "size"}
    assert (answer.json["kind"], answer.json["size"]) == ("image", len(content))
    stored = db.session.get_one(StoredFile, uuid.UUID(answer.json["id"]))
    assert stored.uploaded_by is None


def test_bytes_that_look_like_borders_survive(client: FlaskClient) -> None:
    media = b"\r\n--xx-\r\n\n--x\r\r\n" * 9_000 + bytes(300_000) + b"\r\n"
    content = samples.iso_media(b"isom", [b"vide"], media=media)
    answer = raw(client, part(filename="a.mp4", content=content, declared="video/mp4") + b"--xx--\r\n")
    assert answer.status_code == 201, answer.json
    assert answer.json["size"] == len(content)


@pytest.mark.parametrize(
    ("content", "name", "declared"),
    [
        (b"", "a.png", "image/png"),
        (b"<html></html>", "a.html", "text/html"),
        (b"<html><script>1</script>", "a.png", "image/png"),
        (b"MZ" + bytes(3000), "a.jpg", "image/jpeg"),
        (samples.png(), "a.pdf", "application/pdf"),
        (samples.png(), "a.png", "image/jpeg"),
    ],
)
def test_lies_are_415_and_leave_nothing(
    app: Flask, client: FlaskClient, content: bytes, name: str, declared: str
) -> None:
    before = rows(), objects(app)
    answer = post(client, content, name, declared)
    assert answer.status_code == 415
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "unsupported_file"
    assert answer.json["detail"]
    assert (rows(), objects(app)) == before


@pytest.mark.parametrize("disguise", [("照片.jpg", "image/jpeg"), ("合同.docx", "application/octet-stream")])
def test_the_hostile_set_leaves_nothing_at_either_door(
    app: Flask, client: FlaskClient, disguise: tuple[str, str]
) -> None:
    """Polyglots, bombs, scripts, renamed programs: in one piece and in parts."""
    name, declared = disguise
    before, taken = paths(app), []
    for told, content in HOSTILE:
        whole = post(client, content, name, declared)
        begun = client.post(f"{UPLOADS}/partial", json={"size": len(content), "name": name, "type": declared})
        if whole.status_code != 415 or (content and begun.status_code != 201):
            taken.append((told, whole.status_code, begun.status_code))
        if begun.status_code == 201:
            path = f"{UPLOADS}/partial/{begun.json['id']}"
            put = client.put(f"{path}?at=0", data=content, content_type="application/octet-stream")
            if put.status_code == 200 and client.post(f"{path}/complete").status_code != 415:
                taken.append((told, put.status_code, 0))
    assert taken == []
    with clock.stopped_at(clock.now() + timedelta(hours=25)):  # parts of what never became whole go after a day
        jobs.remove_orphans(timedelta(hours=24))
    assert (rows(), paths(app) - before) == (0, set())


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=xx"),
        (b"{}", "application/json"),
        (samples.png(), "image/png"),
        (part(content=samples.png()) + b"--xx--\r\n", "multipart/form-data"),
        (part(content=samples.png()) + b"--xx--\r\n", "multipart/form-data; boundary=other"),
        (part(content=samples.png()), "multipart/form-data; boundary=xx"),
        (b"--xx--\r\n", "multipart/form-data; boundary=xx"),
        (part(name="photo", content=samples.png()) + b"--xx--\r\n", "multipart/form-data; boundary=xx"),
        (part(filename=None, content=samples.png()) + b"--xx--\r\n", "multipart/form-data; boundary=xx"),
        (part(content=samples.png()) * 2 + b"--xx--\r\n", "multipart/form-data; boundary=xx"),
        (part(content=samples.png()) * 9 + b"--xx--\r\n", "multipart/form-data; boundary=xx"),
        (part(content=samples.png()) + part("phone", None, b"1") + b"--xx--\r\n", "multipart/form-data; boundary=xx"),
        (b"--xx\r\nContent-Type: image/png\r\n\r\nabc\r\n--xx--\r\n", "multipart/form-data; boundary=xx"),
        (b"--xx\r\nContent-Disposition: \xff\xfe\r\n\r\nabc\r\n--xx--\r\n", "multipart/form-data; boundary=xx"),
    ],
)
def test_other_shapes_are_422_and_leave_nothing(
    app: Flask, client: FlaskClient, body: bytes, content_type: str
) -> None:
    before = rows(), objects(app)
    answer = raw(client, body, content_type)
    assert answer.status_code == 422, answer.json
    assert answer.json["code"] == "validation_error"
    assert (rows(), objects(app)) == before


def test_endless_part_head_is_413(app: Flask, client: FlaskClient) -> None:
    before = objects(app)
    assert raw(client, b"--xx\r\nX-Long: " + b"a" * 2_000_000).status_code == 413
    assert objects(app) == before


def test_too_large_by_its_own_word(client: FlaskClient) -> None:
    answer = client.post(
        UPLOADS,
        content_type="multipart/form-data; boundary=xx",
        environ_overrides={"CONTENT_LENGTH": str(LARGEST_FILE_BYTES * 2)},
    )
    assert answer.status_code == 413
    assert "100 MB" in answer.json["detail"]


def test_too_large_by_a_byte(app: Flask, client: FlaskClient) -> None:
    content = samples.mp4()
    content += samples.box(b"free", bytes(LARGEST_FILE_BYTES + 1 - len(content) - 8))
    before = rows(), objects(app)
    answer = post(client, content, "a.mp4", "video/mp4")
    assert answer.status_code == 413
    assert (rows(), objects(app)) == before
    answer = post(client, content[: LARGEST_FILE_BYTES - 500_000], "a.mp4", "video/mp4")
    assert answer.status_code == 201


def test_downloads_are_attachments_that_nothing_runs(app: Flask) -> None:
    stored = register(receive([samples.pdf()], '合同 "一";\r\n.pdf', "application/pdf", "office", uuid.uuid4()))
    with app.test_request_context():
        response = download_response(stored)
    assert response.get_data() == samples.pdf()
    assert response.headers["Content-Type"] == "application/pdf"
    assert int(response.headers["Content-Length"]) == len(samples.pdf())
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "no-store" in response.headers["Cache-Control"]
    disposition = response.headers["Content-Disposition"]
    assert disposition.startswith(f"attachment; filename=\"file-{stored.sha256[:8]}.pdf\"; filename*=UTF-8''")
    assert unquote(disposition.partition("UTF-8''")[2]) == '合同 "一";.pdf'


def test_a_nameless_upload_gets_an_extension(app: Flask) -> None:
    stored = register(receive([samples.jpeg()], "", "", "office", uuid.uuid4()))
    with app.test_request_context():
        disposition = download_response(stored).headers["Content-Disposition"]
    assert unquote(disposition.partition("UTF-8''")[2]) == "未命名.jpg"


def test_a_reporters_name_of_a_file_does_not_leave_with_it(app: Flask) -> None:
    stored = register(receive([samples.png()], "阿依古丽·测试的工资流水.png", "", "public"))
    with app.test_request_context():
        disposition = download_response(stored).headers["Content-Disposition"]
    assert unquote(disposition.partition("UTF-8''")[2]) == f"举报材料-{stored.sha256[:8]}.png"
    assert "阿依古丽" not in unquote(str(disposition))
