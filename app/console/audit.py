"""The audit log, for auditors alone."""

from __future__ import annotations

from typing import Any, Final

from flask import current_app, request, url_for
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from app.audit import chain
from app.audit.models import AuditEvent, AuditHead
from app.console import queries
from app.console.blueprint import pages
from app.console.shell import rendered
from app.console.views.audit_log import action_choices, audit_line
from app.console.views.tip_list import paging
from app.foundation import clock
from app.foundation.database import db
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.tips.schemas import PlainText

_A_PAGE: Final = 50
VERIFIED_ON_PAGE_UP_TO: Final = 10_000
"""Rows whose whole chain is verified while the page is made; beyond it the command does that."""


class ListAuditQuery(Schema):
    """Filters of the log as they stand in the address."""

    q = PlainText(100, load_default=None)
    action = fields.String(load_default=None, validate=validate.Length(max=100))
    result = fields.String(load_default=None, validate=validate.OneOf(["done", "refused"], error="未知的结果"))
    since = fields.Date(load_default=None, data_key="from")
    until = fields.Date(load_default=None, data_key="to")
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, 2**62, error="翻页标记无效"))


@pages.get("/audit")
@page(permission=Permission.AUDIT_READ)
def list_audit_events(actor: Actor) -> str:
    """The log, newest first, and whether its chain holds."""
    query = load(ListAuditQuery(), {name: value for name, value in request.args.items() if value})
    cursor = query.pop("cursor")
    return rendered("console/audit.html", actor, chain=_chain(), **_log(query, cursor))


def _log(query: dict[str, Any], cursor: int | None) -> dict[str, Any]:
    wanted = queries.AuditFilter(
        q=query["q"],
        action=query["action"],
        succeeded=query["result"] == "done" if query["result"] else None,
        since=query["since"],
        until=query["until"],
    )
    rows = queries.audit_page(wanted, cursor, _A_PAGE)
    shown = rows[:_A_PAGE]
    following = str(shown[-1].id) if len(rows) > len(shown) else None
    units = queries.unit_names({event.unit_id for event in shown})
    filters = {name: query[field] for name, field in _IN_ADDRESS.items() if query[field]}
    return {
        "filters": filters,
        "actions": action_choices(),
        "list_url": url_for("console.list_audit_events"),
        "rows": [audit_line(event, units.get(event.unit_id, "")) for event in shown],
        "page": paging("console.list_audit_events", filters, str(cursor) if cursor else None, following, None),
    }


_IN_ADDRESS: Final = {"q": "q", "action": "action", "result": "result", "from": "since", "to": "until"}


def _chain() -> dict[str, Any]:
    """Whether the sealed chain holds; a long one is not walked for a page, and the page says so."""
    head = db.session.get(AuditHead, 1)
    sealed = head.seq if head else 0
    pending = db.session.scalar(select(func.count()).where(AuditEvent.seq.is_(None)))
    state, broken = "unverified", None
    if sealed <= VERIFIED_ON_PAGE_UP_TO:
        verdict = list(chain.verify(current_app.extensions["shudi_crypto"]))[-1]
        state, broken = ("ok" if verdict.intact else "broken"), verdict.broken_at
    last = db.session.scalar(select(AuditEvent.at).where(AuditEvent.seq == sealed))
    return {
        "state": state,
        "sealed_number": sealed,
        "sealed_at": clock.beijing(last) if last else None,
        "pending_number": pending,
        "broken_number": broken,
    }
