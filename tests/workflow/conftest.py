"""Deadlines are counted from one Monday, whatever day the tests run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.foundation import clock
from tests.moments import MONDAY_MORNING


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield
