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


@pytest.fixture(autouse=True)
def _nothing_kept(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test changed in limits and calendar was rolled back; the process must not remember it either."""
    used = [request.getfixturevalue(name) for name in ("app", "committed_app") if name in request.fixturenames]
    yield
    for extensions in [one.extensions for one in used]:
        extensions.pop("shudi_limits", None)
        extensions.pop("shudi_calendars", None)
