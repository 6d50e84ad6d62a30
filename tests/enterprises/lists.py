"""Lists of invented enterprises for tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.enterprises.register_file import Line
from app.enterprises.service import Outcome, import_lines
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM
from app.geo.uscc import check_digit

OCTOBER, NOVEMBER = date(2025, 10, 31), date(2025, 11, 30)


def code(number: int, region: str = "650104") -> str:
    """A credit code with a right check digit that no enterprise bears."""
    body = f"91{region}MA7{number:06d}"
    return body + check_digit(body)


def line(name: str, **told: Any) -> Line:
    """One line of a list."""
    return Line(place="A2", name=name, **told)


def known(*lines: Line, as_of: date = OCTOBER) -> Outcome:
    """Take lines over."""
    with transaction(OPEN_WALL):
        return import_lines(PROGRAM, lines, "测试名录", as_of)
