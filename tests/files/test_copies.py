"""Clean copies: the same picture, upright, without anything that the camera or the sender put beside it."""

from __future__ import annotations

import io
import resource

import pytest
from flask import Flask
from PIL import Image, ImageDraw

from app.files import copies, service
from app.files.models import CopySize, FileCopy, StoredFile
from app.foundation.database import OPEN_WALL, db, transaction
from tests import rows
from tests.files import samples

MAKER, GPS = "TelephoneOfSomebody", 34853


def _photo(kind: str = "JPEG", size: tuple[int, int] = (60, 40), orientation: int = 6) -> bytes:
    """Red on the left, blue on the right, with position, maker and comment; turned by the camera."""
    picture = Image.new("RGB", size, "blue")
    ImageDraw.Draw(picture).rectangle((0, 0, size[0] // 2, size[1]), fill="red")
    exif = Image.Exif()
    exif[271], exif[274] = MAKER, orientation
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (43.0, 49.0, 30.0)
    target = io.BytesIO()
    picture.save(target, kind, exif=exif, quality=95)
    return target.getvalue()


def _stored(content: bytes, name: str = "照片.jpg") -> StoredFile:
    received = service.receive([content], name, "", "public")
    with transaction(OPEN_WALL):
        return service.register(received)


def _copies(stored: StoredFile) -> dict[CopySize, bytes]:
    drawn = copies.draw(stored)
    with transaction(OPEN_WALL):
        copies.register(stored.id, drawn)
    with transaction(OPEN_WALL):
        return {one.size_name: b"".join(service.content_of(copies.copy_of(stored.id, one.size_name))) for one in drawn}


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("kind", "name"), [("JPEG", "照片.jpg"), ("WEBP", "照片.webp"), ("PNG", "照片.png")])
def test_a_copy_holds_the_picture_and_nothing_else(kind: str, name: str) -> None:
    original = _photo(kind)
    assert MAKER.encode() in original
    made = _copies(_stored(original, name))
    assert set(made) == set(CopySize)
    for content in made.values():
        assert content.startswith(b"\xff\xd8")
        assert MAKER.encode() not in content
        assert b"Exif" not in content
        with Image.open(io.BytesIO(content)) as seen:
            assert dict(seen.getexif()) == {}
            assert seen.size == (40, 60)  # upright, as orientation 6 says
            top, bottom = seen.getpixel((20, 5)), seen.getpixel((20, 55))
        assert isinstance(top, tuple)
        assert isinstance(bottom, tuple)
        assert top[0] > 200 > top[2]  # red came to the top
        assert bottom[2] > 200 > bottom[0]


@pytest.mark.usefixtures("app")
def test_a_thumbnail_is_small() -> None:
    made = _copies(_stored(_photo(size=(1600, 1200), orientation=1)))
    with Image.open(io.BytesIO(made[CopySize.THUMBNAIL])) as seen:
        assert seen.size == (320, 240)
    with Image.open(io.BytesIO(made[CopySize.VIEW])) as seen:
        assert seen.size == (1600, 1200)


@pytest.mark.usefixtures("app")
def test_a_telephones_own_format_becomes_a_jpeg() -> None:
    from pillow_heif import from_pillow

    target = io.BytesIO()
    from_pillow(Image.new("RGB", (64, 48), "red")).save(target, quality=80)
    made = _copies(_stored(target.getvalue(), "IMG_0001.heic"))
    with Image.open(io.BytesIO(made[CopySize.VIEW])) as seen:
        assert (seen.format, seen.size) == ("JPEG", (64, 48))


@pytest.mark.usefixtures("app")
def test_what_was_transparent_is_white() -> None:
    target = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(target, "PNG")
    made = _copies(_stored(target.getvalue(), "图.png"))
    with Image.open(io.BytesIO(made[CopySize.VIEW])) as seen:
        assert seen.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.usefixtures("app")
def test_a_torso_has_no_copy() -> None:
    assert copies.draw(_stored(samples.heic(), "坏.heic")) == []
    assert copies.draw(_stored(_photo(size=(400, 300))[:-2000])) == []


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("side", "drawn"), [(10_950, True), (10_955, False)])
def test_a_picture_that_unfolds_costs_the_worker_nothing(side: int, drawn: bool) -> None:
    """As many pixels as any camera's, and a few more; drawn by the worker itself it would take gigabytes."""
    bomb = _stored(samples.unfolding_png(side), "图.png")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = copies.draw(bomb)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 50
    assert [one.size_name for one in made] == ([CopySize.THUMBNAIL, CopySize.VIEW] if drawn else [])


@pytest.mark.usefixtures("app")
def test_a_header_that_claims_gigabytes_costs_nothing() -> None:
    """A hundred bytes that claim 900 million pixels, and an Exif block that is a TIFF with a strip of a gigabyte."""
    picture, exif = io.BytesIO(), b"Exif\0\0" + samples.tiff()
    Image.new("RGB", (1, 1), "red").save(picture, "JPEG", exif=exif)
    assert exif in picture.getvalue()
    bomb, small = _stored(samples.png_bomb(), "图.png"), _stored(picture.getvalue())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert copies.draw(bomb) == []
    made = _copies(small)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 50
    assert set(made) == set(CopySize)
    assert all(b"Exif" not in content for content in made.values())


@pytest.mark.usefixtures("app")
def test_a_second_run_keeps_the_first_copies_and_orphans_are_told() -> None:
    stored = _stored(_photo())
    first = copies.draw(stored)
    second = copies.draw(stored)
    with transaction(OPEN_WALL):
        copies.register(stored.id, first)
        copies.register(stored.id, second)
    keys = {one.place.storage_key for one in first}
    with transaction(OPEN_WALL):
        kept = {copy.storage_key for copy in db.session.query(FileCopy)}
        assert kept == keys
        assert service.without_row([*keys, *(one.place.storage_key for one in second)]) == {
            one.place.storage_key for one in second
        }
    assert rows.scalar("SELECT count(*) FROM file_copies") == 2


def test_copies_lie_sealed(app: Flask) -> None:
    stored = _stored(_photo())
    _copies(stored)
    with transaction(OPEN_WALL):
        copy = copies.copy_of(stored.id, CopySize.VIEW)
    raw = b"".join(service.vault()._storage.read(copy.storage_key))
    assert b"JFIF" not in raw
