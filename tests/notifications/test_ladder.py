"""The ladder: one person hears of one event once, by the first way that works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.demo import sms_standin
from app.demo.sms_standin import SmsStandIn
from app.foundation import clock
from app.foundation.config import SmsSettings
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.permissions import PROGRAM
from app.identity import contacts
from app.identity.models import Account
from app.notifications import channels, digest
from app.notifications.channels import NEWS
from app.notifications.models import Delivery
from app.notifications.states import LADDER, Channel, reporters_ladder
from app.outbox import service as outbox
from app.outbox.models import OutboxMessage
from app.tips.schemas import REPLY_CHANNELS
from app.workflow.models import Handling
from tests import factories, rows
from tests.notifications import mail_server
from tests.notifications.conftest import Phone
from tests.notifications.mail_server import MailServer

SEND = "/cgi-bin/message/subscribe/send"
MOBILE, EMAIL = "13900001234", "reporter@example.org"
REPORTER = factories.REPORTER | {"phone": MOBILE, "email": EMAIL, "reply_channel": None}


@dataclass
class Outside:
    """The three servers that messages leave by."""

    app: Flask
    sms: SmsStandIn
    mail: MailServer

    def use(self, **changes: Any) -> None:
        settings = replace(self.app.extensions["shudi_settings"], **changes)
        self.app.extensions["shudi_settings"] = settings
        channels.connect(self.app, settings)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmsStandIn, MailServer]]:
    directory: Path = tmp_path_factory.mktemp("mail")
    with sms_standin.serving(SmsStandIn()) as sms, mail_server.serving(directory) as mail:
        yield sms, mail


@pytest.fixture
def outside(app: Flask, servers: tuple[SmsStandIn, MailServer]) -> Iterator[Outside]:
    sms, mail = servers
    kept: tuple[list[Any], ...] = (sms.messages, sms.calls, sms.scripted, mail.messages, mail.recipients)
    for one in (*kept, mail.answer_to_rcpt, mail.answer_to_data):
        one.clear()
    made, before = Outside(app, sms, mail), app.extensions["shudi_settings"]
    made.use(
        sms=SmsSettings("acs3", sms.base_url, sms.key_id, sms.secret, "处非办", "SMS_1", "SMS_2"), mail=mail.settings
    )
    yield made
    made.use(sms=before.sms, mail=before.mail, quiet_hours=before.quiet_hours)


def way_of(tip_id: UUID | None) -> list[tuple[str, str]]:
    """(channel, state) of every delivery of a tip's reporter, in the order they were queued."""
    db.session.rollback()
    found = select(Delivery).where(Delivery.tip_id == tip_id, Delivery.account_id.is_(None)).order_by(Delivery.id)
    return [(one.channel, one.state) for one in db.session.scalars(found.execution_options(populate_existing=True))]


def way_of_officer(username: str) -> list[tuple[str, str, str]]:
    found = (
        select(Delivery.kind, Delivery.channel, Delivery.state)
        .join(Account, Account.id == Delivery.account_id)
        .where(Account.username == username)
        .order_by(Delivery.id)
    )
    return [(kind, channel, state) for kind, channel, state in db.session.execute(found)]


class TestRungs:
    def test_with_a_consent_wechat_alone_speaks(self, phone: Phone, outside: Outside) -> None:
        phone.consent()
        _, tip_id = phone.file_tip(reporter=REPORTER)
        factories.deliver()
        assert way_of(tip_id) == [("wechat", "sent")]
        assert len(phone.wechat.messages) == 1
        assert outside.sms.messages == []
        assert outside.mail.messages == []

    def test_without_a_consent_a_short_message_goes(self, phone: Phone, outside: Outside) -> None:
        _, tip_id = phone.file_tip(reporter=REPORTER)
        factories.deliver()
        assert way_of(tip_id) == [("sms", "sent")]
        assert [one["PhoneNumbers"] for one in outside.sms.messages] == [MOBILE]
        assert SEND not in phone.wechat.calls

    @pytest.mark.parametrize("errcode", [43101, 47003, 40037])
    def test_a_permanent_error_of_wechat_falls_at_once_and_is_never_retried(
        self, phone: Phone, outside: Outside, errcode: int
    ) -> None:
        phone.consent()
        phone.wechat.script(SEND, times=9, answer={"errcode": errcode, "errmsg": "refused"})
        _, tip_id = phone.file_tip(reporter=REPORTER)
        factories.deliver()
        assert way_of(tip_id) == [("wechat", "failed"), ("sms", "sent")]
        with clock.stopped_at(clock.now() + timedelta(days=1)):
            factories.deliver()
        assert phone.wechat.calls.count(SEND) == 1
        assert len(outside.sms.messages) == 1

    def test_down_to_the_last_rung(self, phone: Phone, outside: Outside) -> None:
        phone.consent()
        phone.wechat.script(SEND, answer={"errcode": 40037, "errmsg": "refused"})
        outside.sms.script(answer={"Code": "isv.MOBILE_NUMBER_ILLEGAL"})
        outside.mail.answer_to_rcpt.append("550 unknown")
        number, tip_id = phone.file_tip(reporter=REPORTER)
        factories.deliver()
        assert way_of(tip_id) == [("wechat", "failed"), ("sms", "failed"), ("email", "failed"), ("in_app", "sent")]
        news = phone.client.get("/api/v1/news", headers=phone.headers).get_json()
        assert [(one["receipt_number"], one["text"], one["read_at"]) for one in news["items"]] == [(number, NEWS, None)]
        assert phone.client.post("/api/v1/news/read", headers=phone.headers).get_json() == {"marked": 1}
        assert phone.client.get("/api/v1/news", headers=phone.headers).get_json()["items"][0]["read_at"]

    def test_what_may_have_arrived_is_not_said_again(self, phone: Phone, outside: Outside) -> None:
        phone.consent()
        phone.wechat.script(SEND, drop="after")
        _, tip_id = phone.file_tip(reporter=REPORTER)
        factories.deliver()
        with clock.stopped_at(clock.now() + timedelta(days=1)):
            factories.deliver()
        assert way_of(tip_id) == [("wechat", "unknown")]
        assert outside.sms.calls == []

    def test_greylisting_waits_and_then_arrives(self, client: FlaskClient, outside: Outside) -> None:
        outside.use(sms=None)
        outside.mail.answer_to_rcpt.append("450 greylisted")
        tip_id = factories.tip_id_of(factories.file_tip(client, reporter=REPORTER)["receipt_number"])
        factories.deliver()
        assert way_of(tip_id) == [("email", "queued")]
        with clock.stopped_at(clock.now() + timedelta(minutes=5)):
            factories.deliver()
        assert way_of(tip_id) == [("email", "sent")]
        assert outside.mail.recipients == [EMAIL]

    def test_a_rung_that_is_not_configured_is_skipped(self, phone: Phone, outside: Outside) -> None:
        outside.use(sms=None)
        _, tip_id = phone.file_tip(reporter=REPORTER)
        factories.deliver()
        assert way_of(tip_id) == [("email", "sent")]

    def test_a_landline_gets_no_short_message(self, client: FlaskClient, outside: Outside) -> None:
        said = REPORTER | {"phone": "0991-1234567"}
        tip_id = factories.tip_id_of(factories.file_tip(client, reporter=said)["receipt_number"])
        factories.deliver()
        assert way_of(tip_id) == [("email", "sent")]

    def test_an_anonymous_reporter_is_told_nothing(self, phone: Phone, outside: Outside) -> None:
        phone.consent()
        _, tip_id = phone.file_tip(reporter=None)
        factories.deliver()
        assert way_of(tip_id) == []
        assert rows.scalar("SELECT count(*) FROM deliveries") == 0

    def test_told_twice_one_person_hears_once(self, phone: Phone, outside: Outside) -> None:
        _, tip_id = phone.file_tip(reporter=REPORTER)
        with transaction(OPEN_WALL):
            said = db.session.scalars(select(OutboxMessage).where(OutboxMessage.topic.like("%handling_changed"))).all()
            for message in said:
                outbox.leave(message.topic, **message.payload)
        phone.consent()
        factories.deliver()
        assert len(way_of(tip_id)) == 1
        assert len(outside.sms.messages) + len(phone.wechat.messages) == 1

    def test_a_forgotten_reporter_is_told_nothing_more(self, phone: Phone, outside: Outside) -> None:
        outside.sms.script(answer={"Code": "isv.BUSINESS_LIMIT_CONTROL"})
        _, tip_id = phone.file_tip(reporter=REPORTER)
        factories.deliver()
        with transaction(OPEN_WALL):
            outbox.leave("notifications.reporter_forgotten", tip_id=str(tip_id))
        factories.deliver()
        with clock.stopped_at(clock.now() + timedelta(days=1)):
            factories.deliver()
        assert way_of(tip_id) == [("sms", "failed")]
        assert outside.sms.messages == []
        assert outside.mail.messages == []


class TestWishes:
    @pytest.mark.parametrize(
        ("wish", "first"), [("sms", "sms"), ("email", "email"), ("wechat", "wechat"), (None, "wechat")]
    )
    def test_the_way_that_was_asked_for_comes_first(
        self, phone: Phone, outside: Outside, wish: str | None, first: str
    ) -> None:
        phone.consent()
        _, tip_id = phone.file_tip(reporter=REPORTER | {"reply_channel": wish})
        factories.deliver()
        assert way_of(tip_id) == [(first, "sent")]

    @pytest.mark.parametrize("wish", ["phone", "none"])
    def test_who_wants_a_call_or_nothing_gets_no_letter(self, phone: Phone, outside: Outside, wish: str) -> None:
        _, tip_id = phone.file_tip(reporter=REPORTER | {"reply_channel": wish})
        factories.deliver()
        assert way_of(tip_id) == [("in_app", "sent")]
        assert outside.sms.calls == []

    @given(st.sampled_from([None, *REPLY_CHANNELS]))
    def test_every_wish_has_a_ladder_without_repeats_that_ends_inside(self, wish: str | None) -> None:
        rungs = reporters_ladder(wish)
        assert rungs[-1] is Channel.IN_APP
        assert len(set(rungs)) == len(rungs)
        assert [rung for rung in rungs if rung != wish] == [rung for rung in LADDER if rung in rungs and rung != wish]

    def test_mail_as_the_wish_needs_an_address(self, client: FlaskClient) -> None:
        said = REPORTER | {"reply_channel": "email", "email": None}
        answer = client.post("/api/v1/tips", json=factories.tip_body(reporter=said))
        assert answer.status_code == 422
        assert set(answer.get_json()["errors"]) == {"reporter.email"}


class TestSecrecy:
    def test_what_leaves_names_neither_matter_nor_number(self, client: FlaskClient, outside: Outside) -> None:
        outside.use(sms=None)
        receipt = factories.file_tip(client, reporter=REPORTER)
        factories.deliver()
        [message] = outside.mail.messages
        whole = str(message["Subject"]) + str(message.get_content()) + message.as_string()
        assert NEWS in whole
        for secret in (receipt["receipt_number"], receipt["query_code"], REPORTER["name"], "瑞丰源", "受理审查"):
            assert secret not in whole

    def test_no_address_is_stored_in_clear(self, client: FlaskClient, outside: Outside) -> None:
        factories.file_tip(client, reporter=REPORTER)
        factories.deliver()
        stored = [line for lines in rows.dump().values() for line in lines]
        for secret in (MOBILE, EMAIL):
            assert not any(secret in line or secret.encode().hex() in line for line in stored)


NIGHT = (time(23), time(9))


def beijing(hour: int) -> datetime:
    return datetime(2026, 3, 2, hour, tzinfo=clock.BEIJING)  # a working Monday


class TestQuietHours:
    def test_a_message_of_the_night_leaves_in_the_morning(self, client: FlaskClient, outside: Outside) -> None:
        outside.use(quiet_hours=NIGHT, sms=None)
        with clock.stopped_at(beijing(2)):
            tip_id = factories.tip_id_of(factories.file_tip(client, reporter=REPORTER)["receipt_number"])
            factories.deliver()
            assert way_of(tip_id) == [("email", "queued")]
            assert db.session.scalar(select(Delivery.due_at)) == beijing(9)
        with clock.stopped_at(beijing(8)):
            factories.deliver()
            assert outbox.oldest_waiting() == 0.0  # it waits on purpose
        assert outside.mail.messages == []
        with clock.stopped_at(beijing(9)):
            factories.deliver()
        assert way_of(tip_id) == [("email", "sent")]

    def test_an_urgent_one_for_an_officer_does_not_wait(self, client: FlaskClient, outside: Outside) -> None:
        outside.use(quiet_hours=NIGHT)
        outside.sms.script(answer={"Code": "isv.MOBILE_NUMBER_ILLEGAL"})
        give_address("city.leader", EMAIL, MOBILE)
        with clock.stopped_at(beijing(2)):
            tip_id = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
            factories.office_act(client, "city.reviewer", tip_id, "accept")
            answer = factories.office_act(client, "city.reviewer", tip_id, "mark_urgent", reason="群体聚集。")
            assert answer.status_code == 200, answer.get_json()
            factories.deliver()
        told = way_of_officer("city.leader")
        assert told == [("urgent", "sms", "failed"), ("urgent", "email", "sent")]
        assert outside.mail.recipients == [EMAIL]


def give_address(username: str, email: str = "", mobile: str = "") -> None:
    with transaction(OPEN_WALL):
        account_id = db.session.scalars(select(Account.id).where(Account.username == username)).one()
        contacts.set_work_contact(PROGRAM, account_id, email, mobile)


class TestOfficers:
    def test_read_the_digest_by_mail_once_a_day(self, client: FlaskClient, outside: Outside) -> None:
        give_address("city.reviewer", EMAIL)
        tip_id = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
        with transaction(OPEN_WALL):
            db.session.get_one(Handling, tip_id).mark = 3
        with clock.stopped_at(beijing(10)):
            for _ in range(2):
                with transaction(OPEN_WALL):
                    digest.write_digests()
                factories.deliver()
        assert [one for one in way_of_officer("city.reviewer") if one[0] == "digest"] == [("digest", "email", "sent")]
        assert [str(one["Subject"]) for one in outside.mail.messages] == ["今日待办提醒"]

    def test_hear_of_a_supervision_at_their_work_address(self, client: FlaskClient, outside: Outside) -> None:
        give_address(f"district.{factories.XINSHI}", EMAIL)
        tip_id = factories.verifying_tip(client)
        answer = factories.office_act(client, "city.reviewer", tip_id, "supervise", kind="listed", reason="久拖未决。")
        assert answer.status_code == 200, answer.get_json()
        factories.deliver()
        assert way_of_officer(f"district.{factories.XINSHI}") == [("supervision", "email", "sent")]
        number = rows.scalar(f"SELECT receipt_number FROM tips WHERE id = '{tip_id}'")
        assert number not in str(outside.mail.messages[0].get_content())

    def test_without_an_address_only_the_console_speaks(self, client: FlaskClient, outside: Outside) -> None:
        tip_id = factories.verifying_tip(client)
        factories.office_act(client, "city.reviewer", tip_id, "supervise", kind="listed", reason="久拖未决。")
        factories.deliver()
        assert rows.scalar("SELECT count(*) FROM deliveries") == 0
        assert rows.scalar("SELECT count(*) FROM notices WHERE title LIKE '线索已列入督办%'") == 1

    def test_an_address_is_sealed_and_audited_without_being_told(self, app: Flask) -> None:
        give_address("city.leader", EMAIL, "+86 139-0000-1234")
        account = db.session.scalars(select(Account).where(Account.username == "city.leader")).one()
        assert contacts.work_contact(account) == contacts.WorkContact(EMAIL, MOBILE)
        said = db.session.execute(text("SELECT details FROM audit_events WHERE action = 'identity.change_contact'"))
        assert [details for (details,) in said] == [{"has_mail": True, "has_sms": True}]
        stored = [line for lines in rows.dump().values() for line in lines]
        assert not any(secret in line for secret in (MOBILE, EMAIL) for line in stored)
        give_address("city.leader")
        db.session.expire_all()
        assert contacts.work_contact(db.session.get_one(Account, account.id)) == contacts.WorkContact()
