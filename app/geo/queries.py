"""Read-only selects of the office's knowledge, and answers with the names of their divisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, tuple_

from app.foundation.database import db
from app.foundation.permissions import Actor
from app.geo.divisions import divisions
from app.geo.gazetteer import Zone, gazetteer
from app.geo.jurisdiction import Jurisdiction
from app.geo.knowledge import Citation, Reading
from app.geo.models import GeoAlias, GeoZone, Precedent
from app.geo.policy import visible_rows

_SEARCHED: Final = {GeoZone: GeoZone.name, GeoAlias: GeoAlias.text, Precedent: Precedent.pattern}


def page(
    actor: Actor,
    model: type[GeoZone | GeoAlias | Precedent],
    q: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Any]:
    """Rows in force, the newest first; one more than ``limit`` tells of a next page."""
    statement = visible_rows(actor, model).order_by(model.created_at.desc(), model.id.desc()).limit(limit + 1)
    if q:
        statement = statement.where(_SEARCHED[model].contains(q, autoescape=True))
    if after:
        statement = statement.where(tuple_(model.created_at, model.id) < tuple_(*after))
    return db.session.scalars(statement).all()


def row_in_force(actor: Actor, model: type[GeoZone | GeoAlias | Precedent], row_id: UUID) -> Any | None:
    """One row within sight, or None."""
    return db.session.scalar(visible_rows(actor, model).where(model.id == row_id))


def zones_without_agreement(region_code: str) -> list[Zone]:
    """Functional zones of the product's list in the office's prefecture that the office has not noted yet."""
    noted = set(db.session.scalars(select(GeoZone.zone_id).where(GeoZone.withdrawn_at.is_(None))))
    return [
        zone for zone in gazetteer().zone_table if int(region_code) in zone.prefectures and zone.zone_id not in noted
    ]


def told(reading: Reading, citation: Citation | None) -> dict[str, Any]:
    """*Match* of the contract with names, the reasons to look closer, and the precedent of this address."""
    answer = reading.match.to_dict()
    told = {
        **answer,
        "dispute_reasons": list(reading.reasons),
        "precedent": citation.precedent.to_dict() if citation else None,
    }
    return told | {"names": names_of([answer, *([{"county": citation.precedent.division}] if citation else [])])}


def names_of(answers: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Full name of every division in these answers."""
    tree = divisions()
    codes = {answer.get(level) for answer in answers for level in ("province", "prefecture", "county", "township")}
    codes |= {one["code"] for answer in answers for one in answer.get("alternatives", ())}
    codes |= {one["means"] for answer in answers for one in answer.get("evidence", ())}
    return {code: tree.full_name(code) for code in sorted(filter(None, codes)) if tree.get(code)}


def decision_names(decision: Jurisdiction) -> dict[str, str]:
    """Full name of every division in a decision."""
    codes = [decision.lead, decision.arbiter, *decision.cooperating]
    found = {code: divisions().full_name(code) for code in codes if code}
    return found | names_of([source.to_dict() for source in decision.sources.values()])
