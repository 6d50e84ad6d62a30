"""Earlier decisions about the addresses of a tip."""

from __future__ import annotations

from typing import Any

from app.console.views.jurisdiction import place_name
from app.foundation.permissions import Actor
from app.geo import service
from app.tips.models import TipSubject


def precedents_of(actor: Actor, subject: TipSubject) -> list[dict[str, Any]]:
    """The precedent of each address that has one, with what was decided, when and where it is written."""
    addresses = [one for one in (subject.registered_address, subject.operating_address) if one]
    found = [service.precedent_of(actor, one) for one in dict.fromkeys(addresses)]
    return [
        {
            "pattern": one.precedent.pattern,
            "place_name": place_name(one.precedent.division),
            "decided_on": one.precedent.decided_on,
            "reference": one.precedent.reference,
        }
        for one in found
        if one is not None
    ]
