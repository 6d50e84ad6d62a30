"""The office's queue: each filter alone, and every order visited whole by its cursor."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.database import db
from app.foundation.paging import from_cursor, to_cursor
from app.tips.lines import TipLine, lines_of
from app.tips.models import Tip, TipSubject
from app.tips.queries import FILTERS, Order, QueueFilter, Stage, queue_key, queue_page
from app.workflow.models import Handling
from tests import factories
from tests.moments import MONDAY_MORNING

REVIEWER = "city.reviewer"


@pytest.fixture
def tips(client: FlaskClient) -> list[UUID]:
    """Five tips of five days: two with the city, one assigned, one in verification, one rejected."""
    made = []
    for day in range(5):
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=day)):
            made.append(factories.tip_id_of(factories.file_tip(client)["receipt_number"]))
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=5)):
        for tip_id in made[1:4]:
            assert factories.office_act(client, REVIEWER, tip_id, "accept").status_code == 200
        for tip_id in made[2:4]:
            assert factories.office_act(client, REVIEWER, tip_id, "assign", division="650104").status_code == 200
        assert factories.office_act(client, "district.650104", made[3], "sign_for").status_code == 200
        refusal = {"reason_code": "NO_FACTS", "reason": "没有具体线索", "route": "可补充材料后再次举报"}
        assert factories.office_act(client, REVIEWER, made[4], "reject", **refusal).status_code == 200
    return made


def walked(order: Order, limit: int) -> list[UUID]:
    """The whole queue, page by page, as links carry it."""
    person, found, cursor = factories.actor(REVIEWER), [], None
    while True:
        rows, _ = queue_page(person, QueueFilter(), from_cursor(cursor), limit, order)
        found += [row.tip_id for row in rows[:limit]]
        if len(rows) <= limit:
            return found
        cursor = to_cursor(*queue_key(rows[limit - 1], order))


def test_every_order_shows_each_tip_once(tips: list[UUID]) -> None:
    for limit in (1, 2, 5):
        assert walked(Order.NEWEST, limit) == tips[::-1]
        assert walked(Order.OLDEST, limit) == tips
        by_limit = walked(Order.DUE, limit)
        assert sorted(by_limit) == sorted(tips)
        assert by_limit[-1] == tips[4], "a tip without a limit comes last"


def test_a_line_says_what_tip_handling_and_subject_say_within_sight(tips: list[UUID]) -> None:
    lines = lines_of(factories.actor(REVIEWER), tips[::-1])
    assert [line.tip_id for line in lines] == tips[::-1]
    for line in lines:
        tip, handling = db.session.get_one(Tip, line.tip_id), db.session.get_one(Handling, line.tip_id)
        subject = db.session.get_one(TipSubject, line.tip_id)
        assert line == TipLine.of(tip, handling, subject)
        told = line._asdict()
        assert (told.pop("subject_name"), told.pop("uscc")) == (subject.name, subject.uscc)
        for name, value in told.items():
            assert value == getattr(handling if hasattr(handling, name) else tip, name), name
    assert [line.tip_id for line in lines_of(factories.actor("district.650104"), tips)] == tips[2:4]
    assert lines_of(factories.actor("auditor"), tips) == []


FILTERED: tuple[tuple[dict[str, Any], list[int]], ...] = (
    ({"stage": Stage.CITY}, [0, 1]),
    ({"stage": Stage.UNIT}, [2, 3]),
    ({"stage": Stage.OPEN}, [0, 1, 2, 3]),
    ({"stage": Stage.SETTLED}, [4]),
    ({"status": "verifying"}, [3]),
    ({"division": "650104", "stage": Stage.UNIT}, [2, 3]),
    ({"priority": "P1"}, []),
    ({"supervised": True}, []),
    ({"conduct": "entrusted_wealth"}, [0, 1, 2, 3, 4]),
    ({"conduct": "forestry"}, []),
    ({"channel": "web"}, [0, 1, 2, 3, 4]),
    ({"channel": "miniprogram"}, []),
    ({"since": date(2026, 3, 4), "until": date(2026, 3, 5)}, [2, 3]),
    ({"due": date(2026, 3, 9), "status": "registered"}, [0]),
    ({"dispute": True, "stage": Stage.CITY}, [0, 1]),
)


def test_each_filter_keeps_what_it_says(tips: list[UUID]) -> None:
    for wanted, expected in FILTERED:
        rows, total = queue_page(factories.actor(REVIEWER), QueueFilter(**wanted), None, 20, Order.OLDEST)
        assert ([tips.index(row.tip_id) for row in rows], total) == (expected, len(expected)), wanted


def test_the_api_takes_every_filter_and_refuses_unknown_values(client: FlaskClient, tips: list[UUID]) -> None:
    headers = factories.office_headers(REVIEWER)
    answer = client.get("/api/v1/office/tips?stage=city&order=oldest&limit=1", headers=headers).get_json()
    assert [one["id"] for one in answer["items"]] == [str(tips[0])]
    following = client.get(
        f"/api/v1/office/tips?stage=city&order=oldest&limit=1&cursor={answer['next_cursor']}", headers=headers
    ).get_json()
    assert [one["id"] for one in following["items"]] == [str(tips[1])]
    for name in sorted({*FILTERS, "order"} - {"q", "channel"}):
        refused = client.get(f"/api/v1/office/tips?{name}=never", headers=headers)
        assert refused.status_code == 422, name
        assert name in refused.get_json()["errors"]
    assert client.get("/api/v1/office/tips?until=9999-12-31", headers=headers).status_code == 422


@pytest.mark.parametrize("code", ["６５０１０４", "650104%0A"])
def test_a_division_is_asked_for_in_plain_figures(client: FlaskClient, code: str) -> None:
    answer = client.get(f"/api/v1/office/tips?division={code}", headers=factories.office_headers(REVIEWER))
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["division"])
