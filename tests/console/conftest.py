"""Officers at the console, on an ordinary Monday."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation import clock
from tests import factories
from tests.console.office import Officer
from tests.moments import MONDAY_MORNING


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.stopped_at(MONDAY_MORNING):
        yield


@pytest.fixture
def officer(app: Flask) -> Callable[[str], Officer]:
    """Signs an officer in."""
    return lambda username: Officer(app, username)


@pytest.fixture
def tip_id(client: FlaskClient) -> UUID:
    """An anonymous tip, registered."""
    return factories.tip_id_of(factories.file_tip(client)["receipt_number"])


@pytest.fixture
def tip_in_district(client: FlaskClient) -> UUID:
    """A tip that 新市区 verifies."""
    return factories.verifying_tip(client)
