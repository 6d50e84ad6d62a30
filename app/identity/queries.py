"""Look-ups on units and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import ARRAY, Text, any_, bindparam, case, or_, select

from app.foundation import clock
from app.foundation.database import db, read_rows
from app.foundation.permissions import Actor, Role
from app.geo import service as geo
from app.geo.divisions import divisions
from app.identity import policy
from app.identity.delegation import in_force
from app.identity.models import UNIT_KINDS, Account, Delegation, Unit


class ActingUnit(NamedTuple):
    """What is asked of a unit that acts for a division."""

    id: int
    division_code: str
    kind: str
    name: str


def handling_unit_of(division_code: str) -> ActingUnit | None:
    """The unit that acts for a division: its own, or that of the nearest division above it."""
    chain = [division_code, *divisions().ancestors(division_code)]
    units = {unit.division_code: ActingUnit(*unit) for unit in read_rows(_ACTIVE_UNITS, codes=chain)}
    return next((units[code] for code in chain if code in units), None)


_ACTIVE_UNITS: Final = select(Unit.id, Unit.division_code, Unit.kind, Unit.name).where(
    Unit.division_code == any_(bindparam("codes", type_=ARRAY(Text))), Unit.active
)


def district_unit_of(division_code: str) -> ActingUnit | None:
    """The unit that acts for a division below the office's own prefecture; ``None`` where only a level above would."""
    unit = handling_unit_of(division_code)
    if unit is None or unit.kind in {"region", "city"}:
        return None
    return unit if geo.region_code() in divisions().ancestors(unit.division_code) else None


def unit_at(division_code: str) -> Unit | None:
    """The active unit of exactly this division."""
    return db.session.scalar(select(Unit).where(Unit.division_code == division_code, Unit.active))


def units_by_id(unit_ids: Sequence[int]) -> dict[int, Unit]:
    """Units by their ids."""
    return {unit.id: unit for unit in db.session.scalars(select(Unit).where(Unit.id.in_(unit_ids)))}


def every_unit() -> dict[int, Unit]:
    """All units by their ids."""
    return {unit.id: unit for unit in db.session.scalars(select(Unit))}


def active_units() -> Sequence[Unit]:
    """Units that act, the highest first, then by division code."""
    rank = case({kind: place for place, kind in enumerate(UNIT_KINDS)}, value=Unit.kind)
    return db.session.scalars(select(Unit).where(Unit.active).order_by(rank, Unit.division_code)).all()


def unit_tree() -> list[tuple[int, Unit]]:
    """Every unit, also those out of use, each after the one above it, with how deep it lies."""
    below: dict[int | None, list[Unit]] = {}
    for unit in db.session.scalars(select(Unit).order_by(Unit.active.desc(), Unit.division_code)):
        below.setdefault(unit.parent_id, []).append(unit)
    found: list[tuple[int, Unit]] = []
    waiting = [(0, unit) for unit in reversed(below.get(None, []))]
    while waiting:
        depth, unit = waiting.pop()
        found.append((depth, unit))
        waiting += [(depth + 1, one) for one in reversed(below.get(unit.id, []))]
    return found


def people_of(unit_id: int, roles: Sequence[Role]) -> Sequence[Account]:
    """Active accounts of a unit with one of ``roles``, those who act in it today included."""
    wanted = [role.value for role in roles]
    acting = select(Delegation.to_account_id).where(Delegation.role.in_(wanted), in_force(clock.today()))
    return db.session.scalars(
        select(Account).where(
            Account.unit_id == unit_id,
            Account.in_office(clock.today()),
            or_(Account.role.in_(wanted), Account.id.in_(acting)),
        )
    ).all()


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """What an administrator looks for; ``state``: ``in_office``, ``no_role`` or ``disabled``."""

    q: str | None = None
    unit_id: int | None = None
    role: str | None = None
    state: str | None = None


def account_page(actor: Actor, wanted: AccountFilter, after: str | None, limit: int) -> Sequence[Account]:
    """Accounts within sight by user name, by keyset; one more than ``limit`` tells of a next page."""
    statement = policy.visible_accounts(actor).order_by(Account.username).limit(limit + 1)
    if after:
        statement = statement.where(Account.username > after)
    if wanted.q:
        named = (column.contains(wanted.q, autoescape=True) for column in (Account.username, Account.display_name))
        statement = statement.where(or_(*named))
    if wanted.unit_id is not None:
        statement = statement.where(Account.unit_id == wanted.unit_id)
    if wanted.role:
        statement = statement.where(Account.role == wanted.role)
    today = clock.today()
    states = {
        "in_office": Account.in_office(today),
        "no_role": Account.active & ~Account.in_office(today),
        "disabled": ~Account.active,
    }
    if wanted.state:
        statement = statement.where(states[wanted.state])
    return db.session.scalars(statement).all()
