"""What the register of enterprises says about an accused party, as the rule of Article 20 takes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One enterprise of the register; everything here is public by law.

    ``as_of``: the day for which the register speaks; it can lag behind by the month in which a change must be
    registered. ``known_by``: code, name or former_name. ``name_differs``: the code is this enterprise's, the name given
    is not. ``is_gone``: deregistered, so no legal person any more; ``has_moved``: to a register elsewhere.
    """

    name: str
    uscc: str | None
    address: str | None
    as_of: date
    known_by: str = "code"
    status: str = "active"
    status_text: str = "存续"
    is_gone: bool = False
    has_moved: bool = False
    name_differs: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For the answer that rests on it."""
        return {
            "name": self.name,
            "uscc": self.uscc,
            "address": self.address,
            "as_of": self.as_of.isoformat(),
            "known_by": self.known_by,
            "status": self.status,
        }

    def reasons(self) -> list[str]:
        """Stable codes of what a person must look at before anybody is told to handle it."""
        told = (
            ("company_deregistered", self.is_gone),
            ("company_moved", self.has_moved),
            ("register_name_differs", self.name_differs),
        )
        return [reason for reason, holds in told if holds]
