"""Pictures of an image and of the pages of a PDF, drawn by a process of its own (:mod:`app.files.drawing_program`)."""

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

from app.files.formats import FileKind

logger = logging.getLogger(__name__)

_PROGRAM: Final = Path(__file__).with_name("drawing_program.py")
_LONGEST_SECONDS: Final = 45.0
"""Shorter than the lease of an outbox message: nobody else begins the same work meanwhile."""
_LARGEST_PICTURE: Final = 128 * 1024 * 1024
"""More than the largest image takes as a JPEG."""


def pictures_of(kind: FileKind, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """JPEGs: a small one of the first page, then every page; fewer or none where the file does not allow it.

    One is in memory at a time. An image has one page.
    """
    with _drawing(kind) as process:
        assert process.stdin is not None  # noqa: S101  # narrows the type
        assert process.stdout is not None  # noqa: S101
        _feed(process.stdin, pieces)
        while picture := _picture(process.stdout):
            yield picture
    if process.returncode:
        logger.warning("a file was not drawn to its end", extra={"fields": {"code": process.returncode}})


@contextmanager
def _drawing(kind: FileKind) -> Iterator[subprocess.Popen[bytes]]:
    environment = {"PATH": os.defpath, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-I", str(_PROGRAM), kind.value]
    process = subprocess.Popen(  # noqa: S603  # our own program
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    alarm = threading.Timer(_LONGEST_SECONDS, process.kill)
    alarm.start()
    try:
        yield process
    except BaseException:
        process.kill()  # nobody waits for the rest
        raise
    finally:
        if process.stdout:
            process.stdout.close()  # a program that still writes ends by it
        process.wait()
        alarm.cancel()


def _feed(target: IO[bytes], pieces: Iterable[bytes]) -> None:
    """Send the whole file; a program that has given up is told by its end."""
    try:
        for piece in pieces:
            target.write(piece)
        target.close()
    except BrokenPipeError:
        logger.warning("a file could not be read by the drawing program")


def _picture(source: IO[bytes]) -> bytes:
    """The next picture; nothing at the end, or where the end is missing."""
    length = int.from_bytes(source.read(4), "big")
    content = source.read(length) if 0 < length <= _LARGEST_PICTURE else b""
    return content if len(content) == length else b""
