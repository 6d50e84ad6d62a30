"""The WeChat client against a stand-in that speaks the contract over a real socket."""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from app.demo.wechat_standin import WeChatStandIn, serving
from app.identity.wechat import (
    UnfitValue,
    WeChatBusy,
    WeChatClient,
    WeChatCodeInvalid,
    WeChatError,
    WeChatMisconfigured,
    WeChatNoConsent,
    WeChatPermanent,
    WeChatRateLimited,
    WeChatUnknown,
    subscribe_data,
)
from tests.conftest import Services

SEND = "/cgi-bin/message/subscribe/send"
TOKEN = "/cgi-bin/stable_token"
LOGIN = "/sns/jscode2session"
DATA = {"thing1": {"value": "属地"}}


@pytest.fixture(scope="module")
def redis(services: Services) -> Iterator[Redis]:
    with Redis.from_url(services.redis_url) as client:
        yield client


@pytest.fixture
def standin() -> Iterator[WeChatStandIn]:
    # An app id of its own keeps the cached token of one test from the next.
    with serving(WeChatStandIn(app_id=f"wx{secrets.token_hex(8)}", strict=True)) as state:
        yield state


@pytest.fixture
def client(standin: WeChatStandIn, redis: Redis) -> Iterator[WeChatClient]:
    yield another_client(standin, redis)
    for key in redis.scan_iter(f"wechat:{standin.app_id}:*"):
        redis.delete(key)


def another_client(standin: WeChatStandIn, redis: Redis) -> WeChatClient:
    return WeChatClient(standin.base_url, standin.app_id, standin.secret, redis)


def consenting(standin: WeChatStandIn, count: int = 1) -> str:
    openid = standin.openid("somebody")
    standin.consents[openid, "template"] += count
    return openid


class TestExchangeCode:
    def test_same_code_names_the_same_person(self, client: WeChatClient, standin: WeChatStandIn) -> None:
        assert client.exchange_code("code-1").openid == standin.openid("code-1")

    def test_a_code_works_once(self, client: WeChatClient) -> None:
        client.exchange_code("code-1")
        with pytest.raises(WeChatCodeInvalid):
            client.exchange_code("code-1")

    @pytest.mark.parametrize(
        ("errcode", "expected", "retryable"),
        [
            (-1, WeChatBusy, True),
            (40029, WeChatCodeInvalid, False),
            (45011, WeChatRateLimited, True),
            (40226, WeChatPermanent, False),
            (40125, WeChatMisconfigured, True),
            (99999, WeChatPermanent, False),
        ],
    )
    def test_error_codes(
        self, client: WeChatClient, standin: WeChatStandIn, errcode: int, expected: type[WeChatError], retryable: bool
    ) -> None:
        standin.script(LOGIN, answer={"errcode": errcode, "errmsg": "with the code in it: code-1"})
        with pytest.raises(expected) as caught:
            client.exchange_code("code-1")
        assert type(caught.value) is expected
        assert caught.value.retryable is retryable
        assert caught.value.errcode == errcode
        assert "code-1" not in str(caught.value)

    def test_no_secret_in_logs_or_repr(
        self, client: WeChatClient, standin: WeChatStandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        session = client.exchange_code("code-1")
        shown = caplog.text + repr(client) + repr(session)
        assert standin.secret not in shown
        assert "code-1" not in shown
        assert session.openid not in shown
        assert not hasattr(session, "session_key")

    def test_the_error_of_a_broken_connection_holds_no_request(
        self, client: WeChatClient, standin: WeChatStandIn
    ) -> None:
        standin.script(LOGIN, drop="after")
        with pytest.raises(WeChatUnknown) as caught:
            client.exchange_code("code-1")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


class TestSendSubscribeMessage:
    def test_one_consent_is_one_message(self, client: WeChatClient, standin: WeChatStandIn) -> None:
        openid = consenting(standin)
        client.send_subscribe_message(openid, "template", DATA, page="pages/tip")
        assert [message["touser"] for message in standin.messages] == [openid]
        assert standin.messages[0]["page"] == "pages/tip"
        with pytest.raises(WeChatNoConsent):
            client.send_subscribe_message(openid, "template", DATA)
        assert len(standin.messages) == 1

    def test_wrong_value_is_permanent(self, client: WeChatClient, standin: WeChatStandIn) -> None:
        with pytest.raises(WeChatPermanent) as caught:
            client.send_subscribe_message(consenting(standin), "template", {"thing1": {"value": "字" * 21}})
        assert caught.value.errcode == 47003

    def test_connection_lost_after_sending_is_unknown(self, client: WeChatClient, standin: WeChatStandIn) -> None:
        openid = consenting(standin)
        client.access_token()
        standin.script(SEND, drop="after")
        with pytest.raises(WeChatUnknown):
            client.send_subscribe_message(openid, "template", DATA)
        assert len(standin.messages) == 1  # and indeed it had gone out

    def test_token_call_lost_means_nothing_was_sent(self, client: WeChatClient, standin: WeChatStandIn) -> None:
        standin.script(TOKEN, drop="after")
        with pytest.raises(WeChatBusy):
            client.send_subscribe_message(consenting(standin), "template", DATA)
        assert SEND not in standin.calls

    def test_unreachable_server_is_busy(self, redis: Redis) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
            client = WeChatClient(f"http://127.0.0.1:{taken.getsockname()[1]}", "wxnobody", "secret", redis)
            with pytest.raises(WeChatBusy):
                client.exchange_code("code-1")

    @pytest.mark.parametrize(("status", "expected"), [(503, WeChatBusy), (502, WeChatUnknown)])
    def test_http_errors(
        self, client: WeChatClient, standin: WeChatStandIn, status: int, expected: type[WeChatError]
    ) -> None:
        standin.script(SEND, answer={"gone": 1}, status=status)
        with pytest.raises(expected):
            client.send_subscribe_message(consenting(standin), "template", DATA)


class TestAccessToken:
    def test_is_fetched_once_for_many_processes(self, standin: WeChatStandIn, redis: Redis) -> None:
        standin.script(TOKEN, delay_seconds=0.2)
        clients = [another_client(standin, redis) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            tokens = set(pool.map(lambda one: one.access_token(), clients))
        assert len(tokens) == 1
        assert standin.calls.count(TOKEN) == 1

    def test_rejected_token_is_replaced_and_the_message_sent(
        self, client: WeChatClient, standin: WeChatStandIn
    ) -> None:
        openid = consenting(standin, 2)
        client.send_subscribe_message(openid, "template", DATA)
        standin.expire_tokens()
        client.send_subscribe_message(openid, "template", DATA)
        assert len(standin.messages) == 2
        assert standin.calls.count(TOKEN) == 2

    def test_rejected_token_that_comes_back_is_forced_out(self, client: WeChatClient, standin: WeChatStandIn) -> None:
        rejected = client.access_token()
        assert client.access_token(instead_of=rejected) != rejected
        assert standin.calls.count(TOKEN) == 3  # the first, the same again, the forced one

    def test_rejected_at_once_by_many_is_refreshed_once(self, standin: WeChatStandIn, redis: Redis) -> None:
        clients = [another_client(standin, redis) for _ in range(6)]
        rejected = clients[0].access_token()
        standin.expire_tokens()
        standin.script(TOKEN, delay_seconds=0.2)
        with ThreadPoolExecutor(6) as pool:
            tokens = set(pool.map(lambda one: one.access_token(instead_of=rejected), clients))
        assert len(tokens) == 1
        assert standin.calls.count(TOKEN) == 2

    def test_wrong_secret(self, standin: WeChatStandIn, redis: Redis) -> None:
        client = WeChatClient(standin.base_url, standin.app_id, "wrong", redis)
        with pytest.raises(WeChatMisconfigured):
            client.access_token()

    def test_expires_before_wechat_does(self, client: WeChatClient, standin: WeChatStandIn, redis: Redis) -> None:
        client.access_token()
        assert 0 < redis.ttl(f"wechat:{standin.app_id}:access_token") <= 7200 - 300


class TestOtherCalls:
    def test_long_text_is_checked_in_parts_and_the_worst_counts(
        self, client: WeChatClient, standin: WeChatStandIn
    ) -> None:
        assert client.check_text(standin.openid("a"), "好" * 2501) == "pass"
        assert standin.calls.count("/wxa/msg_sec_check") == 2
        standin.script("/wxa/msg_sec_check", answer={"errcode": 0, "result": {"suggest": "risky", "label": 20001}})
        assert client.check_text(standin.openid("a"), "坏" + "好" * 2500) == "risky"
        standin.script("/wxa/msg_sec_check", answer={"errcode": 0})
        assert client.check_text(standin.openid("a"), "好") == "review"

    def test_phone_number(self, client: WeChatClient) -> None:
        phone = client.phone_number("phone-code")
        assert phone.number.startswith("139")
        assert phone.country_code == "86"
        assert phone.number not in repr(phone)
        with pytest.raises(WeChatCodeInvalid):
            client.phone_number("phone-code")


class TestSubscribeData:
    def test_moments_are_beijing_time(self) -> None:
        moment = datetime(2019, 10, 1, 7, 1, tzinfo=UTC)
        assert subscribe_data({"time1": moment, "date2": date(2019, 10, 1)}) == {
            "time1": {"value": "2019年10月1日 15:01"},
            "date2": {"value": "2019年10月1日"},
        }

    def test_a_thing_is_shortened(self) -> None:
        value = subscribe_data({"thing1": "某某投资管理有限公司\n涉嫌非法集资的举报已经受理"})["thing1"]["value"]
        assert value == "某某投资管理有限公司 涉嫌非法集资的举…"
        assert len(value) == 20

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("thing1", " \n "),
            ("phrase1", "已经受理完毕"),
            ("phrase1", "OK"),
            ("character_string1", "编号1"),
            ("character_string1", "A" * 33),
            ("name1", "欧" * 11),
            ("time1", "tomorrow"),
            ("unknown1", "x"),
        ],
    )
    def test_what_cannot_fit_is_refused_without_showing_it(self, field: str, value: str) -> None:
        with pytest.raises(UnfitValue) as caught:
            subscribe_data({field: value})
        assert field in str(caught.value)
        assert value not in str(caught.value)

    @given(st.text(min_size=1), st.sampled_from(["thing1", "phrase2", "character_string3", "name4", "number5"]))
    def test_what_is_built_is_what_wechat_takes(self, text: str, field: str) -> None:
        standin = WeChatStandIn()
        token = standin.stable_token(
            {}, {"appid": standin.app_id, "secret": standin.secret, "grant_type": "client_credential"}
        )["access_token"]
        try:
            data = subscribe_data({field: text})
        except UnfitValue:
            return
        body = {"touser": standin.openid("x"), "template_id": "t", "data": data}
        assert standin.answer(SEND, {"access_token": token}, body)["errcode"] == 0
