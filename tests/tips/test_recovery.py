"""Lost codes: who gets a new one, who learns nothing, and when the old one dies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.tips import guard, proof_of_work
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.tips import reporters

OPENID = "openid-of-a-forgetful-one"


def _named(client: FlaskClient, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return factories.file_tip(client, headers=headers, reporter=factories.REPORTER)


def _ask(client: FlaskClient, number: str, phone: str = factories.REPORTER["phone"], **headers: str) -> Any:
    return client.post("/api/v1/tips/recover", json={"receipt_number": number, "phone": phone}, headers=headers)


def _reissue(
    client: FlaskClient, receipt: dict[str, Any], username: str = "city.reviewer", reason: str = "已回拨"
) -> Any:
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    path = f"/api/v1/office/tips/{tip_id}/query-code"
    return client.post(path, json={"reason": reason}, headers=factories.office_headers(username))


def test_the_session_that_filed_gets_a_new_code(client: FlaskClient) -> None:
    headers = factories.reporter_headers(OPENID)
    receipt = _named(client, headers)
    body = {"receipt_number": receipt["receipt_number"]}
    answer = client.post("/api/v1/tips/new-code", json=body, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    assert answer.get_json()["query_code"] != receipt["query_code"]
    other = client.post("/api/v1/tips/new-code", json=body, headers=factories.reporter_headers("someone-else"))
    assert other.status_code == 404
    assert client.post("/api/v1/tips/new-code", json=body).status_code == 401


def test_the_old_code_dies_when_the_new_one_of_the_session_is_used(client: FlaskClient) -> None:
    headers = factories.reporter_headers(OPENID)
    receipt = _named(client, headers)
    of_the_office = _reissue(client, receipt).get_json()
    assert reporters.call(client, "query", of_the_office).status_code == 200
    body = {"receipt_number": receipt["receipt_number"]}
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        new = client.post("/api/v1/tips/new-code", json=body, headers=headers).get_json()
        assert reporters.call(client, "query", receipt).status_code == 200  # nobody is locked out by a code unused
        assert reporters.call(client, "query", new).status_code == 200
        for dead in (receipt, of_the_office):
            assert reporters.call(client, "query", dead).status_code == 404
        assert reporters.call(client, "query", new).status_code == 200


def test_a_code_of_the_office_retires_only_another_of_its_kind(client: FlaskClient) -> None:
    receipt = _named(client)
    first = _reissue(client, receipt).get_json()
    assert reporters.call(client, "query", first).status_code == 200
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        second = _reissue(client, receipt).get_json()
        assert reporters.call(client, "query", second).status_code == 200
        assert reporters.call(client, "query", first).status_code == 404
        assert reporters.call(client, "query", receipt).status_code == 200


def test_a_code_of_the_office_decides_nothing_instead_of_the_reporter(client: FlaskClient) -> None:
    receipt, _ = reporters.replied_tip(client, reporter=factories.REPORTER)
    new = _reissue(client, receipt).get_json()
    for path, given in (("rating", {"score": 5}), ("withdraw", {"reason": "不再举报"})):
        refused = reporters.call(client, path, new, **given)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "not_the_own_code")
        assert "提交举报时取得的查询码" in refused.get_json()["detail"]
        page = client.post(f"/report/follow/{path}", data={**new, **given})
        assert (page.status_code, "工作人员补发的查询码" in page.get_data(as_text=True)) == (403, True)
    assert rows.scalar("SELECT count(*) FROM tip_ratings") == rows.scalar("SELECT count(*) FROM tip_withdrawals") == 0
    assert reporters.call(client, "messages", new, text="请告知进展").status_code == 201
    assert reporters.call(client, "rating", receipt, score=2).status_code == 201


def test_the_reporter_reads_that_a_code_was_reissued(client: FlaskClient) -> None:
    receipt = _named(client)
    _reissue(client, receipt)
    (message,) = reporters.progress(client, receipt)["messages"]
    assert "已补发一个查询码" in message["text"]
    sent = "SELECT count(*) FROM outbox_messages WHERE payload ->> 'kind' = 'answer'"
    assert rows.scalar(sent) == 1, "and hears of it where the reporter wants to hear of anything"


def test_the_unit_that_handles_issues_no_codes(client: FlaskClient) -> None:
    receipt = _named(client)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    factories.office_act(client, "city.reviewer", tip_id, "accept")
    factories.office_act(client, "city.reviewer", tip_id, "assign", division=factories.XINSHI)
    refused = _reissue(client, receipt, "district.650104")
    assert (refused.status_code, rows.scalar("SELECT count(*) FROM reissued_codes")) == (403, 0)
    assert "承办单位不能补发" in refused.get_json()["detail"]
    reporters.run_outbox()
    _ask(client, receipt["receipt_number"])
    reporters.run_outbox()
    for username, told in (("district.650104", 0), ("city.reviewer", 1)):
        headers = factories.office_headers(username)
        notices = client.get("/api/v1/office/notices", headers=headers).get_json()["items"]
        assert len([one for one in notices if "遗失查询码" in one["title"]]) == told


def test_an_unused_new_code_expires(client: FlaskClient) -> None:
    receipt = _named(client)
    new = _reissue(client, receipt).get_json()
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=8)):
        assert reporters.call(client, "query", new).status_code == 404
        assert reporters.call(client, "query", receipt).status_code == 200


def test_the_right_phone_makes_the_office_ring_and_nothing_else_does(client: FlaskClient) -> None:
    receipt, anonymous = _named(client), factories.file_tip(client)
    reporters.run_outbox()
    before = rows.row_counts()
    wrong = [
        _ask(client, receipt["receipt_number"], "13911112222"),
        _ask(client, anonymous["receipt_number"]),
        _ask(client, "2506051234567891"),
    ]
    assert rows.growth(before) == {}
    right = _ask(client, receipt["receipt_number"], "+86 139-0000-1234")
    assert {answer.status_code for answer in [*wrong, right]} == {202}
    assert len({answer.get_data() for answer in [*wrong, right]}) == 1
    reporters.run_outbox()
    notices = client.get("/api/v1/office/notices", headers=factories.office_headers("city.reviewer")).get_json()
    asked = [n["title"] for n in notices["items"] if "遗失查询码" in n["title"]]
    assert asked == [f"举报人遗失查询码，请拨打其登记的电话核实后补发（{receipt['receipt_number']}）"]
    assert factories.REPORTER["phone"] not in str(notices)


def test_three_calls_a_day_are_enough(client: FlaskClient) -> None:
    receipt = _named(client)
    before = rows.scalar("SELECT count(*) FROM outbox_messages")
    for _ in range(5):
        assert _ask(client, receipt["receipt_number"]).status_code == 202
    assert rows.scalar("SELECT count(*) FROM outbox_messages") == before + 3


def test_a_stranger_who_knows_the_number_uses_up_nothing(client: FlaskClient) -> None:
    headers = factories.reporter_headers(OPENID)
    receipt = _named(client, headers)
    before = rows.scalar("SELECT count(*) FROM outbox_messages")
    for _ in range(guard.MOST_CODES_A_DAY + 1):
        assert _ask(client, receipt["receipt_number"], "13911112222").status_code == 202
    assert _ask(client, receipt["receipt_number"]).status_code == 202
    assert rows.scalar("SELECT count(*) FROM outbox_messages") == before + 1
    body = {"receipt_number": receipt["receipt_number"]}
    told = [client.post("/api/v1/tips/new-code", json=body, headers=headers) for _ in range(guard.MOST_CODES_A_DAY + 1)]
    assert [answer.status_code for answer in told] == [201] * guard.MOST_CODES_A_DAY + [409]


def test_a_crowd_at_this_door_is_asked_to_work(client: FlaskClient, crowded: Callable[[int], None]) -> None:
    allowed = 5
    crowded(allowed * guard.WEIGHT["recover"])
    answers = [_ask(client, "2506051234567891") for _ in range(allowed + 1)]
    assert [answer.status_code for answer in answers] == [202] * allowed + [429]
    asked = answers[-1].get_json()
    assert asked["code"] == "proof_of_work_required"
    proof = proof_of_work.solve(asked["challenge"], asked["difficulty_bits"])
    assert _ask(client, "2506051234567891", **{asked["header"]: proof}).status_code == 202
    assert _ask(client, "2506051234567891", **{asked["header"]: proof}).status_code == 429  # once only


@pytest.mark.parametrize(
    ("username", "status"),
    [("city.reviewer", 201), ("city.leader", 403), ("district.650104", 404), ("auditor", 403), ("sysadmin", 403)],
)
def test_the_citys_people_issue_codes_who_may_open_the_identity(
    client: FlaskClient, username: str, status: int
) -> None:
    assert _reissue(client, _named(client), username).status_code == status


def test_an_officer_gives_a_reason_and_leaves_a_trace(client: FlaskClient) -> None:
    receipt = _named(client)
    assert _reissue(client, receipt, reason="  ").status_code == 422
    assert _reissue(client, factories.file_tip(client)).get_json()["code"] == "anonymous_tip"
    code = _reissue(client, receipt).get_json()["query_code"]
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.reissue_code' AND succeeded") == 1
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any(code in line for line in stored)
