"""A company's name in the form in which two ways of writing it are equal. Pure."""

from __future__ import annotations

from typing import Final

from app.geo.normalise import normalise

LONGEST_NAME: Final = 200
_LEGAL_FORMS: Final = (("有限责任公司", "有限公司"),)


def name_key(name: str | None) -> str:
    """The key of a name: width, script, case, spaces, brackets and 有限责任 do not tell two companies apart.

    ``国华（新疆）投资有限责任公司`` and ``国华新疆投资有限公司`` have one key. Empty where nothing of a name is left.
    """
    text = "".join(filter(str.isalnum, normalise((name or "")[:LONGEST_NAME])[0].upper()))
    for written, kept in _LEGAL_FORMS:
        text = text.replace(written, kept)
    return text


def pairs(key: str) -> list[str]:
    """Each two neighbouring characters of a key, once: what an index finds a part of a name by."""
    return sorted({key[place : place + 2] for place in range(len(key) - 1)})
