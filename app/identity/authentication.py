"""How each audience proves who it is; plugged into ``foundation.http`` when the application is made."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import Flask, g, request, session

from app.foundation.database import transaction
from app.foundation.errors import NotSignedIn
from app.foundation.http import Audience, registry
from app.foundation.permissions import PUBLIC, Actor
from app.identity import address_ranges, service, sessions, tokens
from app.identity.sessions import Origin

CONSOLE_COOKIE_KEY = "staff_session"
LONGEST_AGENT = 200


def register_authenticators(app: Flask) -> None:
    """Connect every audience to its proof."""
    found = registry(app).authenticators
    found[Audience.REPORTER] = reporter
    found[Audience.OFFICER] = officer
    found[Audience.CONSOLE] = console_officer


def reporter() -> Actor:
    """The person of a mini-program token; the blind index of the openid is put on ``g.openid_index``."""
    claims = tokens.bearer_claims(Audience.REPORTER)
    try:
        index = bytes.fromhex(claims["sub"])
    except ValueError as fault:
        raise NotSignedIn from fault
    if not service.reporter_session_holds(index, claims["iat"]):
        raise NotSignedIn("登录已失效，请重新登录")
    g.openid_index = index
    return replace(PUBLIC, kind="public", name="举报人")


def openid_index_of_request() -> bytes | None:
    """The blind index of the openid when the request carries a mini-program token, else nothing.

    A token that is sent must be good: silently filing as somebody else would break the reporter's expectation.
    """
    if "Authorization" not in request.headers:
        return None
    reporter()
    index: bytes = g.openid_index
    return index


def officer() -> Actor:
    """The officer of an office API token."""
    claims = tokens.bearer_claims(Audience.OFFICER)
    try:
        session_id = UUID(claims["jti"])
    except ValueError as fault:
        raise NotSignedIn from fault
    actor = sessions.actor_of_session(session_id, Audience.OFFICER)
    address_ranges.refuse_foreign(actor, request.remote_addr)
    return actor


def console_officer() -> Actor:
    """The officer of a console cookie; keeps the idle clock going."""
    raw = session.get(CONSOLE_COOKIE_KEY)
    if not raw:
        raise NotSignedIn
    actor, unseen_for_long = sessions.actor_at_console(UUID(raw))
    address_ranges.refuse_foreign(actor, request.remote_addr)
    if unseen_for_long:
        with transaction():
            sessions.touch_session(UUID(raw))
    return actor


def origin_of_request() -> Origin:
    """Where the present request comes from; a proxy's word counts as far as ``TRUSTED_PROXIES`` says."""
    return Origin(request.remote_addr or "", request.headers.get("User-Agent", "")[:LONGEST_AGENT])
