"""The conversation over HTTP: what a reporter does with the codes, and the office's answers.

Following a tip is declared a change: the first use of a new code retires the old one.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.tips import conversation, schemas
from app.tips import conversation_schemas as bodies
from app.tips.doors import opened_tip, opened_tip_id
from app.tips.progress import progress_of

public_api = APIBlueprint("conversation", __name__, url_prefix="/api/v1")
office_api = APIBlueprint("office_conversation", __name__, url_prefix="/api/v1/office")


def _kept(said: conversation.Said) -> tuple[conversation.Said, int]:
    return said, 200 if said.repeated else 201


@public_api.post("/tips/query")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=schemas.QueryTipBody(),
    answer=schemas.TipProgressView(),
)
def query_tip(_actor: Actor, body: dict[str, str]) -> dict[str, Any]:
    """Follow a tip by receipt number and query code."""
    return progress_of(opened_tip_id(body))


@public_api.post("/tips/supplement")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=bodies.SupplementTipBody(),
    answer=bodies.SaidView(),
    status=201,
)
def supplement(_actor: Actor, body: dict[str, Any]) -> Any:
    """Add text or files to a tip."""
    tip = opened_tip(body)
    return _kept(conversation.supplement(tip, body["text"], body["evidence"], body["client_request_id"]))


@public_api.post("/tips/messages")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=bodies.WriteMessageBody(),
    answer=bodies.SaidView(),
    status=201,
)
def write_message(_actor: Actor, body: dict[str, Any]) -> Any:
    """Write to the unit that handles the tip."""
    return _kept(conversation.say(opened_tip(body), body["text"], body["client_request_id"]))


@public_api.post("/tips/withdraw")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=bodies.WithdrawTipBody(),
    answer=bodies.SaidView(),
    status=201,
)
def withdraw(_actor: Actor, body: dict[str, Any]) -> Any:
    """Take a tip back; it is recorded, and the office may go on."""
    return _kept(conversation.withdraw(opened_tip(body, own=True), body["reason"]))


@office_api.post("/tips/<uuid:tip_id>/messages")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.TIP_REPLY,
    body=bodies.AnswerReporterBody(),
    answer=bodies.SaidView(),
    status=201,
)
def answer_reporter(actor: Actor, tip_id: UUID, body: dict[str, Any]) -> Any:
    """Write to the reporter, who reads it as the handling unit's."""
    return conversation.answer(actor, tip_id, body["text"])
