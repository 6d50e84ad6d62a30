"""The audit log, for auditors alone: filtered, exported with a mark, its chain verified on demand."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response, current_app, request, url_for
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from app.audit import chain
from app.audit import queries as log
from app.audit import service as audit
from app.audit.models import AuditEvent, AuditHead
from app.console import long_tasks, queries
from app.console.blueprint import pages
from app.console.shell import done, rendered
from app.console.views import audit_file
from app.console.views.audit_log import action_choices, audit_line, object_choices, unit_choices
from app.console.views.tip_list import paging
from app.foundation import clock
from app.foundation.database import db, transaction
from app.foundation.errors import Conflict
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText
from app.outbox import tasks
from app.outbox.tasks import TaskState
from app.tips.exports import watermark
from app.tips.office_schemas import SENSIBLE_DAY

_A_PAGE: Final = 50
VERIFIED_ON_PAGE_UP_TO: Final = 500
"""Rows whose whole chain is verified while the page is made; beyond it a task does that when the auditor asks."""
MOST_EXPORTED: Final = 50_000
VERIFY: Final = "audit-verify"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ListAuditQuery(Schema):
    """Filters of the log as they stand in the address."""

    q = PlainText(100, load_default=None)
    action = fields.String(load_default=None, validate=validate.Length(max=100))
    kind = fields.String(load_default=None, validate=validate.Length(max=50))
    unit = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1, error="没有这个单位"))
    result = fields.String(load_default=None, validate=validate.OneOf(["done", "refused"], error="未知的结果"))
    since = fields.Date(load_default=None, data_key="from", validate=SENSIBLE_DAY)
    until = fields.Date(load_default=None, data_key="to", validate=SENSIBLE_DAY)
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, 2**62, error="翻页标记无效"))


@pages.get("/audit")
@page(permission=Permission.AUDIT_READ)
def list_audit_events(actor: Actor) -> str:
    """The log, newest first, and whether its chain holds."""
    query = load(ListAuditQuery(), {name: value for name, value in request.args.items() if value})
    cursor = query.pop("cursor")
    return rendered("console/audit.html", actor, chain=_chain(), **_log(query, cursor))


def _log(query: dict[str, Any], cursor: int | None) -> dict[str, Any]:
    rows = log.event_page(_wanted(query), cursor, _A_PAGE)
    shown = rows[:_A_PAGE]
    following = str(shown[-1].id) if len(rows) > len(shown) else None
    units = queries.unit_names({event.unit_id for event in shown})
    filters = {name: query[field] for name, field in _IN_ADDRESS.items() if query[field]}
    return {
        "filters": filters,
        "actions": action_choices(),
        "kinds": object_choices(),
        "units": unit_choices(),
        "list_url": url_for("console.list_audit_events"),
        "export_url": url_for("console.export_audit_events"),
        "verify_url": url_for("console.verify_audit_chain"),
        "task": long_tasks.task_view(VERIFY, "console.show_verification"),
        "rows": [audit_line(event, units.get(event.unit_id, "")) for event in shown],
        "page": paging("console.list_audit_events", filters, str(cursor) if cursor else None, following, None),
    }


_IN_ADDRESS: Final = {
    "q": "q", "action": "action", "kind": "kind", "unit": "unit", "result": "result", "from": "since", "to": "until",
}  # fmt: skip


def _wanted(query: dict[str, Any]) -> log.EventFilter:
    """The words mean a person where there is one of that name, and the number of a thing otherwise."""
    people = queries.people_named(query["q"]) if query["q"] and not _is_id(query["q"]) else ()
    return log.EventFilter(
        actors=people or None,
        unit_id=query["unit"],
        action=query["action"],
        object_type=query["kind"],
        object_id=query["q"] if not people else None,
        succeeded=query["result"] == "done" if query["result"] else None,
        since=queries.midnight(query["since"]) if query["since"] else None,
        before=queries.midnight(query["until"] + timedelta(days=1)) if query["until"] else None,
    )


def _is_id(words: str) -> bool:
    try:
        UUID(words)
    except ValueError:
        return False
    return True


@pages.post("/audit/export")
@page(permission=Permission.AUDIT_READ, changes=False)  # the file is written beside its audit row
def export_audit_events(actor: Actor) -> Response:
    """What the filters show as a sheet that says who took it; audited."""
    given = {name: value for name, value in request.form.items() if value and name in _IN_ADDRESS}
    query, content = load(ListAuditQuery(), given), io.BytesIO()
    with transaction():
        number = audit_file.write(content, watermark(actor), log.events(_wanted(query), MOST_EXPORTED + 1))
        if number > MOST_EXPORTED:
            raise Conflict(f"一次最多导出 {MOST_EXPORTED} 条，请缩小筛选范围", code="too_many_rows")
        audit.record(actor, "audit.export", "audit_chain", "log", rows=number, filters=sorted(given))
    headers = {"Content-Disposition": "attachment; filename=audit.xlsx", "Cache-Control": "no-store"}
    return Response(content.getvalue(), content_type=_XLSX, headers=headers)


@pages.post("/audit/verification")
@page(permission=Permission.AUDIT_READ, changes=False)  # queues a task that changes nothing either
def verify_audit_chain(actor: Actor) -> Response:
    """Have the whole chain walked in the background."""
    long_tasks.begin(actor, VERIFY)
    return done("已开始校验，完成后本页自动更新。", "console.list_audit_events")


@pages.get("/audit/verification")
@page(permission=Permission.AUDIT_READ)
def show_verification(_actor: Actor) -> Response:
    """How far the walk is, for the page that waits for it."""
    return long_tasks.progress(VERIFY, "console.show_verification")


def _chain() -> dict[str, Any]:
    """Whether the sealed chain holds: a short one is walked at once, of a long one the last walk is told."""
    head = db.session.get(AuditHead, 1)
    sealed = head.seq if head else 0
    verified = tasks.latest(VERIFY, state=TaskState.DONE)
    told = verified.memory if verified else {}
    state = "unverified" if verified is None else "broken" if told.get("broken_at") else "ok"
    broken, fault = told.get("broken_at"), told.get("fault", "")
    if sealed <= VERIFIED_ON_PAGE_UP_TO:
        verdict = list(chain.verify(current_app.extensions["shudi_crypto"]))[-1]
        state, broken, fault = ("ok" if verdict.intact else "broken"), verdict.broken_at, verdict.reason
    last = db.session.scalar(select(AuditEvent.at).where(AuditEvent.seq == sealed))
    return {
        "state": state,
        "sealed_number": sealed,
        "sealed_at": clock.beijing(last) if last else None,
        "pending_number": db.session.scalar(select(func.count()).where(AuditEvent.seq.is_(None))),
        "broken_number": broken,
        "fault": fault,
        "verified_number": told.get("seq"),
        "verified_at": clock.beijing(verified.finished_at) if verified and verified.finished_at else None,
    }
