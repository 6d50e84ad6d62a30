"""The register of enterprises: look one up, read where it is registered, what it was called and what changed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request, url_for

from app.console.blueprint import pages
from app.console.shell import rendered
from app.console.views.enterprises import STATUS_CHOICES, line_view, one_view
from app.console.views.tip_list import paging
from app.enterprises import queries
from app.enterprises.schemas import ListEnterprisesQuery
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission

_A_PAGE = 20


@pages.get("/enterprises")
@page(permission=Permission.ENTERPRISE_READ)
def list_enterprises(actor: Actor) -> str:
    """Enterprises by a part of a present or former name, or by the beginning of a code."""
    query = load(ListEnterprisesQuery(), {name: value for name, value in request.args.items() if value})
    found = queries.page(actor, query["q"], query["status"], from_cursor(query["cursor"]), _A_PAGE)
    return rendered("console/enterprises/list.html", actor, **_list(query, found))


def _list(query: dict[str, Any], found: Any) -> dict[str, Any]:
    shown = found[:_A_PAGE]
    last = shown[-1] if len(found) > len(shown) else None
    filters = {name: query[name] for name in ("q", "status") if query[name]}
    following = to_cursor(last.changed_at, last.id) if last else None
    return {
        "filters": filters,
        "statuses": STATUS_CHOICES,
        "list_url": url_for("console.list_enterprises"),
        "rows": [line_view(row) for row in shown],
        "page": paging("console.list_enterprises", filters, query["cursor"], following, None),
    }


@pages.get("/enterprises/<uuid:enterprise_id>")
@page(permission=Permission.ENTERPRISE_READ)
def show_enterprise(actor: Actor, enterprise_id: UUID) -> str:
    """One enterprise with its names, its address read by the matcher, and its history."""
    row = queries.enterprise(actor, enterprise_id)
    one = one_view(row, queries.former_names(row.id), queries.history(row.id))
    return rendered("console/enterprises/detail.html", actor, one=one, list_url=url_for("console.list_enterprises"))
