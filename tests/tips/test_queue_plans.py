"""Row-level security must not put an index out of reach: every filter and order of the queue can be served by one.

On a small table PostgreSQL reads everything anyway; with that forbidden, a sequential scan shows that nothing else works.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.foundation.database import db, enter_wall
from app.tips import jobs, queries
from app.tips.queries import Order, QueueFilter, Stage, queue_page
from tests import factories

CITY, DISTRICT = "city.reviewer", "district.650104"
DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("username", "wanted", "order"),
    [
        (CITY, {}, Order.NEWEST),
        (CITY, {}, Order.OLDEST),
        (CITY, {}, Order.DUE),
        (CITY, {"status": "verifying"}, Order.NEWEST),
        (CITY, {"stage": Stage.OPEN}, Order.OLDEST),
        (CITY, {"division": "650104"}, Order.NEWEST),
        (CITY, {"overdue": True}, Order.NEWEST),
        (CITY, {"dispute": True}, Order.NEWEST),
        (CITY, {"supervised": True}, Order.NEWEST),
        (CITY, {"priority": "P1"}, Order.NEWEST),
        (CITY, {"conduct": "forestry"}, Order.NEWEST),
        (CITY, {"channel": "web"}, Order.NEWEST),
        (CITY, {"since": DAY, "until": DAY}, Order.NEWEST),
        (CITY, {"q": "瑞丰"}, Order.NEWEST),
        (CITY, {"q": "260302"}, Order.NEWEST),
        (DISTRICT, {}, Order.NEWEST),
        (DISTRICT, {"status": "verifying"}, Order.NEWEST),
        (DISTRICT, {"q": "瑞丰"}, Order.NEWEST),
    ],
)
def test_no_filter_needs_to_read_every_tip(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, username: str, wanted: dict[str, Any], order: Order
) -> None:
    factories.verifying_tip(client)
    jobs.index_for_search()
    monkeypatch.setattr(queries, "_READ_DIRECTLY", 1)
    person, asked = factories.actor(username), []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    enter_wall(person.wall)
    connection = db.session.connection()
    event.listen(connection, "before_cursor_execute", note)
    queue_page(person, QueueFilter(**wanted), None, 20, order)
    event.remove(connection, "before_cursor_execute", note)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plans = [
        "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))
        for statement, parameters in asked
        if statement.startswith("SELECT")
    ]
    assert plans
    for plan in plans:
        assert "Seq Scan on handlings" not in plan, plan
        assert "Seq Scan on tips" not in plan, plan
        assert "Seq Scan on tip_subjects" not in plan, plan
