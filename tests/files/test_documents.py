"""Pictures of the pages of a PDF: drawn apart, within limits, and nothing of the document but its pixels."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from app.files import copies, drawing, drawing_program, service
from app.files.formats import FileKind
from app.files.models import CopySize, StoredFile
from app.foundation.database import OPEN_WALL, transaction
from tests import factories, rows
from tests.files import samples
from tests.tips import reporters


def pdf(pages: int = 1, size: tuple[float, float] = (595, 842), password: str = "") -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=size, encrypt=StandardEncryption(password) if password else None)
    canvas.setAuthor("AuthorOfTheDocument")
    for number in range(pages):
        canvas.setFillColorRGB(1 if number % 2 == 0 else 0, 0, 0)
        canvas.rect(0, 0, *size, fill=1)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def stored(content: bytes) -> StoredFile:
    received = service.receive([content], "合同.pdf", "application/pdf", "public")
    with transaction(OPEN_WALL):
        return service.register(received)


def drawn(content: bytes) -> list[copies.Drawn]:
    return copies.draw(stored(content))


@pytest.mark.usefixtures("app")
def test_each_page_becomes_a_picture_and_the_first_a_small_one_too() -> None:
    file = stored(pdf(3))
    with transaction(OPEN_WALL):
        copies.register(file.id, copies.draw(file))
    with transaction(OPEN_WALL):
        assert copies.pages_of(file.id) == 3
        seen = [b"".join(service.content_of(copies.copy_of(file.id, CopySize.VIEW, number))) for number in (1, 2, 3)]
        small = b"".join(service.content_of(copies.copy_of(file.id, CopySize.THUMBNAIL)))
    colours = []
    for content in seen:
        assert b"AuthorOfTheDocument" not in content
        with Image.open(io.BytesIO(content)) as picture:
            assert max(picture.size) == drawing_program.LONGEST_SIDE
            red, *_ = picture.getpixel((50, 50))  # type: ignore[misc]
            colours.append(red > 200)
    assert colours == [True, False, True]
    with Image.open(io.BytesIO(small)) as picture:
        assert max(picture.size) == drawing_program.THUMBNAIL_SIDE


@pytest.mark.parametrize("size", [(14_400, 14_400), (1, 14_400), (3, 3)])
@pytest.mark.usefixtures("app")
def test_a_page_of_any_size_stays_small(size: tuple[float, float]) -> None:
    for one in drawn(pdf(1, size)):
        with Image.open(io.BytesIO(b"".join(service.vault().stream(one.place)))) as picture:
            assert max(picture.size) <= drawing_program.LONGEST_SIDE


def test_no_more_pages_than_allowed_are_drawn() -> None:
    content = pdf(drawing_program.MOST_PAGES + 2, (9, 9))
    assert len(list(drawing.pictures_of(FileKind.PDF, [content]))) == 1 + drawing_program.MOST_PAGES


@pytest.mark.parametrize("content", [samples.pdf(), b"%PDF-1.7\nnonsense\n%%EOF\n", pdf(1, password="open sesame")])
@pytest.mark.usefixtures("app")
def test_what_cannot_be_drawn_has_no_copy_and_breaks_nothing(content: bytes) -> None:
    assert drawn(content) == []


def test_a_document_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text("import sys\nsys.stdin.buffer.read()\nwhile True: pass\n", "utf-8")
    monkeypatch.setattr(drawing, "_PROGRAM", endless)
    monkeypatch.setattr(drawing, "_LONGEST_SECONDS", 0.3)
    assert list(drawing.pictures_of(FileKind.PDF, [b"%PDF"])) == []


def test_the_drawing_program_knows_no_secret_and_cannot_grow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spy = tmp_path / "spy.py"
    spy.write_text(
        "import os, sys, runpy\n"
        f"program = runpy.run_path({str(drawing._PROGRAM)!r})\n"
        "program['_limit_ourselves']()\n"
        "sys.stdin.buffer.read()\n"
        "told = repr(sorted(os.environ)).encode()\n"
        "try: bytearray(2 * 1024**3)\n"
        "except MemoryError: told += b' no memory'\n"
        "try: open('left', 'w').write('x' * 9999)\n"
        "except OSError: told += b' no files'\n"
        "sys.stdout.buffer.write(len(told).to_bytes(4, 'big') + told)\n",
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEALING_KEYS", "secret")
    monkeypatch.setattr(drawing, "_PROGRAM", spy)
    (told,) = drawing.pictures_of(FileKind.PDF, [b""])
    assert b"SEALING_KEYS" not in told
    assert b"no memory" in told
    assert b"no files" in told


def test_an_officer_looks_at_a_page_and_every_look_is_audited(app: Flask, client: FlaskClient) -> None:
    evidence = factories.upload(client, content=pdf(2), name="合同.pdf").get_json()["id"]
    receipt = factories.file_tip(client, evidence=[evidence])
    reporters.run_outbox()
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    address = f"/api/v1/office/tips/{tip_id}/evidence/{evidence}"
    headers = factories.office_headers("city.reviewer")
    before = rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download'")
    answer = client.get(f"{address}/pages/2", headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert client.get(f"{address}/thumbnail", headers=headers).status_code == 200
    for nothing in (0, 3, 99_999):
        assert client.get(f"{address}/pages/{nothing}", headers=headers).status_code == 404
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'files.download'") == before + 2
    assert client.get(f"{address}/pages/1", headers=factories.office_headers("district.650102")).status_code == 404
