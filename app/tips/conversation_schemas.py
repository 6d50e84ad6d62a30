"""What the conversation takes and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from app.tips.schemas import MOST_EVIDENCE, PlainText, QueryTipBody

LONGEST_MESSAGE: Final = 2000


class RequiredText(PlainText):
    """Text that must say something."""

    def __init__(self, longest: int) -> None:
        super().__init__(longest, required=True)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if text is None:
            raise ValidationError("请填写内容")
        return text


class SupplementTipBody(QueryTipBody):
    """More text, more files, or both."""

    text = PlainText(5000, load_default=None, allow_none=True)
    evidence = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=MOST_EVIDENCE))
    client_request_id = fields.UUID(load_default=None, allow_none=True)


class WriteMessageBody(QueryTipBody):
    """A message of the reporter."""

    text = RequiredText(LONGEST_MESSAGE)
    client_request_id = fields.UUID(load_default=None, allow_none=True)


class WithdrawTipBody(QueryTipBody):
    """Why the tip is taken back."""

    reason = RequiredText(1000)


class AnswerReporterBody(Schema):
    """A message of the office."""

    text = RequiredText(LONGEST_MESSAGE)


class SaidView(Schema):
    """When it was kept."""

    at = fields.AwareDateTime(format="iso")
