"""How far a message gets: sent, refused, busy, lost on the way; never twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy import select, text

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.identity.models import WechatUser
from app.identity.wechat import WeChatClient
from app.notifications import delivering, ladder
from app.notifications.channels import NEWS, WHERE_TO_LOOK, Outcome
from app.notifications.models import Consent, Delivery
from app.notifications.states import DeliveryState
from app.outbox import service as outbox
from app.outbox.models import OutboxMessage
from tests import factories
from tests.notifications.conftest import TEMPLATE, Phone
from tests.waiting import eventually

SEND = "/cgi-bin/message/subscribe/send"
TOKEN = "/cgi-bin/stable_token"


@contextmanager
def later(**by: float) -> Iterator[None]:
    with clock.stopped_at(clock.now() + timedelta(**by)):
        yield


def queue_delivery(phone: Phone) -> tuple[UUID, int]:
    """A delivery that waits to be sent, paid with the last consent: (its id, the id of its outbox message)."""
    phone.consent()
    phone.file_tip()
    with transaction(OPEN_WALL):
        filed = outbox.claim_due(10)
    for each in filed:
        outbox.run_message(each)
    with transaction(OPEN_WALL):
        [message_id] = outbox.claim_due(10)
    return UUID(message(message_id).payload["delivery_id"]), message_id


def delivery(delivery_id: UUID) -> Delivery:
    db.session.rollback()
    return db.session.get_one(Delivery, delivery_id, populate_existing=True)


def message(message_id: int) -> OutboxMessage:
    db.session.rollback()
    return db.session.get_one(OutboxMessage, message_id, populate_existing=True)


class TestSent:
    def test_says_receipt_number_and_that_there_is_news_alone(self, phone: Phone) -> None:
        phone.consent()
        number, _ = phone.file_tip()
        factories.deliver()
        [sent] = phone.wechat.messages
        assert sent["touser"] == phone.openid
        assert sent["template_id"] == TEMPLATE
        assert "page" not in sent
        assert {entry["value"] for entry in sent["data"].values()} == {number, WHERE_TO_LOOK, NEWS}

    def test_is_recorded_with_the_message_done(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        outbox.run_message(message_id)
        sent = delivery(delivery_id)
        assert (sent.state, sent.attempts, sent.error) == ("sent", 1, None)
        assert sent.sending_at is not None
        assert sent.finished_at is not None
        assert message(message_id).done_at is not None

    def test_run_again_sends_nothing(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        for _ in range(3):
            outbox.run_message(message_id)
        assert phone.wechat.calls.count(SEND) == 1
        with transaction(OPEN_WALL):  # even when the message were left twice
            outbox.leave(ladder.SEND_DELIVERY, delivery_id=str(delivery_id))
        factories.deliver()
        assert phone.wechat.calls.count(SEND) == 1


class TestRefused:
    @pytest.mark.parametrize("errcode", [47003, 40037, 41030, 40003])
    def test_for_good_fails_at_once_and_gives_the_consent_back(self, phone: Phone, errcode: int) -> None:
        delivery_id, message_id = queue_delivery(phone)
        phone.wechat.script(SEND, answer={"errcode": errcode, "errmsg": "refused"})
        outbox.run_message(message_id)
        failed = delivery(delivery_id)
        assert (failed.state, failed.error, failed.attempts) == ("failed", str(errcode), 1)
        assert message(message_id).done_at is not None
        assert phone.remaining() == 1

    def test_without_consent_fails_and_the_count_goes_to_zero(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        phone.consent(3)
        phone.wechat.consents.clear()  # the person switched messages off in WeChat's own settings
        outbox.run_message(message_id)
        failed = delivery(delivery_id)
        assert (failed.state, failed.error) == ("failed", "43101")
        assert phone.remaining() == 0
        with later(days=1):
            factories.deliver()
        assert phone.wechat.calls.count(SEND) == 1

    def test_a_person_who_is_gone(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        with transaction(OPEN_WALL):
            db.session.execute(Consent.__table__.delete())
            db.session.execute(WechatUser.__table__.delete())
        outbox.run_message(message_id)
        assert (delivery(delivery_id).state, delivery(delivery_id).error) == ("failed", "person_unknown")
        assert SEND not in phone.wechat.calls


class TestBusy:
    @pytest.mark.parametrize("errcode", [-1, 45009, 45011, 45047, 48001])
    def test_goes_back_to_the_queue_and_is_sent_later(self, phone: Phone, errcode: int) -> None:
        delivery_id, message_id = queue_delivery(phone)
        phone.wechat.script(SEND, answer={"errcode": errcode, "errmsg": "later"})
        with later(seconds=0):
            outbox.run_message(message_id)
            waiting = delivery(delivery_id)
            assert (waiting.state, waiting.error, waiting.sending_at) == ("queued", str(errcode), None)
            assert message(message_id).available_at == clock.now() + outbox.back_off(1)
            assert message(message_id).done_at is None
            assert message(message_id).last_error == str(errcode)
            assert phone.remaining() == 0
        with later(minutes=5):
            factories.deliver()
        assert (delivery(delivery_id).state, delivery(delivery_id).attempts) == ("sent", 2)
        assert delivery(delivery_id).error is None

    def test_a_token_that_never_came_means_not_sent(self, phone: Phone, app: Flask) -> None:
        delivery_id, message_id = queue_delivery(phone)
        app.extensions["shudi_redis"].flushdb()  # looking at the text of the tip fetched a token
        phone.wechat.script(TOKEN, drop="after")
        outbox.run_message(message_id)
        assert (delivery(delivery_id).state, delivery(delivery_id).error) == ("queued", "not_reached")
        assert SEND not in phone.wechat.calls

    def test_an_unreachable_server_and_a_lost_token_store(self, phone: Phone, app: Flask) -> None:
        delivery_id, message_id = queue_delivery(phone)
        working = app.extensions["shudi_wechat"]
        settings = app.extensions["shudi_settings"]
        nowhere = WeChatClient("http://127.0.0.1:9", settings.wechat_app_id, "s", app.extensions["shudi_redis"])
        away = app.extensions["shudi_redis"].from_url("redis://127.0.0.1:9/0")
        with pytest.raises(RedisAway):
            away.ping()
        try:
            for attempt, (client, error) in enumerate(
                [(nowhere, "not_reached"), (WeChatClient(phone.wechat.base_url, "a", "s", away), "no_token_store")], 1
            ):
                app.extensions["shudi_wechat"] = client
                outbox.run_message(message_id)
                waiting = delivery(delivery_id)
                assert (waiting.state, waiting.error, waiting.attempts) == ("queued", error, attempt)
        finally:
            app.extensions["shudi_wechat"] = working

    def test_fails_visibly_after_the_last_attempt(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        phone.wechat.script(SEND, times=100, answer={"errcode": -1, "errmsg": "system error"})
        for day in range(1, outbox.MOST_ATTEMPTS + 3):
            with later(days=day):
                factories.deliver()
        failed = delivery(delivery_id)
        assert (failed.state, failed.error, failed.attempts) == ("failed", "-1", outbox.MOST_ATTEMPTS)
        assert phone.wechat.calls.count(SEND) == outbox.MOST_ATTEMPTS
        assert message(message_id).done_at is not None
        assert phone.remaining() == 1


class TestUnknown:
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_when_the_connection_broke_after_the_request_left(self, phone: Phone, moment: str) -> None:
        delivery_id, message_id = queue_delivery(phone)
        phone.wechat.script(SEND, drop=moment)
        outbox.run_message(message_id)
        assert (delivery(delivery_id).state, delivery(delivery_id).error) == ("unknown", "no_answer")
        assert message(message_id).done_at is not None
        with later(days=1):
            factories.deliver()
        assert phone.wechat.calls.count(SEND) == 1
        assert phone.remaining() == 0  # it may have been used

    def test_when_the_sender_died(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        with transaction(OPEN_WALL):
            assert delivering.claim(delivery_id, message_id) is not None  # and then its process was killed
        with later(seconds=delivering.SENDING_TAKES_AT_MOST.total_seconds() + 1):
            outbox.run_message(message_id)
        assert (delivery(delivery_id).state, delivery(delivery_id).error) == ("unknown", "worker_lost")
        assert message(message_id).done_at is not None
        assert SEND not in phone.wechat.calls

    def test_not_before_the_sender_had_its_time(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        with transaction(OPEN_WALL):
            claimed = delivering.claim(delivery_id, message_id)
        assert claimed is not None
        outbox.run_message(message_id)  # the lease ended early: another worker looks in
        assert delivery(delivery_id).state == "sending"
        waits = message(message_id).available_at - clock.now()
        assert timedelta(seconds=60) < waits <= delivering.SENDING_TAKES_AT_MOST
        with transaction(OPEN_WALL):
            delivering.record(claimed, Outcome(DeliveryState.SENT), message_id)
        assert delivery(delivery_id).state == "sent"

    def test_who_answers_after_all_is_believed(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        with transaction(OPEN_WALL):
            claimed = delivering.claim(delivery_id, message_id)
        assert claimed is not None
        with later(minutes=10):
            outbox.run_message(message_id)
        assert delivery(delivery_id).state == "unknown"
        with transaction(OPEN_WALL):
            delivering.record(claimed, Outcome(DeliveryState.QUEUED, "-1"), message_id)
        assert (delivery(delivery_id).state, delivery(delivery_id).error) == ("failed", "-1")

    def test_an_old_attempt_changes_nothing_of_a_newer_one(self, phone: Phone) -> None:
        delivery_id, message_id = queue_delivery(phone)
        with transaction(OPEN_WALL):
            old = delivering.claim(delivery_id, message_id)
            assert old is not None
            delivering.record(old, Outcome(DeliveryState.QUEUED, "-1"), message_id)
            assert delivering.claim(delivery_id, message_id) is not None
            delivering.record(old, Outcome(DeliveryState.FAILED, "47003"), message_id)
        assert delivery(delivery_id).state == "sending"

    def test_what_no_table_foresees_is_not_repeated(self, phone: Phone, app: Flask) -> None:
        delivery_id, message_id = queue_delivery(phone)
        working = app.extensions["shudi_wechat"]
        app.extensions["shudi_wechat"] = None
        try:
            outbox.run_message(message_id)
        finally:
            app.extensions["shudi_wechat"] = working
        assert (delivery(delivery_id).state, delivery(delivery_id).error) == ("unknown", "AttributeError")


class TestAgainstRealCommits:
    def test_no_transaction_is_open_during_the_call(self, committed_phone: Phone, committed_app: Flask) -> None:
        delivery_id, message_id = queue_delivery(committed_phone)
        committed_phone.wechat.script(SEND, delay_seconds=1.0)
        sender = threading.Thread(target=_run, args=(committed_app, message_id))
        sender.start()
        try:
            eventually(lambda: delivery(delivery_id).state == "sending")
            others = text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL "
                "AND backend_type = 'client backend'"
            )
            open_transactions = db.session.scalar(others)
            assert sender.is_alive()  # it was looked at while the call was under way
        finally:
            sender.join()
        assert open_transactions == 0
        assert delivery(delivery_id).state == "sent"

    def test_sent_by_many_at_once_goes_out_once(self, committed_phone: Phone, committed_app: Flask) -> None:
        delivery_id, message_id = queue_delivery(committed_phone)
        committed_phone.wechat.script(SEND, delay_seconds=0.3)
        senders = [threading.Thread(target=_run, args=(committed_app, message_id)) for _ in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert committed_phone.wechat.calls.count(SEND) == 1
        assert delivery(delivery_id).state == "sent"
        assert message(message_id).done_at is not None

    def test_a_consent_is_never_used_twice_at_once(self, committed_phone: Phone, committed_app: Flask) -> None:
        committed_phone.consent()
        for _ in range(4):
            committed_phone.file_tip()
        with transaction(OPEN_WALL):
            announcements = outbox.claim_due(10)
        threads = [threading.Thread(target=_run, args=(committed_app, each)) for each in announcements]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        db.session.rollback()
        assert len(db.session.scalars(select(Delivery).where(Delivery.channel == "wechat")).all()) == 1
        assert committed_phone.remaining() == 0


def _run(app: Flask, message_id: int) -> None:
    with app.app_context():
        outbox.run_message(message_id)
        db.session.remove()
