"""``GET /api/v1/office/audit``: for the auditor alone, newest first, filtered, paged by keyset."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.audit import jobs, service
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM
from tests import factories
from tests.moments import MONDAY_MORNING

PATH = "/api/v1/office/audit"


@pytest.fixture
def auditor(client: FlaskClient) -> dict[str, str]:
    headers = factories.office_headers("auditor")
    with clock.stopped_at(MONDAY_MORNING), transaction(OPEN_WALL):
        for number in range(7):
            service.record(PROGRAM, "tests.deed", "thing", number % 2, succeeded=number % 3 > 0, number=number)
    return headers


def ask(client: FlaskClient, headers: dict[str, str], **query: Any) -> Any:
    return client.get(PATH, query_string=query, headers=headers)


def found(client: FlaskClient, headers: dict[str, str], **query: Any) -> list[int]:
    """The numbers of the rows of this test on the page."""
    answer = ask(client, headers, action="tests.deed", **query)
    assert answer.status_code == 200, answer.get_json()
    return [item["details"]["number"] for item in answer.get_json()["items"]]


@pytest.mark.parametrize(
    "username",
    ["city.reviewer", "city.adjuster", "city.leader", "district.650104", "observer.650000", "sysadmin", "secadmin"],
)
def test_is_closed_to_everybody_else(client: FlaskClient, username: str) -> None:
    answer = ask(client, factories.office_headers(username))
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "forbidden"


def test_is_closed_to_the_public(client: FlaskClient) -> None:
    assert client.get(PATH).status_code == 401
    assert ask(client, factories.reporter_headers()).status_code == 401


def test_shows_rows_newest_first_and_whether_they_are_sealed(client: FlaskClient, auditor: dict[str, str]) -> None:
    newest = ask(client, auditor, limit=1).get_json()["items"][0]
    assert newest.pop("id") > 0
    assert newest == {
        "seq": None,
        "at": "2026-03-02T02:00:00+00:00",
        "actor_kind": "program",
        "actor_name": "系统",
        "actor_role": "",
        "action": "tests.deed",
        "object_type": "thing",
        "object_id": "0",
        "succeeded": False,
        "details": {"number": 6},
    }
    jobs.seal()
    assert ask(client, auditor, limit=1).get_json()["items"][0]["seq"] > 0


def test_filters_narrow_together(client: FlaskClient, auditor: dict[str, str]) -> None:
    assert found(client, auditor) == [6, 5, 4, 3, 2, 1, 0]
    assert found(client, auditor, succeeded="false") == [6, 3, 0]
    assert found(client, auditor, succeeded="true") == [5, 4, 2, 1]
    assert found(client, auditor, object_id="1") == [5, 3, 1]
    assert found(client, auditor, object_id="1", succeeded="false") == [3]
    assert ask(client, auditor, action="tests.nothing").get_json() == {"items": [], "next_cursor": None}


def test_pages_hold_every_row_once_even_when_new_ones_come(client: FlaskClient, auditor: dict[str, str]) -> None:
    seen: list[int] = []
    cursor = None
    while True:
        query = {"cursor": cursor} if cursor else {}
        page = ask(client, auditor, action="tests.deed", limit=3, **query).get_json()
        seen += [item["details"]["number"] for item in page["items"]]
        with transaction(OPEN_WALL):
            service.record(PROGRAM, "tests.deed", "thing", 9, number=99)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1, 0]


def test_a_full_last_page_leads_nowhere(client: FlaskClient, auditor: dict[str, str]) -> None:
    assert ask(client, auditor, action="tests.deed", limit=7).get_json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": 0}, "cursor"),
        ({"cursor": 2**70}, "cursor"),
        ({"succeeded": "perhaps"}, "succeeded"),
        ({"action": "x" * 101}, "action"),
        ({"object_id": "\x00"}, "object_id"),
        ({"actor": "anybody"}, "actor"),
    ],
)
def test_what_cannot_be_asked_is_named(
    client: FlaskClient, auditor: dict[str, str], query: dict[str, Any], field: str
) -> None:
    answer = ask(client, auditor, **query)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
