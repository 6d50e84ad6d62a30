"""Short messages against a gateway that checks the signature by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.demo.sms_standin import SmsStandIn, serving
from app.foundation import clock
from app.foundation.config import SmsSettings
from app.notifications.faults import ChannelFault, NoAnswer, NotSent, Refused
from app.notifications.sms import Acs3Gateway, acs3_authorization
from tests.moments import MONDAY_MORNING

MOBILE = "13900001234"


@pytest.fixture(scope="module")
def running() -> Iterator[SmsStandIn]:
    with serving(SmsStandIn("tests-key", "tests-secret")) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: SmsStandIn) -> SmsStandIn:
    for kept in (running.messages, running.calls, running.scripted):
        kept.clear()
    return running


def settings_of(gateway: SmsStandIn) -> SmsSettings:
    return SmsSettings("acs3", gateway.base_url, gateway.key_id, gateway.secret, "处非办", "SMS_1", "SMS_2")


def send(gateway: SmsStandIn, mobile: str = MOBILE, template: str = "SMS_1", **changes: Any) -> None:
    Acs3Gateway(replace(settings_of(gateway), **changes)).send(mobile, template, "0198-ref")


def test_the_published_example_of_the_signature() -> None:
    """The worked example of the provider's documentation (V3 request structure and signature)."""
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    made = acs3_authorization("POST", "/", query, headers, "YourAccessKeyId", "YourAccessKeySecret")
    assert made.endswith("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")


def test_a_message_is_taken_with_its_reference(gateway: SmsStandIn) -> None:
    send(gateway)
    send(gateway, template="SMS_2")
    assert gateway.messages == [
        {"PhoneNumbers": MOBILE, "SignName": "处非办", "TemplateCode": code, "OutId": "0198-ref"}
        for code in ("SMS_1", "SMS_2")
    ]


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", Refused),
        ("isv.SMS_TEMPLATE_ILLEGAL", Refused),
        ("isv.BLACK_KEY_CONTROL_LIMIT", Refused),
        ("isv.BUSINESS_LIMIT_CONTROL", NotSent),
        ("isv.AMOUNT_NOT_ENOUGH", NotSent),
        ("isp.SYSTEM_ERROR", NotSent),
        ("Throttling.User", NotSent),
        ("InternalError", NoAnswer),
    ],
)
def test_refusals_are_sorted_by_what_helps(gateway: SmsStandIn, code: str, fault: type[ChannelFault]) -> None:
    gateway.script(answer={"Code": code, "Message": MOBILE})
    with pytest.raises(fault) as refused:
        send(gateway)
    assert refused.value.code == code
    assert MOBILE not in repr(refused.value)


def test_a_number_and_a_text_that_the_gateway_does_not_know(gateway: SmsStandIn) -> None:
    with pytest.raises(Refused):
        send(gateway, mobile="09911234567")
    with pytest.raises(Refused):
        send(gateway, template="unknown")
    assert gateway.messages == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"secret": "wrong"}, "SignatureDoesNotMatch"), ({"key_id": "wrong"}, "InvalidAccessKeyId.NotFound")],
)
def test_wrong_credentials_wait_for_the_operator(gateway: SmsStandIn, changes: dict[str, str], code: str) -> None:
    with pytest.raises(NotSent) as refused:
        send(gateway, **changes)
    assert refused.value.code == code


def test_an_old_signature_is_refused(gateway: SmsStandIn) -> None:
    with clock.stopped_at(MONDAY_MORNING), pytest.raises(NotSent) as refused:
        send(gateway)
    assert refused.value.code == "InvalidTimeStamp.Expired"


@pytest.mark.parametrize(("moment", "arrived"), [("before", 0), ("after", 1)])
def test_a_connection_lost_on_the_way_is_unknown(gateway: SmsStandIn, moment: str, arrived: int) -> None:
    gateway.script(drop=moment)
    with pytest.raises(NoAnswer):
        send(gateway)
    assert len(gateway.messages) == arrived


@pytest.mark.parametrize("answer", [{}, {"Code": 7}, {"Code": ""}])
def test_an_answer_without_a_code_is_unknown(gateway: SmsStandIn, answer: dict[str, Any]) -> None:
    gateway.script(answer=answer, status=502)
    with pytest.raises(NoAnswer) as strange:
        send(gateway)
    assert strange.value.code == "http_502"


def test_a_gateway_that_is_away(gateway: SmsStandIn) -> None:
    with pytest.raises(NotSent) as away:
        send(gateway, url="http://127.0.0.1:9/")
    assert away.value.code == "not_reached"


def test_nothing_personal_stands_in_the_address(gateway: SmsStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = Acs3Gateway(settings_of(gateway))
    post = real._http.post
    monkeypatch.setattr(real._http, "post", lambda url, **more: asked.append(url) or post(url, **more))
    real.send(MOBILE, "SMS_1", "0198-ref")
    assert urlsplit(asked[0]).query == ""
    assert gateway.secret not in repr(real) + repr(settings_of(gateway))
