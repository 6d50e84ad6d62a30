"""Tables of units, accounts and sessions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.database import Base, new_id
from app.foundation.permissions import Role

UNIT_KINDS: Final = ("region", "city", "district", "township", "zone")
"""From the highest to the lowest."""


class Unit(Base):
    """One office that acts: the region's, the city's, a district's, a township's or a zone's."""

    __tablename__ = "units"
    __table_args__ = (CheckConstraint("kind IN ('region','city','district','township','zone')", name="known_kind"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    division_code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    phone: Mapped[str] = mapped_column(Text, server_default="")
    email: Mapped[str] = mapped_column(Text, server_default="")
    active: Mapped[bool] = mapped_column(server_default="true")


class Account(Base):
    """One person of one unit with one role; the password is kept as an argon2id hash.

    The role is granted by the security administrator, from a day to a day, both included; without a role in force the
    account opens nothing.
    """

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("role_from <= role_until", name="role_days_in_order"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(Text, unique=True)
    display_name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    role_from: Mapped[date | None]
    role_until: Mapped[date | None]
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    active: Mapped[bool] = mapped_column(server_default="true")
    password_changed_at: Mapped[datetime]
    must_change_password: Mapped[bool] = mapped_column(server_default="false")
    sealed_otp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    otp_step: Mapped[int | None] = mapped_column(BigInteger)
    sealed_work_email: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_work_mobile: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]

    unit: Mapped[Unit] = relationship(lazy="raise")

    @property
    def granted_role(self) -> Role:
        """The role of an account that holds one; raise ``ValueError`` for one that does not."""
        return Role(self.role or "")

    def serves_on(self, day: date) -> bool:
        """Whether a role is in force on this day."""
        return bool(self.role) and (self.role_from or day) <= day <= (self.role_until or day)

    @classmethod
    def in_office(cls, day: date | BindParameter[date]) -> ColumnElement[bool]:
        """The accounts that are not disabled and hold a role on this day."""
        began = or_(cls.role_from.is_(None), cls.role_from <= day)
        lasts = or_(cls.role_until.is_(None), cls.role_until >= day)
        return cls.active & cls.role.is_not(None) & began & lasts


class PastPassword(Base):
    """One password that a person had before, as its hash: the last few are not taken again."""

    __tablename__ = "past_passwords"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    password_hash: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime]


class RecoveryCode(Base):
    """One code that stands in for the second factor once; only its keyed digest is kept."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None]


class SignInAttempts(Base):
    """Failed sign-ins under one user name, whether or not somebody has it: found by a blind index of the name."""

    __tablename__ = "sign_in_attempts"

    name_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int] = mapped_column(SmallInteger)
    last_at: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]


class AddressRange(Base):
    """From which networks a role may be used, from a moment on; no networks: from everywhere. Never changed."""

    __tablename__ = "address_ranges"
    __table_args__ = (Index("ix_address_ranges_role", "role", "starts_at"),)

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    networks: Mapped[list[str]] = mapped_column(ARRAY(Text))
    starts_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    set_by: Mapped[UUID | None]
    set_at: Mapped[datetime]


class Delegation(Base):
    """One colleague acting in the role of an absent one, from a day to a day, both included."""

    __tablename__ = "delegations"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="in_order"),
        CheckConstraint("from_account_id <> to_account_id", name="two_people"),
        Index("ix_delegations_to", "to_account_id", "ends_on", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    from_account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    to_account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[str] = mapped_column(Text)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    granted_by: Mapped[UUID | None]
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffSession(Base):
    """One sign-in of one officer, through the office API or the console; revoked rows open nothing.

    ``role`` is the role at the sign-in: with another one the session is over. ``address`` and ``agent`` are shown to
    the person alone.
    """

    __tablename__ = "staff_sessions"
    __table_args__ = (
        CheckConstraint("audience IN ('officer','console')", name="known_audience"),
        Index("ix_staff_sessions_open", "account_id", postgresql_where="revoked_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    audience: Mapped[str] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text, server_default="")
    agent: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class WechatUser(Base):
    """One person of the mini-program, found by the blind index of the openid; the openid itself is sealed."""

    __tablename__ = "wechat_users"

    openid_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sealed_openid: Mapped[bytes] = mapped_column(LargeBinary)
    tokens_valid_from: Mapped[datetime]
    created_at: Mapped[datetime]
