"""The ladder WeChat → SMS → e-mail → mini-program: one person hears of one event once.

A rung is taken when the person left what it needs and the office has the channel; the next one only after the one
before has certainly failed for good, in the same transaction. Of what may have arrived (``unknown``) no other rung
speaks again. An anonymous tip has no person: nothing that could link it is sent or stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.foundation import clock
from app.foundation.config import Settings
from app.foundation.crypto import CannotOpen
from app.foundation.database import db, new_id, take_turn
from app.identity.contacts import WorkContact, mobile_number, work_contact
from app.identity.models import Account
from app.notifications import consents
from app.notifications.models import Delivery
from app.notifications.states import OFFICERS_LADDER, Channel, DeliveryState, Kind, reporters_ladder
from app.outbox import service as outbox
from app.tips.models import Reporter
from app.tips.service import unsealed

SEND_DELIVERY: Final = "notifications.send_delivery"


@dataclass(frozen=True, slots=True)
class Reach:
    """What one person left: addresses in clear, for this transaction alone."""

    rungs: tuple[Channel, ...]
    openid_index: bytes | None = None
    mobile: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Matter:
    """One event as one person is told of it: the columns that every rung of the ladder shares."""

    event_id: UUID
    tip_id: UUID | None
    kind: Kind
    person_index: bytes | None = None
    account_id: UUID | None = None

    @property
    def person(self) -> bytes:
        """Whom it is told to, as bytes."""
        return self.person_index or (self.account_id.bytes if self.account_id else b"")


def tell_reporter(tip_id: UUID, event_id: UUID) -> None:
    """Queue the first rung for the reporter of a tip, if there is one. A repeat, also at once, adds nothing."""
    reporter = db.session.get(Reporter, tip_id)
    person = (reporter.phone_index or reporter.openid_index) if reporter else None
    if reporter is None or person is None:
        return
    matter = Matter(event_id, tip_id, Kind.PROGRESS, person_index=person)
    _one_at_a_time(matter)
    # Two tips of one event (a merged one and its main tip) may know one person by telephone and by session.
    same = or_(Delivery.person_index == person, Delivery.openid_index == reporter.openid_index)
    if db.session.scalar(select(Delivery.id).where(Delivery.event_id == event_id, same).limit(1)) is None:
        _climb(matter, reach_of_reporter(reporter), ())


def tell_officers(event_id: UUID, tip_id: UUID | None, account_ids: Iterable[UUID], kind: Kind) -> None:
    """Queue the first rung for officers who left a work address. A repeat, also at once, adds nothing."""
    reachable = or_(Account.sealed_work_email.is_not(None), Account.sealed_work_mobile.is_not(None))
    accounts = select(Account).where(Account.id.in_(list(account_ids)), Account.active, reachable).order_by(Account.id)
    for account in db.session.scalars(accounts):
        matter = Matter(event_id, tip_id, kind, account_id=account.id)
        _one_at_a_time(matter)
        told = select(Delivery.id).where(Delivery.event_id == event_id, Delivery.account_id == account.id)
        if db.session.scalar(told.limit(1)) is None:
            _climb(matter, reach_of_officer(account, kind), ())


def climb_on(failed: Delivery) -> None:
    """Queue the rung after those that were tried; nothing where none is left or the person is forgotten."""
    matter = Matter(failed.event_id, failed.tip_id, Kind(failed.kind), failed.person_index, failed.account_id)
    reach = reach_of(failed)
    if reach is not None and matter.person:
        _climb(matter, reach, rungs_tried(failed))


def rungs_tried(delivery: Delivery) -> Sequence[Channel]:
    """The channels by which this person was, or is being, told of this event."""
    tried = select(Delivery.channel).where(Delivery.event_id == delivery.event_id, _same_person(delivery))
    return [Channel(channel) for channel in db.session.scalars(tried)]


def told_otherwise(delivery: Delivery) -> bool:
    """Whether another channel has reached this person, or may have, or still may."""
    other = select(Delivery.id).where(
        Delivery.event_id == delivery.event_id,
        _same_person(delivery),
        Delivery.id != delivery.id,
        Delivery.channel != Channel.IN_APP.value,
        Delivery.state != DeliveryState.FAILED.value,
    )
    return db.session.scalar(other.limit(1)) is not None


def _same_person(delivery: Delivery) -> Any:
    if delivery.account_id is not None:
        return Delivery.account_id == delivery.account_id
    return Delivery.person_index == delivery.person_index


# What a person left -------------------------------------------------------------------------------------------------


def reach_of(delivery: Delivery) -> Reach | None:
    """What the person of a delivery left; ``None`` when there is nobody any more."""
    if delivery.account_id is not None:
        account = db.session.get(Account, delivery.account_id)
        return reach_of_officer(account, Kind(delivery.kind)) if account is not None and account.active else None
    reporter = db.session.get(Reporter, delivery.tip_id) if delivery.person_index is not None else None
    return reach_of_reporter(reporter) if reporter is not None else None


def reach_of_reporter(reporter: Reporter) -> Reach:
    """Opened by the program, inside a job: nothing of it goes into a row, a payload or a log."""
    try:
        identity = unsealed(reporter)
    except CannotOpen:  # its key is not loaded; the officers' notices must not wait for that
        identity = {}
    return Reach(
        rungs=reporters_ladder(identity.get("reply_channel")),
        openid_index=reporter.openid_index,
        mobile=mobile_number(identity.get("phone") or ""),
        email=identity.get("email"),
    )


def reach_of_officer(account: Account, kind: Kind) -> Reach:
    """The work addresses of an account, in the order of this kind of message."""
    try:
        contact = work_contact(account)
    except CannotOpen:
        contact = WorkContact()
    return Reach(OFFICERS_LADDER[kind], mobile=contact.mobile, email=contact.email)


# One rung -----------------------------------------------------------------------------------------------------------


def _one_at_a_time(matter: Matter) -> None:
    """Hold this person and event until the transaction ends: two announcements at once must not take two rungs."""
    take_turn(hashlib.sha256(matter.event_id.bytes + matter.person).digest())


def _climb(matter: Matter, reach: Reach, tried: Sequence[Channel]) -> None:
    settings: Settings = current_app.extensions["shudi_settings"]
    for rung in reach.rungs:
        if rung not in tried and _holds(rung, reach, settings):
            _take(rung, matter, reach)
            return


def _holds(rung: Channel, reach: Reach, settings: Settings) -> bool:
    """Whether the person left what the rung needs and the office has it; WeChat costs a consent here."""
    match rung:
        case Channel.WECHAT:
            template = consents.templates()[consents.TIP_PROGRESS]
            return reach.openid_index is not None and consents.use_consent(reach.openid_index, template)
        case Channel.SMS:
            return settings.sms is not None and reach.mobile is not None
        case Channel.EMAIL:
            return settings.mail is not None and reach.email is not None
        case Channel.IN_APP:
            return reach.openid_index is not None


def _take(rung: Channel, matter: Matter, reach: Reach) -> None:
    delivery_id, moment = new_id(), clock.now()
    arrived = rung is Channel.IN_APP
    row = {
        "id": delivery_id,
        "tip_id": matter.tip_id,
        "event_id": matter.event_id,
        "kind": matter.kind.value,
        "channel": rung.value,
        "template_id": consents.templates()[consents.TIP_PROGRESS] if rung is Channel.WECHAT else None,
        "person_index": matter.person_index,
        "openid_index": reach.openid_index,
        "account_id": matter.account_id,
        "state": DeliveryState.SENT.value if arrived else DeliveryState.QUEUED.value,
        "created_at": moment,
        "due_at": None if arrived else moment,
        "finished_at": moment if arrived else None,
    }
    db.session.execute(insert(Delivery.__table__), row)  # type: ignore[arg-type]
    if not arrived:
        outbox.leave(SEND_DELIVERY, delivery_id=str(delivery_id))
