"""From which networks a role may be used (GB/T 22239-2019, 8.1.4.4): dated rows, one role at a time.

What holds is the newest row of the role whose moment has come; a row without networks opens it to all. Each process
keeps the rows and asks every other second whether newer ones exist.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import current_app
from sqlalchemy import func, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import AddressNotAllowed, Forbidden, InvalidInput
from app.foundation.permissions import Actor, Permission, Role
from app.identity.models import AddressRange

MOST_NETWORKS: Final = 50
_ASKED_EVERY_SECONDS: Final = 2.0
_LONGEST_REASON: Final = 500

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class _Row:
    role: str
    starts_at: datetime
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    version: tuple[int, int]
    """How many rows, and the highest id: rows are only ever added, but one may be rolled back, or committed late."""
    asked_at: float
    rows: Sequence[_Row]
    """Oldest first."""


def refuse_foreign(actor: Actor, address: str | None) -> None:
    """Raise ``AddressNotAllowed`` unless every role that the person uses today may be used from ``address``."""
    shut = [role for role in _roles_of(actor) if not _within(networks_of(role), address)]
    if shut:
        names = "、".join(role.text for role in shut)
        raise AddressNotAllowed(
            f"“{names}”岗位只能在指定的办公网络中使用。请回到办公网络后再试，确需调整的，请联系安全管理员。",
            extra={"audit_object": ("account", str(actor.account_id))},
        )


def _roles_of(actor: Actor) -> list[Role]:
    return sorted({role for role in (actor.role, *actor.acting) if role is not None})


def networks_of(role: Role) -> tuple[Network, ...]:
    """The networks that the role may be used from now; none: everywhere."""
    moment = clock.now()
    found: tuple[Network, ...] = ()
    for row in _rows():
        if row.role == role.value and row.starts_at <= moment:
            found = row.networks
    return found


def _within(networks: Sequence[Network], address: str | None) -> bool:
    if not networks:
        return True
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return any((mapped or parsed) in network for network in networks)


# long because its arguments are named one a line.
def set_networks(
    actor: Actor,
    role: Role,
    networks: Sequence[Network],
    starts_at: datetime | None,
    reason: str,
    *,
    address: str | None,
    even_without_me: bool = False,
) -> None:
    """Say from which networks a role may be used, from a moment on; no networks open it to all again.

    Args:
        actor: the security administrator.
        role: for whom.
        networks: as :func:`parsed` reads them.
        starts_at: not in the past; ``None``: at once.
        reason: for the audit log.
        address: where the actor is now.
        even_without_me: the actor has read that this shuts the own role out of ``address``.

    Raises:
        Forbidden: not a security administrator. InvalidInput: the past, no reason, or a warning to be confirmed.
    """
    if not actor.may(Permission.ROLE_GRANT):
        raise Forbidden
    moment = clock.now()
    starts_at = starts_at or moment
    faults = _time_and_reason_faults(starts_at, reason)
    if role in _roles_of(actor) and not _within(networks, address) and not even_without_me:
        warning = f"您现在的地址 {address} 不在所填范围内，生效后您本人将无法登录。确需如此，请勾选确认"
        faults["even_without_me"] = [warning]
    if faults:
        raise InvalidInput(errors=faults)
    before, after = ([str(one) for one in given] for given in (networks_of(role), networks))
    row = AddressRange(role=role.value, networks=after, starts_at=starts_at, reason=reason.strip(), set_at=moment)
    row.set_by = actor.account_id
    db.session.add(row)
    db.session.flush()
    forget()
    told: dict[str, Any] = {"before": before, "after": after, "starts_at": starts_at.isoformat(), "reason": row.reason}
    audit.record(actor, "identity.set_networks", "role", role.value, **told)


def _time_and_reason_faults(starts_at: datetime, reason: str) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if starts_at <= clock.now() - timedelta(minutes=1):  # a form knows minutes alone
        faults["starts_at"] = ["生效时间不能早于现在"]
    if not 0 < len(reason.strip()) <= _LONGEST_REASON:
        faults["reason"] = [f"请填写 1 至 {_LONGEST_REASON} 字"]
    return faults


def parsed(text: str) -> tuple[Network, ...]:
    """Networks as people write them: ``10.1.0.0/16``, one address, several with commas, spaces or lines between.

    Raises:
        InvalidInput: naming what is none; too many.
    """
    words = [word for word in re.split(r"[\s,，;；、]+", text) if word]
    found, wrong = [], []
    for word in words:
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError:
            wrong.append(word[:60])
    if wrong:
        told = f"不是网段或者地址：{'、'.join(wrong)}。请写成 10.1.0.0/16 或者 10.1.2.3，网段的主机位须为零"
        raise InvalidInput(errors={"networks": [told]})
    if len(found) > MOST_NETWORKS:
        raise InvalidInput(errors={"networks": [f"最多 {MOST_NETWORKS} 个网段"]})
    return tuple(dict.fromkeys(found))


def history() -> Sequence[AddressRange]:
    """Every row, the newest first."""
    return db.session.scalars(
        select(AddressRange).order_by(AddressRange.starts_at.desc(), AddressRange.id.desc())
    ).all()


def forget() -> None:
    """Read the rows again at the next question."""
    current_app.extensions.pop("shudi_address_ranges", None)


def _rows() -> Iterable[_Row]:
    kept: _Rows | None = current_app.extensions.get("shudi_address_ranges")
    moment = time.monotonic()
    if kept and moment - kept.asked_at < _ASKED_EVERY_SECONDS:
        return kept.rows
    count, highest = db.session.execute(select(func.count(), func.coalesce(func.max(AddressRange.id), 0))).one()
    version = (count, highest)
    rows = kept.rows if kept and kept.version == version else _read()
    current_app.extensions["shudi_address_ranges"] = _Rows(version, moment, rows)
    return rows


def _read() -> Sequence[_Row]:
    rows = db.session.scalars(select(AddressRange).order_by(AddressRange.starts_at, AddressRange.id))
    return [_Row(one.role, one.starts_at, tuple(ipaddress.ip_network(n) for n in one.networks)) for one in rows]
