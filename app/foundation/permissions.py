"""Who may do what: one table role → permissions (``docs/roles.md`` explains it to the office). Deny by default."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.foundation.wall import CLOSED_WALL, OPEN_WALL, wall_of_units


class Role(StrEnum):
    """A person's function in the office. The three administrators are never one person (GB/T 22239-2019)."""

    DISTRICT_HANDLER = "district_handler"
    CITY_REVIEWER = "city_reviewer"
    CITY_ADJUSTER = "city_adjuster"
    CITY_LEADER = "city_leader"
    PROVINCE_OBSERVER = "province_observer"
    AUDITOR = "auditor"
    SYS_ADMIN = "sys_admin"
    SECURITY_ADMIN = "security_admin"

    @property
    def text(self) -> str:
        """The role's Chinese name."""
        return _ROLE_TEXTS[self]


_ROLE_TEXTS: Final = {
    Role.DISTRICT_HANDLER: "区县承办人",
    Role.CITY_REVIEWER: "市级审核人",
    Role.CITY_ADJUSTER: "市级调整人",
    Role.CITY_LEADER: "市级负责人",
    Role.PROVINCE_OBSERVER: "自治区观察员",
    Role.AUDITOR: "审计管理员",
    Role.SYS_ADMIN: "系统管理员",
    Role.SECURITY_ADMIN: "安全管理员",
}


class Permission(StrEnum):
    """One thing that may be done. ``write`` permissions end in a verb other than ``read``."""

    PUBLIC_FILE = "public.file"
    PUBLIC_READ = "public.read"
    SELF_USE = "self.use"
    SELF_SECURE = "self.secure"
    TIP_READ = "tip.read"
    STATEMENT_READ = "statement.read"
    TIP_ENTER = "tip.enter"
    TIP_TRIAGE = "tip.triage"
    TIP_HANDLE = "tip.handle"
    TIP_REVIEW = "tip.review"
    TIP_LEAD = "tip.lead"
    TIP_REPLY = "tip.reply"
    IDENTITY_OPEN = "identity.open"
    EVIDENCE_READ = "evidence.read"
    EVIDENCE_ADD = "evidence.add"
    REASSIGNMENT_READ = "reassignment.read"
    REASSIGNMENT_APPLY = "reassignment.apply"
    REASSIGNMENT_REVIEW = "reassignment.review"
    REASSIGNMENT_ADJUST = "reassignment.adjust"
    REASSIGNMENT_CONFIRM = "reassignment.confirm"
    CASE_READ = "case.read"
    CASE_HANDLE = "case.handle"
    CASE_REVIEW = "case.review"
    CASE_LEAD = "case.lead"
    REWARD_READ = "reward.read"
    REWARD_PROPOSE = "reward.propose"
    REWARD_APPROVE = "reward.approve"
    REWARD_PAY = "reward.pay"
    CASE_PAY = "case.pay"
    DELIVERY_READ = "delivery.read"
    DELIVERY_RESEND = "delivery.resend"
    RULES_READ = "rules.read"
    RULES_MANAGE = "rules.manage"
    GEO_READ = "geo.read"
    GEO_MAINTAIN = "geo.maintain"
    ENTERPRISE_READ = "enterprise.read"
    AUDIT_READ = "audit.read"
    ACCOUNT_READ = "account.read"
    ACCOUNT_MANAGE = "account.manage"
    UNIT_MANAGE = "unit.manage"
    ROLE_GRANT = "role.grant"

    @property
    def reads_only(self) -> bool:
        """A permission that changes nothing; no write may be declared under it."""
        return self.value.endswith(".read")


P = Permission
_EVERYBODY: Final = frozenset({P.SELF_USE, P.SELF_SECURE, P.PUBLIC_FILE, P.PUBLIC_READ})

ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.DISTRICT_HANDLER: _EVERYBODY
    | {P.TIP_READ, P.STATEMENT_READ, P.TIP_ENTER, P.TIP_HANDLE, P.TIP_REPLY, P.IDENTITY_OPEN}
    | {P.EVIDENCE_READ, P.EVIDENCE_ADD}
    | {P.REASSIGNMENT_READ, P.REASSIGNMENT_APPLY, P.REASSIGNMENT_CONFIRM, P.RULES_READ, P.GEO_READ}
    | {P.CASE_READ, P.CASE_HANDLE, P.CASE_PAY, P.ENTERPRISE_READ},
    Role.CITY_REVIEWER: _EVERYBODY
    | {P.TIP_READ, P.STATEMENT_READ, P.TIP_ENTER, P.TIP_TRIAGE, P.TIP_REVIEW, P.TIP_REPLY, P.IDENTITY_OPEN}
    | {P.EVIDENCE_READ, P.EVIDENCE_ADD}
    | {P.REASSIGNMENT_READ, P.REASSIGNMENT_APPLY, P.REASSIGNMENT_REVIEW, P.DELIVERY_READ, P.DELIVERY_RESEND}
    | {P.RULES_READ, P.GEO_READ, P.GEO_MAINTAIN, P.CASE_READ, P.CASE_REVIEW, P.ENTERPRISE_READ}
    | {P.REWARD_READ, P.REWARD_PROPOSE, P.REWARD_PAY},
    Role.CITY_ADJUSTER: _EVERYBODY
    | {P.TIP_READ, P.STATEMENT_READ, P.EVIDENCE_READ, P.EVIDENCE_ADD, P.CASE_READ}
    | {P.REASSIGNMENT_READ, P.REASSIGNMENT_APPLY, P.REASSIGNMENT_ADJUST, P.RULES_READ, P.GEO_READ, P.ENTERPRISE_READ},
    Role.CITY_LEADER: _EVERYBODY
    | {P.TIP_READ, P.STATEMENT_READ, P.TIP_LEAD, P.EVIDENCE_READ, P.REASSIGNMENT_READ, P.DELIVERY_READ}
    | {P.RULES_READ, P.GEO_READ, P.GEO_MAINTAIN, P.CASE_READ, P.CASE_LEAD, P.ENTERPRISE_READ}
    | {P.REWARD_READ, P.REWARD_APPROVE},
    Role.PROVINCE_OBSERVER: _EVERYBODY | {P.TIP_READ, P.RULES_READ, P.REASSIGNMENT_READ, P.CASE_READ},
    Role.AUDITOR: _EVERYBODY | {P.AUDIT_READ},
    Role.SYS_ADMIN: _EVERYBODY
    | {
        P.ACCOUNT_READ,
        P.ACCOUNT_MANAGE,
        P.UNIT_MANAGE,
        P.RULES_READ,
        P.RULES_MANAGE,
        P.DELIVERY_READ,
        P.DELIVERY_RESEND,
    },
    Role.SECURITY_ADMIN: _EVERYBODY | {P.ACCOUNT_READ, P.ROLE_GRANT},
}

DELEGABLE_ROLES: Final = frozenset({Role.DISTRICT_HANDLER, Role.CITY_REVIEWER, Role.CITY_ADJUSTER, Role.CITY_LEADER})
"""Roles that a colleague may act in; the three administrators, the auditor and the observer stay who they are."""

CITY_WIDE_ROLES: Final = frozenset({Role.CITY_REVIEWER, Role.CITY_ADJUSTER, Role.CITY_LEADER, Role.PROVINCE_OBSERVER})
"""Roles that see every district's tips; a district handler sees those of the own unit, everybody else none."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: an officer, a member of the public, or the program itself."""

    kind: str
    account_id: UUID | None = None
    name: str = ""
    role: Role | None = None
    unit_id: int | None = None
    unit_name: str = ""
    division_code: str = ""
    session_id: UUID | None = None
    permissions: frozenset[Permission] = frozenset()
    acting: frozenset[Role] = frozenset()
    """Roles of absent colleagues that this person acts in today."""
    due_step: str = ""
    """A step of the sign-in that comes before everything else: ``password`` or ``second_factor``."""

    def role_for(self, permission: Permission | None) -> Role | None:
        """The role in which this person uses ``permission``: the own one where it suffices."""
        if self.role is None or permission is None or permission in ROLE_PERMISSIONS[self.role]:
            return self.role
        return next((role for role in sorted(self.acting) if permission in ROLE_PERMISSIONS[role]), self.role)

    def may(self, permission: Permission) -> bool:
        """Whether the permission was granted."""
        return permission in self.permissions

    @property
    def city_wide(self) -> bool:
        """Whether tips of all districts are in sight."""
        return self.kind == "program" or not CITY_WIDE_ROLES.isdisjoint({self.role, *self.acting})

    @property
    def wall(self) -> str:
        """The district wall of this actor (see ``foundation.wall``)."""
        if self.kind in {"program", "public"} or self.city_wide:
            return OPEN_WALL
        if self.role is Role.DISTRICT_HANDLER and self.unit_id is not None:
            return wall_of_units([self.unit_id])
        return CLOSED_WALL


PUBLIC: Final = Actor(kind="public", name="公众", permissions=frozenset({P.PUBLIC_FILE, P.PUBLIC_READ}))
PROGRAM: Final = Actor(kind="program", name="系统", permissions=frozenset(Permission))


def officer(
    account_id: UUID,
    name: str,
    role: Role,
    unit_id: int,
    unit_name: str,
    division_code: str,
    session_id: UUID | None = None,
    acting: frozenset[Role] = frozenset(),
) -> Actor:
    """An officer with the permissions of ``role`` and of the roles that the person acts in."""
    return Actor(
        kind="officer",
        account_id=account_id,
        name=name,
        role=role,
        unit_id=unit_id,
        unit_name=unit_name,
        division_code=division_code,
        session_id=session_id,
        permissions=ROLE_PERMISSIONS[role].union(*(ROLE_PERMISSIONS[one] for one in acting)),
        acting=acting,
    )


def held_back(actor: Actor, step: str) -> Actor:
    """The same person while ``step`` of the sign-in is due: it can be done, and nothing else."""
    return replace(actor, permissions=frozenset({P.SELF_SECURE}), acting=frozenset(), due_step=step)
