"""Sign-in end points of the mini-program and of the office API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import current_app, g

from app.foundation.database import end_reading, transaction
from app.foundation.errors import InvalidInput, ServiceUnavailable, SignInFailed, TooManyRequests
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.identity import delegation, lockout, schemas, service, wechat
from app.identity.authentication import origin_of_request

public_api = APIBlueprint("public_session", __name__, url_prefix="/api/v1")
office_api = APIBlueprint("office_session", __name__, url_prefix="/api/v1/office")


@public_api.post("/session")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=schemas.OpenReporterSessionBody(),
    answer=schemas.TokenView(),
    status=201,
    changes=False,
)
def open_reporter_session(_actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Exchange the code of ``wx.login`` for a token."""
    openid = exchange_code(body["code"])
    with transaction():
        token, expires_at = service.sign_in_reporter(openid)
    return {"token": token, "expires_at": expires_at}


@public_api.post("/session/phone")
@endpoint(
    audience=Audience.REPORTER,
    permission=Permission.PUBLIC_FILE,
    body=schemas.PhoneCodeBody(),
    answer=schemas.PhoneView(),
    changes=False,
)
def share_phone(_actor: Actor, body: dict[str, Any]) -> wechat.PhoneNumber:
    """Exchange the code of the phone-number button for the number, so that nobody types it; nothing is kept."""
    end_reading()
    client: wechat.WeChatClient = current_app.extensions["shudi_wechat"]
    with _refusals_of_wechat("手机号授权已失效，请重新授权或者手工填写", "微信暂时不可用，请手工填写手机号"):
        return client.phone_number(body["code"])


@public_api.delete("/session")
@endpoint(audience=Audience.REPORTER, permission=Permission.PUBLIC_FILE)
def end_reporter_session(_actor: Actor) -> dict[str, Any]:
    """Sign out of the mini-program; tokens issued until now open nothing."""
    service.end_reporter_sessions(g.openid_index)
    return {"status": "signed_out"}


@office_api.post("/session")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_FILE,
    body=schemas.OpenOfficerSessionBody(),
    answer=schemas.OfficerTokenView(),
    status=201,
    changes=False,
)
def open_officer_session(_actor: Actor, body: dict[str, Any]) -> service.SignedIn:
    """Sign an officer in."""
    account = checked_account(body["username"], body["password"], body["otp"])
    with transaction():
        return service.sign_in_officer(account, origin_of_request())


@office_api.delete("/session")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, status=200)
def end_officer_session(actor: Actor) -> dict[str, Any]:
    """Sign out; the token opens nothing afterwards."""
    service.end_session(actor)
    return {"status": "signed_out"}


@office_api.get("/delegations")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, answer=schemas.DelegationList(), changes=False)
def list_delegations(actor: Actor) -> dict[str, Any]:
    """Who acts for whom, as far as it concerns this person; all of it for the security administrator."""
    return {"items": delegation.delegations(actor)}


@office_api.post("/delegations")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.DelegateBody(),
    answer=schemas.DelegationView(),
    status=201,
)
def delegate(actor: Actor, body: dict[str, Any]) -> Any:
    """Let a colleague act in one's own role while one is absent."""
    return delegation.delegate(actor, **body)


@office_api.post("/delegations/<uuid:delegation_id>/end")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, answer=schemas.DelegationView())
def end_delegation(actor: Actor, delegation_id: UUID) -> Any:
    """End a delegation before its time."""
    return delegation.end(actor, delegation_id)


def checked_account(username: str, password: str, otp: str | None) -> Any:
    """Check credentials; a failure is counted before the refusal goes out."""
    with counting_failures(username):
        return service.check_credentials(username, password, otp)


def checked_password(username: str, password: str) -> Any:
    """The first half of a sign-in in two steps; a failure is counted."""
    with counting_failures(username):
        return service.check_password(username, password)


def checked_code(half: Mapping[str, str], otp: str) -> Any:
    """The second half, for who has done the first (see :func:`service.half_of`); a failure is counted."""
    with counting_failures(service.half_signed_in(half).username):
        account = service.half_signed_in(half)  # again: the guess before this one may have locked the name
        service.check_second_factor(account, otp)
    return account


@contextmanager
def counting_failures(username: str) -> Iterator[None]:
    """The transaction in which a proof is tried: what was tried rolls back when it is refused, and its failure counts.

    One at a time under one name, so that many guesses at once are not more than the lock allows.
    """
    refused: SignInFailed | None = None
    with transaction() as session:
        lockout.take_turn(username)
        try:
            with session.begin_nested():
                yield
        except SignInFailed as fault:
            lockout.note_failure(username)
            refused = fault
    if refused:
        raise refused


def exchange_code(code: str) -> str:
    """Ask WeChat whose code this is; raise the refusal that the mini-program can act on."""
    client: wechat.WeChatClient = current_app.extensions["shudi_wechat"]
    with _refusals_of_wechat("登录凭证无效或已使用，请重新登录", "微信登录暂时不可用，可以不登录直接匿名举报"):
        return client.exchange_code(code).openid


@contextmanager
def _refusals_of_wechat(code_invalid: str, away: str) -> Iterator[None]:
    """What WeChat refuses, in words that the mini-program can show."""
    try:
        yield
    except wechat.WeChatCodeInvalid as fault:
        raise InvalidInput(errors={"code": [code_invalid]}, code="wechat_code_invalid") from fault
    except wechat.WeChatRateLimited as fault:
        raise TooManyRequests(extra={"retry_after": 60}) from fault
    except wechat.WeChatError as fault:
        raise ServiceUnavailable(away) from fault
