"""The world outside: WeChat, SMS gateway and mail server that refuse, hang and drop at random, and count what arrived.

What a call meets follows from seed, person and how often this person was called before, so that a run with the same
seed meets the same world, in whatever order workers come.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller

from app.demo import sms_standin, wechat_standin
from app.demo.sms_standin import SmsStandIn
from app.demo.wechat_standin import WeChatStandIn
from bench.stage import free_port

logging.getLogger("mail.log").setLevel(logging.WARNING)
WECHAT_PATH = "/cgi-bin/message/subscribe/send"
HANGS_SECONDS = 6.0  # past the patience of the program's clients (5 s)
FATES = {  # in a hundred
    "busy": 8, "refused": 6, "dropped_before": 2, "dropped_after": 2, "hangs": 1, "unavailable": 3,
}  # fmt: skip


@dataclass
class World:
    """What befalls whom, and who got what."""

    seed: int
    arrived: Counter[tuple[str, int]] = field(default_factory=Counter)
    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fate(self, channel: str, person: int) -> str:
        with self.lock:
            self.calls[channel, person] += 1
            turn = self.calls[channel, person]
        drawn = hashlib.sha256(f"{self.seed} {channel} {person} {turn}".encode()).digest()
        point = int.from_bytes(drawn[:4], "big") % 100
        fate = "taken"
        for name, share in FATES.items():
            if 0 <= point < share:
                fate = name
            point -= share
        with self.lock:
            self.met[fate] += 1
        return fate

    def arrives(self, channel: str, person: int) -> None:
        with self.lock:
            self.arrived[channel, person] += 1

    def arrivals_of(self, person: int) -> int:
        return sum(self.arrived[channel, person] for channel in ("wechat", "sms", "email"))


def openid_of(person: int) -> str:
    return f"o{person:027d}"


def mobile_of(person: int) -> str:
    return f"139{person:08d}"


def address_of(person: int) -> str:
    return f"person{person}@example.org"


_WECHAT_REFUSALS = (43101, 47003, 40037)
_SMS_REFUSALS = ("isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.SMS_TEMPLATE_ILLEGAL")


class ChaoticWeChat(WeChatStandIn):
    """WeChat on a bad day."""

    world: World

    def next_scripted(self, path: str, body: dict[str, Any]) -> Any:
        if path != WECHAT_PATH:
            return None
        person = int(str(body["touser"])[1:])
        fate = self.world.fate("wechat", person)
        error = {"busy": -1, "unavailable": -1, "refused": _WECHAT_REFUSALS[person % 3]}.get(fate)
        answer = {"errcode": error, "errmsg": fate} if error else None
        return wechat_standin.Scripted(path, answer=answer, **_around(fate, 503))

    def answer(self, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        given = super().answer(path, query, body)
        if path == WECHAT_PATH and given["errcode"] == 0:
            self.world.arrives("wechat", int(str(body["touser"])[1:]))
        return given


class ChaoticSms(SmsStandIn):
    """The gateway on a bad day."""

    world: World

    def next_scripted(self, body: bytes) -> Any:
        person = int(parse_qs(body.decode())["PhoneNumbers"][0][3:])
        fate = self.world.fate("sms", person)
        code = {"busy": "isv.BUSINESS_LIMIT_CONTROL", "refused": _SMS_REFUSALS[person % 3]}.get(fate)
        code = "ServiceUnavailable" if fate == "unavailable" else code
        return sms_standin.Scripted(answer={"Code": code, "Message": fate} if code else None, **_around(fate, 200))

    def _take(self, given: dict[str, str]) -> dict[str, Any]:
        answer = super()._take(given)
        self.world.arrives("sms", int(given["PhoneNumbers"][3:]))
        return answer


def _around(fate: str, unavailable: int) -> dict[str, Any]:
    return {
        "drop": {"dropped_before": "before", "dropped_after": "after", "unavailable": None}.get(fate),
        "delay_seconds": HANGS_SECONDS if fate == "hangs" else 0.0,
        "status": unavailable if fate == "unavailable" else 200,
    }


class ChaoticMail:
    """A mail server on a bad day."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fates: dict[str, str] = {}

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        fate = self.world.fate("email", _person(address))
        self.fates[address] = fate
        if fate == "refused":
            return "550 5.1.1 no such mailbox"
        if fate in {"busy", "unavailable"}:
            return "451 4.7.1 greylisted, try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        [address] = envelope.rcpt_tos
        fate = self.fates.pop(address)
        assert message_from_bytes(envelope.content)["To"] == address
        if fate == "dropped_before":
            server.transport.abort()
            return "250 OK"
        if fate == "hangs":
            await asyncio.sleep(HANGS_SECONDS + 3)
        self.world.arrives("email", _person(address))
        if fate == "dropped_after":
            server.transport.abort()
        return "250 OK"


def _person(address: str) -> int:
    return int(address.removeprefix("person").partition("@")[0])


@contextlib.contextmanager
def opened(world: World) -> Iterator[dict[str, str]]:
    """The three servers on loopback; yields the settings that point to them."""
    wechat, sms = ChaoticWeChat(), ChaoticSms()
    wechat.world = sms.world = world
    port = free_port()
    mail = Controller(ChaoticMail(world), hostname="127.0.0.1", port=port)
    mail.start()
    try:
        with wechat_standin.serving(wechat), sms_standin.serving(sms):
            yield {
                "WECHAT_API_BASE": wechat.base_url,
                "SMS_URL": sms.base_url,
                "SMS_KEY_ID": sms.key_id,
                "SMS_KEY_SECRET": sms.secret,
                "SMS_SIGN_NAME": "处非办",
                "SMS_TEMPLATE_PROGRESS": "SMS_1",
                "SMS_TEMPLATE_OFFICER": "SMS_2",
                "SMTP_URL": f"smtp+plain://127.0.0.1:{port}",
                "MAIL_FROM": "notice@office.example",
                "NOTICE_QUIET_HOURS": "off",
            }
    finally:
        mail.stop(no_assert=True)
