"""No form of the console without its token.

The JSON API needs none: it takes a bearer token and never looks at the cookie. Every page that a cookie opens hangs on
the console's blueprint, so the check hangs there as well.
"""

from __future__ import annotations

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from app.console.blueprint import pages

_protection = CSRFProtect()


def register(app: Flask) -> None:
    """Make ``csrf_token()`` known to the templates; ``WTF_CSRF_CHECK_DEFAULT`` is off, the blueprint checks."""
    _protection.init_app(app)


@pages.before_request
def _check() -> None:
    _protection.protect()
