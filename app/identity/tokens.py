"""Tokens: JWTs for the mini-program and the office API, checked against the server's own record at each request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import jwt
from flask import current_app, request

from app.foundation import clock
from app.foundation.errors import NotSignedIn
from app.foundation.http import Audience

ALGORITHM: Final = "HS256"
LIFETIME: Final = {Audience.REPORTER: timedelta(hours=12), Audience.OFFICER: timedelta(hours=8)}


def issue(audience: Audience, subject: str, token_id: UUID, issued_at: datetime) -> tuple[str, datetime]:
    """A signed token and the moment it expires."""
    expires_at = issued_at + LIFETIME[audience]
    claims = {
        "aud": audience.value,
        "sub": subject,
        "jti": str(token_id),
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return jwt.encode(claims, current_app.config["SECRET_KEY"], ALGORITHM), expires_at


def bearer_claims(audience: Audience) -> Mapping[str, Any]:
    """The claims of the request's bearer token; raise ``NotSignedIn`` unless it is ours, fresh and for ``audience``."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn
    try:
        claims = _signed_claims(token, current_app.config["SECRET_KEY"], audience)
    except jwt.InvalidTokenError as fault:
        raise NotSignedIn("登录凭证无效，请重新登录") from fault
    if not isinstance(claims["exp"], int) or claims["exp"] <= clock.now().timestamp():
        raise NotSignedIn("登录已过期，请重新登录", code="token_expired")
    return claims


@lru_cache(maxsize=512)
def _signed_claims(token: str, secret_key: str, audience: Audience) -> Mapping[str, Any]:
    """What a token of ours says; whether it still holds is asked at each request.

    The same words under the same key are as good the next time: an officer sends one token all day, and to check it
    anew took a twentieth of an action. What is refused is never kept.
    """
    claims: dict[str, Any] = jwt.decode(
        token,
        secret_key,
        [ALGORITHM],
        audience=audience.value,
        # The library would ask the machine's time; ours comes from the clock alone.
        options={"require": ["exp", "iat", "sub", "jti", "aud"], "verify_exp": False, "verify_iat": False},
    )
    return MappingProxyType(claims)
