"""The accused party of a filed tip, as the finding of the district asks for it, and where concluded tips ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from app.enterprises.queries import register_entry
from app.foundation.database import db
from app.geo.jurisdiction import Accused
from app.tips.models import Tip, TipSubject
from app.workflow.exclusions import names_the_accused
from app.workflow.models import Handling
from app.workflow.states import Outcome, Status

_CONCLUDED: Final = (Status.CONCLUDED, Status.REPLIED, Status.ARCHIVED)


def accused_of(tip_id: UUID) -> Accused:
    """What the reporter said about the accused party of a tip."""
    tip, subject = db.session.get_one(Tip, tip_id), db.session.get_one(TipSubject, tip_id)
    place = None
    if tip.longitude is not None and tip.latitude is not None:
        place = {"longitude": float(tip.longitude), "latitude": float(tip.latitude), "datum": tip.datum}
    return Accused(
        kind=subject.kind,
        name=subject.name,
        uscc=subject.uscc,
        registered_address=subject.registered_address,
        operating_address=subject.operating_address,
        place=place,
        district_guess=tip.district_guess,
        register=register_entry(subject.kind, subject.name, subject.uscc),
    )


@names_the_accused
def company_of(tip_id: UUID) -> set[str]:
    """Name and code of the accused party, for officers who stand aside from it."""
    subject = db.session.get_one(TipSubject, tip_id)
    return {text.strip() for text in (subject.name, subject.uscc) if text}


def concluded_addresses() -> Iterator[tuple[str, str]]:
    """(address, division of the unit that concluded) of every tip that was not handed to another authority."""
    address = func.coalesce(TipSubject.registered_address, TipSubject.operating_address)
    rows = db.session.execute(
        select(address, Handling.division_code)
        .join(Handling, Handling.tip_id == TipSubject.tip_id)
        .where(
            Handling.status.in_(_CONCLUDED),
            Handling.unit_id.is_not(None),
            Handling.division_code.is_not(None),
            Handling.outcome.is_distinct_from(Outcome.TRANSFERRED_OTHER),
            address.is_not(None),
        )
        .execution_options(yield_per=1000)
    )
    return ((text, division) for text, division in rows if division)
