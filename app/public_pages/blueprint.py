"""The blueprint of the public pages, its headers and its choice of text size and language.

No cookie is set or read here: nothing may lead from an anonymous tip to a browser. The chosen text size and language
travel in the address; forms carry the codes in their fields, so that no code stands in an address. Without a cookie
there is no authority that a foreign page could borrow; a form sent by one is refused all the same.
"""

from __future__ import annotations

from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, g, request

from app.foundation.errors import Forbidden
from app.public_pages import languages

VIEWS: Final = ("large", "largest")
"""Text of 22 and of 30 pixels; the ordinary page has 18 (MIIT 适老化通用设计规范: 18 to 30)."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

pages: Final = APIBlueprint(
    "public_pages",
    "app.public_pages",
    url_prefix="/report",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
    enable_openapi=False,
)


@pages.before_request
def _refuse_foreign_forms() -> None:
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Forbidden("请从本网站的页面提交")


@pages.before_request
def _note_view() -> None:
    view = request.args.get("view", "")
    g.public_view = view if view in VIEWS else ""
    languages.note(request.args.get("lang", ""))


@pages.url_defaults
def _keep_view(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint.endswith(".static"):
        return
    if g.get("public_view"):
        values.setdefault("view", g.public_view)
    if languages.chosen().code != languages.SOURCE:
        values.setdefault("lang", languages.chosen().code)


@pages.after_request
def _add_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
