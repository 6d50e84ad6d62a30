"""Where an officer can be reached outside the office: a work e-mail and a work mobile number, sealed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.foundation.database import db
from app.foundation.errors import InvalidInput, NotFound
from app.foundation.permissions import Actor
from app.identity.models import Account
from app.identity.sealing import crypto

LONGEST_ADDRESS: Final = 254
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{0,62}")
_MOBILE: Final = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")


@dataclass(frozen=True, slots=True)
class WorkContact:
    """Addresses in clear, for the moment of a call or for the person alone."""

    email: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)


def is_address(text: str) -> bool:
    """Whether this is an e-mail address that any mail server takes (ASCII, with a domain)."""
    return len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def mobile_number(phone: str) -> str | None:
    """The eleven digits of a Chinese mobile number, however it was written; ``None`` for anything else."""
    found = _MOBILE.fullmatch(re.sub(r"[ \-]", "", phone))
    return found[1] if found else None


def work_contact(account: Account) -> WorkContact:
    """The addresses of an account, opened."""
    sealed = {"email": account.sealed_work_email, "mobile": account.sealed_work_mobile}
    return WorkContact(
        **{
            name: crypto().open(value, bound_to=_bound(name, account.id)).decode() if value else None
            for name, value in sealed.items()
        }
    )


def set_work_contact(actor: Actor, account_id: UUID, email: str, mobile: str) -> None:
    """Replace the addresses of an account; an empty one is removed. The audit row says which there are, not what.

    Raises:
        InvalidInput: naming the field that is no address. NotFound: no such account.
    """
    faults: dict[str, list[str]] = {}
    digits = mobile_number(mobile)
    if email and not is_address(email):
        faults["email"] = ["请填写完整的电子邮箱地址"]
    if mobile and digits is None:
        faults["mobile"] = ["请填写 11 位手机号码"]
    if faults:
        raise InvalidInput(errors=faults)
    account = db.session.scalar(select(Account).where(Account.id == account_id).with_for_update())
    if account is None:
        raise NotFound("未找到该账号")
    account.sealed_work_email = _sealed("email", email, account_id)
    account.sealed_work_mobile = _sealed("mobile", digits or "", account_id)
    db.session.flush()
    audit.record(actor, "identity.change_contact", "account", account_id, has_mail=bool(email), has_sms=bool(mobile))


def _sealed(name: str, value: str, account_id: UUID) -> bytes | None:
    return crypto().seal(value.encode(), bound_to=_bound(name, account_id)) if value else None


def _bound(name: str, account_id: UUID) -> bytes:
    return f"work-{name}:".encode() + account_id.bytes
