"""No person is two of the three administrators (GB/T 22239-2019, three-administrator separation)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import or_, select

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, Forbidden
from app.foundation.permissions import Actor, Permission, Role
from app.identity.models import Account

ADMINISTRATORS: Final = frozenset({Role.SYS_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})

OVERSEERS: Final = frozenset({Role.SECURITY_ADMIN, Role.AUDITOR})
"""Who watches over the system administrator: nobody else may ever know a password that opens such an account."""


def may_reset_password(actor: Actor, account: Account) -> bool:
    """Whether a new first password, which the actor reads, gives the actor no other administrator's office.

    The system administrator for everybody but the overseers, a security administrator for another one, and for the
    auditor the command line on the server alone.
    """
    if actor.kind == "program":
        return True
    if account.role == Role.SECURITY_ADMIN:
        return actor.may(Permission.ROLE_GRANT)
    return account.role != Role.AUDITOR and actor.may(Permission.ACCOUNT_MANAGE)


def refuse_foreign_reset(actor: Actor, account: Account) -> None:
    """Raise ``Forbidden`` unless :func:`may_reset_password`, and say who does it."""
    if not may_reset_password(actor, account):
        by = _RESET_BY.get(account.role or "", "系统管理员")
        raise Forbidden(f"该账号的密码由{by}重置", extra={"audit_object": ("account", str(account.id))})


_ON_THE_SERVER: Final = "运维人员在服务器上用命令 flask accounts reset-password "
_RESET_BY: Final = {
    Role.SECURITY_ADMIN.value: f"另一名安全管理员或者{_ON_THE_SERVER}",
    Role.AUDITOR.value: _ON_THE_SERVER,
}


def refuse_second_office(account: Account, role: Role) -> None:
    """Raise ``Conflict`` where the person of this account is, or will be, another of the three.

    One person has one account; whoever bears the same name in the same unit is taken for the same person.
    """
    if role not in ADMINISTRATORS:
        return
    namesake = db.session.scalar(
        select(Account)
        .where(
            Account.id != account.id,
            Account.unit_id == account.unit_id,
            Account.display_name == account.display_name,
            Account.role.in_(sorted(one.value for one in ADMINISTRATORS - {role})),
            Account.active,
            or_(Account.role_until.is_(None), Account.role_until >= clock.today()),
        )
        .limit(1)
    )
    if namesake is not None:
        held = f"{account.display_name}已是{namesake.granted_role.text}（账号 {namesake.username}）"
        raise Conflict(f"{held}，三类管理员不得由一人兼任", code="one_administrator_only")
