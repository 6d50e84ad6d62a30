"""The office API on places: try an address, maintain zones, aliases and precedents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.geo import maintenance, queries, schemas, service
from app.geo.models import GeoAlias, GeoZone, Precedent

office_api = APIBlueprint("office_geo", __name__, url_prefix="/api/v1/office/geo")


@office_api.post("/match")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_READ,
    body=schemas.MatchAddressBody(),
    answer=schemas.MatchView(),
    changes=False,
)
def match_address(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """What an address says, with the office's own knowledge; nothing is stored."""
    hint = body.get("hint_code", service.region_code())
    return queries.told(*service.read_address(actor, body["address"], hint))


@office_api.get("/zones")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_READ,
    query=schemas.ListKnowledgeQuery(),
    answer=schemas.ZonePage(),
    changes=False,
)
def list_zones(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Functional zones that the office has noted, and those of the list that it has not."""
    return _page(actor, GeoZone, query) | {"without_agreement": queries.zones_without_agreement(service.region_code())}


@office_api.post("/zones")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_MAINTAIN,
    body=schemas.AddZoneBody(),
    answer=schemas.ZoneView(),
    status=201,
)
def add_zone(actor: Actor, body: dict[str, Any]) -> GeoZone:
    """Note a zone and who takes it."""
    return maintenance.add_zone(actor, body)


@office_api.patch("/zones/<uuid:row_id>")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_MAINTAIN,
    body=schemas.ChangeZoneBody(),
    answer=schemas.ZoneView(),
)
def change_zone(actor: Actor, row_id: UUID, body: dict[str, Any]) -> GeoZone:
    """Change who takes a zone, or its names."""
    return maintenance.change_zone(actor, row_id, body.pop("expected_version"), body)


@office_api.post("/zones/<uuid:row_id>/withdraw")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_MAINTAIN,
    body=schemas.WithdrawBody(),
    answer=schemas.ZoneView(),
)
def withdraw_zone(actor: Actor, row_id: UUID, body: dict[str, Any]) -> Any:
    """Withdraw an agreement; the zone is then as if nothing had been agreed."""
    return maintenance.withdraw(actor, "zone", row_id, body["expected_version"], body["reason"])


@office_api.get("/aliases")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_READ,
    query=schemas.ListKnowledgeQuery(),
    answer=schemas.AliasPage(),
    changes=False,
)
def list_aliases(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """What people here call districts and townships."""
    return _page(actor, GeoAlias, query)


@office_api.post("/aliases")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_MAINTAIN,
    body=schemas.AddAliasBody(),
    answer=schemas.AliasView(),
    status=201,
)
def add_alias(actor: Actor, body: dict[str, Any]) -> GeoAlias:
    """Note a local name."""
    return maintenance.add_alias(actor, body)


@office_api.post("/aliases/<uuid:row_id>/withdraw")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_MAINTAIN,
    body=schemas.WithdrawBody(),
    answer=schemas.AliasView(),
)
def withdraw_alias(actor: Actor, row_id: UUID, body: dict[str, Any]) -> Any:
    """Withdraw a local name."""
    return maintenance.withdraw(actor, "alias", row_id, body["expected_version"], body["reason"])


@office_api.get("/precedents")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_READ,
    query=schemas.ListKnowledgeQuery(),
    answer=schemas.PrecedentPage(),
    changes=False,
)
def list_precedents(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Decisions about addresses within this person's sight."""
    return _page(actor, Precedent, query)


@office_api.post("/precedents")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_MAINTAIN,
    body=schemas.AddPrecedentBody(),
    answer=schemas.PrecedentView(),
    status=201,
)
def add_precedent(actor: Actor, body: dict[str, Any]) -> Precedent:
    """Enter a decision about an address."""
    return maintenance.add_precedent(actor, body)


@office_api.post("/precedents/<uuid:row_id>/withdraw")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.GEO_MAINTAIN,
    body=schemas.WithdrawBody(),
    answer=schemas.PrecedentView(),
)
def withdraw_precedent(actor: Actor, row_id: UUID, body: dict[str, Any]) -> Any:
    """Withdraw a decision; it is not cited any more."""
    return maintenance.withdraw(actor, "precedent", row_id, body["expected_version"], body["reason"])


def _page(actor: Actor, model: type[GeoZone | GeoAlias | Precedent], query: dict[str, Any]) -> dict[str, Any]:
    rows = queries.page(actor, model, query["q"], from_cursor(query["cursor"]), query["limit"])
    shown = rows[: query["limit"]]
    last = shown[-1] if len(rows) > len(shown) else None
    return {"items": shown, "next_cursor": to_cursor(last.created_at, last.id) if last else None}
