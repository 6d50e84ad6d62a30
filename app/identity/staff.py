"""Administering people: the system administrator keeps accounts, the security administrator grants roles.

Nobody administers himself, and no person is two of the three administrators (GB/T 22239-2019, three-administrator
separation). Every change is audited with before and after.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select, update

from app.audit import service as audit
from app.audit.queries import changed_at_number
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope, StaleVersion
from app.foundation.permissions import Actor, Permission, Role
from app.identity import account_security, own_account, policy, service, sessions
from app.identity.models import Account, Delegation, Unit
from app.identity.separation import OVERSEERS, refuse_second_office

_LEVELS: Final = {
    Role.DISTRICT_HANDLER: frozenset({"district", "township", "zone"}),
    Role.PROVINCE_OBSERVER: frozenset({"region"}),
}
"""Kinds of units that a role belongs to; every other role belongs to the city's office."""
_CITY: Final = frozenset({"city"})


def account_in_sight(actor: Actor, account_id: UUID) -> Account:
    """An account that the actor administers; raise ``OutOfScope``."""
    found = db.session.scalar(policy.visible_accounts(actor).where(Account.id == account_id))
    if found is None:
        raise OutOfScope("未找到该账号", extra={"audit_object": ("account", str(account_id))})
    return found


def open_account(actor: Actor, username: str, display_name: str, division_code: str) -> tuple[Account, str]:
    """Make an account without a role; return it with its first password, which is shown once and stored nowhere.

    Raises as :func:`app.identity.service.create_account`, and ``Forbidden``: not the system administrator.
    """
    if not actor.may(Permission.ACCOUNT_MANAGE):
        raise Forbidden
    password = account_security.first_password()
    return service.create_account(actor, username, display_name, None, division_code, password), password


def change_account(
    actor: Actor, account_id: UUID, expected_version: int, display_name: str, division_code: str, reason: str
) -> Account:
    """Correct a name, or move a person to another unit; a move ends the role, which holds in the old unit alone.

    Raises:
        Forbidden: not the system administrator, or the own account. InvalidInput: no such unit, nothing changed.
        StaleVersion: somebody changed the account after this person had looked at it (``changed_at_number``).
    """
    account = _locked(actor, account_id, Permission.ACCOUNT_MANAGE)
    _refuse_stale(account, expected_version)
    unit = db.session.scalar(select(Unit).where(Unit.division_code == division_code, Unit.active))
    if unit is None:
        raise InvalidInput(errors={"division": [f"没有区划代码为 {division_code} 的单位"]})
    before = _told(account)
    if unit.id != account.unit_id:
        _end_role(account)
    account.display_name, account.unit_id = display_name, unit.id
    _remember(actor, "identity.change_account", account, before, reason)
    return account


def disable(actor: Actor, account_id: UUID, reason: str) -> Account:
    """Close an account at once: every session ends. What is open on the person is given away by a hand-over.

    Raises:
        Forbidden: not the system administrator, or the own account. Conflict: closed already.
    """
    account = _locked(actor, account_id, Permission.ACCOUNT_MANAGE)
    if not account.active:
        raise Conflict("账号已停用", code="account_disabled")
    before = _told(account)
    account.active = False
    sessions.end_all_of(account.id)
    _remember(actor, "identity.disable_account", account, before, reason)
    return account


def enable(actor: Actor, account_id: UUID, reason: str) -> Account:
    """Open an account again, without its role: the security administrator grants it anew. Raises as :func:`disable`."""
    account = _locked(actor, account_id, Permission.ACCOUNT_MANAGE)
    if account.active:
        raise Conflict("账号在用，不需要启用", code="account_enabled")
    before = _told(account)
    account.active = True
    _end_role(account)
    _remember(actor, "identity.enable_account", account, before, reason)
    return account


def grant_role(
    actor: Actor,
    account_id: UUID,
    expected_version: int,
    role: Role,
    starts_on: date,
    ends_on: date | None,
    reason: str,
) -> Account:
    """Let a person hold ``role`` from a day to a day, both included (without ``ends_on`` until further notice).

    A role in force is replaced, so the new one begins today; one for later is granted where none is in force. Whoever
    becomes an overseer gets a new first password: the system administrator may have read or set the present one.

    Raises:
        Forbidden: not the security administrator, or the own account.
        InvalidInput: days that make no sense, a role of another kind of unit.
        Conflict: the account is closed, or the person is another of the three administrators.
        StaleVersion: as :func:`change_account`.
    """
    account = _locked(actor, account_id, Permission.ROLE_GRANT)
    _refuse_stale(account, expected_version)
    if not account.active:
        raise Conflict("账号已停用，请先由系统管理员启用", code="account_disabled")
    _check_days(account, starts_on, ends_on)
    _check_unit(account, role)
    refuse_second_office(account, role)
    before = _told(account)
    if account.role != role:
        _end_delegations(account)
        sessions.end_all_of(account.id)
        if role in OVERSEERS:
            own_account.replace_password(account, account_security.first_password(), must_change=True)
    account.role, account.role_from, account.role_until = role.value, starts_on, ends_on
    _remember(actor, "identity.grant_role", account, before, reason)
    return account


def withdraw_role(actor: Actor, account_id: UUID, reason: str) -> Account:
    """Take the role away at once: the account opens nothing until another is granted. Raises as :func:`grant_role`."""
    account = _locked(actor, account_id, Permission.ROLE_GRANT)
    if account.role is None:
        raise Conflict("该账号没有岗位", code="no_role")
    before = _told(account)
    _end_role(account)
    sessions.end_all_of(account.id)
    _remember(actor, "identity.withdraw_role", account, before, reason)
    return account


def _locked(actor: Actor, account_id: UUID, permission: Permission) -> Account:
    if not actor.may(permission):
        raise Forbidden
    account_in_sight(actor, account_id)
    if account_id == actor.account_id:
        raise Forbidden("本人的账号由另一名管理员办理")
    return db.session.scalars(
        select(Account).where(Account.id == account_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def _refuse_stale(account: Account, expected_version: int) -> None:
    present = changed_at_number("account", account.id)
    if present != expected_version:
        raise StaleVersion(extra={"current_version": present})


def _check_days(account: Account, starts_on: date, ends_on: date | None) -> None:
    today = clock.today()
    if starts_on < today:
        raise InvalidInput(errors={"starts_on": ["开始日期不能早于今天"]})
    if ends_on is not None and ends_on < starts_on:
        raise InvalidInput(errors={"ends_on": ["结束日期不能早于开始日期"]})
    if account.serves_on(today) and starts_on > today:
        raise InvalidInput(errors={"starts_on": ["该账号现有岗位在有效期内，改任从今天起；以后生效的请先收回现有岗位"]})


def _check_unit(account: Account, role: Role) -> None:
    unit = db.session.get_one(Unit, account.unit_id)
    if unit.kind not in _LEVELS.get(role, _CITY):
        raise InvalidInput(errors={"role": [f"{unit.name}的人员不能担任{role.text}"]})


def _end_role(account: Account) -> None:
    account.role = account.role_from = account.role_until = None
    _end_delegations(account)


def _end_delegations(account: Account) -> None:
    """Nobody acts in a role that its holder no longer has, nor in another beside an administrator's."""
    either = or_(Delegation.from_account_id == account.id, Delegation.to_account_id == account.id)
    db.session.execute(update(Delegation).where(either, Delegation.ended_at.is_(None)).values(ended_at=clock.now()))


def _told(account: Account) -> dict[str, Any]:
    """What the audit row says of an account: office data alone."""
    unit = db.session.get_one(Unit, account.unit_id)
    return {
        "display_name": account.display_name,
        "division": unit.division_code,
        "active": account.active,
        "role": account.role,
        "role_from": account.role_from.isoformat() if account.role_from else None,
        "role_until": account.role_until.isoformat() if account.role_until else None,
    }


def _remember(actor: Actor, action: str, account: Account, before: dict[str, Any], reason: str) -> None:
    db.session.flush()
    after = _told(account)
    if before == after:
        raise InvalidInput("内容没有变化，未保存")
    audit.record(actor, action, "account", account.id, before=before, after=after, reason=reason)
