"""Rating, and the one re-check that a low rating asks for."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories, rows
from tests.tips import reporters


def _rechecks(client: FlaskClient, username: str = "city.reviewer2", **query: Any) -> list[dict[str, Any]]:
    headers = factories.office_headers(username)
    answer = client.get("/api/v1/office/rechecks", query_string=query, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def _close(client: FlaskClient, request_id: str, username: str = "city.reviewer2", note: str = "复核无误。") -> Any:
    path = f"/api/v1/office/rechecks/{request_id}/close"
    return client.post(path, json={"note": note}, headers=factories.office_headers(username))


def test_a_rating_is_given_once_and_after_the_reply(client: FlaskClient) -> None:
    early = factories.file_tip(client)
    refused = reporters.call(client, "rating", early, score=5)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "not_replied")
    receipt, _ = reporters.replied_tip(client)
    assert reporters.progress(client, receipt)["can_rate"]
    first = reporters.call(client, "rating", receipt, score=5, comment="很快")
    again = reporters.call(client, "rating", receipt, score=5, comment="很快")
    other = reporters.call(client, "rating", receipt, score=1)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert other.get_json()["code"] == "already_rated"
    assert not reporters.progress(client, receipt)["can_rate"]
    assert rows.scalar("SELECT comment FROM tip_ratings") == "很快"


@pytest.mark.parametrize("score", [0, 6, 2.5, "5", True, None])
def test_scores_are_one_to_five(client: FlaskClient, score: Any) -> None:
    receipt, _ = reporters.replied_tip(client)
    assert reporters.call(client, "rating", receipt, score=score).status_code == 422
    assert rows.scalar("SELECT count(*) FROM tip_ratings") == 0


@pytest.mark.parametrize(("score", "asked"), [(1, 1), (2, 1), (3, 0), (5, 0)])
def test_a_low_rating_asks_the_city_once(client: FlaskClient, score: int, asked: int) -> None:
    receipt, _ = reporters.replied_tip(client)
    for _ in range(2):
        reporters.call(client, "rating", receipt, score=score, comment="没有联系我")
    assert len(_rechecks(client)) == asked
    reporters.run_outbox()
    notices = client.get("/api/v1/office/notices", headers=factories.office_headers("city.reviewer2")).get_json()
    assert [n["title"] for n in notices["items"] if "复核" in n["title"]] == [
        f"举报人评价不满意，请另行指定人员复核（{receipt['receipt_number']}）"
    ] * asked


def test_whoever_concluded_may_not_recheck(client: FlaskClient) -> None:
    receipt, _ = reporters.replied_tip(client)  # city.reviewer concluded
    reporters.call(client, "rating", receipt, score=1, comment="敷衍")
    (request,) = _rechecks(client)
    assert (request["score"], request["comment"]) == (1, "敷衍")
    assert _close(client, request["id"], "city.reviewer").status_code == 403
    assert _close(client, request["id"], note="  ").status_code == 422
    closed = _close(client, request["id"])
    assert (closed.status_code, closed.get_json()["note"]) == (200, "复核无误。")
    assert _close(client, request["id"]).status_code == 409
    assert _rechecks(client) == []
    assert len(_rechecks(client, open="false")) == 1


def test_another_district_sees_no_recheck(client: FlaskClient) -> None:
    receipt, _ = reporters.replied_tip(client)
    reporters.call(client, "rating", receipt, score=1)
    assert len(_rechecks(client, "district.650104")) == 1
    assert _rechecks(client, "district.650102") == []
    (request,) = _rechecks(client)
    assert _close(client, request["id"], "district.650104").status_code == 403


def test_a_rating_needs_the_codes(client: FlaskClient) -> None:
    receipt, _ = reporters.replied_tip(client)
    other = factories.file_tip(client)
    mixed = {"receipt_number": receipt["receipt_number"], "query_code": other["query_code"]}
    assert reporters.call(client, "rating", mixed, score=1).status_code == 404
    assert rows.scalar("SELECT count(*) FROM tip_ratings") == 0
