"""Rating, and the one re-check that a low rating asks for."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from tests import factories, rows
from tests.tips import reporters


def _rechecks(client: FlaskClient, username: str = "city.reviewer2", **query: Any) -> list[dict[str, Any]]:
    headers = factories.office_headers(username)
    answer = client.get("/api/v1/office/rechecks", query_string=query, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def _close(
    client: FlaskClient,
    request_id: str,
    username: str = "city.reviewer2",
    note: str = "复核无误。",
    result: str = "upheld",
) -> Any:
    path = f"/api/v1/office/rechecks/{request_id}/close"
    return client.post(path, json={"note": note, "result": result}, headers=factories.office_headers(username))


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


def test_whoever_stands_aside_may_not_recheck(client: FlaskClient) -> None:
    receipt, tip_id = reporters.replied_tip(client)
    reporters.call(client, "rating", receipt, score=1, comment="敷衍")
    (request,) = _rechecks(client)
    body = {"account": "city.reviewer2", "tip_id": str(tip_id), "reason": "亲属持股。"}
    leader = factories.office_headers("city.leader")
    assert client.post("/api/v1/office/exclusions", json=body, headers=leader).status_code == 201
    refused = _close(client, request["id"])
    assert (refused.status_code, refused.get_json()["code"]) == (403, "excluded")
    assert rows.scalar("SELECT count(*) FROM recheck_requests WHERE closed_at IS NOT NULL") == 0


def test_whoever_concluded_by_recording_a_receipt_may_not_recheck(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.leader", "transfer", {"to": "other_authority", "reason": "属其他机关职责。"}),
        ("city.reviewer", "record_receipt", {"number": "收1号", "received_on": clock.today().isoformat()}),
        ("city.reviewer2", "reply", {"text": "您反映的事项已移送有关机关。"}),
    ):
        answer = factories.office_act(client, username, tip_id, action, **given)
        assert answer.status_code == 200, (action, answer.get_json())
    reporters.call(client, "rating", receipt, score=1)
    (request,) = _rechecks(client)
    assert _close(client, request["id"], "city.reviewer").status_code == 403
    assert _close(client, request["id"]).status_code == 200


@pytest.mark.parametrize(
    ("result", "status", "told"), [("upheld", "replied", "维持原处理"), ("reopened", "accepted", "决定重新办理")]
)
def test_the_reporter_hears_what_the_second_look_came_to_and_not_why(
    client: FlaskClient, result: str, status: str, told: str
) -> None:
    headers = factories.reporter_headers("openid-of-one-who-asks-again")
    receipt, tip_id = reporters.replied_tip(client, reporter=factories.REPORTER, headers=headers)
    assert reporters.progress(client, receipt)["recheck"] is None
    reporters.call(client, "rating", receipt, score=1)
    assert "请等待结果" in reporters.progress(client, receipt)["recheck"]["text"]
    (request,) = _rechecks(client)
    assert _close(client, request["id"], result="perhaps").status_code == 422
    closed = _close(client, request["id"], note="承办人未联系举报人。", result=result)
    assert (closed.status_code, closed.get_json()["result"]) == (200, result)
    shown = reporters.progress(client, receipt)
    assert told in shown["recheck"]["text"]
    assert shown["recheck"]["closed_at"] is not None
    assert "承办人未联系举报人" not in str(shown)
    assert shown["status"] == status
    steps = "SELECT string_agg(action, ' ' ORDER BY version) FROM handling_events WHERE tip_id = :id AND version > 7"
    assert rows.scalar(steps, id=tip_id) == {"upheld": None, "reopened": "archive reopen"}[result]
    client.post("/api/v1/subscriptions", json={"accepted": ["tip-progress-demo"]}, headers=headers)
    reporters.run_outbox()
    assert rows.scalar("SELECT count(*) FROM notices WHERE title LIKE '举报人不满意的评价已由市级复核%'") > 0
    index = factories.crypto_of().blind_index("openid", "openid-of-one-who-asks-again")
    assert rows.scalar("SELECT count(*) FROM deliveries WHERE openid_index = :index", index=index) > 0


def test_what_was_reopened_meanwhile_is_closed_without_another_step(client: FlaskClient) -> None:
    receipt, tip_id = reporters.replied_tip(client)
    reporters.call(client, "rating", receipt, score=1)
    for action, given in (("archive", {}), ("reopen", {"reason": "有新线索"})):
        assert factories.office_act(client, "city.reviewer", tip_id, action, **given).status_code == 200
    version = rows.scalar("SELECT version FROM handlings WHERE tip_id = :id", id=tip_id)
    (request,) = _rechecks(client)
    assert _close(client, request["id"], result="reopened").status_code == 200
    assert rows.scalar("SELECT version FROM handlings WHERE tip_id = :id", id=tip_id) == version


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
