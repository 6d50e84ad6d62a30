"""Keeping the office's units: one at a time, by the system administrator; lists come by ``flask units import``.

A unit is never deleted: one that no longer acts is deactivated, once nothing open hangs on it. Every change is audited
with before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.audit import service as audit
from app.audit.queries import changed_at_number
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound, StaleVersion
from app.foundation.permissions import Actor, Permission
from app.geo.divisions import divisions
from app.identity import contacts, service
from app.identity.models import UNIT_KINDS, Account, Unit
from app.identity.service import UnitLine

KIND_TEXTS: Final = {
    "region": "自治区",
    "city": "市级",
    "district": "区（县）",
    "township": "乡镇（街道）",
    "zone": "功能区",
}
OpenItems = Callable[[int], int]
_open_items: dict[str, OpenItems] = {}


def counts_open_items(label: str) -> Callable[[OpenItems], OpenItems]:
    """Register what keeps a unit in use: a higher room counts its own rows, which are called ``label``."""

    def register(count: OpenItems) -> OpenItems:
        _open_items[label] = count
        return count

    return register


def open_items(unit_id: int) -> dict[str, int]:
    """What still hangs on a unit, by its Chinese name; empty where nothing does. Wants an open wall."""
    counts = {label: count(unit_id) for label, count in _open_items.items()}
    return {label: count for label, count in counts.items() if count}


@counts_open_items("在岗人员")
def _people(unit_id: int) -> int:
    serving = select(func.count()).select_from(Account)
    return db.session.scalar(serving.where(Account.unit_id == unit_id, Account.in_office(clock.today()))) or 0


@counts_open_items("下级单位")
def _units_below(unit_id: int) -> int:
    below = select(func.count()).select_from(Unit)
    return db.session.scalar(below.where(Unit.parent_id == unit_id, Unit.active)) or 0


def add_unit(actor: Actor, line: UnitLine, parent_division: str | None) -> Unit:
    """Add a unit below the named one, or below that of the nearest division above.

    Raises:
        Forbidden: not the system administrator. Conflict: the division has a unit.
        InvalidInput: by field, what is wrong.
    """
    _admit(actor)
    _check(line)
    unit = Unit(division_code=line.division_code, kind=line.kind, active=True)
    _fill(unit, line, parent_division)
    _flush(unit)
    audit.record(actor, "identity.add_unit", "unit", unit.id, before=None, after=_told(unit))
    return unit


def change_unit(
    actor: Actor, unit_id: int, expected_version: int, line: UnitLine, parent_division: str | None, reason: str
) -> Unit:
    """Change name, division, parent or addresses; what the unit is (``kind``) stays.

    Raises as :func:`add_unit`, and ``StaleVersion``: somebody changed the unit after this person had looked at it.
    """
    unit = _locked(actor, unit_id)
    if (present := changed_at_number("unit", unit.id)) != expected_version:
        raise StaleVersion(extra={"current_version": present})
    line = UnitLine(line.division_code, line.name, unit.kind, line.phone, line.email)
    _check(line)
    before = _told(unit)
    unit.division_code = line.division_code
    _fill(unit, line, parent_division)
    _flush(unit)
    _remember(actor, "identity.change_unit", unit, before, reason)
    return unit


def deactivate(actor: Actor, unit_id: int, reason: str) -> Unit:
    """Take a unit out of use: its division falls to the unit above. Wants an open wall.

    Raises:
        Conflict: something open hangs on it (told what and how much), or it is out of use.
    """
    unit = _locked(actor, unit_id)
    if not unit.active:
        raise Conflict("单位已停用", code="unit_inactive")
    if left := open_items(unit.id):
        told = "、".join(f"{label} {count} 项" for label, count in left.items())
        raise Conflict(f"尚有{told}，请先办理移交、调整后再停用", code="unit_in_use")
    before = _told(unit)
    unit.active = False
    _remember(actor, "identity.deactivate_unit", unit, before, reason)
    return unit


def reactivate(actor: Actor, unit_id: int, reason: str) -> Unit:
    """Put a unit into use again; raise ``Conflict`` where it is in use."""
    unit = _locked(actor, unit_id)
    if unit.active:
        raise Conflict("单位在用", code="unit_active")
    before = _told(unit)
    unit.active = True
    _remember(actor, "identity.reactivate_unit", unit, before, reason)
    return unit


def unit_by_id(unit_id: int) -> Unit:
    """Any unit, also one out of use; raise ``NotFound``."""
    unit = db.session.get(Unit, unit_id)
    if unit is None:
        raise NotFound("未找到该单位")
    return unit


def _admit(actor: Actor) -> None:
    if not actor.may(Permission.UNIT_MANAGE):
        raise Forbidden


def _locked(actor: Actor, unit_id: int) -> Unit:
    _admit(actor)
    unit = db.session.scalar(
        select(Unit).where(Unit.id == unit_id).with_for_update().execution_options(populate_existing=True)
    )
    if unit is None:
        raise NotFound("未找到该单位")
    return unit


def _check(line: UnitLine) -> None:
    faults: dict[str, list[str]] = {}
    if line.kind not in UNIT_KINDS:
        faults["kind"] = ["请选择单位类别"]
    elif not service.is_unit_code(line):
        faults["division"] = [f"{line.division_code} 不是现行行政区划代码"]
    if line.email and not contacts.is_address(line.email):
        faults["email"] = ["请填写完整的电子邮箱地址"]
    if faults:
        raise InvalidInput(errors=faults)


def _fill(unit: Unit, line: UnitLine, parent_division: str | None) -> None:
    unit.name, unit.phone, unit.email = line.name, line.phone, line.email
    parent = _parent(line, parent_division)
    unit.parent_id = parent.id if parent else None


def _parent(line: UnitLine, named: str | None) -> Unit | None:
    """The unit above; of a higher kind, so that no unit is ever above itself."""
    if not named:
        codes = divisions().ancestors(line.division_code)
        above = {
            one.division_code: one for one in db.session.scalars(select(Unit).where(Unit.division_code.in_(codes)))
        }
        return next((above[code] for code in codes if code in above), None)
    parent = db.session.scalar(select(Unit).where(Unit.division_code == named, Unit.active))
    if parent is None:
        raise InvalidInput(errors={"parent": ["没有这个在用单位"]})
    if UNIT_KINDS.index(parent.kind) >= UNIT_KINDS.index(line.kind):
        raise InvalidInput(errors={"parent": [f"{KIND_TEXTS[line.kind]}单位的上级应为更高一级的单位"]})
    return parent


def _flush(unit: Unit) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(unit)
            db.session.flush()
    except IntegrityError as fault:
        raise Conflict(f"区划代码 {unit.division_code} 已有单位（包括已停用的）", code="unit_known") from fault


def _told(unit: Unit) -> dict[str, Any]:
    parent = db.session.get(Unit, unit.parent_id) if unit.parent_id else None
    return {
        "unit_name": unit.name,
        "kind": unit.kind,
        "division_code": unit.division_code,
        "parent": parent.name if parent else None,
        "office_phone": unit.phone,
        "office_email": unit.email,
        "active": unit.active,
    }


def _remember(actor: Actor, action: str, unit: Unit, before: dict[str, Any], reason: str) -> None:
    db.session.flush()
    after = _told(unit)
    if before == after:
        raise InvalidInput("内容没有变化，未保存")
    audit.record(actor, action, "unit", unit.id, before=before, after=after, reason=reason)
