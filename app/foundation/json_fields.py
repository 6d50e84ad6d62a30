"""Fields that take what JSON calls by their name and nothing that merely resembles it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields


class JsonBoolean(fields.Boolean):
    """``true`` or ``false``; 1, 0 and words are refused: a form that sends them has mixed up its fields."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)
