"""Pictures of the pages of a PDF, drawn by a process of its own (:mod:`app.files.pdf_pages`)."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

logger = logging.getLogger(__name__)

_PROGRAM: Final = Path(__file__).with_name("pdf_pages.py")
_LONGEST_SECONDS: Final = 45.0
"""Shorter than the lease of an outbox message: nobody else begins the same work meanwhile."""
_LARGEST_PICTURE: Final = 32 * 1024 * 1024


def pictures_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pages of a PDF as JPEGs, one in memory at a time; fewer or none where the document does not allow it."""
    with _drawing() as process:
        assert process.stdin is not None  # noqa: S101  # narrows the type
        assert process.stdout is not None  # noqa: S101
        _feed(process.stdin, pieces)
        while picture := _picture(process.stdout):
            yield picture
    if process.returncode:
        logger.warning("a document was not drawn to its end", extra={"fields": {"code": process.returncode}})


@contextmanager
def _drawing() -> Iterator[subprocess.Popen[bytes]]:
    environment = {"PATH": os.defpath, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-I", str(_PROGRAM)]
    process = subprocess.Popen(  # noqa: S603  # our own program
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    alarm = threading.Timer(_LONGEST_SECONDS, process.kill)
    alarm.start()
    try:
        yield process
    finally:
        if process.stdout:
            process.stdout.close()  # a program that still writes ends by it
        process.wait()
        alarm.cancel()


def _feed(target: IO[bytes], pieces: Iterable[bytes]) -> None:
    """Send the whole document; a program that has given up is told by its end."""
    try:
        for piece in pieces:
            target.write(piece)
        target.close()
    except BrokenPipeError:
        logger.warning("a document could not be read by the drawing program")


def _picture(source: IO[bytes]) -> bytes:
    """The next picture; nothing at the end, or where the end is missing."""
    length = int.from_bytes(source.read(4), "big")
    content = source.read(length) if 0 < length <= _LARGEST_PICTURE else b""
    return content if len(content) == length else b""
