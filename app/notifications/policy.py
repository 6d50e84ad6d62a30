"""Who sees which notices and deliveries."""

from __future__ import annotations

from sqlalchemy import Select, false, select

from app.foundation.permissions import Actor, Permission
from app.notifications.models import Delivery, Notice


def visible_notices(actor: Actor) -> Select[Notice]:
    """The own ones, nobody else's: not a colleague's, not a superior's."""
    return select(Notice).where(Notice.account_id == actor.account_id)


def visible_deliveries(actor: Actor) -> Select[Delivery]:
    """How far messages to reporters got: for those who watch over it. To whom they went is shown to nobody."""
    deliveries = select(Delivery)
    return deliveries if actor.may(Permission.DELIVERY_READ) else deliveries.where(false())
