"""From which networks each role may be used: what holds, what will hold, and the security administrator's form."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.console.blueprint import pages
from app.console.forms import typed_fields
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import address_ranges as views
from app.foundation import clock
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.identity import address_ranges
from app.identity.schemas import SetNetworksBody


@pages.get("/address-ranges")
@page(permission=Permission.ROLE_GRANT)
def list_address_ranges(actor: Actor) -> str:
    """Every role with its networks, every row there ever was."""
    return _ranges_page(actor)


def _ranges_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    view = views.ranges_view(actor, request.remote_addr, (problem or {}).get("errors", {}))
    return rendered("console/address_ranges.html", actor, problem=problem, **view)


@pages.post("/address-ranges")
@page(permission=Permission.ROLE_GRANT, changes=True)
def set_address_range(actor: Actor) -> Response:
    """Say from which networks a role may be used; asks once more before it shuts the own role out of here."""
    on_refusal_show(_ranges_page, actor)
    given = typed_fields("role", "networks", "starts_at", "reason", "even_without_me")
    body = load(SetNetworksBody(), given)
    starts_at = body["starts_at"].replace(tzinfo=clock.BEIJING) if body["starts_at"] else None
    address_ranges.set_networks(
        actor,
        body["role"],
        address_ranges.parsed(body["networks"]),
        starts_at,
        body["reason"],
        address=request.remote_addr,
        even_without_me=body["even_without_me"],
    )
    return done(f"“{body['role'].text}”的登录地址范围已登记。", "console.list_address_ranges")
