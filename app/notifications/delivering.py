"""Commands on one delivery: claim it, record what became of it. Between the two lies the call, outside transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from app.foundation import clock
from app.foundation.database import db
from app.identity import service as identity
from app.notifications import service
from app.notifications.channels import Letter, Outcome
from app.notifications.models import Delivery
from app.notifications.states import FINAL_STATES, DeliveryState
from app.outbox import service as outbox
from app.tips.models import Tip
from app.workflow.models import Handling, HandlingEvent
from app.workflow.states import Status

SENDING_TAKES_AT_MOST: Final = timedelta(seconds=90)
"""Longer than token and message can take with every time-out; whoever is still sending after it is dead."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this run, and no other, may send."""

    delivery_id: UUID
    attempt: int
    letter: Letter


def claim(delivery_id: UUID, message_id: int) -> Claim | None:
    """Take a queued delivery for sending; ``None`` when there is nothing to send.

    One found in ``sending`` is either another run's, which is given its time, or was left by a worker that died: nobody
    knows whether it went out, so that it ends ``unknown`` and is never sent again.
    """
    delivery = _locked(delivery_id)
    state = DeliveryState(delivery.state)
    if state is DeliveryState.SENDING:
        _leave_or_give_up(delivery, message_id)
        return None
    if state in FINAL_STATES:
        outbox.finish(message_id)
        return None
    openid = identity.openid_of(delivery.openid_index)
    delivery.attempts += 1
    if openid is None:
        _end(delivery, Outcome(DeliveryState.FAILED, "person_unknown"), message_id)
        return None
    delivery.state, delivery.sending_at, delivery.error = DeliveryState.SENDING.value, clock.now(), None
    db.session.flush()
    return Claim(delivery_id, delivery.attempts, _letter(delivery, openid))


def record(claimed: Claim, outcome: Outcome, message_id: int) -> None:
    """Write what became of a claimed delivery: back to the queue with back-off, or its final state.

    A run that was thought dead and answers after all knows better than ``unknown``; after ``unknown`` nothing is sent
    again, so that its answer is the only one.
    """
    delivery = _locked(claimed.delivery_id)
    if delivery.attempts != claimed.attempt or delivery.state not in _AWAITING_OUTCOME:
        return
    if outcome.state is not DeliveryState.QUEUED:
        _end(delivery, outcome, message_id)
    elif delivery.state == DeliveryState.UNKNOWN or delivery.attempts >= outbox.MOST_ATTEMPTS:
        _end(delivery, Outcome(DeliveryState.FAILED, outcome.error), message_id)
    else:
        delivery.state, delivery.sending_at, delivery.error = DeliveryState.QUEUED.value, None, outcome.error
        db.session.flush()
        outbox.postpone(message_id, outbox.back_off(delivery.attempts), outcome.error)


_AWAITING_OUTCOME: Final = frozenset({DeliveryState.SENDING.value, DeliveryState.UNKNOWN.value})


def _locked(delivery_id: UUID) -> Delivery:
    return db.session.scalars(
        select(Delivery).where(Delivery.id == delivery_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def _leave_or_give_up(delivery: Delivery, message_id: int) -> None:
    began = delivery.sending_at or delivery.created_at
    rest = began + SENDING_TAKES_AT_MOST - clock.now()
    if rest > timedelta(0):
        outbox.postpone(message_id, rest)
    else:
        _end(delivery, Outcome(DeliveryState.UNKNOWN, "worker_lost"), message_id)


def _end(delivery: Delivery, outcome: Outcome, message_id: int) -> None:
    delivery.state, delivery.error, delivery.finished_at = outcome.state.value, outcome.error, clock.now()
    db.session.flush()
    if outcome.consent_withdrawn:
        service.withdraw_consent(delivery.openid_index, delivery.template_id)
    elif outcome.state is DeliveryState.FAILED:
        service.give_back_consent(delivery.openid_index, delivery.template_id)
    outbox.finish(message_id)


def _letter(delivery: Delivery, openid: str) -> Letter:
    """What the person reads: the status after the step, or the present one where something was said without a step."""
    number, status = db.session.execute(
        select(Tip.receipt_number, func.coalesce(HandlingEvent.to_status, Handling.status))
        .join(Handling, Handling.tip_id == Tip.id)
        .outerjoin(HandlingEvent, HandlingEvent.id == delivery.event_id)
        .where(Tip.id == delivery.tip_id)
    ).one()
    return Letter(openid, delivery.template_id, number, Status(status).public_text)


def forget_reporter(tip_id: UUID) -> None:
    """Let the deliveries of a tip lead to nobody any more; how many there were and how they went stays."""
    for delivery in db.session.scalars(select(Delivery).where(Delivery.tip_id == tip_id)):
        delivery.openid_index = b"forgotten:" + delivery.id.bytes
    db.session.flush()
