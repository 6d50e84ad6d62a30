"""The facts of a case: what a new row holds, which amounts can be, where Article 20 places it, which unit answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from app.cases.states import CaseStatus, Track
from app.foundation import clock
from app.foundation.database import new_id
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Actor, Permission
from app.geo import service as geo
from app.identity import queries as people
from app.identity.queries import ActingUnit

_TRACKS: Final = tuple(track.value for track in Track)
PLACES: Final = frozenset({"parties", "registered_place", "occurrence_place"})
"""The facts that Article 20 looks at: a change of one asks the engine again."""


def new_case(
    facts: Mapping[str, Any], stages: Mapping[str, str], unit: ActingUnit, decision: Mapping[str, Any]
) -> dict[str, Any]:
    """The row of a case that is entered now; raise ``InvalidInput`` for amounts that cannot be."""
    check_amounts(facts)
    return {
        **facts,
        **{track: stages.get(track, "none") for track in _TRACKS},
        "id": new_id(),
        "status": CaseStatus.OPEN.value,
        "version": 1,
        "unit_id": unit.id,
        "division_code": unit.division_code,
        "jurisdiction": decision,
        "registered_at": clock.now(),
    }


def jurisdiction_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What Article 20 says about the first fundraiser, by the engine that tips use."""
    return geo.find_jurisdiction(accused_of(facts), geo.region_code()).to_dict()


def accused_of(facts: Mapping[str, Any]) -> geo.Accused:
    """The first fundraiser with the places of the case, for Article 20."""
    fundraiser: Mapping[str, Any] = next(
        (party for party in facts.get("parties") or () if party["role"] == "fundraiser"), {}
    )
    return geo.Accused(
        kind=fundraiser.get("kind", "unknown"),
        name=fundraiser.get("name"),
        uscc=fundraiser.get("uscc"),
        registered_address=facts.get("registered_place"),
        operating_address=facts.get("occurrence_place"),
    )


def responsible_unit(actor: Actor, division: str | None) -> ActingUnit:
    """The district's unit; a district's own one whatever the engine proposes, because the city settles disputes."""
    wanted = division if actor.may(Permission.CASE_REVIEW) else actor.division_code
    unit = people.district_unit_of(wanted) if wanted else None
    if unit is None:
        raise InvalidInput(errors={"division": ["请指定本市负责该案件的区县"]})
    return unit


def check_amounts(values: Mapping[str, Any]) -> None:
    """Nobody gets back more than was owed; without the amount owed nothing can have been returned of it."""
    returned, due = values.get("returned_yuan"), values.get("outstanding_yuan")
    if returned is not None and (due is None or returned > due):
        raise InvalidInput(errors={"returned_yuan": ["已清退金额不能超过应清退（未兑付）金额"]})


def told_changes(before: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What was and what is, as the history keeps it."""
    return {name: [_plain(before[name]), _plain(value)] for name, value in changed.items()}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, date | Decimal) else value
