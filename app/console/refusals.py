"""Refusals as pages. Nothing that a person typed is lost by one.

A form's view says with :func:`on_refusal_show` how its page is drawn again; a refusal then shows that page with the
problem above it and the fields filled. Everywhere else the error page hands the typed text back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, request, session, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from app.console.blueprint import pages
from app.console.forms import PROSE
from app.console.shell import office_name, rendered, rendered_plain, see_other
from app.console.views.sign_in import sign_in_page
from app.foundation.database import enter_wall
from app.foundation.errors import AddressNotAllowed, DomainError, NotSignedIn, SignInUnfinished
from app.foundation.http import Audience, current_actor, registry
from app.foundation.http_errors import problem_of
from app.foundation.permissions import Actor
from app.identity.authentication import CONSOLE_COOKIE_KEY

Problem = dict[str, Any]
_BAD_REQUEST: Final = 400
_NOT_SIGNED_IN: Final = 401
_SERVER_FAULT: Final = 500
_SERVICE_AWAY: Final = 503
_WORDED_BY_TEMPLATE: Final = frozenset({403, 404, 500, 503})
_EXPIRED_FORM: Final[Problem] = {
    "title": "页面已过期",
    "status": _BAD_REQUEST,
    "code": "csrf_failed",
    "detail": "为防止冒用，您刚才的操作没有执行。请返回原页面，刷新后重新提交。",
}


def register(app: Flask) -> None:
    """Draw every refusal outside the API as a page."""
    app.extensions["shudi_error_page"] = error_page
    app.register_error_handler(CSRFError, _form_expired)


def on_refusal_show(draw: Callable[..., str], *arguments: Any) -> None:
    """Let a refusal of this request be shown by ``draw(*arguments, problem=…)``."""
    g.draw_again = lambda problem: draw(*arguments, problem=problem)


def error_page(problem: Problem) -> str:
    """The page of a refusal or a fault: the form again where there is one, the error page otherwise."""
    draw_again = g.pop("draw_again", None)
    if draw_again is not None and (problem["status"] < _SERVER_FAULT or problem["status"] == _SERVICE_AWAY):
        try:
            page: str = draw_again(problem)
        except DomainError as error:  # what the form was about is out of sight now
            return _plain_or_framed(problem_of(error))
        except SQLAlchemyError:
            return _plain_or_framed(problem)
        return page
    return _plain_or_framed(problem)


def typed_text() -> str:
    """What the person wrote in the form of this request, field after field; empty when nothing was."""
    try:
        written = [text.strip() for name in PROSE for text in request.form.getlist(name)]
    except RequestEntityTooLarge:
        return ""
    return "\n\n".join(text for text in written if text)


def _plain_or_framed(problem: Problem) -> str:
    status = problem["status"]
    own_words = status in _WORDED_BY_TEMPLATE and problem["code"] != AddressNotAllowed.code
    told = "；".join(text for texts in problem.get("errors", {}).values() for text in texts)
    error = {
        "status": status,
        "title": None if own_words else problem["title"],
        "text": problem.get("detail") or told or (None if own_words else " "),
        "request_id": problem.get("request_id"),
        "retry_after": problem.get("retry_after"),
        "home_url": url_for("console.home"),
        "kept_text": typed_text() if request.method == "POST" else "",
    }
    if status >= _SERVER_FAULT:  # the database may be away
        return rendered_plain("console/errors/error.html", office="", error=error)
    actor = _viewer()
    if actor is None:
        return rendered_plain("console/errors/error.html", office=office_name(), error=error)
    return rendered("console/errors/error.html", actor, error=error)


def _viewer() -> Actor | None:
    """The officer who reads the error; an address that no page answers has not asked for him yet."""
    if current_actor().kind == "officer":
        return current_actor()
    if not session.get(CONSOLE_COOKIE_KEY):
        return None
    try:
        actor = registry().authenticators[Audience.CONSOLE]()
    except (NotSignedIn, AddressNotAllowed):
        return None
    enter_wall(actor.wall)
    return actor


def _form_expired(_fault: CSRFError) -> tuple[str, int]:
    return error_page(_EXPIRED_FORM | {"request_id": g.get("request_id", "")}), _BAD_REQUEST


@pages.errorhandler(NotSignedIn)
def lead_to_sign_in(error: NotSignedIn) -> Response:
    """Send to the sign-in page and back here afterwards; text typed into a form travels with the sign-in."""
    if session.pop(CONSOLE_COOKIE_KEY, None):
        session["sign_in_message"] = error.detail or error.title
    kept = typed_text() if request.method == "POST" else ""
    if kept:
        page = sign_in_page(message=session.pop("sign_in_message", None), kept=kept, following=_present_page())
        return Response(page, _NOT_SIGNED_IN, mimetype="text/html")
    address = url_for("console.ask_to_sign_in", next=_present_page())
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Redirect": address})
    return see_other(address)


@pages.errorhandler(SignInUnfinished)
def lead_to_due_step(error: SignInUnfinished) -> Response:
    """Send to the page of the step that comes before everything else, and back here afterwards."""
    address = url_for(_STEP_PAGES[error.extra["step"]], next=_present_page())
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Redirect": address})
    return see_other(address)


_STEP_PAGES: Final = {"password": "console.show_own_password", "second_factor": "console.show_second_factor"}


def _present_page() -> str:
    """The page the person looks at: this one, or the one that sent the form or the background request."""
    if request.method == "GET" and "HX-Request" not in request.headers:
        return request.full_path.rstrip("?")
    seen = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if seen.netloc != request.host:
        return url_for("console.home")
    return f"{seen.path}?{seen.query}" if seen.query else seen.path
