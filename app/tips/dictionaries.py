"""Words that reporters choose from: the codes are the law's, the office words them, orders them and retires them.

A phone with an older list may still send a retired code: the API takes every code, forms offer those in use.
"""

from __future__ import annotations

from typing import Final

from app.tips import schemas
from app.workflow import limits
from app.workflow.limits import WordList

CONDUCT: Final = "conduct_type"
PUBLICITY: Final = "publicity"
RELATION: Final = "relation"

limits.REASONS.update(
    {
        CONDUCT: WordList("行为类型", schemas.CONDUCT_TYPES),
        PUBLICITY: WordList("宣传方式", schemas.PUBLICITY),
        RELATION: WordList("举报人与对象关系", schemas.RELATIONS),
    }
)


def offered(kind: str) -> dict[str, str]:
    """Code → wording of what a form offers today, in its order."""
    return limits.reasons(kind)


def worded(kind: str, code: str | None) -> str | None:
    """What a stored code means today; ``None`` for none, the code itself where nobody knows it."""
    entry = limits.entries(kind).get(code or "")
    return entry.text if entry else code or None
