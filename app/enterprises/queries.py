"""Read-only selects of the register: by code, by name, suggestions, one enterprise with its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import current_app
from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal, select, tuple_, union_all

from app.enterprises.models import Enterprise, EnterpriseChange, EnterpriseName
from app.enterprises.names import name_key, pairs
from app.enterprises.policy import visible_enterprises
from app.enterprises.service import REGISTER
from app.enterprises.states import RegistrationStatus
from app.foundation.database import db
from app.foundation.errors import NotFound
from app.foundation.permissions import Actor
from app.geo import current
from app.geo.registered import RegisterEntry
from app.geo.uscc import parse

MOST_SUGGESTIONS: Final = 10
SHORTEST_PART: Final = 2
_SHORTEST_CODE: Final = 6
_MOST_COMPARED: Final = 200
_LAST_CHARACTER: Final = "\U0010ffff"  # closes the range of names that begin with a text
_MOST_REMEMBERED: Final = 4096


# The register's word on an accused party ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Remembered:
    """What this process has looked up in one version of the register: a surge of tips asks about one company."""

    version: UUID | None = None
    entries: dict[tuple[str, str], RegisterEntry | None] = field(default_factory=dict)
    names: dict[str, Sequence[str]] = field(default_factory=dict)


def register_entry(kind: str, name: str | None, uscc: str | None) -> RegisterEntry | None:
    """What the register says about an accused party: known by its code, else by a name that one enterprise alone bears.

    One indexed statement the first time; none for persons, without code and name, and before anything was imported.
    """
    code, key = _code(uscc), name_key(name)
    version = current.version(REGISTER) if kind != "individual" and (code or key) else None
    if version is None:
        return None
    held = current_app.extensions.setdefault("shudi_register", _Remembered())
    if held.version != version or len(held.entries) > _MOST_REMEMBERED:
        held.version, held.entries, held.names = version, {}, {}
    if (code, key) not in held.entries:
        held.entries[code, key] = _looked_up(code, key)
    found: RegisterEntry | None = held.entries[code, key]
    return found


def _code(uscc: str | None) -> str:
    code = parse(uscc)
    return code.text if code.well_formed else ""


def _by_code_or_name() -> Select[Any]:
    enterprise, name = Enterprise.__table__, EnterpriseName.__table__
    asked = union_all(
        select(enterprise.c.id, literal("code").label("by")).where(enterprise.c.uscc == bindparam("code")),
        select(name.c.enterprise_id, case((name.c.is_current, "name"), else_="former_name")).where(
            name.c.key == bindparam("key")
        ),
    ).subquery()
    return select(asked.c.by, enterprise).join(enterprise, enterprise.c.id == asked.c.id)


_BY_CODE_OR_NAME: Final = _by_code_or_name()  # made once: putting it together costs more than asking


def _looked_up(code: str, key: str) -> RegisterEntry | None:
    rows = db.session.execute(_BY_CODE_OR_NAME, {"code": code or None, "key": key}).mappings()
    found: dict[str, dict[UUID, Any]] = {"code": {}, "name": {}, "former_name": {}}
    for row in rows:
        found[row["by"]][row["id"]] = row
    for by, those in found.items():
        if len(those) == 1:
            return _entry(by, next(iter(those.values())), code, key, found)
        if those:
            return None  # namesakes: the register does not say which
    return None


def _entry(by: str, row: Any, code: str, key: str, found: dict[str, dict[UUID, Any]]) -> RegisterEntry | None:
    if by != "code" and code and row["uscc"]:
        return None  # the code names another enterprise than the one of this name
    status = RegistrationStatus(row["status"])
    named = row["id"] in found["name"] or row["id"] in found["former_name"]
    return RegisterEntry(
        name=row["name"],
        uscc=row["uscc"],
        address=row["registered_address"],
        as_of=row["as_of"],
        known_by=by,
        status=status.value,
        status_text=status.text,
        is_gone=status.is_gone,
        has_moved=status is RegistrationStatus.MOVED_OUT,
        name_differs=bool(key) and not named,
    )


# Searching ----------------------------------------------------------------------------------------------------------


def suggestions(q: str) -> Sequence[Any]:
    """Up to ten enterprises whose present or former name holds ``q``, or whose code begins with it: public facts only.

    Rows have ``name``, ``uscc``, ``division_code``. Names that begin with ``q`` come first, then short ones; of a word
    that very many names hold, only the first few hundred are compared.
    """
    key = name_key(q)
    if len(key) < SHORTEST_PART:
        return []
    name, enterprise = EnterpriseName.__table__.c, Enterprise.__table__.c
    begin = select(name.enterprise_id.label("id"), literal(0).label("rank"))
    hold = select(name.enterprise_id, literal(1))
    ways = [
        begin.where(name.key >= key, name.key < key + _LAST_CHARACTER, name.key.startswith(key, autoescape=True)).limit(
            _MOST_COMPARED
        ),
        hold.where(name.pairs.contains(pairs(key)), name.key.contains(key, autoescape=True)).limit(_MOST_COMPARED),
    ]
    if _may_begin_a_code(key):
        coded = select(enterprise.id, literal(0)).where(enterprise.uscc.startswith(key, autoescape=True))
        ways.append(coded.limit(_MOST_COMPARED))
    found = union_all(*ways).subquery()
    columns = (enterprise.id, enterprise.name, enterprise.uscc, enterprise.division_code)
    statement = select(*columns).join(found, found.c.id == enterprise.id).group_by(enterprise.id)
    ranked = statement.order_by(func.min(found.c.rank), func.length(enterprise.name), enterprise.id)
    return db.session.execute(ranked.limit(MOST_SUGGESTIONS)).all()


def _found_by(q: str) -> ColumnElement[bool] | None:
    """The condition for a part of a name or the beginning of a code; None for what is too short to look for."""
    key = name_key(q)
    if len(key) < SHORTEST_PART:
        return None
    holds = EnterpriseName.pairs.contains(pairs(key)) & EnterpriseName.key.contains(key, autoescape=True)
    by_name = Enterprise.id.in_(select(EnterpriseName.enterprise_id).where(holds))
    return by_name | Enterprise.uscc.startswith(key, autoescape=True) if _may_begin_a_code(key) else by_name


def _may_begin_a_code(key: str) -> bool:
    return key.isascii() and len(key) >= _SHORTEST_CODE


def page(
    actor: Actor, q: str | None, status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Enterprise]:
    """Enterprises within sight, the latest changed first; one more than ``limit`` tells of a next page."""
    statement = visible_enterprises(actor).order_by(Enterprise.changed_at.desc(), Enterprise.id.desc())
    if q:
        found = _found_by(q)
        if found is None:
            return []
        statement = statement.where(found)
    if status:
        statement = statement.where(Enterprise.status == status)
    if after:
        statement = statement.where(tuple_(Enterprise.changed_at, Enterprise.id) < tuple_(*after))
    return db.session.scalars(statement.limit(limit + 1)).all()


def enterprise(actor: Actor, enterprise_id: UUID) -> Enterprise:
    """One enterprise; raise ``NotFound``."""
    found = db.session.scalar(visible_enterprises(actor).where(Enterprise.id == enterprise_id))
    if found is None:
        raise NotFound
    known: Enterprise = found
    return known


def names_of_code(uscc: str) -> Sequence[str]:
    """Every name that the enterprise with this code bears or bore, the present one first; remembered as the entries."""
    held = current_app.extensions.setdefault("shudi_register", _Remembered())
    if uscc not in held.names:
        name = EnterpriseName.__table__.c
        of_code = select(name.name).join_from(EnterpriseName, Enterprise).where(Enterprise.uscc == uscc)
        held.names[uscc] = db.session.scalars(of_code.order_by(name.is_current.desc(), name.id)).all()
    found: Sequence[str] = held.names[uscc]
    return found


def former_names(enterprise_id: UUID) -> Sequence[str]:
    """Names that an enterprise bore, the latest first."""
    mine = (EnterpriseName.enterprise_id == enterprise_id) & ~EnterpriseName.is_current
    return db.session.scalars(select(EnterpriseName.name).where(mine).order_by(EnterpriseName.id.desc())).all()


def history(enterprise_id: UUID) -> Sequence[EnterpriseChange]:
    """What later lists told otherwise, the latest first."""
    mine = select(EnterpriseChange).where(EnterpriseChange.enterprise_id == enterprise_id)
    return db.session.scalars(mine.order_by(EnterpriseChange.id.desc())).all()
