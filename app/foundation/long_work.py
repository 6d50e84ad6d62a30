"""Work too long for a request, cut into pieces: what a room offers and the outbox runs (``outbox/tasks.py``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Piece:
    """What one piece left behind.

    Attributes:
        memory: what the next piece begins from, JSON; after the last one the result.
        done: how much is behind us, of ``whole``.
        whole: how much there is; may grow.
        finished: nothing is left to do.
    """

    memory: dict[str, Any]
    done: int
    whole: int
    finished: bool = False


Work = Callable[[dict[str, Any]], Piece]
"""Does one piece, some seconds long, in transactions of its own; the first begins from nothing. Doing a piece twice is
safe, because a killed worker's piece is done again."""
