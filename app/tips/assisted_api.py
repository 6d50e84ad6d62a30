"""Entering a tip for somebody else, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Any

from apiflask import APIBlueprint
from marshmallow import Schema, ValidationError, fields

from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText
from app.tips import assisted_filing
from app.tips.schemas import EARLIEST, SubmitTipBody, TipReceiptView, one_of

office_api = APIBlueprint("office_assisted_filing", __name__, url_prefix="/api/v1/office")


def _past_or_today(day: date | None) -> None:
    if day is not None and not EARLIEST <= day <= clock.today():
        raise ValidationError("收到日期不能晚于今天")


class FileForReporterBody(Schema):
    """A tip as the public would file it, and how it reached the office. ``evidence`` are the officer's own uploads."""

    channel = fields.String(required=True, validate=one_of(assisted_filing.CHANNELS))
    received_on = fields.Date(load_default=None, allow_none=True, validate=_past_or_today)
    source_number = PlainText(60, load_default=None, allow_none=True)
    tip = fields.Nested(SubmitTipBody, required=True)


@office_api.post("/assisted-filings")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.TIP_ENTER,
    body=FileForReporterBody(),
    answer=TipReceiptView(),
    status=201,
    changes=False,  # its one transaction opens the wall: see file_for_reporter
)
def file_for_reporter(actor: Actor, body: dict[str, Any]) -> Any:
    """File what somebody reported by telephone, letter or in person."""
    with transaction(OPEN_WALL):
        receipt = assisted_filing.file_for_reporter(actor, body)
    return receipt, 200 if receipt.repeated else 201
