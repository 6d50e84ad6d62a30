"""Handing a tip to another authority, and the receipt that settles it for this office.

行政执法机关移送涉嫌犯罪案件的规定 Art. 5, 7: to the police within 24 hours of the approval; a receipt comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor
from app.workflow import police
from app.workflow.models import Handling, Transfer
from app.workflow.states import Destination, Done, Outcome

_THROUGH_REGION: Final = frozenset({Destination.OTHER_PREFECTURE, Destination.OTHER_PROVINCE})


def transfer(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    """Approve that the tip goes to another authority.

    Raises:
        InvalidInput: an authority that is not known. Conflict: to the police without a proposal, to another while one
            waits for its decision.
    """
    if given["to"] not in list(Destination):
        raise InvalidInput(errors={"to": [f"应为 {'、'.join(Destination)} 之一"]})
    destination = Destination(given["to"])
    if destination is Destination.POLICE:
        police.approve(actor, handling.tip_id, given["reason"])
    else:
        police.refuse_undecided(handling)
    record(actor, handling, destination, given["reason"])
    return Done(details={"to": destination.value})


def record(actor: Actor, handling: Handling, destination: Destination, reason: str) -> None:
    """Write the row of a transfer; to another prefecture or province it goes through the region."""
    db.session.add(
        Transfer(
            id=new_id(),
            tip_id=handling.tip_id,
            destination=destination.value,
            through_region=destination in _THROUGH_REGION,
            reason=reason,
            approved_by=actor.account_id,
            approved_at=clock.now(),
        )
    )


def record_receipt(_actor: Actor, handling: Handling, given: Mapping[str, Any]) -> Done:
    """Note the receipt, which concludes the tip here.

    Raises:
        InvalidInput: a day that cannot be. Conflict: it was not sent to the police yet.
    """
    sent = latest(handling.tip_id)
    if not clock.beijing(sent.approved_at).date() <= given["received_on"] <= clock.today():
        raise InvalidInput(errors={"received_on": ["回执日期应在批准移送之日至今天之间"]})
    sent.receipt_number, sent.received_on = given["number"], given["received_on"]
    to_police = sent.destination == Destination.POLICE
    if to_police:
        police.note_receipt(handling.tip_id)
    handling.outcome = (Outcome.TRANSFERRED_POLICE if to_police else Outcome.TRANSFERRED_OTHER).value
    return Done(details={"outcome": handling.outcome, "number": given["number"]})


def was_transferred(tip_id: UUID) -> bool:
    """Whether a tip has ever been handed to another authority."""
    return db.session.scalar(select(Transfer.id).where(Transfer.tip_id == tip_id).limit(1)) is not None


def latest(tip_id: UUID) -> Transfer:
    """The newest transfer of a transferred tip."""
    return db.session.scalars(
        select(Transfer)
        .where(Transfer.tip_id == tip_id)
        .order_by(Transfer.approved_at.desc(), Transfer.id.desc())
        .limit(1)
    ).one()
