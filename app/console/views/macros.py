"""What templates do with their macros."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from jinja2.runtime import Macro

from app.console.blueprint import pages

_MOST: Final = 1024


@pages.app_template_global()
def remembered(macro: Macro) -> object:
    """The same macro, which writes the same words once: for marks of few kinds that a list shows many times.

    Its arguments must be all that it depends on, and hashable. It keeps the last thousand kinds.
    """
    return lru_cache(_MOST)(macro)
