"""One tip with its actions, its files, and the identity behind it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from app.audit import service as audit
from app.console import forms, queries
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import clusters as cluster_views
from app.console.views import police, tip_detail, tip_progress
from app.console.views import rewards as reward_views
from app.console.views.actions import refused_form
from app.console.views.case_detail import case_badge
from app.console.views.fields import FormState
from app.console.views.problems import problem_views
from app.files import service as files
from app.files.http import download_response
from app.foundation.database import transaction
from app.foundation.errors import NotFound
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.tips import conversation, office_views, service
from app.tips.conversation_schemas import AnswerReporterBody
from app.tips.office_schemas import ActOnTipBody, OpenIdentityBody
from app.tips.queries import tip_in_progress, whole_tip
from app.workflow import reassignment
from app.workflow import service as workflow
from app.workflow.disclosure import reads_statement
from app.workflow.models import Handling
from app.workflow.queries import reassignments_of
from app.workflow.schemas import ApplyReassignmentBody
from app.workflow.states import ACTION_TEXTS, Action, Outcome, Status


@pages.get("/tips/<uuid:tip_id>")
@page(permission=Permission.TIP_READ)
def show_tip(actor: Actor, tip_id: UUID) -> str:
    """One tip, with what can be done to it now."""
    return tip_page(actor, tip_id)


def tip_page(
    actor: Actor, tip_id: UUID, *, problem: dict[str, Any] | None = None, opened: dict[str, Any] | None = None
) -> str:
    """The page of one tip; after a refusal with the problem and what was typed, after an opening with the identity."""
    if not reads_statement(actor):
        return _progress_page(actor, tip_id, problem)
    return _whole_page(actor, tip_id, problem, opened)


def _whole_page(actor: Actor, tip_id: UUID, problem: dict[str, Any] | None, opened: dict[str, Any] | None) -> str:
    found = whole_tip(actor, tip_id)
    whole = office_views.whole(actor, found)
    refused, errors = refused_form(problem)
    state = FormState(queries.handling_units(), found.jurisdiction.lead, refused, errors, _opens_case(found.handling))
    view = tip_detail.tip_view(actor, found, whole, state)
    way = police.panel(actor, found.handling, state)
    offered = [*view["actions"], *filter(None, [view["reassignment_action"]]), *police.forms_of(way)]
    return rendered(
        "console/tips/detail.html",
        actor,
        **view,
        **problem_views(problem, offered, whole["history"], Status),
        reporter=tip_detail.reporter_view(
            found.tip, may_open=whole["can_open_identity"], reason=_typed_reason(problem), opened=opened
        ),
        reassignments=tip_detail.requests_of(reassignments_of(actor, tip_id)),
        cluster=cluster_views.panel(actor, found, whole, errors),
        messages=tip_detail.messages_of(whole["messages"]),
        answer_form=tip_detail.answer_form(tip_id, state) if whole["can_write_to_reporter"] else None,
        withdrawal=whole["withdrawal"],
        police=way,
        case=case_badge(actor, tip_id),
        reward=reward_views.card(actor, found.handling),
        list_url=url_for("console.list_tips"),
        action_url=url_for("console.act_on_tip", tip_id=tip_id),
        reassign_url=url_for("console.apply_for_reassignment", tip_id=tip_id),
    )


def _progress_page(actor: Actor, tip_id: UUID, problem: dict[str, Any] | None) -> str:
    found = tip_in_progress(actor, tip_id)
    progress = office_views.progress(actor, found)
    return rendered(
        "console/tips/progress.html",
        actor,
        **tip_progress.progress_view(actor, found.handling, progress),
        problem=problem_views(problem, [], progress["history"], Status)["problem"],
        list_url=url_for("console.list_tips"),
    )


def _opens_case(handling: Handling) -> bool:
    return handling.outcome == Outcome.CASE_OPENED


def _typed_reason(problem: dict[str, Any] | None) -> str:
    return request.form.get("reason", "") if problem and request.endpoint == "console.open_identity" else ""


@pages.post("/tips/<uuid:tip_id>/actions")
@page(permission=Permission.SELF_USE, changes=True)
def act_on_tip(actor: Actor, tip_id: UUID) -> Response:
    """Do one action of the transition table; its row says who may."""
    on_refusal_show(tip_page, actor, tip_id)
    body = forms.action_body(ActOnTipBody(), into=lambda number: queries.id_of_number(actor, number))
    action, version = body.pop("action"), body.pop("expected_version")
    workflow.act(actor, tip_id, action, version, body)
    return done(f"“{ACTION_TEXTS[Action(action)]}”已办理。", "console.show_tip", tip_id=tip_id)


@pages.post("/tips/<uuid:tip_id>/reassignments")
@page(permission=Permission.REASSIGNMENT_APPLY, changes=False)  # the bytes come first, then one transaction
def apply_for_reassignment(actor: Actor, tip_id: UUID) -> Response:
    """Ask that a tip be moved; the files of the form become the evidence."""
    on_refusal_show(tip_page, actor, tip_id)
    body = forms.action_body(ApplyReassignmentBody(exclude=["evidence"]))
    received = forms.receive_files(actor, "evidence")
    with transaction():
        evidence = [files.register(one).id for one in received]
        asked = reassignment.apply(actor, tip_id, body.pop("expected_version"), body | {"evidence": evidence})
    return done("属地调整申请已提交，等待市级审核。", "console.show_reassignment", request_id=asked.id)


@pages.post("/tips/<uuid:tip_id>/messages")
@page(permission=Permission.TIP_REPLY, changes=True)
def write_to_reporter(actor: Actor, tip_id: UUID) -> Response:
    """Write to the reporter, who reads it with the query code and never learns who wrote."""
    on_refusal_show(tip_page, actor, tip_id)
    body = load(AnswerReporterBody(), forms.typed_fields("text"))
    conversation.answer(actor, tip_id, body["text"])
    return done("已发送，举报人凭查询码可以看到。", "console.show_tip", tip_id=tip_id)


@pages.post("/tips/<uuid:tip_id>/identity")
@page(permission=Permission.IDENTITY_OPEN, changes=True)
def open_identity(actor: Actor, tip_id: UUID) -> str:
    """Open the reporter's identity for a reason, shown on this answer only; always audited."""
    on_refusal_show(tip_page, actor, tip_id)
    body = load(OpenIdentityBody(), forms.typed_fields("reason"))
    identity = service.open_identity(actor, tip_id, body["reason"])
    return tip_page(actor, tip_id, opened=tip_detail.opened_identity(actor, identity))


@pages.get("/tips/<uuid:tip_id>/files/<uuid:file_id>")
@page(permission=Permission.EVIDENCE_READ)
def download_tip_file(actor: Actor, tip_id: UUID, file_id: UUID) -> Response:
    """One file of the reporter, for whoever sees the tip."""
    stored = next((one for one in whole_tip(actor, tip_id).evidence if one.id == file_id), None)
    if stored is None:
        raise NotFound("未找到该文件")
    answer = download_response(stored)
    with transaction():
        audit.record(actor, "files.download", "file", file_id, tip_id=str(tip_id))
    return answer
