"""How urgent a tip is follows from what the reporter names: a figure, or a band where no figure is known."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories, rows

CONDUCT = factories.tip_body()["conduct"]


@pytest.mark.parametrize(
    ("said", "priority"),
    [
        ({"amount_yuan": None, "participants": None}, "P4"),
        ({"amount_yuan": "50000000", "participants": None}, "P1"),
        ({"amount_yuan": None, "participants": None, "amount_band": "ge_50m"}, "P1"),
        ({"amount_yuan": None, "participants": None, "participants_band": "500_5000"}, "P2"),
        ({"amount_yuan": None, "participants": None, "amount_band": "1m_5m", "participants_band": "unknown"}, "P3"),
        ({"amount_yuan": "1000", "participants": 3, "amount_band": "ge_50m"}, "P4"),  # the figure is the finer word
    ],
)
def test_figures_and_bands_make_the_priority(client: FlaskClient, said: dict[str, Any], priority: str) -> None:
    factories.file_tip(client, conduct=CONDUCT | said)
    assert rows.scalar("SELECT priority FROM handlings") == priority


def test_a_band_that_is_none_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/v1/tips", json=factories.tip_body(conduct=CONDUCT | {"amount_band": "a lot"}))
    assert answer.status_code == 422
    assert "conduct.amount_band" in answer.get_json()["errors"]
