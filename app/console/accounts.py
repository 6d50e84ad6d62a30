"""People and their roles: accounts kept by the system administrator, roles granted by the security administrator."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, make_response, request, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import accounts
from app.console.views.actions import refused_form
from app.console.views.fields import FormState
from app.console.views.problems import problem_views
from app.console.views.tip_list import paging
from app.foundation.database import transaction
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.identity import account_security, queries, staff
from app.identity.schemas import (
    ChangeAccountBody,
    GiveReasonBody,
    GrantRoleBody,
    ListAccountsQuery,
    OpenAccountBody,
)
from app.identity.separation import OVERSEERS
from app.workflow.states import Status

_A_PAGE: Final = 30


@pages.get("/people")
@page(permission=Permission.ACCOUNT_READ)
def list_accounts(actor: Actor) -> str:
    """Every account with its role; the filters live in the address."""
    return _list_page(actor)


def _list_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    query = load(ListAccountsQuery(), {name: value for name, value in request.args.items() if value})
    cursor = query.pop("cursor")
    wanted = queries.AccountFilter(query["q"], query["unit"], query["role"], query["state"])
    found = queries.account_page(actor, wanted, cursor, _A_PAGE)
    shown = found[:_A_PAGE]
    following = shown[-1].username if len(found) > len(shown) else None
    filters = {name: value for name, value in query.items() if value}
    refused, errors = refused_form(problem)
    adding = accounts.adding(actor, FormState(refused=refused, errors=errors))
    return rendered(
        "console/accounts/list.html",
        actor,
        filters=filters,
        **accounts.choices(),
        rows=accounts.lines(shown),
        forms=adding,
        list_url=url_for("console.list_accounts"),
        page=paging("console.list_accounts", filters, cursor, following, None),
        **problem_views(problem, adding, [], Status),
    )


@pages.post("/people")
@page(permission=Permission.ACCOUNT_MANAGE, changes=True)
def open_account(actor: Actor) -> Response:
    """Make an account; its first password is on the answer alone."""
    on_refusal_show(_list_page, actor)
    body = load(OpenAccountBody(), forms.typed_fields("username", "display_name", "division"))
    account, password = staff.open_account(actor, body["username"], body["display_name"], body["division"])
    return _told_once(actor, account.id, account.username, password)


def _told_once(actor: Actor, account_id: UUID, username: str, password: str) -> Response:
    """A password that is shown once: it goes into no cookie, no address and no cache."""
    account_url = url_for("console.show_account", account_id=account_id)
    answer = make_response(
        rendered("console/accounts/password.html", actor, username=username, password=password, url=account_url)
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/people/<uuid:account_id>")
@page(permission=Permission.ACCOUNT_READ)
def show_account(actor: Actor, account_id: UUID) -> str:
    """One person: role, state, what was changed; with the forms of this administrator."""
    return _account_page(actor, account_id)


def _account_page(actor: Actor, account_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    account = staff.account_in_sight(actor, account_id)
    refused, errors = refused_form(problem)
    view = accounts.detail(actor, account, FormState(refused=refused, errors=errors))
    return rendered(
        "console/accounts/detail.html",
        actor,
        list_url=url_for("console.list_accounts"),
        **view,
        **problem_views(problem, view["forms"], [], Status),
    )


@pages.post("/people/<uuid:account_id>/change")
@page(permission=Permission.ACCOUNT_MANAGE, changes=True)
def change_account(actor: Actor, account_id: UUID) -> Response:
    """Correct the name, or move the person to another unit."""
    on_refusal_show(_account_page, actor, account_id)
    body = load(ChangeAccountBody(), forms.typed_fields("display_name", "division", "reason"))
    staff.change_account(
        actor, account_id, forms.seen_version(), body["display_name"], body["division"], body["reason"]
    )
    return done("已保存。", "console.show_account", account_id=account_id)


@pages.post("/people/<uuid:account_id>/disable")
@page(permission=Permission.ACCOUNT_MANAGE, changes=True)
def disable_account(actor: Actor, account_id: UUID) -> Response:
    """Close the account at once."""
    on_refusal_show(_account_page, actor, account_id)
    staff.disable(actor, account_id, _reason())
    return done("账号已停用，已登录的会话全部结束。", "console.show_account", account_id=account_id)


@pages.post("/people/<uuid:account_id>/enable")
@page(permission=Permission.ACCOUNT_MANAGE, changes=True)
def enable_account(actor: Actor, account_id: UUID) -> Response:
    """Open the account again."""
    on_refusal_show(_account_page, actor, account_id)
    staff.enable(actor, account_id, _reason())
    return done("账号已启用。", "console.show_account", account_id=account_id)


@pages.post("/people/<uuid:account_id>/role")
@page(permission=Permission.ROLE_GRANT, changes=True)
def grant_role(actor: Actor, account_id: UUID) -> Response:
    """Grant a role from a day to a day."""
    on_refusal_show(_account_page, actor, account_id)
    body = load(GrantRoleBody(), forms.typed_fields("role", "starts_on", "ends_on", "reason"))
    days, why = (body["starts_on"], body["ends_on"]), body["reason"]
    granted = staff.grant_role(actor, account_id, forms.seen_version(), body["role"], *days, why)
    voided = "新任的，原密码已作废，请按本页说明重置后交给本人。" if granted.role in OVERSEERS else ""
    return done(f"岗位已授予。{voided}", "console.show_account", account_id=account_id)


@pages.post("/people/<uuid:account_id>/role/withdraw")
@page(permission=Permission.ROLE_GRANT, changes=True)
def withdraw_role(actor: Actor, account_id: UUID) -> Response:
    """Take the role away."""
    on_refusal_show(_account_page, actor, account_id)
    staff.withdraw_role(actor, account_id, _reason())
    return done("岗位已收回。", "console.show_account", account_id=account_id)


# What an administrator does about somebody's sign-in -----------------------------------------------------------------


def _reason() -> str:
    reason: str = load(GiveReasonBody(), forms.typed_fields("reason"))["reason"]
    return reason


@pages.post("/people/<uuid:account_id>/password")
@page(permission=Permission.ACCOUNT_READ, changes=False)  # one of two administrators; the service tells who
def reset_password(actor: Actor, account_id: UUID) -> Response:
    """Give a new first password, which is on the answer alone."""
    on_refusal_show(_account_page, actor, account_id)
    reason = _reason()
    with transaction():
        password = account_security.reset_password(actor, account_id, reason)
    return _told_once(actor, account_id, staff.account_in_sight(actor, account_id).username, password)


@pages.post("/people/<uuid:account_id>/unlock")
@page(permission=Permission.ACCOUNT_MANAGE, changes=True)
def unlock_account(actor: Actor, account_id: UUID) -> Response:
    """Let somebody sign in again before the lock ends."""
    on_refusal_show(_account_page, actor, account_id)
    account_security.unlock(actor, account_id)
    return done("登录锁定已解除。", "console.show_account", account_id=account_id)


@pages.post("/people/<uuid:account_id>/second-factor/remove")
@page(permission=Permission.ROLE_GRANT, changes=True)
def remove_second_factor(actor: Actor, account_id: UUID) -> Response:
    """Take away the second factor of somebody who lost the device."""
    on_refusal_show(_account_page, actor, account_id)
    account_security.remove_second_factor(actor, account_id, _reason())
    return done("动态码已解除，本人下次登录时重新启用。", "console.show_account", account_id=account_id)


@pages.post("/people/<uuid:account_id>/sessions/end")
@page(permission=Permission.ACCOUNT_READ, changes=False)  # either administrator; the service tells who
def end_account_sessions(actor: Actor, account_id: UUID) -> Response:
    """Sign somebody out everywhere."""
    on_refusal_show(_account_page, actor, account_id)
    reason = _reason()
    with transaction():
        ended = account_security.end_sessions(actor, account_id, reason)
    return done(f"已结束 {ended} 处登录。", "console.show_account", account_id=account_id)
