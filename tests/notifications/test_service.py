"""Who hears of each step, once; and what a consent is worth."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import InvalidInput, NotSignedIn
from app.identity.models import Account
from app.notifications import consents, ladder, service
from app.notifications.models import Consent, Delivery, Notice
from app.outbox.models import OutboxMessage
from app.workflow.models import HandlingEvent
from tests import factories
from tests.notifications.conftest import TEMPLATE, Phone

REVIEWERS = ["city.reviewer", "city.reviewer2"]
ADJUSTERS = ["city.adjuster", "city.adjuster2"]


def news(tip_id: UUID) -> list[tuple[str, str]]:
    """Who newly read what about a tip since the last call: (user name, title without the number)."""
    factories.deliver()
    db.session.rollback()
    found = db.session.execute(
        select(Account.username, Notice)
        .join(Account, Account.id == Notice.account_id)
        .where(Notice.tip_id == tip_id, Notice.read_at.is_(None))
    ).all()
    told = sorted((username, notice.title.partition("（")[0]) for username, notice in found)
    for _, notice in found:
        notice.read_at = clock.now()
    db.session.commit()
    return told


def each(usernames: list[str], title: str) -> list[tuple[str, str]]:
    return [(username, title) for username in usernames]


class TestOfficers:
    def test_hear_of_each_step_but_never_of_their_own(self, client: FlaskClient) -> None:
        handler = "district.650104"
        colleague = factories.colleague_of(handler)
        number = factories.file_tip(client)["receipt_number"]
        tip_id = factories.tip_id_of(number)
        assert news(tip_id) == each(REVIEWERS, "新举报待受理")
        journey: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
            ("city.reviewer", "accept", {}, [("city.reviewer2", "线索已受理，待交办")]),
            ("city.reviewer2", "assign", {"division": "650104"}, each([handler, colleague], "新交办线索，请签收")),
            (handler, "sign_for", {}, each(REVIEWERS, "承办单位已签收，开始核查")),
            (handler, "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "。"}, each(REVIEWERS, "核查反馈待审核")),
            ("city.reviewer", "rework", {"reason": "补充。"}, each([handler, colleague], "核查反馈被退回，请重办")),
            (handler, "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "。"}, each(REVIEWERS, "核查反馈待审核")),
            ("city.reviewer", "conclude", {}, each([handler, colleague], "线索已办结，请答复举报人")),
            (handler, "reply", {"text": "已处理。"}, each([*REVIEWERS, colleague], "已答复举报人")),
        ]
        for username, action, given, expected in journey:
            answer = factories.office_act(client, username, tip_id, action, **given)
            assert answer.status_code == 200, answer.get_json()
            assert news(tip_id) == sorted(expected), action

    def test_a_notice_names_the_receipt_number_and_the_moment_of_the_step(
        self, client: FlaskClient, session: Session
    ) -> None:
        number = factories.file_tip(client)["receipt_number"]
        factories.deliver()
        tip_id = factories.tip_id_of(number)
        notice = session.scalars(select(Notice).where(Notice.tip_id == tip_id)).first()
        event = session.scalars(select(HandlingEvent).where(HandlingEvent.tip_id == tip_id)).one()
        assert notice is not None
        assert notice.title == f"新举报待受理（{number}）"
        assert (notice.event_id, notice.created_at, notice.reassignment_id) == (event.id, event.at, None)

    def test_announced_again_adds_nothing(self, phone: Phone, session: Session) -> None:
        phone.consent(3)
        _, tip_id = phone.file_tip()
        event_id = session.scalars(select(HandlingEvent.id).where(HandlingEvent.tip_id == tip_id)).one()
        for _ in range(3):
            with transaction(OPEN_WALL):
                service.announce_step(tip_id, event_id)
        assert len(session.scalars(select(Notice).where(Notice.tip_id == tip_id)).all()) == len(REVIEWERS)
        assert len(session.scalars(select(Delivery).where(Delivery.tip_id == tip_id)).all()) == 1
        assert phone.remaining() == 2

    def test_people_who_left_hear_nothing(self, client: FlaskClient) -> None:
        with transaction(OPEN_WALL):
            db.session.scalars(select(Account).where(Account.username == "city.reviewer2")).one().active = False
        tip_id = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
        assert news(tip_id) == [("city.reviewer", "新举报待受理")]


class Request:
    """A reassignment from 新市区 to 天山区, step by step."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.tip_id = factories.verifying_tip(client)
        news(self.tip_id)
        handler = factories.office_headers("district.650104")
        body = {
            "to_division": "650102",
            "ground": "registered_elsewhere",
            "reason": "登记地在天山区。",
            "evidence": [factories.upload(client, handler).get_json()["id"]],
            "expected_version": client.get(f"/api/v1/office/tips/{self.tip_id}", headers=handler).get_json()["version"],
        }
        answer = client.post(f"/api/v1/office/tips/{self.tip_id}/reassignments", json=body, headers=handler)
        assert answer.status_code == 201, answer.get_json()
        self.path = f"/api/v1/office/reassignments/{answer.get_json()['id']}"

    def act(self, username: str, action: str) -> list[tuple[str, str]]:
        """Take a step; return who read what."""
        headers = factories.office_headers(username)
        version = self.client.get(self.path, headers=headers).get_json()["version"]
        body = {"action": action, "expected_version": version, "reason": "见附件。"}
        if action == "resubmit":
            body["evidence"] = [factories.upload(self.client, headers).get_json()["id"]]
        answer = self.client.post(f"{self.path}/actions", json=body, headers=headers)
        assert answer.status_code == 200, answer.get_json()
        return news(self.tip_id)


class TestReassignments:
    def test_from_application_to_confirmation(self, client: FlaskClient) -> None:
        colleague = factories.colleague_of("district.650104")
        request = Request(client)
        assert news(request.tip_id) == sorted([*each(REVIEWERS, "属地调整申请待审核"), (colleague, "已申请属地调整")])
        both = ["district.650104", colleague]
        assert request.act("city.reviewer", "approve") == sorted(
            [*each(ADJUSTERS, "属地调整待执行"), *each(both, "属地调整申请已获同意")]
        )
        assert request.act("city.adjuster", "adjust") == sorted(
            [("district.650102", "线索已调整至本单位，请签收"), *each(both, "线索已调整至其他单位")]
        )
        assert request.act("district.650102", "confirm") == sorted(
            [*each(both, "属地调整已完成，新单位已签收"), *each(REVIEWERS, "承办单位已签收，开始核查")]
        )

    def test_returned_and_resubmitted_and_rejected(self, client: FlaskClient) -> None:
        request = Request(client)
        news(request.tip_id)
        returned = request.act("city.reviewer", "return_for_evidence")
        assert returned == [("district.650104", "属地调整申请被退回，请补充佐证")]
        assert request.act("district.650104", "resubmit") == each(REVIEWERS, "属地调整申请已补证，待审核")
        assert request.act("city.reviewer2", "reject") == [("district.650104", "属地调整申请未予批准")]

    def test_cancelled(self, client: FlaskClient) -> None:
        request = Request(client)
        news(request.tip_id)
        assert request.act("district.650104", "cancel") == each(REVIEWERS, "属地调整申请已撤回")

    def test_notices_point_at_the_request(self, client: FlaskClient, session: Session) -> None:
        request = Request(client)
        factories.deliver()
        about = session.scalars(select(Notice).where(Notice.reassignment_id.is_not(None))).all()
        assert {str(notice.reassignment_id) for notice in about} == {request.path.rsplit("/", 1)[-1]}


def deliveries(tip_id: UUID) -> list[Delivery]:
    db.session.rollback()
    found = select(Delivery).where(Delivery.tip_id == tip_id).order_by(Delivery.id)
    return list(db.session.scalars(found.execution_options(populate_existing=True)))


def announce_only() -> None:
    """Run the announcements, leave the sending."""
    with transaction(OPEN_WALL):
        steps = db.session.scalars(select(OutboxMessage.payload).where(OutboxMessage.topic.like("%handling_changed")))
        for payload in steps.all():
            service.announce_step(UUID(payload["tip_id"]), UUID(payload["event_id"]))


class TestReporters:
    def test_consent_is_used_with_the_delivery_that_it_pays_for(self, phone: Phone) -> None:
        phone.consent(2)
        _, tip_id = phone.file_tip()
        announce_only()
        [delivery] = deliveries(tip_id)
        assert (delivery.state, delivery.channel, delivery.attempts) == ("queued", "wechat", 0)
        assert phone.remaining() == 1

    def test_the_message_left_for_the_sender_holds_an_id_alone(self, phone: Phone, session: Session) -> None:
        phone.consent()
        _, tip_id = phone.file_tip()
        announce_only()
        payload = session.scalars(
            select(OutboxMessage.payload).where(OutboxMessage.topic == ladder.SEND_DELIVERY)
        ).one()
        assert payload == {"delivery_id": str(deliveries(tip_id)[0].id)}

    def test_without_consent_the_news_wait_in_the_mini_program(self, phone: Phone) -> None:
        _, tip_id = phone.file_tip()
        announce_only()
        assert [(one.channel, one.state) for one in deliveries(tip_id)] == [("in_app", "sent")]

    def test_an_anonymous_tip_leads_to_nobody(self, phone: Phone) -> None:
        phone.consent()
        _, tip_id = phone.file_tip(reporter=None)
        factories.deliver()
        assert deliveries(tip_id) == []
        assert phone.remaining() == 1

    def test_a_named_tip_without_a_session_leads_to_nobody(self, client: FlaskClient) -> None:
        tip_id = factories.tip_id_of(factories.file_tip(client, reporter=factories.REPORTER)["receipt_number"])
        factories.deliver()
        assert deliveries(tip_id) == []

    def test_one_consent_is_one_message(self, phone: Phone) -> None:
        phone.consent(2)
        _, tip_id = phone.file_tip()
        factories.office_act(phone.client, "city.reviewer", tip_id, "accept")
        factories.office_act(phone.client, "city.reviewer", tip_id, "assign", division="650104")
        factories.deliver()
        assert [delivery.channel for delivery in deliveries(tip_id)] == ["wechat", "wechat", "in_app"]
        assert len(phone.wechat.messages) == 2
        assert phone.remaining() == 0

    def test_of_a_surge_are_told_lot_by_lot_and_each_once(
        self, phone: Phone, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "TOLD_AT_ONCE", 2)
        headers = [factories.reporter_headers(phone.wechat.openid(f"reporter {n}")) for n in range(5)]
        persons = [factories.REPORTER | {"phone": f"139000020{n:02}"} for n in range(5)]
        filed = [factories.file_tip(phone.client, headers=h, reporter=p) for h, p in zip(headers, persons, strict=True)]
        main, *later = [factories.tip_id_of(receipt["receipt_number"]) for receipt in filed]
        for one in later:
            assert factories.office_act(phone.client, "city.reviewer", one, "merge", into=str(main)).status_code == 200
        factories.deliver()
        assert factories.office_act(phone.client, "city.reviewer", main, "accept").status_code == 200
        (event_id,) = session.scalars(select(HandlingEvent.id).where(HandlingEvent.action == "accept"))
        factories.deliver()
        with transaction(OPEN_WALL):
            service.announce_step(main, event_id)
        factories.deliver()
        told = session.scalars(select(Delivery.tip_id).where(Delivery.event_id == event_id)).all()
        assert sorted(told) == sorted([main, *later])
        lots = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.topic == service.TELL_REPORTERS)).all()
        assert [len(one["tip_ids"]) for one in lots if one["event_id"] == str(event_id)] == [2, 1, 2, 1]

    def test_internal_steps_are_not_told(self, phone: Phone) -> None:
        phone.consent(10)
        number, tip_id = phone.file_tip()
        for username, action, given in (
            ("city.reviewer", "accept", {}),
            ("city.reviewer", "assign", {"division": "650104"}),
            ("district.650104", "sign_for", {}),
            ("district.650104", "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "。"}),
            ("city.reviewer", "rework", {"reason": "补充。"}),
            ("district.650104", "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "。"}),
            ("city.reviewer", "conclude", {}),
            ("city.reviewer", "reply", {"text": "已处理。"}),
        ):
            factories.office_act(phone.client, username, tip_id, action, **given)
            factories.deliver()
        assert len(phone.wechat.messages) == len(["register", "accept", "assign", "conclude", "reply"])
        assert {message["data"]["character_string1"]["value"] for message in phone.wechat.messages} == {number}


class TestConsents:
    def test_are_kept_with_their_day_alone(self, phone: Phone, session: Session) -> None:
        phone.consent()
        kept = session.scalars(select(Consent)).one()
        moment = clock.beijing(kept.updated_at)
        assert (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
        assert clock.now() - kept.updated_at < timedelta(days=1)

    def test_never_grow_beyond_measure(self, phone: Phone, session: Session) -> None:
        index = factories.crypto_of().blind_index("openid", phone.openid)
        with transaction(OPEN_WALL):
            for _ in range(consents.MOST_CONSENTS + 5):
                consents.remember_consents(index, [TEMPLATE])
        assert phone.remaining() == consents.MOST_CONSENTS

    def test_of_a_foreign_template_are_refused(self, phone: Phone) -> None:
        index = factories.crypto_of().blind_index("openid", phone.openid)
        with pytest.raises(InvalidInput):
            consents.remember_consents(index, [TEMPLATE, "somebody-elses"])
        assert phone.remaining() == 0

    def test_of_a_person_who_is_gone_are_refused(self, session: Session) -> None:
        with pytest.raises(NotSignedIn):
            consents.remember_consents(b"nobody", [TEMPLATE])
