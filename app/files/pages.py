"""Pages of a PDF as pictures, so that no browser has to run somebody's document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from app.files import service
from app.files.models import StoredFile
from app.foundation.errors import NotFound

LARGEST: Final = 50 * 1024 * 1024
_PROGRAM: Final = Path(__file__).with_name("pdf_drawing.py")
_LONGEST_SECONDS: Final = 20
_NOT_DRAWN: Final = "这一页无法显示，请下载原件查看"


class Page(NamedTuple):
    """One page as JPEG, and how many the document has."""

    picture: bytes
    total: int


def page_of(stored: StoredFile, number: int) -> Page:
    """Draw page ``number`` (from 1); outside any transaction.

    Raises:
        NotFound: too large, no such page, or no readable PDF. As :func:`app.files.service.content_of`.
    """
    if stored.size > LARGEST:
        raise NotFound(_NOT_DRAWN)
    content = b"".join(service.content_of(stored))
    command = [sys.executable, "-I", str(_PROGRAM), str(number)]
    try:
        drawn = subprocess.run(  # noqa: S603  # our own program; the document is data on its input
            command, input=content, capture_output=True, env={}, timeout=_LONGEST_SECONDS, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as fault:
        raise NotFound(_NOT_DRAWN) from fault
    total, _, picture = drawn.stdout.partition(b"\n")
    return Page(picture, int(total))
