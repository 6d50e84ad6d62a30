"""Accounts as lines, one account with its forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for

from app.audit.queries import changed_at_number, changes_of
from app.console import queries
from app.console.views import chinese
from app.console.views.actions import form_of
from app.console.views.changes import change_lines
from app.console.views.fields import Field, FormState, options, select, text
from app.foundation import clock
from app.foundation.permissions import Actor, Permission, Role
from app.identity.lockout import locked_until, locks_of
from app.identity.models import Account
from app.identity.queries import active_units
from app.identity.schemas import ACCOUNT_STATES
from app.identity.separation import may_reset_password

_LONGEST: int = 500


def choices() -> dict[str, Any]:
    """What the list can be filtered by."""
    return {
        "units": [{"value": unit.id, "label": unit.name} for unit in active_units()],
        "roles": [{"value": role.value, "label": role.text} for role in Role],
        "states": options(ACCOUNT_STATES),
    }


def lines(rows: Sequence[Account]) -> list[dict[str, Any]]:
    """One line an account."""
    units, locks = queries.unit_names({one.unit_id for one in rows}), locks_of(one.username for one in rows)
    return [
        {
            "href": url_for("console.show_account", account_id=one.id),
            "name": one.display_name,
            "username": one.username,
            "unit": units.get(one.unit_id, ""),
            "role": _role_text(one),
            "days": _days(one),
            "state": _state(one, locked=one.username in locks),
        }
        for one in rows
    ]


def _role_text(one: Account) -> str:
    return one.granted_role.text if one.role else "未授予"


def _days(one: Account) -> str:
    if not one.role or not (one.role_from or one.role_until):
        return ""
    begins = f"{chinese.day(one.role_from)} 起" if one.role_from else ""
    return f"{begins}{f'至 {chinese.day(one.role_until)}' if one.role_until else ''}"


def _state(one: Account, *, locked: bool) -> dict[str, str]:
    if one.active and locked:
        return {"text": "登录锁定", "tone": "urgent"}
    if not one.active:
        return {"text": ACCOUNT_STATES["disabled"], "tone": "end"}
    if not one.serves_on(clock.today()):
        return {"text": ACCOUNT_STATES["no_role"], "tone": "warn"}
    return {"text": ACCOUNT_STATES["in_office"], "tone": "done"}


def adding(actor: Actor, state: FormState) -> list[dict[str, Any]]:
    """The form for a new account; none for who only grants roles."""
    if not actor.may(Permission.ACCOUNT_MANAGE):
        return []
    fields = [
        _line("username", "用户名", 64, hint="文字、数字、点、@、横线或下划线；创建后不能修改"),
        _line("display_name", "姓名", 50),
        _unit_field(None),
    ]
    described = "创建后没有岗位，须由安全管理员授予岗位后才能登录。初始密码只显示一次。"
    form = form_of("open_account", "创建账号", fields, described, state)
    return [form | {"url": url_for("console.open_account")}]


def _line(name: str, label: str, longest: int, *, value: str = "", hint: str = "") -> Field:
    asked: Field = {"name": name, "label": label, "kind": "text", "required": True, "max_length": longest}
    return asked | {"value": value, "hint": hint, "autocomplete": "off"}


def _unit_field(division: str | None) -> Field:
    units = [{"value": unit.division_code, "label": unit.name} for unit in active_units()]
    return select("division", "所在单位", units, value=division)


def detail(actor: Actor, account: Account, state: FormState) -> dict[str, Any]:
    """One account: what it is, what this administrator can do, what was changed."""
    return {
        "name": account.display_name,
        "facts": [
            ("用户名", account.username),
            ("单位", queries.unit_names({account.unit_id}).get(account.unit_id, "")),
            ("岗位", _role_text(account)),
            ("岗位期限", _days(account) or "长期"),
            ("密码修改时间", chinese.moment(clock.beijing(account.password_changed_at))),
            ("动态码", "已设置" if account.sealed_otp_secret else "未设置"),
            ("创建时间", chinese.moment(clock.beijing(account.created_at))),
        ],
        "state": _state(account, locked=locked_until(account.username) is not None),
        "forms": [] if account.id == actor.account_id else _forms(actor, account, state),
        "version": changed_at_number("account", account.id),
        "own": account.id == actor.account_id,
        "changes": change_lines(changes_of("account", [account.id])),
    }


def _forms(actor: Actor, account: Account, state: FormState) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if actor.may(Permission.ROLE_GRANT) and account.active:
        found += _role_forms(account, state)
    if actor.may(Permission.ACCOUNT_MANAGE):
        found += _account_forms(account, state)
    if account.active and may_reset_password(actor, account):
        described = "新密码只显示一次，全部登录随之结束；本人下次登录时须修改。动态码不受影响。"
        found.append(_form("reset_password", "重置密码", [_why("重置理由")], described, state, account, tone="danger"))
    return [*found, _form("end_account_sessions", "结束全部登录", [_why("理由")], "本人须重新登录。", state, account)]


def _role_forms(account: Account, state: FormState) -> list[dict[str, Any]]:
    today = clock.today().isoformat()
    fields = [
        select("role", "岗位", options({role: role.text for role in Role}), value=account.role),
        {"name": "starts_on", "label": "开始日期", "kind": "date", "required": True, "value": today},
        {"name": "ends_on", "label": "结束日期", "kind": "date", "hint": "当日仍有效；不填为长期"},
        _why("授予理由"),
    ]
    described = (
        "系统、安全、审计三类管理员不得由一人兼任。改任后立即生效，原岗位随之结束。"
        "新任安全管理员、审计管理员的，原密码随之作废：安全管理员由另一名安全管理员重置，审计管理员在服务器上重置。"
    )
    found = [_form("grant_role", "授予岗位", fields, described, state, account)]
    if account.role:
        described = "收回后立即不能登录，已打开的页面也不能再用；代行委托同时结束。"
        found.append(_form("withdraw_role", "收回岗位", [_why("收回理由")], described, state, account, tone="danger"))
    if account.sealed_otp_secret:
        described = "仅限设备遗失等情形，须当面核实本人身份。解除后登录全部结束，下次登录时重新启用。"
        fields = [_why("解除理由")]
        found.append(_form("remove_second_factor", "解除动态码", fields, described, state, account, tone="danger"))
    return found


def _account_forms(account: Account, state: FormState) -> list[dict[str, Any]]:
    division = next((unit.division_code for unit in active_units() if unit.id == account.unit_id), None)
    fields = [_line("display_name", "姓名", 50, value=account.display_name), _unit_field(division), _why("理由")]
    described = "调到其他单位的，原岗位即行结束，由安全管理员重新授予。"
    found = [_form("change_account", "修改姓名或者单位", fields, described, state, account)]
    if locked_until(account.username):
        found.append(_form("unlock_account", "解除登录锁定", [], "核实是本人操作后再解除。", state, account))
    if account.active:
        described = "立即结束全部登录。人员离任的，请先办理“离任移交”，把未办结的事项交给接任者。"
        found.append(_form("disable_account", "停用账号", [_why("停用理由")], described, state, account, tone="danger"))
    else:
        described = "启用后没有岗位，由安全管理员重新授予后才能登录。"
        found.append(_form("enable_account", "启用账号", [_why("启用理由")], described, state, account))
    return found


def _why(label: str) -> Field:
    return text("reason", label, _LONGEST, rows=2)


def _form(
    name: str, label: str, fields: list[Field], described: str, state: FormState, account: Account, tone: str = "plain"
) -> dict[str, Any]:
    """One form about an account; its name is that of the page that takes it."""
    url = url_for(f"console.{name}", account_id=account.id)
    asked = {"confirm": f"{label}：{account.display_name}（{account.username}）。确认？"} if tone == "danger" else {}
    return form_of(name, label, fields, described, state) | {"url": url, "tone": tone, **asked}
