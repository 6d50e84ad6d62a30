"""Turns a PDF or an image into clean pictures: a program of its own, run by path, that knows nothing of the rest.

It reads the file from standard input and writes JPEGs, each after its length (four bytes, big end first): a small one
of the first page, then every page; an image is one page. The reader of hostile files stands alone here: without our
keys, our database or our environment, with limits of the kernel on memory, processor time and open files, so that a
file that breaks it breaks nothing else. No form is initialised, so that no script of a document runs.
"""

from __future__ import annotations

import io
import resource
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MOST_PAGES = 50
LONGEST_SIDE = 1600
THUMBNAIL_SIDE = 320
MOST_PIXELS = 120_000_000
"""Twice the largest telephone camera; a header that claims more is a bomb, and nothing is drawn."""
MOST_MEMORY_BYTES = 1536 * 1024 * 1024
MOST_CPU_SECONDS = 40
_PAGE_QUALITY, _IMAGE_QUALITY, _THUMBNAIL_QUALITY = 80, 85, 75
_LARGEST_SCALE = 4.0


def main(kind: str) -> int:
    """Draw what standard input holds; exit 1 where it cannot be drawn (a torso, a bomb, a PDF with a password)."""
    _limit_ourselves()
    content = sys.stdin.buffer.read()
    try:
        pages, quality = (_pages(content), _PAGE_QUALITY) if kind == "pdf" else (_image(content), _IMAGE_QUALITY)
        for number, page in enumerate(pages):
            drawn = _jpeg(page, quality)
            if number == 0:
                page.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
                _tell(_jpeg(page, _THUMBNAIL_QUALITY))
            _tell(drawn)
    except Exception:  # noqa: BLE001  # whatever a hostile file provokes: what was drawn before it stands
        return 1
    return 0


def _tell(picture: bytes) -> None:
    sys.stdout.buffer.write(len(picture).to_bytes(4, "big") + picture)
    sys.stdout.buffer.flush()


def _pages(content: bytes) -> Iterator[Image.Image]:
    """Each page at most :data:`LONGEST_SIDE` pixels long, whatever size it claims."""
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    for number in range(min(len(document), MOST_PAGES)):
        page = document[number]
        scale = min(LONGEST_SIDE / max(*page.get_size(), 1.0), _LARGEST_SCALE)
        yield page.render(scale=scale).to_pil().convert("RGB")


def _image(content: bytes) -> Iterator[Image.Image]:
    """The pixels alone, turned as the camera said, on white where they were transparent."""
    from PIL import Image, ImageOps
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
    with Image.open(io.BytesIO(content)) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise Image.DecompressionBombError
        ImageOps.exif_transpose(opened, in_place=True)
        if opened.mode in {"RGBA", "LA", "PA"} or "transparency" in opened.info:
            above = _in_mode(opened, "RGBA")
            below = Image.new("RGB", above.size, "white")
            below.paste(above, mask=above)
            yield below
        else:
            yield _in_mode(opened, "RGB")


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    """The picture itself where it has the mode already: a copy of a large one costs half of what there is."""
    return picture if picture.mode == mode else picture.convert(mode)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    # Nothing of the original's head goes along: neither Exif nor comments nor colour profile.
    picture.save(target, "JPEG", quality=quality, exif=b"", icc_profile=None, comment=b"")
    return target.getvalue()


def _limit_ourselves() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MOST_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MOST_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
