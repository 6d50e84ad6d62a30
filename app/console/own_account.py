"""My account: password, second factor, recovery codes, and where I am signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask_wtf.csrf import generate_csrf

from app.console.blueprint import pages
from app.console.forms import typed_fields
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered, see_other
from app.console.sign_in import local_path
from app.console.views import own_account as views
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.identity import own_account, sessions
from app.identity.api import counting_failures
from app.identity.schemas import ChangePasswordBody, EnrolSecondFactorBody, SecondStepBody


@pages.get("/account")
@page(permission=Permission.SELF_USE)
def show_own_account(actor: Actor) -> str:
    """What protects the own account, and where it is signed in."""
    return _account_page(actor)


def _account_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    return rendered("console/own_account/account.html", actor, problem=problem, **views.account_view(actor))


@pages.get("/session/alive")
@page(permission=Permission.SELF_SECURE)
def stay_signed_in(actor: Actor) -> Response:
    """Somebody is at work on a page that sends nothing: the idle clock begins anew, as with every request.

    Tells who is signed in and the token of forms, so that a page may go on that was open over a new sign-in.
    """
    answer = jsonify(account=str(actor.account_id), token=generate_csrf())
    answer.headers["Cache-Control"] = "no-store"
    return answer


# The password -------------------------------------------------------------------------------------------------------


@pages.get("/account/password")
@page(permission=Permission.SELF_SECURE)
def show_own_password(actor: Actor) -> str:
    """The form for a new password; at the first sign-in and with an old password nothing else opens before."""
    return _password_page(actor)


def _password_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    return rendered(
        "console/own_account/password.html",
        actor,
        due=actor.due_step == "password",
        fields=views.password_fields((problem or {}).get("errors", {})),
        following=_following(),
        problem=problem,
    )


@pages.post("/account/password")
@page(permission=Permission.SELF_SECURE)  # a wrong present password has to count: no transaction around
def change_own_password(actor: Actor) -> Response:
    """Take a new password; the other sessions of the person end."""
    on_refusal_show(_password_page, actor)
    body = load(ChangePasswordBody(), typed_fields("present", "password", "repeated"))
    with counting_failures(own_account.account_of(actor).username):
        own_account.check_password(actor, body["present"])
        own_account.change_password(actor, body["password"])
    return _done("密码已修改，您在其他设备上的登录已退出。")


# The second factor --------------------------------------------------------------------------------------------------


@pages.get("/account/second-factor")
@page(permission=Permission.SELF_SECURE)
def show_second_factor(actor: Actor) -> str:
    """The code to scan, for a first device or another one."""
    return _enrolment_page(actor)


def _enrolment_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    offer = request.form.get("offer")
    return rendered(
        "console/own_account/second_factor.html",
        actor,
        due=actor.due_step == "second_factor",
        following=_following(),
        problem=problem,
        **views.enrolment(actor, (problem or {}).get("errors", {}), offer),
    )


@pages.post("/account/second-factor")
@page(permission=Permission.SELF_SECURE)  # a wrong code of the present device has to count: no transaction around
def enrol_second_factor(actor: Actor) -> str:
    """Begin to ask for the codes of a device; shows the recovery codes once."""
    on_refusal_show(_enrolment_page, actor)
    body = load(EnrolSecondFactorBody(), typed_fields("offer", "code", "present_code"))
    code = body["code"].replace(" ", "").strip()
    with counting_failures(own_account.account_of(actor).username):
        codes = own_account.enrol_second_factor(actor, body["offer"], code, body["present_code"])
    return _codes_page(actor, codes, "动态码已启用")


@pages.post("/account/recovery-codes")
@page(permission=Permission.SELF_USE)  # a wrong code has to count: no transaction around
def remake_recovery_codes(actor: Actor) -> str:
    """Ten new recovery codes, shown once; those of before open nothing any more."""
    on_refusal_show(_account_page, actor)
    body = load(SecondStepBody(), typed_fields("otp"))
    with counting_failures(own_account.account_of(actor).username):
        codes = own_account.remake_recovery_codes(actor, body["otp"])
    return _codes_page(actor, codes, "恢复码已重新生成")


def _codes_page(actor: Actor, codes: list[str], title: str) -> str:
    return rendered("console/own_account/codes.html", actor, codes=codes, heading=title, following=_following())


# Sessions -----------------------------------------------------------------------------------------------------------


@pages.post("/account/sessions/<uuid:session_id>/end")
@page(permission=Permission.SELF_USE, changes=True)
def end_own_session(actor: Actor, session_id: UUID) -> Response:
    """Sign out somewhere else."""
    sessions.end_own(actor, session_id)
    return done("该设备已退出登录。", "console.show_own_account")


@pages.post("/account/sessions/end-others")
@page(permission=Permission.SELF_USE, changes=True)
def end_other_sessions(actor: Actor) -> Response:
    """Sign out everywhere but here."""
    ended = sessions.end_others(actor)
    return done(f"已退出其他 {ended} 处登录。", "console.show_own_account")


def _following() -> str:
    """Where the person was going before a step of the sign-in came first; the own account where nowhere."""
    wanted = request.values.get("next")
    return local_path(wanted) if wanted else url_for("console.show_own_account")


def _done(text: str) -> Response:
    done(text, "console.show_own_account")
    return see_other(_following())
