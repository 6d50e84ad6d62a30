"""What an administrator does about somebody else's sign-in. Each deed is audited, none is done to oneself."""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from app.audit import service as audit
from app.foundation.database import db
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.foundation.permissions import Actor, Permission
from app.identity import lockout, own_account, sessions
from app.identity.models import Account, RecoveryCode
from app.identity.separation import refuse_foreign_reset

_PARTS: Final = ("ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789")
_LONGEST_REASON: Final = 500


def reset_password(actor: Actor, account_id: UUID, reason: str) -> str:
    """Give an account a first password to hand over, to be changed at the next sign-in; return it, it is kept nowhere.

    Ends every session and takes back a lock.

    Raises:
        Forbidden: only who gains no other office by it (:mod:`app.identity.separation`), and not for the own.
        NotFound. InvalidInput: no reason.
    """
    account = _account(actor, account_id, Permission.ACCOUNT_READ)
    refuse_foreign_reset(actor, account)
    _check_reason(reason)
    password = first_password()
    own_account.replace_password(account, password, must_change=True)
    lockout.forget(account.username)
    ended = sessions.end_all_of(account_id)
    audit.record(actor, "identity.reset_password", "account", account_id, reason=reason, sessions=ended)
    return password


def first_password() -> str:
    """A random password without letters that look alike, good for any policy: 24 characters of four kinds."""
    groups = ["".join(secrets.choice("".join(_PARTS)) for _ in range(5)) for _ in range(3)]
    return "-".join([*groups, "".join(secrets.choice(part) for part in _PARTS), secrets.token_hex(1)])


def unlock(actor: Actor, account_id: UUID) -> None:
    """Let somebody sign in again before the lock ends.

    Raises:
        Forbidden: only who manages accounts, and not for the own. NotFound.
    """
    account = _account(actor, account_id, Permission.ACCOUNT_MANAGE)
    until = lockout.locked_until(account.username)
    lockout.forget(account.username)
    before = until.isoformat() if until else None
    audit.record(actor, "identity.unlock", "account", account_id, before=before, after=None)


def remove_second_factor(actor: Actor, account_id: UUID, reason: str) -> None:
    """Take away the second factor of somebody who lost it, with the recovery codes; ends every session.

    Raises:
        Forbidden: only the security administrator, and not for the own. NotFound. InvalidInput: no reason.
        Conflict: there is none.
    """
    account = _account(actor, account_id, Permission.ROLE_GRANT)
    _check_reason(reason)
    if account.sealed_otp_secret is None:
        raise Conflict("该账号未启用动态码", code="second_factor_missing")
    account.sealed_otp_secret, account.otp_step = None, None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    db.session.flush()
    ended = sessions.end_all_of(account_id)
    audit.record(actor, "identity.remove_second_factor", "account", account_id, reason=reason, sessions=ended)


def end_sessions(actor: Actor, account_id: UUID, reason: str) -> int:
    """Sign somebody out everywhere; return how many sessions ended.

    Raises:
        Forbidden: only the system and the security administrator, and not for the own. NotFound.
        InvalidInput: no reason.
    """
    may = Permission.ROLE_GRANT if actor.may(Permission.ROLE_GRANT) else Permission.ACCOUNT_MANAGE
    _account(actor, account_id, may)
    _check_reason(reason)
    ended = sessions.end_all_of(account_id)
    audit.record(actor, "identity.end_sessions", "account", account_id, reason=reason, sessions=ended)
    return ended


def _account(actor: Actor, account_id: UUID, permission: Permission) -> Account:
    if not actor.may(permission):
        raise Forbidden(extra={"audit_object": ("account", str(account_id))})
    if actor.account_id == account_id:
        raise Forbidden("不能对本人账号办理，请在“我的账号”中操作，或者由另一名管理员办理")
    account = db.session.scalar(select(Account).where(Account.id == account_id).with_for_update())
    if account is None:
        raise NotFound("未找到该账号")
    return account


def _check_reason(reason: str) -> None:
    if not 0 < len(reason.strip()) <= _LONGEST_REASON:
        raise InvalidInput(errors={"reason": [f"请填写 1 至 {_LONGEST_REASON} 字"]})
