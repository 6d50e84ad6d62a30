"""Commands on the office's knowledge: zones, aliases and precedents. Every change is audited with before and after.

Nothing is deleted: what no longer holds is withdrawn. Each command gives the knowledge a new version, which running
processes notice within seconds (``current.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, InvalidInput, NotFound, StaleVersion
from app.foundation.permissions import Actor
from app.geo import current
from app.geo.address import match
from app.geo.divisions import divisions
from app.geo.gazetteer import gazetteer
from app.geo.local_names import local_part, pattern_of
from app.geo.models import GeoAlias, GeoZone, KnowledgeVersion, Precedent
from app.geo.normalise import normalise

_SHORTEST_NAME: Final = 2
KINDS: Final[Mapping[str, type[GeoZone | GeoAlias | Precedent]]] = {
    "zone": GeoZone,
    "alias": GeoAlias,
    "precedent": Precedent,
}
_AUDITED: Final[Mapping[type[Any], tuple[str, ...]]] = {
    GeoZone: ("zone_id", "name", "aliases", "division_code", "xpcc", "note"),
    GeoAlias: ("text", "division_code", "note"),
    # An address can be somebody's home and the auditor sees no business data: the number leads to the row.
    Precedent: ("number", "division_code", "reference"),
}
Row = TypeVar("Row", GeoZone, GeoAlias, Precedent)


def add_zone(actor: Actor, given: Mapping[str, Any]) -> GeoZone:
    """Note a functional zone and who takes it: ``division``, the XPCC (``xpcc``), or nobody yet.

    Raises:
        InvalidInput: unknown listed zone, a division that is no current district or township, two takers.
        Conflict: the zone is noted already.
    """
    row = GeoZone(id=new_id(), version=1, created_at=clock.now(), **_zone_values(given))
    return _add(actor, "zone", row, "该功能区已有约定，请在原记录上修改")


def change_zone(actor: Actor, row_id: UUID, expected_version: int, given: Mapping[str, Any]) -> GeoZone:
    """Change who takes a zone, or its names. Raises as :func:`add_zone`, and NotFound, StaleVersion."""
    row = _locked(GeoZone, row_id, expected_version)
    before = _told(row)
    for name, value in _zone_values({**given, "zone_id": row.zone_id}).items():
        setattr(row, name, value)
    row.version += 1
    _flush(row, "另一个功能区已使用该名称")
    _remember(actor, "geo.change_zone", row, before, _told(row))
    return row


def _zone_values(given: Mapping[str, Any]) -> dict[str, Any]:
    listed = {zone.zone_id: zone for zone in gazetteer().zone_table}
    zone_id, division, xpcc = given.get("zone_id"), given.get("division"), bool(given.get("xpcc"))
    if zone_id and zone_id not in listed:
        raise InvalidInput(errors={"zone_id": ["名录中没有该功能区"]})
    if division and xpcc:
        raise InvalidInput(errors={"division": ["约定由兵团管辖的，不再填写区（县）"]})
    name = (given.get("name") or (listed[zone_id].name if zone_id else "")).strip()
    if len(name) < _SHORTEST_NAME:
        raise InvalidInput(errors={"name": ["请填写功能区名称"]})
    aliases = [alias.strip() for alias in given.get("aliases") or ()]
    return {
        "zone_id": zone_id or None,
        "name": name,
        "aliases": list(dict.fromkeys(alias for alias in aliases if len(alias) >= _SHORTEST_NAME)),
        "division_code": district(division) if division else None,
        "xpcc": xpcc,
        "note": given.get("note") or "",
    }


def add_alias(actor: Actor, given: Mapping[str, Any]) -> GeoAlias:
    """Note how people call a district or township. InvalidInput: too short, or an official name. Conflict: known."""
    text = normalise(given["text"])[0]
    if len(text) < _SHORTEST_NAME:
        raise InvalidInput(errors={"text": ["别名至少两个字"]})
    if text in gazetteer().unit_names:
        raise InvalidInput(errors={"text": ["这是行政区划的名称或简称，系统已能识别"]})
    code, note = district(given["division"]), given.get("note") or ""
    row = GeoAlias(id=new_id(), text=text, division_code=code, note=note, version=1, created_at=clock.now())
    return _add(actor, "alias", row, "该别名已登记")


def add_precedent(actor: Actor, given: Mapping[str, Any]) -> Precedent:
    """Enter a decision about an address by hand; the divisions at its head are no part of the pattern.

    Raises:
        InvalidInput: nothing is left below the district, or the division is none. Conflict: decided already.
    """
    address, division = given["address"], district(given["division"])
    pattern = local_part(address, match(address, division))
    if pattern is None:
        raise InvalidInput(errors={"address": ["请写到门牌号、小区或楼宇名称"]})
    if given["decided_on"] > clock.today():
        raise InvalidInput(errors={"decided_on": ["决定日期不能晚于今天"]})
    row = _precedent(pattern, division, given["decided_on"])
    row.reference, row.note = given.get("reference") or "", given.get("note") or ""
    return _add(actor, "precedent", row, "该地址已有先例，请先撤销原先例")


def remember_precedent(
    actor: Actor, address: str, division: str, decided_on: date, tip_id: UUID, tip_version: int
) -> Precedent | None:
    """Keep the city's decision about a disputed address; a later one about the same address takes its place.

    ``tip_version`` names the step of the tip that was the decision. Returns None where the address is too general to
    be known again, the division is none that leads, or nothing is new: so twice has the effect of once.
    """
    pattern = pattern_of(address, match(address, division))
    step = select(Precedent.id).where(Precedent.tip_id == tip_id, Precedent.tip_version == tip_version)
    if pattern is None or divisions().county_of(division) is None or db.session.scalar(step) is not None:
        return None
    earlier = db.session.scalar(
        select(Precedent).where(Precedent.pattern == pattern, Precedent.withdrawn_at.is_(None)).with_for_update()
    )
    if earlier is not None and earlier.division_code == division:
        return None
    if earlier is not None:
        _withdraw(actor, "precedent", earlier, "已有新的决定")
    row = _precedent(pattern, division, decided_on)
    row.tip_id, row.tip_version = tip_id, tip_version
    return _add(actor, "precedent", row, "该地址已有先例")


def _precedent(pattern: str, division: str, decided_on: date) -> Precedent:
    return Precedent(
        id=new_id(), pattern=pattern, division_code=division, decided_on=decided_on,
        reference="", note="", version=1, created_at=clock.now(),
    )  # fmt: skip


def withdraw(actor: Actor, kind: str, row_id: UUID, expected_version: int, reason: str) -> Any:
    """Withdraw a zone, alias or precedent (``kind``); it stays on record. NotFound, StaleVersion, InvalidInput."""
    if not reason.strip():
        raise InvalidInput(errors={"reason": ["请说明撤销理由"]})
    row: Any = _locked(KINDS[kind], row_id, expected_version)  # type: ignore[type-var]  # one of the three
    _withdraw(actor, kind, row, reason.strip())
    return row


def _withdraw(actor: Actor, kind: str, row: GeoZone | GeoAlias | Precedent, reason: str) -> None:
    row.withdrawn_at = clock.now()
    row.version += 1
    db.session.flush()
    _remember(actor, f"geo.withdraw_{kind}", row, _told(row), None, reason=reason)


def district(code: str) -> str:
    """``code`` where it is a current district or township; raise InvalidInput naming ``division``."""
    if not divisions().is_current(code) or divisions().county_of(code) is None:
        raise InvalidInput(errors={"division": ["应为现行区（县）或乡镇街道的区划代码"]})
    return code


def _locked(model: type[Row], row_id: UUID, expected_version: int) -> Row:
    row: Row | None = db.session.scalar(
        select(model)
        .where(model.id == row_id, model.withdrawn_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("未找到该记录，可能已被撤销")
    if row.version != expected_version:
        raise StaleVersion(extra={"current_version": row.version})
    return row


def _add(actor: Actor, kind: str, row: Row, taken: str) -> Row:
    _flush(row, taken)
    _remember(actor, f"geo.add_{kind}", row, None, _told(row))
    return row


def _flush(row: GeoZone | GeoAlias | Precedent, taken: str) -> None:
    """Write the row; ``taken`` says what is wrong where an index refuses it."""
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()
    except IntegrityError as fault:
        raise Conflict(taken) from fault


def _told(row: GeoZone | GeoAlias | Precedent) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _AUDITED[type(row)]}


def _remember(
    actor: Actor,
    action: str,
    row: GeoZone | GeoAlias | Precedent,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    **more: Any,
) -> None:
    """Write the audit row and give the knowledge a new version, in the transaction of the change."""
    kind = next(name for name, model in KINDS.items() if isinstance(row, model))
    audit.record(actor, action, f"geo_{kind}", row.id, before=before, after=after, **more)
    new_version(current.KNOWLEDGE)


def new_version(topic: str, import_id: UUID | None = None) -> None:
    """Let every process notice a change of ``topic``; ``import_id`` is the list in force."""
    values = {"token": new_id(), "changed_at": clock.now(), "import_id": import_id}
    statement = insert(KnowledgeVersion).values(topic=topic, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=["topic"], set_=values))
    current.look_again()
