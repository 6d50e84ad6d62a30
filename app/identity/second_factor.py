"""The second factor: codes of a device (TOTP, RFC 6238) and recovery codes on paper, each good once.

The device's secret is stored sealed and bound to its account; of a recovery code a keyed digest alone is kept.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final, Literal
from uuid import UUID

import pyotp
from sqlalchemy import delete, func, or_, select, update

from app.foundation import clock
from app.foundation.crypto import CannotOpen
from app.foundation.database import db
from app.foundation.permissions import Actor
from app.identity.models import Account, RecoveryCode
from app.identity.sealing import crypto

ISSUER: Final = "属地"
RECOVERY_CODES: Final = 10
_STEP_SECONDS: Final = 30
_DIGITS: Final = 6
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP_LENGTH = 3, 4


def offer(actor: Actor) -> tuple[str, str]:
    """A new secret for the person's device, and the same sealed for this session, to come back with the first code."""
    secret = pyotp.random_base32()
    return secret, base64.urlsafe_b64encode(crypto().seal(secret.encode(), bound_to=_offered_to(actor))).decode()


def opened_offer(actor: Actor, sealed: str) -> str | None:
    """The secret of an :func:`offer` made in this session; ``None`` for anything else."""
    try:
        return crypto().open(base64.urlsafe_b64decode(sealed), bound_to=_offered_to(actor)).decode()
    except (CannotOpen, ValueError):
        return None


def _offered_to(actor: Actor) -> bytes:
    assert actor.account_id is not None  # noqa: S101  # an officer has an account
    assert actor.session_id is not None  # noqa: S101  # and a session
    return b"otp-offer:" + actor.account_id.bytes + actor.session_id.bytes


def address_of(secret: str, username: str) -> str:
    """What the QR code says: the key-URI that authenticator programs read."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def step_of(secret: str, code: str) -> int | None:
    """The half-minute whose code this is: the present one or a neighbour, since clocks differ a little."""
    now, device = int(clock.now().timestamp()) // _STEP_SECONDS, pyotp.TOTP(secret)
    return next(
        (step for step in (now, now - 1, now + 1) if pyotp.utils.strings_equal(code, device.generate_otp(step))), None
    )


def keep(account: Account, secret: str, step: int) -> None:
    """Seal the secret of a device that has proved itself with the code of ``step``."""
    account.sealed_otp_secret = crypto().seal(secret.encode(), bound_to=b"otp:" + account.id.bytes)
    account.otp_step = step
    db.session.flush()


def consume(account: Account, given: str) -> Literal["device", "recovery"] | None:
    """What ``given`` is, if it is a code of the account's device or a recovery code that was not used before.

    Afterwards it is used.
    """
    text = _letters_of(given)
    if len(text) == _DIGITS:
        return "device" if _consume_device_code(account, text) else None
    return "recovery" if _consume_recovery_code(account.id, text) else None


def is_recovery_code(given: str) -> bool:
    """Whether this has the form of a recovery code, good or not."""
    return len(_letters_of(given)) != _DIGITS


def _letters_of(given: str) -> str:
    return "".join(ch for ch in given.lower() if ch.isalnum())


def _consume_device_code(account: Account, code: str) -> bool:
    if account.sealed_otp_secret is None:
        return False
    secret = crypto().open(account.sealed_otp_secret, bound_to=b"otp:" + account.id.bytes).decode()
    step = step_of(secret, code)
    if step is None:
        return False
    # One statement, so that of two sign-ins with one code at one moment the second finds it used.
    newer = or_(Account.otp_step.is_(None), Account.otp_step < step)
    used = update(Account).where(Account.id == account.id, newer).values(otp_step=step).returning(Account.id)
    return db.session.scalar(used.execution_options(synchronize_session=False)) is not None


def _consume_recovery_code(account_id: UUID, code: str) -> bool:
    row = (RecoveryCode.account_id == account_id, RecoveryCode.digest == _digest(account_id, code))
    used = update(RecoveryCode).where(*row, RecoveryCode.used_at.is_(None)).values(used_at=clock.now())
    return db.session.scalar(used.returning(RecoveryCode.account_id)) is not None


def make_recovery_codes(account_id: UUID) -> list[str]:
    """Ten new codes in place of all of before; returned once, kept as digests."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP_LENGTH)) for _ in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(account_id=account_id, digest=_digest(account_id, code)) for code in codes)
    db.session.flush()
    return ["-".join(code[at : at + _GROUP_LENGTH] for at in range(0, len(code), _GROUP_LENGTH)) for code in codes]


def recovery_codes_left(account_id: UUID) -> int:
    """How many recovery codes still open."""
    left = select(func.count()).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(left) or 0


def _digest(account_id: UUID, code: str) -> bytes:
    return crypto().digest("recovery-code", account_id.bytes, code.encode())
