"""WeChat's text check: a flag for the officer, after filing, and never in the way of a tip."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.demo.wechat_standin import WeChatStandIn
from app.outbox.service import MOST_ATTEMPTS
from tests import factories, rows
from tests.tips import reporters

CHECK = "/wxa/msg_sec_check"
LOGIN = "/api/v1/session"


@pytest.fixture(autouse=True)
def _fresh(wechat: WeChatStandIn) -> None:
    wechat.calls.clear()


def _headers(client: FlaskClient, code: str = "a-code-of-a-person") -> dict[str, str]:
    token = client.post(LOGIN, json={"code": code}).get_json()["token"]
    return {"Authorization": f"Bearer {token}"}


def _filed(client: FlaskClient, **changes: Any) -> UUID:
    receipt = factories.file_tip(client, headers=_headers(client), **{"reporter": factories.REPORTER} | changes)
    return factories.tip_id_of(receipt["receipt_number"])


def _verdict(tip_id: UUID) -> Any:
    return rows.scalar("SELECT verdict FROM tip_text_checks WHERE tip_id = :tip_id", tip_id=tip_id)


@pytest.mark.parametrize(
    ("suggest", "flagged"), [("risky", "可能含违规内容"), ("review", "建议人工复查"), ("pass", None)]
)
def test_the_officer_reads_a_flag(
    client: FlaskClient, wechat: WeChatStandIn, suggest: str, flagged: str | None
) -> None:
    tip_id = _filed(client)
    wechat.script(CHECK, answer={"errcode": 0, "result": {"suggest": suggest, "label": 20001}})
    reporters.run_outbox()
    assert _verdict(tip_id) == suggest
    flag = reporters.office_sees(client, tip_id)["text_flag"]
    assert (flagged in flag) if flagged else flag is None
    assert wechat.calls.count(CHECK) == 1


@pytest.mark.parametrize(
    ("told", "verdict", "calls"),
    [
        ({"answer": {"errcode": 61010, "errmsg": "code is expired"}}, "unchecked", 1),  # away for two hours
        ({"answer": {"errcode": 40003, "errmsg": "invalid openid"}}, "unchecked", 1),
        ({"answer": {"errcode": -1, "errmsg": "system error"}}, "pass", 2),
        ({"answer": {"errcode": 45009, "errmsg": "reach max api daily quota limit"}}, "pass", 2),
        ({"status": 503, "answer": {}}, "pass", 2),
        ({"drop": "before"}, "pass", 2),
        ({"drop": "after"}, "pass", 2),
    ],
)
def test_wechat_away_or_unwilling_keeps_nothing_back(
    client: FlaskClient, wechat: WeChatStandIn, told: dict[str, Any], verdict: str, calls: int
) -> None:
    tip_id = _filed(client)
    wechat.script(CHECK, **told)
    reporters.run_outbox()
    assert _verdict(tip_id) == (verdict if calls == 1 else None)
    reporters.run_outbox()
    assert _verdict(tip_id) == verdict
    assert wechat.calls.count(CHECK) == calls
    assert reporters.office_sees(client, tip_id)["text_flag"] is None


def test_running_it_twice_keeps_the_first_verdict(client: FlaskClient, wechat: WeChatStandIn) -> None:
    tip_id = _filed(client)
    wechat.script(CHECK, answer={"errcode": 0, "result": {"suggest": "risky"}})
    reporters.run_outbox()
    rows.scalar("UPDATE outbox_messages SET done_at = NULL WHERE topic = 'tips.text_check_wanted' RETURNING 1")
    reporters.run_outbox()
    assert _verdict(tip_id) == "risky"


def test_it_gives_up_in_the_end(client: FlaskClient, wechat: WeChatStandIn) -> None:
    tip_id = _filed(client)
    statement = "UPDATE outbox_messages SET failures = :n WHERE topic = 'tips.text_check_wanted' RETURNING 1"
    assert rows.scalar(statement, n=MOST_ATTEMPTS - 1)
    wechat.script(CHECK, answer={"errcode": -1})
    reporters.run_outbox()
    assert _verdict(tip_id) == "unchecked"


def test_nobody_is_asked_about_an_anonymous_tip_or_one_of_the_web_page(
    client: FlaskClient, wechat: WeChatStandIn
) -> None:
    """The openid of an anonymous reporter is not known, and stays so."""
    factories.file_tip(client, headers=_headers(client))
    factories.file_tip(client, reporter=factories.REPORTER)
    reporters.run_outbox()
    assert CHECK not in wechat.calls
    assert rows.scalar("SELECT count(*) FROM outbox_messages WHERE topic = 'tips.text_check_wanted'") == 0


def test_the_phone_of_the_button_is_answered_and_not_kept(client: FlaskClient, wechat: WeChatStandIn) -> None:
    headers = _headers(client)
    before = rows.dump()
    answer = client.post(f"{LOGIN}/phone", json={"code": "phone-code"}, headers=headers)
    assert answer.status_code == 200
    shared = answer.get_json()
    assert (len(shared["phone"]), shared["country_code"]) == (11, "86")
    assert rows.added(before, rows.dump()) == []
    wechat.script("/wxa/business/getuserphonenumber", answer={"errcode": 40029, "errmsg": "invalid code"})
    refused = client.post(f"{LOGIN}/phone", json={"code": "used"}, headers=headers)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "wechat_code_invalid")
    wechat.script("/wxa/business/getuserphonenumber", drop="before")
    assert client.post(f"{LOGIN}/phone", json={"code": "x"}, headers=headers).status_code == 503
    assert client.post(f"{LOGIN}/phone", json={"code": "x"}).status_code == 401
