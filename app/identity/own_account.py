"""What a person does about the own sign-in: a new password, a second factor, new recovery codes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, InvalidInput, NotSignedIn, SignInFailed
from app.foundation.permissions import Actor
from app.identity import lockout, passwords, second_factor, sessions
from app.identity.models import Account, PastPassword

PASSWORDS_KEPT: Final = 5


def account_of(actor: Actor, *, lock: bool = False) -> Account:
    """The account of the person who is signed in."""
    wanted = select(Account).where(Account.id == actor.account_id)
    account = db.session.scalar(wanted.with_for_update() if lock else wanted)
    if account is None:
        raise NotSignedIn
    return account


def check_password(actor: Actor, password: str) -> None:
    """Raise ``SignInFailed`` unless this is the person's present password; the caller counts the failure."""
    account = account_of(actor)
    _refuse_locked(account)
    if not passwords.matches(account.password_hash, password):
        raise SignInFailed("当前密码不正确")


def _refuse_locked(account: Account) -> None:
    """Whoever sits at a session left open guesses no more often than at the sign-in."""
    lockout.refuse_locked(account.username, {"audit_object": ("account", str(account.id))})


def change_password(actor: Actor, new: str) -> None:
    """Take a new password; every other session of the person ends.

    Raises:
        InvalidInput: too simple, or one of the last few.
    """
    account = account_of(actor, lock=True)
    passwords.check_complexity(new, account.username)
    if any(passwords.matches(one, new) for one in [account.password_hash, *_past(account)]):
        raise InvalidInput(errors={"password": [f"不能使用最近 {PASSWORDS_KEPT} 次用过的密码"]})
    forced = account.must_change_password
    replace_password(account, new, must_change=False)
    ended = sessions.end_all_of(account.id, but=actor.session_id)
    audit.record(actor, "identity.change_password", "account", account.id, forced=forced, sessions=ended)


def replace_password(account: Account, new: str, *, must_change: bool) -> None:
    """Write a new password and remember the old one's hash."""
    moment = clock.now()
    db.session.add(PastPassword(account_id=account.id, password_hash=account.password_hash, replaced_at=moment))
    account.password_hash = passwords.hash_password(new)
    account.password_changed_at, account.must_change_password = moment, must_change
    db.session.flush()


def _past(account: Account) -> list[str]:
    """Hashes of the last few passwords, the present one not among them."""
    kept = select(PastPassword.password_hash).where(PastPassword.account_id == account.id)
    return list(db.session.scalars(kept.order_by(PastPassword.id.desc()).limit(PASSWORDS_KEPT - 1)))


def enrol_second_factor(actor: Actor, offer: str, code: str, present_code: str) -> list[str]:
    """Begin to ask for codes of the device that was shown ``offer``; return ten recovery codes, kept nowhere in clear.

    Args:
        actor: the person.
        offer: what :func:`second_factor.offer` sealed for this session.
        code: what the new device shows, as a proof.
        present_code: a code of the present device, or a recovery code, where there is one already.

    Raises:
        InvalidInput: the new device's code does not fit. Conflict: the offer belongs to another session.
        SignInFailed: the present device's code does not fit; the caller counts it.
    """
    account = account_of(actor, lock=True)
    _refuse_locked(account)
    secret = second_factor.opened_offer(actor, offer)
    if secret is None:
        raise Conflict("页面已过期，请重新打开本页再扫码", code="second_factor_offer_over")
    if (step := second_factor.step_of(secret, code)) is None:
        raise InvalidInput(errors={"code": ["动态码不正确，请核对手机时间后重新输入"]})
    replaced = account.sealed_otp_secret is not None
    if replaced and not second_factor.consume(account, present_code):
        raise SignInFailed("原动态码或者恢复码不正确，或者已经用过")
    second_factor.keep(account, secret, step)
    codes = second_factor.make_recovery_codes(account.id)
    ended = sessions.end_all_of(account.id, but=actor.session_id)
    audit.record(
        actor, "identity.enrol_second_factor", "account", account.id, before=replaced, after=True, sessions=ended
    )
    return codes


def remake_recovery_codes(actor: Actor, code: str) -> list[str]:
    """Ten new recovery codes; those of before open nothing any more.

    Raises:
        Conflict: no second factor. SignInFailed: the code does not fit; the caller counts it.
    """
    account = account_of(actor, lock=True)
    _refuse_locked(account)
    if account.sealed_otp_secret is None:
        raise Conflict("尚未启用动态码", code="second_factor_missing")
    if not second_factor.consume(account, code):
        raise SignInFailed("动态码或者恢复码不正确，或者已经用过")
    codes = second_factor.make_recovery_codes(account.id)
    audit.record(actor, "identity.remake_recovery_codes", "account", account.id, codes=len(codes))
    return codes
