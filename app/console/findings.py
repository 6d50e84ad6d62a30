"""What a check of the set-up found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a point of the set-up stands. ``off``: not in use, which may be wanted."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    OFF = "off"

    @property
    def text(self) -> str:
        """The state as the page says it."""
        return {"good": "正常", "warning": "需注意", "bad": "未完成", "off": "未启用"}[self.value]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it where something is to be done."""

    state: State
    told: str
    hint: str = ""


def good(told: str) -> Finding:
    """As it should be."""
    return Finding(State.GOOD, told)


def warning(told: str, hint: str) -> Finding:
    """It works, and somebody should look."""
    return Finding(State.WARNING, told, hint)


def bad(told: str, hint: str) -> Finding:
    """It does not work, or is missing."""
    return Finding(State.BAD, told, hint)


def off(told: str, hint: str) -> Finding:
    """Not in use."""
    return Finding(State.OFF, told, hint)
