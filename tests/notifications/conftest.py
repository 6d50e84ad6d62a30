"""A reporter with a telephone, a strict WeChat, and an outbox that runs at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.demo.wechat_standin import WeChatStandIn
from tests import factories

TEMPLATE = "tip-progress-demo"


@pytest.fixture
def strict_wechat(wechat: WeChatStandIn) -> Iterator[WeChatStandIn]:
    """WeChat as it really is: a message needs a consent. Nothing is left of the test before."""
    wechat.messages.clear()
    wechat.calls.clear()
    wechat.scripted.clear()
    wechat.consents.clear()
    wechat.strict = True
    yield wechat
    wechat.strict = False
    wechat.scripted.clear()


@dataclass(frozen=True)
class Phone:
    """A mini-program in a reporter's hand."""

    client: FlaskClient
    wechat: WeChatStandIn
    openid: str
    headers: dict[str, str]

    def consent(self, times: int = 1) -> None:
        """Accept messages, towards WeChat and towards us."""
        for _ in range(times):
            answer = self.client.post("/api/v1/subscriptions", json={"accepted": [TEMPLATE]}, headers=self.headers)
            assert answer.status_code == 200, answer.get_json()
        self.wechat.consents[self.openid, TEMPLATE] += times

    def remaining(self) -> int:
        """How many messages we believe are allowed."""
        answer = self.client.get("/api/v1/subscriptions", headers=self.headers).get_json()
        left: int = answer["items"][0]["remaining"]
        return left

    def file_tip(self, **changes: Any) -> tuple[str, UUID]:
        """File a tip, under the own name unless told otherwise: (receipt number, id)."""
        changes = {"reporter": factories.REPORTER} | changes
        number = factories.file_tip(self.client, headers=self.headers, **changes)["receipt_number"]
        return number, factories.tip_id_of(number)


def make_phone(app: Flask, wechat: WeChatStandIn) -> Phone:
    openid = wechat.openid("reporter")
    return Phone(app.test_client(), wechat, openid, factories.reporter_headers(openid))


@pytest.fixture
def phone(app: Flask, strict_wechat: WeChatStandIn) -> Phone:
    return make_phone(app, strict_wechat)


@pytest.fixture
def committed_phone(committed_app: Flask, strict_wechat: WeChatStandIn) -> Phone:
    return make_phone(committed_app, strict_wechat)
