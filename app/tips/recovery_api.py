"""Recovery of a lost query code over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from marshmallow import Schema, fields, validate

from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import RequiredText
from app.tips import recovery
from app.tips.doors import admit

public_api = APIBlueprint("recovery", __name__, url_prefix="/api/v1")
office_api = APIBlueprint("office_recovery", __name__, url_prefix="/api/v1/office")

CALL_BACK: dict[str, str] = {
    "message": "如受理编号与登记的电话相符，工作人员将在工作时间拨打您举报时登记的电话，核实后补发查询码。"
}


class AskNewCodeBody(Schema):
    """The receipt number and the phone given at filing."""

    receipt_number = fields.String(required=True, validate=validate.Length(1, 40))
    phone = fields.String(required=True, validate=validate.Length(6, 30, error="请填写举报时登记的电话号码"))


class AskedView(Schema):
    """The same words whoever asks."""

    message = fields.String()


class OwnNewCodeBody(Schema):
    """Which of the session's own tips."""

    receipt_number = fields.String(required=True, validate=validate.Length(1, 40))


class NewCodeView(Schema):
    """The new code, shown once."""

    receipt_number = fields.String()
    query_code = fields.String()


class ReissueCodeBody(Schema):
    """How the reporter was recognised."""

    reason = RequiredText(500)


@public_api.post("/tips/recover")
@endpoint(
    audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, body=AskNewCodeBody(), answer=AskedView(), status=202
)
def ask_new_code(_actor: Actor, body: dict[str, str]) -> dict[str, str]:
    """Ask the office to ring the phone given at filing; the answer is the same whatever was sent."""
    admit("recover")
    recovery.ask_for_call_back(body["receipt_number"], body["phone"])
    return CALL_BACK


@public_api.post("/tips/new-code")
@endpoint(
    audience=Audience.REPORTER,
    permission=Permission.PUBLIC_FILE,
    body=OwnNewCodeBody(),
    answer=NewCodeView(),
    status=201,
)
def own_new_code(_actor: Actor, body: dict[str, str]) -> recovery.NewCode:
    """A new code for a real-name tip of this session's person."""
    return recovery.issue_to_session(body["receipt_number"], g.openid_index)


@office_api.post("/tips/<uuid:tip_id>/query-code")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.IDENTITY_OPEN,
    body=ReissueCodeBody(),
    answer=NewCodeView(),
    status=201,
)
def reissue_code(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> recovery.NewCode:
    """A new code to read out to a reporter who was rung at the number given at filing; always audited."""
    return recovery.issue_by_officer(actor, tip_id, body["reason"])
