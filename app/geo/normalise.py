"""Text as people type it → text the gazetteer can read, with every character traceable to the original.

Full-width forms, traditional characters and bracket styles are replaced one for one; spaces and invisible characters
are taken out and the positions remembered.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from pathlib import Path

LONGEST = 2000
_TABLE = Path(__file__).parent / "data" / "traditional.csv"
_BRACKETS = {"【": "(", "】": ")", "〔": "(", "〕": ")", "［": "(", "］": ")", "[": "(", "]": ")", "{": "(", "}": ")",
             "〈": "(", "〉": ")", "《": "(", "》": ")", "「": "(", "」": ")"}  # fmt: skip


@cache
def _replacements() -> dict[int, str]:
    table = {ord(mark): plain for mark, plain in _BRACKETS.items()}
    for code in range(0xFF01, 0xFF5F):
        table.setdefault(code, chr(code - 0xFEE0))
    table |= dict.fromkeys(range(55296, 57344), "�")  # halves of characters: the automaton reads UTF-8
    with _TABLE.open(encoding="utf-8", newline="") as handle:
        table |= {ord(row["traditional"]): row["simplified"] for row in csv.DictReader(handle)}
    return table


@cache
def _unusual() -> re.Pattern[str]:
    """Matches where anything has to be replaced or taken out."""
    return re.compile("[\\s\\x00-\\x1f\\x7f-\\xa0\\u200b-\\u200f\\u2028-\\u202e\\u2060\\ufeff\\u3000"
                      + "".join(re.escape(chr(code)) for code in sorted(_replacements())) + "]")  # fmt: skip


_HIDDEN = re.compile("[\\s\\x00-\\x1f\\x7f-\\xa0\\u200b-\\u200f\\u2028-\\u202e\\u2060\\ufeff\\u3000]")


def fold(name: str) -> str:
    """A gazetteer name in the same form as a normalised text."""
    return name.translate(_replacements())


def normalise(text: str) -> tuple[str, list[int] | None]:
    """The text to read, and for each of its characters (and its end) the position in the original.

    None instead of the positions means that both texts have the same length. Only the first ``LONGEST`` characters are
    read: no address is longer, and a hostile text costs no more than this.
    """
    text = text[:LONGEST].replace("（", "(").replace("）", ")")
    if _unusual().search(text) is None:
        return text, None
    text = text.translate(_replacements())
    if _HIDDEN.search(text) is None:
        return text, None
    kept = [i for i, char in enumerate(text) if not _HIDDEN.match(char)]
    return "".join([text[i] for i in kept]), [*kept, len(text)]


def is_han(text: str) -> bool:
    """True when any character is a Chinese one."""
    return any("CJK" in unicodedata.name(char, "") for char in text)
