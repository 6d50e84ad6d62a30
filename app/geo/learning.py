"""The table learnt from the office's own concluded tips: road or estate → district. Off until the office wants it.

Real addresses name no county in one case of twenty, and only the office's own history can answer those. Never built
from labelled files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.permissions import Actor
from app.geo.address import match
from app.geo.current import KNOWLEDGE, LEARNING
from app.geo.divisions import divisions
from app.geo.knowledge import LearntPlace
from app.geo.local_names import LocalText
from app.geo.maintenance import new_version
from app.geo.models import GeoSetting, LearntRoad

LEAST_COUNT: Final = 3
LEAST_PURITY: Final = 0.9


def is_enabled() -> bool:
    """Whether the office wants to learn from its own tips."""
    return bool(db.session.scalar(select(GeoSetting.enabled).where(GeoSetting.name == LEARNING)))


def enable(actor: Actor, *, enabled: bool) -> None:
    """Switch learning on or off; what was learnt is forgotten with the switch."""
    before = is_enabled()
    values = {"enabled": enabled, "changed_at": clock.now()}
    statement = upsert(GeoSetting).values(name=LEARNING, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    if not enabled:
        db.session.execute(delete(LearntRoad))
    audit.record(actor, "geo.enable_learning", "geo_setting", LEARNING, before=before, after=enabled)
    new_version(KNOWLEDGE)


def learn(
    addresses: Iterable[tuple[str, str]], least_count: int = LEAST_COUNT, least_purity: float = LEAST_PURITY
) -> dict[str, LearntPlace]:
    """Roads and estates of (address, final division) pairs that ended in one district often enough (pure).

    An address that names another county than the final one says nothing about its road and is left out.
    """
    seen: dict[str, Counter[str]] = {}
    for address, division in addresses:
        county = divisions().county_of(division)
        found = match(address, divisions().prefecture_of(division))
        if county is None or found.county not in (None, county):
            continue
        for name in {place.name for place in LocalText(address, found).places()}:
            seen.setdefault(name, Counter())[county] += 1
    learnt = {}
    for name, counties in seen.items():
        county, count = counties.most_common(1)[0]
        if count >= least_count and count / counties.total() >= least_purity:
            learnt[name] = LearntPlace(county, count, counties.total())
    return learnt


def put_in_force(actor: Actor, learnt: dict[str, LearntPlace]) -> None:
    """Replace the learnt table."""
    before = db.session.scalar(select(func.count()).select_from(LearntRoad))
    db.session.execute(delete(LearntRoad))
    rows = [
        {"name": name, "division_code": place.division, "count": place.count, "total": place.total}
        for name, place in learnt.items()
    ]
    if rows:
        db.session.execute(insert(LearntRoad), rows)
    audit.record(actor, "geo.learn", "learnt_roads", LEARNING, before=before, after=len(rows))
    new_version(KNOWLEDGE)
