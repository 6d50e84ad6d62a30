"""Commands on one delivery: claim it, record what became of it. Between the two lies the call, outside transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import db
from app.identity import service as identity
from app.notifications import consents, ladder
from app.notifications.channels import Letter, Outcome
from app.notifications.models import Delivery
from app.notifications.quiet import end_of_quiet
from app.notifications.states import AT_ANY_HOUR, FINAL_STATES, MOVES, Channel, DeliveryState, Kind
from app.notifications.wording import mail_of
from app.outbox import service as outbox
from app.tips.models import Tip

SENDING_TAKES_AT_MOST: Final = timedelta(seconds=90)
"""Longer than token and message can take with every time-out; whoever is still sending after it is dead."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this run, and no other, may send."""

    delivery_id: UUID
    attempt: int
    letter: Letter


def claim(delivery_id: UUID, message_id: int) -> Claim | None:
    """Take a queued delivery for sending; ``None`` when there is nothing to send now.

    One found in ``sending`` is either another run's, which is given its time, or was left by a worker that died: nobody
    knows whether it went out, so that it ends ``unknown`` and is never sent again by itself.
    """
    delivery = locked(delivery_id)
    state = DeliveryState(delivery.state)
    if state is DeliveryState.SENDING:
        _leave_or_give_up(delivery, message_id)
        return None
    if state in FINAL_STATES:
        outbox.finish(message_id)
        return None
    if (ends := _quiet_until(delivery)) is not None:
        delivery.due_at = ends
        db.session.flush()
        outbox.postpone(message_id, ends - clock.now())
        return None
    letter = _letter(delivery)
    delivery.attempts += 1
    if letter is None:
        _end(delivery, Outcome(DeliveryState.FAILED, "person_unknown"), message_id)
        return None
    move(delivery, DeliveryState.SENDING)
    delivery.sending_at, delivery.due_at, delivery.error = clock.now(), None, None
    db.session.flush()
    return Claim(delivery_id, delivery.attempts, letter)


def record(claimed: Claim, outcome: Outcome, message_id: int) -> None:
    """Write what became of a claimed delivery: back to the queue with back-off, or its final state.

    A run that was thought dead and answers after all knows better than ``unknown``; after ``unknown`` nothing is sent
    again by itself, so that its answer is the only one.
    """
    delivery = locked(claimed.delivery_id)
    if delivery.attempts != claimed.attempt or delivery.state not in _AWAITING_OUTCOME:
        return
    if delivery.state == outcome.state:  # nobody knew before, and still nobody does
        return
    tries = delivery.attempts - delivery.attempts_before
    if outcome.state is not DeliveryState.QUEUED:
        _end(delivery, outcome, message_id)
    elif delivery.state == DeliveryState.UNKNOWN or tries >= outbox.MOST_ATTEMPTS:
        _end(delivery, Outcome(DeliveryState.FAILED, outcome.error), message_id)
    else:
        wait = outbox.back_off(tries)
        move(delivery, DeliveryState.QUEUED)
        delivery.sending_at, delivery.due_at, delivery.error = None, clock.now() + wait, outcome.error
        db.session.flush()
        outbox.postpone(message_id, wait, outcome.error)


_AWAITING_OUTCOME: Final = frozenset({DeliveryState.SENDING.value, DeliveryState.UNKNOWN.value})


def locked(delivery_id: UUID) -> Delivery:
    """The delivery as it is now, held until the transaction ends."""
    return db.session.scalars(
        select(Delivery).where(Delivery.id == delivery_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def move(delivery: Delivery, to: DeliveryState) -> None:
    """Change the state along the table (``states.MOVES``); any other change is a fault of the program."""
    if to not in MOVES[DeliveryState(delivery.state)]:
        raise RuntimeError(f"a delivery never goes from {delivery.state} to {to}")
    delivery.state = to.value


def _quiet_until(delivery: Delivery) -> datetime | None:
    if Kind(delivery.kind) in AT_ANY_HOUR:
        return None
    return end_of_quiet(current_app.extensions["shudi_settings"].quiet_hours, clock.now())


def _leave_or_give_up(delivery: Delivery, message_id: int) -> None:
    began = delivery.sending_at or delivery.created_at
    rest = began + SENDING_TAKES_AT_MOST - clock.now()
    if rest > timedelta(0):
        outbox.postpone(message_id, rest)
    else:
        _end(delivery, Outcome(DeliveryState.UNKNOWN, "worker_lost"), message_id)


def _end(delivery: Delivery, outcome: Outcome, message_id: int) -> None:
    """Write the final state; what failed for good falls to the next rung in the same transaction."""
    move(delivery, outcome.state)
    delivery.error, delivery.finished_at, delivery.due_at = outcome.error, clock.now(), None
    db.session.flush()
    _settle_consent(delivery, outcome)
    if outcome.state is DeliveryState.FAILED:
        ladder.climb_on(delivery)
    outbox.finish(message_id)


def _settle_consent(delivery: Delivery, outcome: Outcome) -> None:
    if delivery.openid_index is None or delivery.template_id is None:
        return
    if outcome.consent_withdrawn:
        consents.withdraw_consent(delivery.openid_index, delivery.template_id)
    elif outcome.state is DeliveryState.FAILED:
        consents.give_back_consent(delivery.openid_index, delivery.template_id)


def _letter(delivery: Delivery) -> Letter | None:
    """What goes out, with the address found again now; ``None`` when nobody can be found any more."""
    channel, kind = Channel(delivery.channel), Kind(delivery.kind)
    if channel is Channel.WECHAT:
        openid = identity.openid_of(delivery.openid_index) if delivery.openid_index else None
        if openid is None:
            return None
        number = db.session.scalars(select(Tip.receipt_number).where(Tip.id == delivery.tip_id)).one()
        return Letter(channel, kind, delivery.id, openid, delivery.template_id, number)
    reach = ladder.reach_of(delivery)
    address = (reach.mobile if channel is Channel.SMS else reach.email) if reach else None
    if not address:
        return None
    subject, text = mail_of(kind)
    return Letter(channel, kind, delivery.id, address, subject=subject, text=text)


def forget_reporter(tip_id: UUID) -> None:
    """Let the deliveries of a tip lead to nobody any more; how many there were and how they went stays."""
    for delivery in db.session.scalars(select(Delivery).where(Delivery.tip_id == tip_id)):
        delivery.openid_index = delivery.person_index = None
    db.session.flush()
