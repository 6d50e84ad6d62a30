"""Draw one page of a PDF: a program of its own that knows no key and no database, run for a moment and then gone.

``python -I pdf_drawing.py PAGE`` reads the PDF from its input, and writes the number of pages, a line end, and the page
as JPEG. A file that breaks the drawing library breaks this process alone.
"""

from __future__ import annotations

import io
import resource
import sys

MOST_MEMORY = 1 << 30
MOST_SECONDS = 10
WIDTH = 1100


def main() -> None:
    """Take the limits, then read."""
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    import pypdfium2  # type: ignore[import-untyped]  # it brings no types

    document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    page = document[int(sys.argv[1]) - 1]
    picture = page.render(scale=min(WIDTH / max(page.get_width(), 1), 4)).to_pil().convert("RGB")
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=80)
    sys.stdout.buffer.write(f"{len(document)}\n".encode() + target.getvalue())


if __name__ == "__main__":
    main()
