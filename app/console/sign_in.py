"""Signing in and out. A sign-in begins a new session, so that nobody can have prepared it for somebody else."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, flash, request, session, url_for

from app.console.blueprint import pages
from app.console.forms import typed_fields
from app.console.refusals import on_refusal_show
from app.console.shell import office_name, rendered_plain, see_other
from app.console.views.sign_in import sign_in_page
from app.foundation.database import transaction
from app.foundation.http import Audience, load, page
from app.foundation.permissions import Actor, Permission
from app.identity import service
from app.identity.api import checked_account
from app.identity.authentication import CONSOLE_COOKIE_KEY
from app.identity.schemas import OpenOfficerSessionBody

_LOCAL_PATH: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


@pages.get("/sign-in")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def ask_to_sign_in(_actor: Actor) -> Any:
    """The sign-in page; who is signed in goes on at once."""
    following = local_path(request.args.get("next"))
    if session.get(CONSOLE_COOKIE_KEY):
        return see_other(following)
    return sign_in_page(message=session.pop("sign_in_message", None), following=following)


@pages.post("/sign-in")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE)
def sign_in(_actor: Actor) -> Any:
    """Check the credentials; wrong ones are counted before the page says so."""
    given = request.form
    following, kept = local_path(given.get("next")), given.get("kept", "")
    on_refusal_show(_again, following, kept)
    body = load(OpenOfficerSessionBody(), typed_fields("username", "password", "otp"))
    account = checked_account(body["username"], body["password"], body["otp"])
    with transaction():
        begun, _ = service.open_session(account, Audience.CONSOLE)
    session.clear()
    session[CONSOLE_COOKIE_KEY] = str(begun.id)
    if kept:
        return rendered_plain("console/kept.html", office=office_name(), kept_text=kept, href=following)
    return see_other(following)


@pages.post("/sign-out")
@page(permission=Permission.SELF_USE, changes=True)
def sign_out(actor: Actor) -> Response:
    """End the session on the server, and forget the cookie's content."""
    service.end_session(actor)
    session.clear()
    flash("您已退出登录。", "info")
    return see_other(url_for("console.ask_to_sign_in"))


def local_path(address: str | None) -> str:
    """``address`` when it is a path of this site, the home page otherwise: nobody is sent elsewhere."""
    if address and _LOCAL_PATH.fullmatch(address) and not urlsplit(address).netloc:
        return address
    return url_for("console.home")


def _again(following: str, kept: str, *, problem: dict[str, Any]) -> str:
    return sign_in_page(following=following, kept=kept, username=request.form.get("username", "")[:64], problem=problem)
