"""Turns a PDF into pictures of its pages: a program of its own, run by path, that knows nothing of the rest.

It reads the PDF from standard input and writes each page as the length of a JPEG (four bytes, big end first) and the
JPEG. The reader of hostile documents stands alone here: without our keys, our database or our environment, with limits
of the kernel on memory, processor time and open files, so that a document that breaks it breaks nothing else. No form
is initialised, so that no script of a document runs.
"""

from __future__ import annotations

import io
import resource
import sys

MOST_PAGES = 50
LONGEST_SIDE = 1600
MOST_MEMORY_BYTES = 1536 * 1024 * 1024
MOST_CPU_SECONDS = 40
_JPEG_QUALITY = 80
_LARGEST_SCALE = 4.0


def main() -> int:
    """Draw what standard input holds; exit 1 where it is no PDF that can be drawn without a password."""
    _limit_ourselves()
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    except pypdfium2.PdfiumError:
        return 1
    for number in range(min(len(document), MOST_PAGES)):
        picture = _drawn(document[number])
        sys.stdout.buffer.write(len(picture).to_bytes(4, "big") + picture)
    sys.stdout.buffer.flush()
    return 0


def _drawn(page: object) -> bytes:
    """One page as a JPEG, at most :data:`LONGEST_SIDE` pixels long whatever size it claims."""
    width, height = page.get_size()  # type: ignore[attr-defined]
    scale = min(LONGEST_SIDE / max(width, height, 1.0), _LARGEST_SCALE)
    target = io.BytesIO()
    page.render(scale=scale).to_pil().convert("RGB").save(target, "JPEG", quality=_JPEG_QUALITY)  # type: ignore[attr-defined]
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
    sys.exit(main())
