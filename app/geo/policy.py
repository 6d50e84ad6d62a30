"""Who sees which of the office's knowledge. Zones and aliases are everybody's; precedents follow the district wall."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, false, select

from app.foundation.permissions import Actor, Permission
from app.geo.models import GeoAlias, GeoZone, Precedent


def visible_rows(actor: Actor, model: type[GeoZone | GeoAlias | Precedent]) -> Select[Any]:
    """Rows in force within sight of ``actor``; of the precedents a district sees those that make it lead."""
    rows = select(model).where(model.withdrawn_at.is_(None))
    if not actor.may(Permission.GEO_READ):
        return rows.where(false())
    if model is Precedent and not actor.city_wide:
        return rows.where(Precedent.division_code.startswith(actor.division_code[:6], autoescape=True))
    return rows


def can_maintain(actor: Actor) -> bool:
    """Whether ``actor`` may change the office's knowledge."""
    return actor.may(Permission.GEO_MAINTAIN)
