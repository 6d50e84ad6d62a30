"""The one cookie of the console, and who never gets it."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class CookieOfPages(SecureCookieSessionInterface):
    """The API knows its callers by bearer tokens alone: it reads no cookie and sets none."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """No session, which Flask then refuses to change, for every address of the API."""
        if request.path.startswith("/api/"):
            return None
        if "HTTP_COOKIE" not in request.environ:  # nothing to read: what would check its signature is not put together
            return self.session_class()
        return super().open_session(app, request)
