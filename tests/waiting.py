"""Waiting for what other processes and threads do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 150.0
"""Within pytest's limit for one test; a test that passes does not wait for it, however slow the machine."""


def eventually(condition: Callable[[], bool]) -> None:
    """Return as soon as ``condition`` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this did not come about"
        time.sleep(0.02)
