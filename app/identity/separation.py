"""No person is two of the three administrators (GB/T 22239-2019, three-administrator separation)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import or_, select

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict
from app.foundation.permissions import Role
from app.identity.models import Account

ADMINISTRATORS: Final = frozenset({Role.SYS_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})


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
