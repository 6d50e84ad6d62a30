"""Who may be found and shown among units and accounts."""

from __future__ import annotations

from sqlalchemy import Select, select

from app.foundation.permissions import Actor, Permission
from app.identity.models import Account, Unit


def visible_units(_actor: Actor) -> Select[Unit]:
    """Units and their public telephone numbers are no secret."""
    return select(Unit).where(Unit.active)


def visible_accounts(actor: Actor) -> Select[Account]:
    """Administrators see every account, everybody else the colleagues of the own unit."""
    accounts = select(Account)
    if actor.may(Permission.ACCOUNT_MANAGE) or actor.may(Permission.ROLE_GRANT):
        return accounts
    return accounts.where(Account.unit_id == actor.unit_id)
