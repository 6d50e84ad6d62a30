"""Identity numbers after GB 11643: a day of birth and a check digit. Pure: no Flask, no database.

The place is not looked at. Districts got their codes in the eighties, so that the number of whoever was born before
names a place that had no code on that day; a look at the place would refuse the oldest participants.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from stdnum.cn import ric

_EIGHTEEN: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
DIGITS: Final = 18


def is_identity_number(said: str) -> bool:
    """Whether eighteen digits (the last may be X) hold together."""
    if not _EIGHTEEN.fullmatch(said) or ric.calc_check_digit(said) != said[-1]:
        return False
    try:
        date(int(said[6:10]), int(said[10:12]), int(said[12:14]))
    except ValueError:
        return False
    return True
