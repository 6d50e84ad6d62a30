"""Deadlines are counted from one Monday, whatever day the tests run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app.foundation import clock
from app.tips import guard
from tests.moments import MONDAY_MORNING


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield


@pytest.fixture
def crowded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets how often a device may knock in a minute, and begins to count anew."""

    def allow(rate: int) -> None:
        guard.forget_counts()
        settings = replace(app.extensions["shudi_settings"], public_rate_per_minute=rate)
        monkeypatch.setitem(app.extensions, "shudi_settings", settings)

    yield allow
    guard.forget_counts()
