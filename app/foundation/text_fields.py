"""Fields for what people write: trimmed, and never a blank that looks like words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from unicodedata import category

from marshmallow import ValidationError, fields

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Unicode's categories Cc and Cs but for tabs and ends of lines."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


class PlainText(fields.String):
    """Text of a stated length, without control characters or broken surrogates, ends trimmed.

    Empty → ``None``, and so is what shows nothing: blanks and signs without a width, such as U+200B.
    """

    def __init__(self, longest: int, **more: Any) -> None:
        super().__init__(**more)
        self.longest = longest

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if len(text) > self.longest:
            raise ValidationError(f"最多 {self.longest} 个字，现有 {len(text)} 个字")
        if _CONTROL.search(text):
            raise ValidationError("含有无法识别的控制字符")
        return text.strip() if any(category(sign) not in _UNSEEN for sign in text) else None


class RequiredText(PlainText):
    """Text that must say something; with ``required=False``, where it is sent at all."""

    def __init__(self, longest: int, *, required: bool = True) -> None:
        super().__init__(longest, required=required)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if text is None:
            raise ValidationError("请填写内容")
        return text
