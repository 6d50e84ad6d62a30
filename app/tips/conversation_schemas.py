"""What the conversation takes and answers."""

from __future__ import annotations

from typing import Final

from marshmallow import Schema, fields, validate

from app.foundation.text_fields import PlainText, RequiredText
from app.tips.schemas import MOST_EVIDENCE, QueryTipBody

LONGEST_MESSAGE: Final = 2000


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
