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
from app.console.views.sign_in import code_page, sign_in_page
from app.foundation.database import transaction
from app.foundation.errors import NotSignedIn
from app.foundation.http import Audience, load, page
from app.foundation.permissions import Actor, Permission
from app.identity import passwords, second_factor, service
from app.identity.api import checked_code, checked_password
from app.identity.authentication import CONSOLE_COOKIE_KEY, origin_of_request
from app.identity.models import Account
from app.identity.schemas import OpenOfficerSessionBody, SecondStepBody

_HALF_KEY: Final = "half_signed_in"
_UNAUTHORIZED: Final = 401
_WARNED_DAYS: Final = 7
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
    """Check the password, a wrong one is counted before the page says so; then ask for the second factor, if any."""
    following, kept = _given()
    on_refusal_show(_again, following, kept)
    body = load(OpenOfficerSessionBody(), typed_fields("username", "password"))
    account = checked_password(body["username"], body["password"])
    if account.sealed_otp_secret is None:
        return _begun(account, following, kept)
    session.clear()
    session[_HALF_KEY] = service.half_of(account)
    return code_page(following=following, kept=kept)


@pages.post("/sign-in/code")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE)
def give_code(_actor: Actor) -> Any:
    """Check the code of the second step, or a recovery code; each is good once."""
    following, kept = _given()
    on_refusal_show(_code_again, following, kept)
    code = load(SecondStepBody(), typed_fields("otp"))["otp"]
    try:
        account = checked_code(session.get(_HALF_KEY, {}), code)
    except NotSignedIn as refusal:  # the first step counts no longer
        session.pop(_HALF_KEY, None)
        return sign_in_page(message=refusal.detail, following=following, kept=kept), _UNAUTHORIZED
    return _begun(account, following, kept, *_told_of_code(account, code))


def _told_of_code(account: Account, code: str) -> list[str]:
    if not second_factor.is_recovery_code(code):
        return []
    left = second_factor.recovery_codes_left(account.id)
    return [f"您使用了恢复码登录，还剩 {left} 个。手机遗失的，请在“我的账号”中更换设备。"]


def _told_of_password(account: Account) -> list[str]:
    left = passwords.days_left(account.password_changed_at)
    if left is None or not 0 <= left < _WARNED_DAYS:
        return []
    return [f"密码将在 {left + 1} 天内到期，请在“我的账号”中修改。"]


def _given() -> tuple[str, str]:
    """Where the person was going, and the text that travels with the sign-in."""
    return local_path(request.form.get("next")), request.form.get("kept", "")


def _begun(account: Account, following: str, kept: str, *told: str) -> Any:
    """Begin the session, go on with what is to be told; who typed a text before gets it back first."""
    with transaction():
        begun, _ = service.open_session(account, Audience.CONSOLE, origin_of_request())
    session.clear()
    session[CONSOLE_COOKIE_KEY] = str(begun.id)
    for text in (*told, *_told_of_password(account)):
        flash(text, "warning")
    if kept:
        return rendered_plain("console/kept.html", office=office_name(), kept_text=kept, href=following)
    return see_other(following)


@pages.post("/sign-out")
@page(permission=Permission.SELF_SECURE, changes=True)
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


def _code_again(following: str, kept: str, *, problem: dict[str, Any]) -> str:
    return code_page(following=following, kept=kept, problem=problem)
