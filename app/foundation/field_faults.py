"""What is wrong with a field, told in Chinese; and text that no field can take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
"""PostgreSQL stores no NUL, and a lone surrogate has no encoding at all."""

_IN_CHINESE: Final = {
    "Missing data for required field.": "此项必填",
    "Field may not be null.": "此项不能为空",
    "Unknown field.": "不认识的字段",
    "Invalid type.": "应为对象",
    "Invalid input type.": "应为对象",
    "Not a valid mapping type.": "应为对象",
    "Not a valid list.": "应为列表",
    "Not a valid string.": "应为文本",
    "Not a valid integer.": "应为整数",
    "Not a valid number.": "应为数字",
    "Not a valid boolean.": "应为 true 或 false",
    "Not a valid UUID.": "编号格式有误",
    "Not a valid date.": "应为 YYYY-MM-DD 格式的有效日期",
    "Number too large.": "数值过大",
    "Special numeric values (nan or infinity) are not permitted.": "应为数字",
}
_MEASURES: Final = (
    (re.compile(r"Longer than maximum length (\d+)\."), r"最多 \1 个"),
    (re.compile(r"Shorter than minimum length (\d+)\."), r"至少 \1 个"),
    (re.compile(r"Length must be between (\d+) and (\d+)\."), r"长度应在 \1 至 \2 之间"),
    (re.compile(r"Must be greater than or equal to (\S+) and less than or equal to (\S+)\."), r"应在 \1 至 \2 之间"),
    (re.compile(r"Must be greater than or equal to (\S+)\."), r"不能小于 \1"),
    (re.compile(r"Must be less than or equal to (\S+)\."), r"不能大于 \1"),
    (re.compile(r"Must be one of: (.+)\.", re.DOTALL), r"应为以下之一：\1"),
)


def in_chinese(message: str) -> str:
    """A library's English message in the office's words; a message that is Chinese already stays as it is."""
    if message in _IN_CHINESE:
        return _IN_CHINESE[message]
    for pattern, replacement in _MEASURES:  # first, because what may be chosen can be Chinese
        if pattern.fullmatch(message):
            return pattern.sub(replacement, message)
    return message if _CHINESE.search(message) else "填写有误"


def flat_errors(messages: Mapping[Any, Any], prefix: str = "") -> dict[str, list[str]]:
    """Nested marshmallow messages as ``field.path → list of messages``, in Chinese."""
    flat: dict[str, list[str]] = {}
    for key, value in messages.items():
        name = prefix if key == "_schema" else f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            flat.update(flat_errors(value, name))
        else:
            flat.setdefault(name or "_schema", []).extend(in_chinese(str(message)) for message in value)
    return flat


def unstorable_text(value: Any) -> dict[str, list[str]]:
    """Path → message of every text (or name of a field) that no table can hold; empty where all is well."""
    return _found_unstorable(value) if _has_unstorable(value) else {}


def _has_unstorable(value: Any) -> bool:
    """The same question without the paths, which nearly every request can do without."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            if _UNSTORABLE.search(inner):
                return True
        elif isinstance(inner, dict):
            waiting += inner
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner
    return False


def _found_unstorable(value: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, inner = waiting.pop()
        if isinstance(inner, str):
            if _UNSTORABLE.search(inner):
                found[path or "_schema"] = ["含有无法识别的控制字符"]
        elif isinstance(inner, dict):
            for key, item in inner.items():
                name = _UNSTORABLE.sub("\ufffd", str(key))
                if name != key:
                    found[_below(path, name)] = ["不认识的字段"]
                waiting.append((_below(path, name), item))
        elif isinstance(inner, list):
            waiting += [(_below(path, str(index)), item) for index, item in enumerate(inner)]
    return found


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
