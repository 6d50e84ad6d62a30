"""The reassignment desk: requests, and one with its review, adjustment and signature (申请-审核-调整)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from flask import Response, request, url_for
from marshmallow import Schema, fields

from app.audit import service as audit
from app.console import forms, queries
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import requests, tip_detail
from app.console.views.actions import reassignment_step, refused_form
from app.console.views.addresses import addresses
from app.console.views.fields import FormState
from app.console.views.files import officers_files
from app.console.views.jurisdiction import address_view
from app.console.views.problems import problem_views
from app.console.views.tip_list import paging
from app.files import service as files
from app.files.http import download_response
from app.files.models import StoredFile
from app.foundation import clock
from app.foundation.database import transaction
from app.foundation.errors import NotFound, OutOfScope
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.tips.office_schemas import SENSIBLE_DAY
from app.tips.queries import whole_tip
from app.workflow import reassignment
from app.workflow.disclosure import reads_statement, steps
from app.workflow.models import Reassignment
from app.workflow.policy import actions_on_requests, available_reassignment_actions
from app.workflow.queries import (
    bounces,
    reassignment_for,
    reassignment_history,
    reassignment_page,
    reassignments_of,
)
from app.workflow.schemas import ActOnReassignmentBody, ListReassignmentsQuery
from app.workflow.states import REASSIGNMENT_ACTION_TEXTS, ReassignmentAction, ReassignmentStatus, Transition

_A_PAGE: Final = 10  # each is a card with its evidence and its forms


class ListDeskQuery(ListReassignmentsQuery):
    """The filters of the list, and "those that wait for me"."""

    mine = fields.Boolean(load_default=False)


@pages.get("/reassignments")
@page(permission=Permission.REASSIGNMENT_READ)
def list_reassignments(actor: Actor) -> str:
    """Requests within this person's sight as cards, newest first; what can be done is done on the card."""
    query = load(ListDeskQuery(), {name: value for name, value in request.args.items() if value})
    return rendered("console/reassignments/list.html", actor, **_desk(actor, query))


def _desk(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    only = queries.requests_waiting(actor) if query["mine"] else None
    after = from_cursor(query["cursor"])
    rows = reassignment_page(actor, status=query["status"], after=after, limit=_A_PAGE, only=only)
    shown = rows[:_A_PAGE]
    following = to_cursor(shown[-1].applied_at, shown[-1].id) if len(rows) > len(shown) else None
    wanted = {"mine": "true"} if query["mine"] else {"status": query["status"]} if query["status"] else {}
    waiting = queries.count_waiting_requests(actor)
    steps, evidence = actions_on_requests(actor, shown), queries.files_of_requests(shown)
    address = addresses("console.act_on_reassignment", "request_id")
    return {
        "quick": requests.quick_filters(wanted, waiting),
        "list_url": url_for("console.list_reassignments"),
        "bounces_url": url_for("console.show_bounces") if actor.city_wide else None,
        "requests": [
            line | {"action_url": address(one.id)} | _on_card(actor, one, steps[one.id], evidence[one.id])
            for line, one in zip(requests.request_lines(actor, shown), shown, strict=True)
        ],
        "page": paging("console.list_reassignments", wanted, query["cursor"], following, None),
    }


def _on_card(
    actor: Actor, asked: Reassignment, steps: Sequence[Transition], evidence: Sequence[StoredFile]
) -> dict[str, Any]:
    """What this person can do with a request, and its evidence, without opening it."""
    return {
        "actions": [reassignment_step(row, FormState()) for row in steps],
        "files": _files(actor, asked, evidence),
        "view": requests.view_of(actor, asked),
    }


class BouncesQuery(Schema):
    """The span of days in which requests were made; the present year where none is named."""

    since = fields.Date(load_default=None, validate=SENSIBLE_DAY)
    until = fields.Date(load_default=None, validate=SENSIBLE_DAY)


@pages.get("/reassignments/statistics")
@page(permission=Permission.REASSIGNMENT_READ)
def show_bounces(actor: Actor) -> str:
    """How often tips were asked to move, by pair of districts."""
    query = load(BouncesQuery(), {name: value for name, value in request.args.items() if value})
    until = query["until"] or clock.today()
    since = query["since"] or until.replace(month=1, day=1)
    return rendered(
        "console/reassignments/statistics.html",
        actor,
        since=since,
        until=until,
        list_url=url_for("console.list_reassignments"),
        page_url=url_for("console.show_bounces"),
        pairs=requests.bounce_lines(bounces(actor, *clock.span(since, until))),
    )


@pages.get("/reassignments/<uuid:request_id>")
@page(permission=Permission.REASSIGNMENT_READ)
def show_reassignment(actor: Actor, request_id: UUID) -> str:
    """One request with evidence, history and what this person can do now."""
    return request_page(actor, request_id)


def request_page(actor: Actor, request_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    """The page of one request; after a refusal with the problem and what was typed."""
    asked = reassignment_for(actor, request_id)
    history = steps(actor, reassignment_history(asked.id))
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
        files=_files(actor, asked, queries.files_of_request(asked)),
        clocks=list(filter(None, [view["clock"]])),
        steps=requests.steps_of(history),
        actions=actions,
        view=requests.view_of(actor, asked),
        chain=tip_detail.requests_of(reassignments_of(actor, asked.tip_id)),
        list_url=url_for("console.list_reassignments"),
        action_url=url_for("console.act_on_reassignment", request_id=request_id),
    )


def _addresses(actor: Actor, asked: Reassignment) -> dict[str, Any]:
    """The two addresses of the tip with their evidence; nothing once the tip is out of sight, or for who reads none."""
    if not reads_statement(actor):
        return {}
    try:
        found = whole_tip(actor, asked.tip_id)
    except OutOfScope:
        return {}
    subject, decision = found.subject, found.jurisdiction.decision
    return {
        "registered_address": address_view(decision, "registered", subject.registered_address),
        "operating_address": address_view(decision, "operating", subject.operating_address),
    }


def _files(actor: Actor, asked: Reassignment, evidence: Sequence[StoredFile]) -> list[dict[str, Any]]:
    """The evidence of a request as this person may open it; for who reads no statements not even how it is called."""
    return officers_files(evidence, _file_address(actor, asked)) if reads_statement(actor) else []


def _file_address(actor: Actor, asked: Reassignment) -> Any:
    if not actor.may(Permission.EVIDENCE_READ):
        return None
    return addresses("console.download_request_file", "file_id", request_id=asked.id)


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
