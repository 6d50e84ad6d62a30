"""Who sees which enterprises: the register is public by law, so every officer who may look sees all of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, false, select

from app.enterprises.models import Enterprise
from app.foundation.permissions import Actor, Permission


def visible_enterprises(actor: Actor) -> Select[Any]:
    """Enterprises within sight of ``actor``; the district wall does not run through a public register."""
    rows = select(Enterprise)
    return rows if actor.may(Permission.ENTERPRISE_READ) else rows.where(false())
