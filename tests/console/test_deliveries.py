"""The page of messages: who sees it, what it shows, sending again; and the own work addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, new_id, transaction
from app.notifications.models import Delivery
from app.notifications.reasons import reason_text
from tests import factories, rows
from tests.console.office import Officer

MAY_RESEND = {"city.reviewer", "sysadmin"}
MAY_SEE = MAY_RESEND | {"city.leader"}


@pytest.fixture
def named_tip(client: FlaskClient) -> UUID:
    return factories.tip_id_of(factories.file_tip(client, reporter=factories.REPORTER)["receipt_number"])


def add(tip_id: UUID, state: str, channel: str = "sms", **columns: Any) -> UUID:
    """One delivery to the reporter of a tip, about an event of its own."""
    delivery_id = new_id()
    index = rows.scalar(f"SELECT phone_index FROM reporters WHERE tip_id = '{tip_id}'")
    given = {"person_index": bytes(index), "event_id": new_id(), "attempts": 1, "created_at": clock.now()} | columns
    with transaction(OPEN_WALL):
        db.session.add(Delivery(id=delivery_id, tip_id=tip_id, channel=channel, state=state, **given))
    return delivery_id


def state_of(delivery_id: UUID) -> str:
    db.session.rollback()
    return db.session.scalars(select(Delivery.state).where(Delivery.id == delivery_id)).one()


@pytest.mark.parametrize(
    "username",
    ["city.reviewer", "city.leader", "sysadmin", "city.adjuster", "district.650104", "observer.650000", "auditor"],
)
def test_is_for_those_who_watch_over_it(officer: Callable[[str], Officer], username: str) -> None:
    answer = officer(username).get("/deliveries")
    assert answer.status_code == (200 if username in MAY_SEE else 403)
    if username in MAY_SEE:
        assert "没有符合条件的消息" in answer.get_data(as_text=True)


def test_says_how_far_each_message_got_and_names_nobody(officer: Callable[[str], Officer], named_tip: UUID) -> None:
    add(named_tip, "failed", "wechat", error="43101")
    add(named_tip, "unknown", error="no_answer")
    add(named_tip, "sent", "email")
    page = officer("city.reviewer").text("/deliveries")
    for told in ("用户拒收，或者订阅授权已用完（43101）", "请求发出后连接中断", "发送失败", "结果不明", "已发送"):
        assert told in page
    for secret in (factories.REPORTER["name"], factories.REPORTER["phone"]):
        assert str(secret) not in page
    assert f'href="/tips/{named_tip}"' in page
    assert str(named_tip) not in officer("sysadmin").text("/deliveries")


def test_filters_live_in_the_address(officer: Callable[[str], Officer], named_tip: UUID) -> None:
    old = add(named_tip, "failed", created_at=clock.now() - timedelta(days=3))
    new = add(named_tip, "unknown", "email")
    person = officer("city.reviewer")
    today = clock.today().isoformat()
    for query, shown in (
        ("", {old, new}),
        ("?state=failed", {old}),
        ("?channel=email", {new}),
        (f"?from={today}", {new}),
        (f"?to={(clock.today() - timedelta(days=1)).isoformat()}", {old}),
        ("?state=failed&channel=email", set()),
    ):
        page = person.text("/deliveries" + query)
        assert {one for one in (old, new) if str(one) in page} == shown, query
    assert person.get("/deliveries?state=lost").status_code == 422


def test_pages_follow_one_another(officer: Callable[[str], Officer], named_tip: UUID) -> None:
    made = {str(add(named_tip, "failed")) for _ in range(32)}
    person = officer("city.reviewer")
    first = person.text("/deliveries?state=failed")
    following = re.search(r'href="(/deliveries\?[^"]+)" rel="next"', first)
    assert following is not None
    second = person.text(following[1].replace("&amp;", "&"))
    on = [{one for one in made if one in page} for page in (first, second)]
    assert (len(on[0]), on[0] | on[1], on[0] & on[1]) == (30, made, set())


@pytest.mark.parametrize("username", sorted(MAY_RESEND))
def test_sends_the_chosen_ones_again_and_remembers_who_did(
    officer: Callable[[str], Officer], named_tip: UUID, username: str
) -> None:
    failed, unknown, sent = add(named_tip, "failed"), add(named_tip, "unknown"), add(named_tip, "sent")
    person = officer(username)
    answer = person.post(
        "/deliveries/resend", seen="/deliveries", delivery=[str(failed), str(unknown), str(sent)], follow_redirects=True
    )
    assert answer.status_code == 303
    assert [state_of(one) for one in (failed, unknown, sent)] == ["queued", "queued", "sent"]
    told = person.text("/deliveries")
    assert "已重新排队 2 条；1 条未重发：只有发送失败或者结果不明的可以重发。" in told
    audited = rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'notifications.resend'")
    assert audited == 2
    waiting = rows.scalar("SELECT count(*) FROM outbox_messages WHERE topic = 'notifications.send_delivery'")
    assert waiting == 2


def test_asks_before_it_sends_again(officer: Callable[[str], Officer], named_tip: UUID) -> None:
    add(named_tip, "unknown")
    page = officer("city.reviewer").text("/deliveries")
    assert 'data-confirm="对方可能已经收到这条消息' in page
    assert "重发所选" in page
    assert "重发" not in officer("city.leader").text("/deliveries")


def test_who_may_only_look_cannot_send(officer: Callable[[str], Officer], named_tip: UUID) -> None:
    failed = add(named_tip, "failed")
    answer = officer("city.leader").post("/deliveries/resend", seen="/deliveries", delivery=str(failed))
    assert answer.status_code == 403
    assert state_of(failed) == "failed"


def test_nothing_chosen_is_told(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    assert person.post("/deliveries/resend", seen="/deliveries").status_code == 303
    assert "请先勾选要重发的消息。" in person.text("/deliveries")


def test_what_nobody_sees_cannot_be_sent(officer: Callable[[str], Officer], named_tip: UUID) -> None:
    failed = add(named_tip, "failed")
    answer = officer("city.reviewer").post(
        "/deliveries/resend", seen="/deliveries", delivery=[str(failed), str(new_id())]
    )
    assert answer.status_code == 404
    assert state_of(failed) == "failed"


def test_what_was_told_by_another_way_or_of_a_forgotten_person_is_left(
    officer: Callable[[str], Officer], named_tip: UUID
) -> None:
    event = new_id()
    fallen = add(named_tip, "failed", "sms", event_id=event)
    add(named_tip, "sent", "email", event_id=event)
    forgotten = add(named_tip, "failed", person_index=None)
    person = officer("sysadmin")
    person.post("/deliveries/resend", seen="/deliveries", delivery=[str(fallen), str(forgotten)])
    assert (state_of(fallen), state_of(forgotten)) == ("failed", "failed")
    page = person.text("/deliveries")
    assert "1 条未重发：已改由其他渠道发送" in page
    assert "1 条未重发：收件人的联系方式已清除" in page


def test_reasons_are_chinese_with_the_code_behind() -> None:
    assert reason_text(None) == ""
    for code in (
        "43101",
        "47003",
        "40037",
        "550",
        "450",
        "599",
        "isv.OTHER",
        "Throttling.User",
        "http_502",
        "KeyError",
    ):
        assert re.match(r"^[\u4e00-\u9fff，、 A-Z_]+（" + re.escape(code) + "）$", reason_text(code)), code


class TestOwnAddresses:
    def test_are_saved_shown_to_the_owner_alone_and_removed(self, officer: Callable[[str], Officer]) -> None:
        person = officer("city.leader")
        page = "/notices/contact"
        assert person.post(page, seen=page, email="leader@office.example", mobile="139 0000 1234").status_code == 303
        shown = person.text(page)
        assert 'value="leader@office.example"' in shown
        assert 'value="13900001234"' in shown
        assert "leader@office.example" not in officer("city.reviewer").text(page)
        person.post(page, seen=page, email="", mobile="")
        assert "leader@office.example" not in person.text(page)

    def test_what_is_no_address_is_told_beside_its_field(self, officer: Callable[[str], Officer]) -> None:
        person = officer("city.leader")
        answer = person.post("/notices/contact", seen="/notices/contact", email="nobody", mobile="0991-1234567")
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "请填写完整的电子邮箱地址" in page
        assert "请填写 11 位手机号码" in page
        assert 'value="nobody"' in page
