"""The district wall as plain text: what the setting ``shudi.wall`` may say (no database here).

"open" for the city and for the program itself, a list of unit ids for a district, empty for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

OPEN_WALL: Final = "open"
CLOSED_WALL: Final = ""


def wall_of_units(unit_ids: Iterable[int]) -> str:
    """The wall around the rows of these handling units."""
    return ",".join(str(unit_id) for unit_id in unit_ids)
