"""The laws stand at one moment, so that they say the same on every day of the year."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.foundation import clock
from tests.moments import MONDAY_MORNING


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield
