"""A claim looked at by its owner, with number and code; both travel in the body alone."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from app.cases import claim_query
from app.cases import ledger_schemas as schemas
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.tips.doors import caller

public_api = APIBlueprint("claims", __name__, url_prefix="/api/v1")


@public_api.post("/claims/query")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=schemas.QueryClaimBody(),
    answer=schemas.OwnClaimView(),
)
def query_claim(_actor: Actor, body: dict[str, str]) -> dict[str, Any]:
    """What was verified, distributed and paid of a claim. A look is declared a change: it leaves an audit row."""
    return claim_query.open_claim(body["query_number"], body["query_code"], caller())
