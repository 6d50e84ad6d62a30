"""Commands on units, accounts and sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotSignedIn, SignInFailed, SignInUnfinished
from app.foundation.http import Audience
from app.foundation.permissions import Actor, Permission, Role
from app.foundation.uniqueness import flush_unless_taken
from app.geo.divisions import divisions
from app.identity import address_ranges, delegation, lockout, passwords, second_factor, tokens
from app.identity.models import UNIT_KINDS, Account, StaffSession, Unit, WechatUser
from app.identity.sealing import crypto
from app.identity.separation import refuse_second_office
from app.identity.sessions import Origin, actor_of_session, due_step, officer_of

CONSOLE_LIFETIME: Final = timedelta(hours=12)
CODE_AWAITED: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A successful sign-in."""

    token: str
    expires_at: datetime
    actor: Actor


def check_credentials(username: str, password: str, otp: str | None) -> Account:
    """The account that these credentials open; a one-time code among them is used up.

    Raises:
        SignInFailed: the caller counts it, see :func:`lockout.note_failure`.
        AccountLocked: too many failures under this name, whether or not somebody has it.
    """
    account = check_password(username, password)
    check_second_factor(account, otp)
    return account


def check_password(username: str, password: str) -> Account:
    """The first half of :func:`check_credentials`: an account that exists, is in use, and has this password."""
    account = db.session.scalar(select(Account).where(Account.username == username))
    about = {"audit_object": ("account", str(account.id) if account else "unknown")}
    lockout.refuse_locked(username, about)
    fits = passwords.matches(account.password_hash if account else None, password)
    if account is None or not fits or not account.active:
        raise SignInFailed(extra=about)
    return account


def half_of(account: Account) -> dict[str, str]:
    """What is remembered, in a signed cookie, of somebody whose password was right until the second step is done."""
    changed = account.password_changed_at.isoformat()
    return {"account": str(account.id), "since": clock.now().isoformat(), "password_of": changed}


def half_signed_in(half: Mapping[str, str]) -> Account:
    """The account of :func:`half_of`; raise ``NotSignedIn`` when it counts no longer, ``AccountLocked`` when locked."""
    account = db.session.get(Account, UUID(half["account"]), populate_existing=True) if half else None
    if (
        account is None
        or not account.active
        or datetime.fromisoformat(half["since"]) < clock.now() - CODE_AWAITED
        or account.password_changed_at != datetime.fromisoformat(half["password_of"])
    ):
        raise NotSignedIn("等待时间过长，请重新输入用户名和密码")
    lockout.refuse_locked(account.username, {"audit_object": ("account", str(account.id))})
    return account


def check_second_factor(account: Account, otp: str | None) -> None:
    """The second half: where a second factor is set up, use the code up or raise ``SignInFailed``."""
    if account.sealed_otp_secret is None:
        return
    used = second_factor.consume(account, otp or "")
    if used is None:
        raise SignInFailed(extra={"audit_object": ("account", str(account.id))})
    if used == "recovery":
        left = second_factor.recovery_codes_left(account.id)
        audit.record(actor_of_account(account.id), "identity.use_recovery_code", "account", account.id, left=left)


def open_session(account: Account, audience: Audience, origin: Origin | None = None) -> tuple[StaffSession, Actor]:
    """Begin a session for an account whose credentials were checked; the failures under its name are forgotten.

    Raises:
        SignInFailed: no role is in force. AddressNotAllowed: the account's role may not be used from ``origin``.
    """
    moment = clock.now()
    if not account.serves_on(clock.today()):
        told = "账号尚未授予岗位，或者岗位不在有效期内，请联系安全管理员"
        raise SignInFailed(told, extra={"audit_object": ("account", str(account.id))})
    lockout.forget(account.username)
    lifetime = CONSOLE_LIFETIME if audience is Audience.CONSOLE else tokens.LIFETIME[Audience.OFFICER]
    session = StaffSession(
        id=new_id(),
        account_id=account.id,
        audience=audience.value,
        role=account.role,
        address=origin.address if origin else "",
        agent=origin.agent if origin else "",
        created_at=moment,
        seen_at=moment,
        expires_at=moment + lifetime,
    )
    db.session.add(session)
    db.session.flush()
    actor = actor_of_session(session.id, audience)
    if origin is not None:
        address_ranges.refuse_foreign(actor, origin.address)
    audit.record(actor, "identity.sign_in", "account", account.id, audience=audience.value)
    return session, actor


def sign_in_officer(account: Account, origin: Origin | None = None) -> SignedIn:
    """Begin an office API session and sign its token.

    Raises:
        SignInUnfinished: a step is due that only the console's pages can do. AddressNotAllowed.
    """
    if step := due_step(account, clock.now()):
        raise SignInUnfinished(_DUE_TEXTS[step], extra={"step": step})
    session, actor = open_session(account, Audience.OFFICER, origin)
    token, expires_at = tokens.issue(Audience.OFFICER, str(account.id), session.id, session.created_at)
    return SignedIn(token, expires_at, actor)


_DUE_TEXTS: Final = {
    "password": "请先登录管理网页修改密码",
    "second_factor": "请先登录管理网页启用动态码",
}


def actor_of_account(account_id: UUID) -> Actor:
    """An officer as a job acts for: what was asked for is done with the rights held today; raise ``NotSignedIn``."""
    row = db.session.execute(
        select(Account, Unit)
        .join(Unit, Unit.id == Account.unit_id)
        .where(Account.id == account_id, Account.in_office(clock.today()))
    ).one_or_none()
    if row is None:
        raise NotSignedIn("账号已停用或者没有岗位")
    account, unit = row
    return officer_of(account, unit.name, unit.division_code, delegation.acting_roles(account.id))


def end_session(actor: Actor) -> None:
    """Sign out: the session opens nothing from now on."""
    db.session.execute(update(StaffSession).where(StaffSession.id == actor.session_id).values(revoked_at=clock.now()))
    audit.record(actor, "identity.sign_out", "account", actor.account_id or "")


def sign_in_reporter(openid: str) -> tuple[str, datetime]:
    """A token for the person of the mini-program; the openid is stored sealed, found by its blind index.

    Only the day is stored: the moment of a first sign-in, beside that of an anonymous tip, would join the two.
    """
    day = clock.start_of_today()
    index = crypto().blind_index("openid", openid)
    sealed = crypto().seal(openid.encode(), bound_to=b"openid:" + index)
    db.session.execute(
        insert(WechatUser)
        .values(openid_index=index, sealed_openid=sealed, tokens_valid_from=day, created_at=day)
        .on_conflict_do_nothing()
    )
    return tokens.issue(Audience.REPORTER, index.hex(), new_id(), clock.now())


def reporter_session_holds(openid_index: bytes, issued_at: int) -> bool:
    """Whether a mini-program token issued at ``issued_at`` (seconds since 1970) was not revoked since."""
    user = db.session.get(WechatUser, openid_index)
    return user is not None and issued_at >= int(user.tokens_valid_from.timestamp())


def end_reporter_sessions(openid_index: bytes) -> None:
    """Sign out of the mini-program everywhere: tokens issued until now open nothing."""
    db.session.execute(
        update(WechatUser)
        .where(WechatUser.openid_index == openid_index)
        .values(tokens_valid_from=clock.now() + timedelta(seconds=1))
    )


def openid_of(index: bytes) -> str | None:
    """The openid behind a blind index, for the moment of a call to WeChat."""
    user = db.session.get(WechatUser, index)
    return crypto().open(user.sealed_openid, bound_to=b"openid:" + index).decode() if user else None


def create_account(
    actor: Actor,
    username: str,
    display_name: str,
    role: Role | None,
    division_code: str,
    password: str,
    *,
    must_change_password: bool = True,
) -> Account:
    """Create an account; its first password, which somebody else knows, is changed at the first sign-in.

    Without ``role`` it opens nothing until the security administrator grants one.

    Raises:
        Forbidden: a role by who does not grant roles.
        Conflict: the user name is taken.
        InvalidInput: a user name that nobody can sign in with, a weak password, a unit that does not exist.
    """
    unit, moment = _unit_of_new(actor, username, role, division_code), clock.now()
    passwords.check_complexity(password, username)
    account = Account(
        id=new_id(),
        username=username,
        display_name=display_name,
        password_hash=passwords.hash_password(password),
        role=role.value if role else None,
        unit_id=unit.id,
        active=True,
        password_changed_at=moment,
        must_change_password=must_change_password,
        created_at=moment,
    )
    if role is not None:
        refuse_second_office(account, role)
    return _kept_new(actor, account, division_code)


def _kept_new(actor: Actor, account: Account, division_code: str) -> Account:
    db.session.add(account)
    flush_unless_taken(_name_taken(account.username))
    told = {name: getattr(account, name) for name in ("username", "display_name", "role")}
    told["division"] = division_code
    audit.record(actor, "identity.create_account", "account", account.id, before=None, after=told)
    return account


def _unit_of_new(actor: Actor, username: str, role: Role | None, division_code: str) -> Unit:
    """The unit of a new account whose name is free and can be typed, and whose role the actor may grant."""
    if role is not None and not actor.may(Permission.ROLE_GRANT):
        raise Forbidden("岗位由安全管理员授予")
    if not re.fullmatch(r"[\w.@-]{1,64}", username):
        raise InvalidInput(errors={"username": ["用户名应为 1 至 64 位文字、数字、点、@、横线或下划线"]})
    unit = db.session.scalar(select(Unit).where(Unit.division_code == division_code, Unit.active))
    if unit is None:
        raise InvalidInput(errors={"division": [f"没有区划代码为 {division_code} 的单位"]})
    if db.session.scalar(select(Account.id).where(Account.username == username)):
        raise _name_taken(username)
    return unit


def _name_taken(username: str) -> Conflict:
    return Conflict(f"用户名 {username} 已被使用")


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One line of a unit list."""

    division_code: str
    name: str
    kind: str
    phone: str = ""
    email: str = ""


def import_units(actor: Actor, lines: Sequence[UnitLine]) -> tuple[int, int]:
    """Create or update units by division code, parents by the division tree; return (created, updated).

    Raises:
        InvalidInput: what is wrong with every line at once, by its row in the list below the heading (row 1).
    """
    if faults := _unit_faults(lines):
        raise InvalidInput("名单有误，未导入任何单位", errors=faults)
    known = {unit.division_code: unit for unit in db.session.scalars(select(Unit))}
    created = sum(line.division_code not in known for line in lines)
    for line in sorted(lines, key=lambda item: UNIT_KINDS.index(item.kind)):
        unit = known.get(line.division_code)
        if unit is None:
            unit = Unit(division_code=line.division_code, active=True)
            db.session.add(unit)
            known[line.division_code] = unit
        unit.name, unit.kind, unit.phone, unit.email = line.name, line.kind, line.phone, line.email
        parent = next((known[code] for code in divisions().ancestors(line.division_code) if code in known), None)
        unit.parent_id = parent.id if parent else None
        db.session.flush()
    updated = len(lines) - created
    audit.record(actor, "identity.import_units", "unit", "list", created=created, updated=updated)
    return created, updated


def _unit_faults(lines: Sequence[UnitLine]) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    rows: dict[str, int] = {}
    for row, line in enumerate(lines, start=2):
        if line.kind not in UNIT_KINDS:
            faults[f"第 {row} 行 kind"] = [f"应为 {'、'.join(UNIT_KINDS)} 之一"]
        if not line.name:
            faults[f"第 {row} 行 name"] = ["单位名称必填"]
        if first := rows.get(line.division_code):
            faults[f"第 {row} 行 division_code"] = [f"{line.division_code} 与第 {first} 行重复"]
        elif not is_unit_code(line):
            faults[f"第 {row} 行 division_code"] = [f"{line.division_code or '（空）'} 不是现行行政区划代码"]
        rows.setdefault(line.division_code, row)
    return faults


def is_unit_code(line: UnitLine) -> bool:
    """A division's code; a functional zone that the table does not know has one of its own."""
    own = line.kind == "zone" and re.fullmatch(r"[0-9]{6}([0-9]{3})?", line.division_code)
    return bool(own) or divisions().get(line.division_code) is not None
