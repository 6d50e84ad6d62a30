"""Long work on a case over the office API: ask for it, follow it, fetch the list for the bank."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.cases import queries, service, tasks, words
from app.cases.ledger_models import CaseTask
from app.cases.schemas import EntryBody
from app.cases.tasks import TaskKind
from app.files import http as file_http
from app.foundation.database import transaction
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText
from app.tips.schemas import Yuan

office_api = APIBlueprint("office_case_tasks", __name__, url_prefix="/api/v1/office/cases/<uuid:case_id>/tasks")
_NEEDS: Final = {
    TaskKind.ROUND: ("total_yuan", "source"),
    TaskKind.BATCH: ("round", "reason"),
    TaskKind.BANK_FILE: ("batch", "reason"),
}


class AskTaskBody(EntryBody):
    """A round (``total_yuan``, ``source``), its batch (``round``, ``reason``), or its list (``batch``, ``reason``)."""

    kind = fields.String(required=True, validate=validate.OneOf(list(TaskKind), error="不在可选范围内"))
    total_yuan = Yuan()
    source = fields.String(validate=validate.OneOf(list(words.SOURCE_TEXTS), error="不在可选范围内"))
    round = fields.Integer(strict=True, validate=validate.Range(1, 10**6))
    batch = fields.Integer(strict=True, validate=validate.Range(1, 10**6))
    reason = PlainText(500)

    @validates_schema
    def _complete(self, data: dict[str, Any], **_more: Any) -> None:
        missing = [name for name in _NEEDS[TaskKind(data["kind"])] if data.get(name) is None]
        if missing or data.get("total_yuan", Decimal(1)) <= 0:
            raise ValidationError({name: ["此项必填"] for name in missing or ["total_yuan"]})


class CaseTaskView(Schema):
    """One task: how far it is and what came of it; ``given`` holds the number of the round or batch made."""

    id = fields.UUID()
    kind = fields.String()
    given = fields.Dict()
    state = fields.String()
    asked_by = fields.String(attribute="asked_by_name")
    asked_at = fields.AwareDateTime(format="iso")
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)
    done = fields.Integer()
    whole = fields.Integer()
    problem = fields.String()
    has_file = fields.Boolean()


class CaseTaskListView(Schema):
    """The newest tasks of a case."""

    items = fields.List(fields.Nested(CaseTaskView))


@office_api.get("")
@endpoint(audience=Audience.OFFICER, permission=Permission.CASE_READ, answer=CaseTaskListView(), changes=False)
def list_case_tasks(actor: Actor, case_id: UUID) -> dict[str, Any]:
    """The newest tasks of a case, with how far they are."""
    queries.case_for(actor, case_id)
    return {"items": [shown(row) for row in tasks.tasks_of(case_id)]}


@office_api.post("")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=AskTaskBody(),
    answer=CaseTaskView(),
    status=202,
)
def ask_case_task(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Let a job compute a round, make a batch of it, or write the list of a batch for the bank."""
    service.still_as_seen(actor, case_id, body.pop("expected_version"))
    return shown(tasks.task_of(case_id, _asked(actor, case_id, body)))


def _asked(actor: Actor, case_id: UUID, body: dict[str, Any]) -> UUID:
    match TaskKind(body["kind"]):
        case TaskKind.ROUND:
            return tasks.ask_for_round(actor, case_id, body["total_yuan"], body["source"])
        case TaskKind.BATCH:
            return tasks.ask_for_batch(actor, case_id, body["round"], body["reason"])
        case TaskKind.BANK_FILE:
            return tasks.ask_for_bank_file(actor, case_id, body["batch"], body["reason"])


@office_api.get("/<uuid:task_id>/file")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, changes=False)
def fetch_bank_file(actor: Actor, case_id: UUID, task_id: UUID) -> Response:
    """The list for the bank that a task made, with accounts in clear; every look leaves an audit row."""
    with transaction():
        stored = tasks.bank_file_of(actor, case_id, task_id)
    return file_http.download_response(stored)


def shown(row: CaseTask) -> dict[str, Any]:
    """One task in the shape of the API."""
    names = ("id", "kind", "given", "state", "asked_by_name", "asked_at", "ended_at", "whole", "problem")
    return {name: getattr(row, name) for name in names} | {
        "done": tasks.lines_done(row),
        "has_file": row.file_id is not None,
    }
