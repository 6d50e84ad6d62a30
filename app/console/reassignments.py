"""The reassignment desk: requests, and one with its review, adjustment and signature (申请-审核-调整)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.audit import service as audit
from app.console import forms, queries
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import requests
from app.console.views.actions import reassignment_step, refused_form
from app.console.views.fields import FormState
from app.console.views.files import officers_files
from app.console.views.jurisdiction import address_view
from app.console.views.problems import problem_views
from app.console.views.tip_list import paging
from app.files import service as files
from app.files.http import download_response
from app.foundation.database import transaction
from app.foundation.errors import NotFound, OutOfScope
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.tips.queries import whole_tip
from app.workflow import reassignment
from app.workflow.models import Reassignment
from app.workflow.policy import available_reassignment_actions
from app.workflow.queries import reassignment_for, reassignment_history, reassignment_page
from app.workflow.schemas import ActOnReassignmentBody, ListReassignmentsQuery
from app.workflow.states import REASSIGNMENT_ACTION_TEXTS, ReassignmentAction, ReassignmentStatus

_A_PAGE = 20


@pages.get("/reassignments")
@page(permission=Permission.REASSIGNMENT_READ)
def list_reassignments(actor: Actor) -> str:
    """Requests within this person's sight, newest first."""
    query = load(ListReassignmentsQuery(), {name: value for name, value in request.args.items() if value})
    return rendered("console/reassignments/list.html", actor, **_desk(actor, query["status"], query["cursor"]))


def _desk(actor: Actor, status: str | None, cursor: str | None) -> dict[str, Any]:
    rows = reassignment_page(actor, status=status, after=from_cursor(cursor), limit=_A_PAGE)
    shown = rows[:_A_PAGE]
    following = to_cursor(shown[-1].applied_at, shown[-1].id) if len(rows) > len(shown) else None
    wanted = {"status": status} if status else {}
    chips: list[tuple[str, dict[str, Any]]] = [("全部", {})]
    chips += [(one.text, {"status": one.value}) for one in ReassignmentStatus]
    return {
        "quick": [
            {
                "label": label,
                "href": url_for("console.list_reassignments", **asked),
                "number": None,
                "active": asked == wanted,
            }
            for label, asked in chips
        ],
        "filters": {"status": status},
        "list_url": url_for("console.list_reassignments"),
        "requests": requests.request_lines(actor, shown),
        "page": paging("console.list_reassignments", wanted, cursor, following, None),
    }


@pages.get("/reassignments/<uuid:request_id>")
@page(permission=Permission.REASSIGNMENT_READ)
def show_reassignment(actor: Actor, request_id: UUID) -> str:
    """One request with evidence, history and what this person can do now."""
    return request_page(actor, request_id)


def request_page(actor: Actor, request_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    """The page of one request; after a refusal with the problem and what was typed."""
    asked = reassignment_for(actor, request_id)
    history = reassignment_history(asked.id)
    refused, errors = refused_form(problem)
    state = FormState(refused=refused, errors=errors)
    actions = [reassignment_step(row, state) for row in available_reassignment_actions(actor, asked)]
    view = requests.request_lines(actor, [asked])[0]
    return rendered(
        "console/reassignments/detail.html",
        actor,
        **problem_views(problem, actions, history, ReassignmentStatus),
        reassignment=view | _addresses(actor, asked),
        stations=requests.stations_of(ReassignmentStatus(asked.status), history),
        files=officers_files(queries.files_of_request(asked), _file_address(actor, asked)),
        clocks=list(filter(None, [view["clock"]])),
        steps=requests.steps_of(history),
        actions=actions,
        list_url=url_for("console.list_reassignments"),
        action_url=url_for("console.act_on_reassignment", request_id=request_id),
    )


def _addresses(actor: Actor, asked: Reassignment) -> dict[str, Any]:
    """The two addresses of the tip with their evidence; nothing once the tip is out of sight."""
    try:
        found = whole_tip(actor, asked.tip_id)
    except OutOfScope:
        return {}
    subject, decision = found.subject, found.jurisdiction.decision
    return {
        "registered_address": address_view(decision, "registered", subject.registered_address),
        "operating_address": address_view(decision, "operating", subject.operating_address),
    }


def _file_address(actor: Actor, asked: Reassignment) -> Any:
    if not actor.may(Permission.EVIDENCE_READ):
        return None
    return lambda file_id: url_for("console.download_request_file", request_id=asked.id, file_id=file_id)


@pages.post("/reassignments/<uuid:request_id>/actions")
@page(permission=Permission.SELF_USE, changes=False)  # the bytes come first, then one transaction
def act_on_reassignment(actor: Actor, request_id: UUID) -> Response:
    """Take one step; the table says who may. Files of the form are further evidence."""
    on_refusal_show(request_page, actor, request_id)
    body = forms.action_body(ActOnReassignmentBody(exclude=["evidence"]))
    action, version = body.pop("action"), body.pop("expected_version")
    received = forms.receive_files(actor, "evidence")
    with transaction():
        evidence = [files.register(one).id for one in received]
        reassignment.act(actor, request_id, action, version, body | {"evidence": evidence})
    text = REASSIGNMENT_ACTION_TEXTS[ReassignmentAction(action)]
    return done(f"“{text}”已办理。", "console.show_reassignment", request_id=request_id)


@pages.get("/reassignments/<uuid:request_id>/files/<uuid:file_id>")
@page(permission=Permission.EVIDENCE_READ)
def download_request_file(actor: Actor, request_id: UUID, file_id: UUID) -> Response:
    """One file of a request, for whoever sees the request."""
    asked = reassignment_for(actor, request_id)
    stored = next((one for one in queries.files_of_request(asked) if one.id == file_id), None)
    if stored is None:
        raise NotFound("未找到该文件")
    answer = download_response(stored)
    with transaction():
        audit.record(actor, "files.download", "file", file_id, reassignment_id=str(request_id))
    return answer
