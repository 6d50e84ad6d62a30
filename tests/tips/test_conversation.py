"""Messages both ways, requests for more, supplements and withdrawal: nobody learns who the other is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation import clock
from app.tips import jobs
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.tips import reporters

WRONG = "0" * 20


@pytest.fixture
def receipt(client: FlaskClient) -> dict[str, Any]:
    return factories.file_tip(client)


def _ask(client: FlaskClient, receipt: dict[str, Any], text: str = "请补充转账凭证。") -> Any:
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    return factories.office_act(client, "city.reviewer", tip_id, "ask_supplement", text=text)


def test_a_reporter_reads_what_is_missing_and_until_when(client: FlaskClient, receipt: dict[str, Any]) -> None:
    answer = _ask(client, receipt)
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["clocks"]["name"] == "补正"
    shown = reporters.progress(client, receipt)
    assert shown["status"] == "need_supplement"
    assert shown["can_supplement"]
    (message,) = shown["messages"]
    assert (message["from"], message["kind"], message["text"]) == ("office", "supplement_request", "请补充转账凭证。")
    assert message["due_on"] == answer.get_json()["clocks"]["due_at"][:10]
    assert message["sender_text"] == "承办单位工作人员"
    assert "测试" not in str(shown)  # the officer's name


def test_asking_needs_a_text(client: FlaskClient, receipt: dict[str, Any]) -> None:
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    answer = factories.office_act(client, "city.reviewer", tip_id, "ask_supplement")
    assert answer.status_code == 422
    assert "text" in answer.get_json()["errors"]


def test_a_supplement_brings_the_tip_back_and_its_clock_goes_on(client: FlaskClient, receipt: dict[str, Any]) -> None:
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    due_before = reporters.office_sees(client, tip_id)["clocks"]["due_at"]
    assert _ask(client, receipt).status_code == 200
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=7)):
        file_id = factories.upload(client).get_json()["id"]
        answer = reporters.call(client, "supplement", receipt, text="转账凭证见附件。", evidence=[file_id])
        assert answer.status_code == 201, answer.get_json()
        shown = reporters.office_sees(client, tip_id)
        assert shown["status"] == "registered"
        assert shown["clocks"]["name"] == "受理"
        # Five working days were left when the office asked, five are left a week later.
        assert shown["clocks"]["working_days_left"] == 5
        assert shown["clocks"]["due_at"] > due_before
        assert [file["id"] for file in shown["evidence"]] == [file_id]
        assert [row["kind"] for row in shown["messages"]] == ["supplement_request", "supplement"]
        assert shown["messages"][1]["files"] == 1
        assert reporters.progress(client, receipt)["status"] == "registered"


def test_a_clock_that_had_run_out_stays_run_out(client: FlaskClient, receipt: dict[str, Any]) -> None:
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=14)):
        due = reporters.office_sees(client, tip_id)["clocks"]["due_at"]
        assert _ask(client, receipt).status_code == 200
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=16)):
        assert reporters.call(client, "supplement", receipt, text="补充。").status_code == 201
        shown = reporters.office_sees(client, tip_id)
        assert shown["clocks"]["due_at"] == due
        assert shown["overdue"]


def test_a_term_that_is_over_brings_the_tip_back_without_the_reporter(
    client: FlaskClient, receipt: dict[str, Any]
) -> None:
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    assert _ask(client, receipt).status_code == 200
    jobs.end_overdue_terms()
    assert reporters.office_sees(client, tip_id)["status"] == "need_supplement"
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=30)):
        for _ in range(2):
            jobs.end_overdue_terms()
        shown = reporters.office_sees(client, tip_id)
    assert shown["status"] == "registered"
    assert [step["action"] for step in shown["history"]].count("supplement_received") == 1
    assert shown["history"][-1]["by"] == "系统"


def test_a_supplement_says_or_brings_something(client: FlaskClient, receipt: dict[str, Any]) -> None:
    for given in ({}, {"text": "   "}, {"text": None, "evidence": []}):
        answer = reporters.call(client, "supplement", receipt, **given)
        assert answer.status_code == 422, answer.get_json()
    assert reporters.call(client, "supplement", receipt, evidence=[str(uuid4())]).status_code == 422
    assert reporters.call(client, "supplement", receipt, text="长" * 5001).status_code == 422
    assert reporters.progress(client, receipt)["messages"] == []


def test_a_supplement_may_come_while_a_unit_verifies(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": factories.XINSHI}),
        ("district.650104", "sign_for", {}),
    ):
        assert factories.office_act(client, username, tip_id, action, **given).status_code == 200
    assert reporters.call(client, "supplement", receipt, text="又有新情况。").status_code == 201
    shown = reporters.office_sees(client, tip_id, "district.650104")
    assert shown["status"] == "verifying"
    assert shown["messages"][0]["text"] == "又有新情况。"
    reporters.run_outbox()
    notices = client.get("/api/v1/office/notices", headers=factories.office_headers("district.650104")).get_json()
    assert any("举报人补充了材料" in notice["title"] for notice in notices["items"])


def test_a_repeat_adds_nothing_and_claims_nothing_twice(client: FlaskClient, receipt: dict[str, Any]) -> None:
    given = {
        "text": "转账凭证见附件。",
        "evidence": [factories.upload(client).get_json()["id"]],
        "client_request_id": str(uuid4()),
    }
    first = reporters.call(client, "supplement", receipt, **given)
    before = rows.row_counts()
    second = reporters.call(client, "supplement", receipt, **given)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json() == second.get_json()
    assert rows.growth(before) == {}


@pytest.mark.parametrize("way", ["supplement", "messages"])
def test_something_else_under_the_same_request_id_is_not_taken_for_a_repeat(
    client: FlaskClient, receipt: dict[str, Any], way: str
) -> None:
    given = {"text": "第一次说的。", "client_request_id": str(uuid4())}
    assert reporters.call(client, way, receipt, **given).status_code == 201
    changes: list[dict[str, Any]] = [{"text": "第二次说的。"}]
    if way == "supplement":
        changes.append({"evidence": [factories.upload(client).get_json()["id"]]})
    for change in changes:
        refused = reporters.call(client, way, receipt, **given | change)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "request_id_reused")
        anew = given | change | {"client_request_id": str(uuid4())}
        assert reporters.call(client, way, receipt, **anew).status_code == 201


def test_a_request_id_of_one_tip_says_nothing_about_another(client: FlaskClient, receipt: dict[str, Any]) -> None:
    other = factories.file_tip(client)
    request_id = str(uuid4())
    for one in (receipt, other):
        answer = reporters.call(client, "messages", one, text="您好", client_request_id=request_id)
        assert answer.status_code == 201
    assert len(reporters.progress(client, other)["messages"]) == 1


def test_two_equal_supplements_at_once_are_one(committed_app: Flask) -> None:
    client = committed_app.test_client()
    receipt = factories.file_tip(client)
    assert _ask(client, receipt).status_code == 200
    given = {"text": "补充。", "client_request_id": str(uuid4())}

    def send() -> int:
        with clock.stopped_at(MONDAY_MORNING):
            status: int = reporters.call(committed_app.test_client(), "supplement", receipt, **given).status_code
            return status

    assert sorted(at_once(committed_app, [send] * 4)) == [200, 200, 200, 201]
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    shown = reporters.office_sees(client, tip_id)
    assert [row["kind"] for row in shown["messages"]] == ["supplement_request", "supplement"]
    assert [step["action"] for step in shown["history"]].count("supplement_received") == 1


def test_different_supplements_at_once_all_stay(committed_app: Flask) -> None:
    client = committed_app.test_client()
    receipt = factories.file_tip(client)
    assert _ask(client, receipt).status_code == 200

    def sender(number: int) -> Any:
        return lambda: (
            reporters.call(committed_app.test_client(), "supplement", receipt, text=f"补充{number}").status_code
        )

    assert at_once(committed_app, [sender(number) for number in range(4)]) == [201] * 4
    shown = reporters.office_sees(client, factories.tip_id_of(receipt["receipt_number"]))
    assert {row["text"] for row in shown["messages"][1:]} == {f"补充{number}" for number in range(4)}
    assert [step["action"] for step in shown["history"]].count("supplement_received") == 1


def test_both_sides_write_and_neither_is_named(client: FlaskClient) -> None:
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    assert reporters.call(client, "messages", receipt, text="请问进展如何？").status_code == 201
    headers = factories.office_headers("city.reviewer")
    answer = client.post(f"/api/v1/office/tips/{tip_id}/messages", json={"text": "正在办理。"}, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    both = [("reporter", "请问进展如何？"), ("office", "正在办理。")]
    shown = reporters.progress(client, receipt)
    assert [(row["from"], row["text"]) for row in shown["messages"]] == both
    seen = reporters.office_sees(client, tip_id)
    assert [(row["from"], row["text"]) for row in seen["messages"]] == both
    assert factories.REPORTER["name"] not in str(seen)
    assert factories.actor("city.reviewer").name not in str(shown)


def test_an_answer_reaches_the_phone_that_consented(client: FlaskClient, wechat: Any) -> None:
    openid = wechat.openid("someone")
    headers = factories.reporter_headers(openid)
    receipt = factories.file_tip(client, headers=headers, reporter=factories.REPORTER)
    reporters.run_outbox()
    assert (
        client.post("/api/v1/subscriptions", json={"accepted": ["tip-progress-demo"]}, headers=headers).status_code
        == 200
    )
    before = len(wechat.messages)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    officer = factories.office_headers("city.reviewer")
    client.post(f"/api/v1/office/tips/{tip_id}/messages", json={"text": "正在办理。"}, headers=officer)
    reporters.run_outbox()
    reporters.run_outbox()
    (sent,) = wechat.messages[before:]
    assert "正在办理" not in str(sent)
    assert receipt["receipt_number"] in str(sent)


@pytest.mark.parametrize("path", ["supplement", "messages", "withdraw"])
def test_other_peoples_codes_open_nothing(client: FlaskClient, receipt: dict[str, Any], path: str) -> None:
    other = factories.file_tip(client)
    mixed = {"receipt_number": receipt["receipt_number"], "query_code": other["query_code"]}
    given = {"reason": "不想举报了"} if path == "withdraw" else {"text": "您好"}
    before = rows.row_counts()
    answer = reporters.call(client, path, mixed, **given)
    unknown = reporters.call(client, path, mixed | {"receipt_number": "2506051234567891"}, **given)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "receipt_or_code_wrong")
    assert {**answer.get_json(), "request_id": ""} == {**unknown.get_json(), "request_id": ""}
    assert rows.growth(before) == {}


@pytest.mark.parametrize(
    "given", [{}, {"text": ""}, {"text": "  \n "}, {"text": "a\u0000b"}, {"text": 5}, {"text": "长" * 2001}]
)
def test_messages_of_the_wrong_shape(client: FlaskClient, receipt: dict[str, Any], given: dict[str, Any]) -> None:
    assert reporters.call(client, "messages", receipt, **given).status_code == 422
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    headers = factories.office_headers("city.reviewer")
    assert client.post(f"/api/v1/office/tips/{tip_id}/messages", json=given, headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("username", "status"),
    [
        ("district.650102", 404),
        ("district.650104", 201),
        ("city.reviewer", 403),
        ("city.leader", 403),
        ("auditor", 403),
    ],
)
def test_the_unit_that_holds_the_tip_writes(client: FlaskClient, username: str, status: int) -> None:
    tip_id = factories.verifying_tip(client)
    headers = factories.office_headers(username)
    answer = client.post(f"/api/v1/office/tips/{tip_id}/messages", json={"text": "您好"}, headers=headers)
    assert answer.status_code == status, answer.get_json()


def test_a_withdrawal_is_a_mark_and_stops_nothing(client: FlaskClient, receipt: dict[str, Any]) -> None:
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    first = reporters.call(client, "withdraw", receipt, reason="已与对方协商。")
    again = reporters.call(client, "withdraw", receipt, reason="改主意了。")
    assert (first.status_code, again.status_code) == (201, 200)
    shown = reporters.office_sees(client, tip_id)
    assert shown["withdrawal"]["reason"] == "已与对方协商。"
    assert shown["status"] == "registered"
    assert "accept" in {row["action"] for row in shown["available_actions"]}
    assert reporters.progress(client, receipt)["withdrawn"]


def test_what_an_anonymous_reporter_says_leads_nowhere(client: FlaskClient) -> None:
    """Written with a session in hand: no row of any table may hold its index, openid or address."""
    headers = factories.reporter_headers("openid-of-a-silent-one")
    index = factories.crypto_of().blind_index("openid", "openid-of-a-silent-one").hex()
    receipt = factories.file_tip(client, headers=headers)
    before = rows.dump()
    for path, given in (
        ("messages", {"text": "您好"}),
        ("supplement", {"text": "补充"}),
        ("withdraw", {"reason": "算了"}),
    ):
        body = reporters.codes_of(receipt) | given
        answer = client.post(
            f"/api/v1/tips/{path}", json=body, headers=headers, environ_overrides={"REMOTE_ADDR": "203.0.113.77"}
        )
        assert answer.status_code == 201, answer.get_json()
    new = "\n".join(rows.added(before, rows.dump()))
    assert "203.0.113.77" not in new
    assert index not in new
    assert "openid-of-a-silent-one" not in new


def test_an_archived_conversation_is_over(client: FlaskClient, app: Flask) -> None:
    receipt, tip_id = reporters.replied_tip(client)
    assert factories.office_act(client, "city.reviewer", tip_id, "archive").status_code in {200, 409}
    shown = reporters.progress(client, receipt)
    expected = 409 if shown["status"] == "archived" else 201
    assert reporters.call(client, "messages", receipt, text="还有问题").status_code == expected
    assert shown["can_message"] is (expected == 201)


class TestMerged:
    """What the office writes about the matter reaches every reporter of it, and the answer of any one counts."""

    @pytest.fixture
    def merged(self, client: FlaskClient, receipt: dict[str, Any]) -> dict[str, Any]:
        return self._merge(client, receipt)

    def _merge(self, client: FlaskClient, into: dict[str, Any]) -> dict[str, Any]:
        session = factories.reporter_headers("openid-of-one-who-was-merged")
        later = factories.file_tip(client, reporter=factories.REPORTER, headers=session)
        tip_id, main = (factories.tip_id_of(one["receipt_number"]) for one in (later, into))
        answer = factories.office_act(client, "city.reviewer", tip_id, "merge", into=str(main))
        assert answer.status_code == 200, answer.get_json()
        return later

    def test_each_reads_what_is_missing(
        self, client: FlaskClient, receipt: dict[str, Any], merged: dict[str, Any]
    ) -> None:
        assert _ask(client, receipt).status_code == 200
        late = self._merge(client, receipt)
        for one in (receipt, merged, late):
            shown = reporters.progress(client, one)
            assert (shown["status"], shown["can_supplement"]) == ("need_supplement", True)
            (message,) = shown["messages"]
            assert (message["kind"], message["text"]) == ("supplement_request", "请补充转账凭证。")
            assert message["due_on"] == "2026-03-16"

    def test_any_answer_takes_the_matter_back_to_the_desk(
        self, client: FlaskClient, receipt: dict[str, Any], merged: dict[str, Any]
    ) -> None:
        assert _ask(client, receipt).status_code == 200
        assert reporters.call(client, "supplement", merged, text="这是转账凭证。").status_code == 201
        for one in (receipt, merged):
            assert reporters.progress(client, one)["status"] == "registered"
        assert "这是转账凭证" not in str(reporters.progress(client, receipt))

    def test_a_request_that_names_one_reporter_is_not_read_by_another(self, client: FlaskClient) -> None:
        main = factories.file_tip(client, reporter=factories.REPORTER)
        assert _ask(client, main, f"{factories.REPORTER['name']}您好，请补充转账凭证。").status_code == 200
        (message,) = reporters.progress(client, self._merge(client, main))["messages"]
        assert message["kind"] == "supplement_request"
        assert factories.REPORTER["name"] not in message["text"]
        refused = factories.office_act(
            client,
            "city.reviewer",
            factories.tip_id_of(main["receipt_number"]),
            "reject",
            reason_code="NO_FACTS",
            reason=f"{factories.REPORTER['name']}未提供事实。",
            route="信访",
        )
        assert (refused.status_code, refused.get_json()["code"]) == (422, "reporter_exposed")

    def test_each_is_told_why_it_takes_longer(
        self, client: FlaskClient, receipt: dict[str, Any], merged: dict[str, Any]
    ) -> None:
        tip_id = factories.tip_id_of(receipt["receipt_number"])
        for username, action, given in (
            ("city.reviewer", "accept", {}),
            ("city.reviewer", "assign", {"division": factories.XINSHI}),
            ("district.650104", "sign_for", {}),
        ):
            assert factories.office_act(client, username, tip_id, action, **given).status_code == 200
        factories.deliver()
        before = rows.scalar("SELECT count(*) FROM deliveries")
        extended = factories.office_act(client, "city.leader", tip_id, "extend", clock="overall", reason="案情复杂")
        assert extended.status_code == 200
        for one in (receipt, merged):
            assert "案情复杂" in reporters.progress(client, one)["messages"][-1]["text"]
        factories.deliver()
        assert rows.scalar("SELECT count(*) FROM deliveries") == before + 1, "the reporter of the merged tip is known"

    def test_each_reads_why_it_is_refused_and_where_to_turn(
        self, client: FlaskClient, receipt: dict[str, Any], merged: dict[str, Any]
    ) -> None:
        given = {"reason_code": "NOT_IN_REMIT", "reason": "属消费纠纷。", "route": "请拨打 12315。"}
        tip_id = factories.tip_id_of(receipt["receipt_number"])
        assert factories.office_act(client, "city.reviewer", tip_id, "reject", **given).status_code == 200
        for one in (receipt, merged):
            (message,) = reporters.progress(client, one)["messages"]
            assert "不属于职责范围" in message["text"]
            assert "请拨打 12315。" in message["text"]
