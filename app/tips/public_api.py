"""The public API: mini-program and web page."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import g

from app.enterprises import queries as register
from app.enterprises.schemas import SuggestEnterprisesQuery, SuggestionListView
from app.files import http as file_http
from app.files import service as files
from app.files.schemas import UploadForm, UploadView
from app.foundation.database import transaction
from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.geo.divisions import divisions
from app.identity.authentication import openid_index_of_request
from app.tips import queries, schemas, service
from app.tips.doors import admit

public_api = APIBlueprint("public", __name__, url_prefix="/api/v1")


@public_api.post("/uploads")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    form=UploadForm(),
    answer=UploadView(),
    status=201,
    changes=False,
)
def upload(_actor: Actor) -> Any:
    """Take one file, like ``wx.uploadFile``; the id is the only link to whoever sent it."""
    admit("uploads")
    received = file_http.receive_upload("public")
    with transaction():
        return files.register(received)


@public_api.post("/tips")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=schemas.SubmitTipBody(),
    answer=schemas.TipReceiptView(),
    status=201,
)
def submit_tip(_actor: Actor, body: dict[str, Any]) -> Any:
    """File a tip, with or without a name, with or without a session."""
    index = openid_index_of_request() if body["reporter"] is not None else None
    admit("tips", index)
    receipt = service.submit_tip(body, index, channel="miniprogram" if index else "web")
    return receipt, 200 if receipt.repeated else 201


@public_api.get("/tips")
@endpoint(
    audience=Audience.REPORTER,
    permission=Permission.PUBLIC_READ,
    query=schemas.ListOwnTipsQuery(),
    answer=schemas.OwnTipPage(),
    changes=False,
)
def list_own_tips(_actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """The real-name tips of this session's person."""
    rows = queries.own_tips(g.openid_index, from_cursor(query["cursor"]), query["limit"])
    shown = rows[: query["limit"]]
    more = len(rows) > len(shown)
    return {
        "items": [queries.own_line(*row) for row in shown],
        "next_cursor": to_cursor(shown[-1][0].registered_at, shown[-1][0].id) if more else None,
    }


@public_api.post("/jurisdiction/preview")
@endpoint(
    audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, body=schemas.PreviewJurisdictionBody(), changes=False
)
def preview_jurisdiction(_actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Which district would lead, and why; nothing is stored."""
    admit("preview")
    return service.preview(body)


@public_api.get("/enterprises")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_READ,
    query=SuggestEnterprisesQuery(),
    answer=SuggestionListView(),
    changes=False,
)
def suggest_enterprises(_actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Up to ten enterprises of the public register for a part of a name or the beginning of a code."""
    admit("enterprises")
    return {"items": register.suggestions(query["q"])}


@public_api.get("/divisions")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_READ,
    query=schemas.ListDivisionsQuery(),
    answer=schemas.DivisionListView(),
    changes=False,
)
def list_divisions(_actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Children of a division, for the pickers."""
    return {"items": divisions().children(query["parent"])}
