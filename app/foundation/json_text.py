"""Values to JSON text, for answers and for columns of the database: Chinese as it is, without spaces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson
from flask.json.provider import DefaultJSONProvider

# Moments and records go through ``default`` or are refused, as they would be by Python's own encoder.
_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def json_text(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """``value`` as JSON; what JSON does not know goes through ``default``, or raises ``TypeError``."""
    return orjson.dumps(value, default=default, option=_OPTIONS).decode()


class JsonAnswers(DefaultJSONProvider):
    """Flask's JSON with a fast encoder; what it cannot do is left to Flask's own."""

    sort_keys = False
    ensure_ascii = False

    def dumps(self, obj: Any, **options: Any) -> str:
        """``obj`` as JSON; dates, UUIDs and decimals as Flask writes them."""
        if options.keys() <= {"separators"}:
            with suppress(TypeError):  # numbers over 64 bits and very deep values
                return orjson.dumps(obj, default=self.default, option=_OPTIONS).decode()
        return super().dumps(obj, **options)
