"""Commands on the register: taking a list over. Nothing is deleted; what a later list tells otherwise is history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, Text, Uuid, and_, any_, bindparam, insert, literal, select, union, update
from sqlalchemy.dialects.postgresql import ARRAY

from app.audit import service as audit
from app.enterprises.models import Enterprise, EnterpriseChange, EnterpriseName
from app.enterprises.names import name_key, pairs
from app.enterprises.register_file import Line
from app.enterprises.states import RegistrationStatus
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.permissions import Actor
from app.geo.address import match
from app.geo.maintenance import new_version
from app.geo.service import region_code

REGISTER: Final = "enterprises"
"""Topic of the version that running processes compare (``geo.models.KnowledgeVersion``)."""
_AT_ONCE: Final = 1000
_TOLD: Final = ("name", "uscc", "status", "registered_address", "operating_address", "business_type")
KEPT_AS_HISTORY: Final = (*_TOLD, "division_code")
_ENTERPRISES: Final[Any] = Enterprise.__table__
_NAMES: Final[Any] = EnterpriseName.__table__
_CHANGES: Final[Any] = EnterpriseChange.__table__
Kept = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What a list did: how many lines were ``created``, ``updated``, ``unchanged`` or ``older`` than what is known.

    ``unclear`` names lines without a code whose name several enterprises bear; they were left out. ``changes`` counts
    the changed fields.
    """

    counts: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    unclear: list[str] = field(default_factory=list)


def import_lines(
    actor: Actor,
    lines: Sequence[Line],
    source: str,
    as_of: date,
    progress: Callable[[int], None] = lambda _done: None,
) -> Outcome:
    """Take a checked list over: new enterprises are entered, known ones follow what the list tells.

    An enterprise is known by its code, else by its name where only one bears it. What the list leaves empty stays. A
    line older than what is known changes nothing.

    Args:
        actor: who imports.
        lines: of :func:`app.enterprises.register_file.check`.
        source: where the list comes from, for lines that do not say it.
        as_of: the day for which the list speaks, for lines that do not say it.
        progress: told how many lines are done.
    """
    outcome = Outcome()
    for begin in range(0, len(lines), _AT_ONCE):
        _take(lines[begin : begin + _AT_ONCE], source, as_of, outcome)
        progress(min(begin + _AT_ONCE, len(lines)))
    if outcome.counts["created"] or outcome.counts["updated"]:
        new_version(REGISTER)
    counts = dict(outcome.counts) | {"unclear": len(outcome.unclear)}
    audit.record(
        actor, "enterprises.import", "enterprise_list", as_of.isoformat(), counts=counts, source=source,
        changed_fields=dict(outcome.changes),
    )  # fmt: skip
    return outcome


def _take(lines: Sequence[Line], source: str, as_of: date, outcome: Outcome) -> None:
    known = _Known(lines)
    batch = _Batch()
    for line in lines:
        told = _told(line) | {"source": line.source or source, "as_of": line.as_of or as_of}
        found = known.find(line)
        if found is None:
            batch.create(line, told)
            outcome.counts["created"] += 1
        elif len(found) > 1:
            outcome.unclear.append(f"{line.place}：有 {len(found)} 家企业同名，须填写统一社会信用代码")
        else:
            what, changed = batch.change(found[0], line, told)
            outcome.counts[what] += 1
            outcome.changes.update(changed)
    batch.write()


def _told(line: Line) -> Kept:
    """What a line tells, without what it leaves open."""
    return {name: value for name in _TOLD if (value := getattr(line, name)) is not None}


def _texts(values: list[str]) -> BindParameter[Any]:
    return literal(values, ARRAY(Text))


class _Known:
    """The enterprises that these lines may mean, found with one statement."""

    def __init__(self, lines: Sequence[Line]) -> None:
        codes = [line.uscc for line in lines if line.uscc]
        keys = [name_key(line.name) for line in lines]
        coded = select(_ENTERPRISES.c.id).where(_ENTERPRISES.c.uscc == any_(_texts(codes)))
        named = select(_NAMES.c.enterprise_id).where(_NAMES.c.is_current, _NAMES.c.key == any_(_texts(keys)))
        asked = union(coded, named).subquery()
        rows = db.session.execute(
            select(_ENTERPRISES, _NAMES.c.key)
            .join(asked, asked.c.id == _ENTERPRISES.c.id)
            .join(_NAMES, and_(_NAMES.c.enterprise_id == _ENTERPRISES.c.id, _NAMES.c.is_current))
        ).mappings()
        self.by_code: dict[str, Kept] = {}
        self.by_key: dict[str, list[Kept]] = {}
        for row in rows:
            kept = dict(row)
            if kept["uscc"]:
                self.by_code[kept["uscc"]] = kept
            self.by_key.setdefault(kept["key"], []).append(kept)

    def find(self, line: Line) -> list[Kept] | None:
        """The one enterprise of this line, several of its name where the line has no code, or None."""
        if line.uscc and line.uscc in self.by_code:
            return [self.by_code[line.uscc]]
        named = self.by_key.get(name_key(line.name), [])
        if line.uscc:
            named = [kept for kept in named if kept["uscc"] is None][:1]
        return named or None


class _Batch:
    """Rows to write for some lines."""

    def __init__(self) -> None:
        self.created: list[Kept] = []
        self.names: list[Kept] = []
        self.updates: list[Kept] = []
        self.confirmed: dict[tuple[date, str], list[UUID]] = {}
        self.history: list[Kept] = []

    def create(self, line: Line, told: Kept) -> None:
        """Enter a new enterprise."""
        row: Kept = dict.fromkeys(KEPT_AS_HISTORY) | {"status": RegistrationStatus.OTHER} | told
        row |= {"id": new_id(), "created_at": clock.now(), "changed_at": clock.now()}
        row["division_code"] = _division(row)
        self.created.append(row)
        known = {name_key(line.name)}
        self.names.append(_name(row["id"], line.name, is_current=True))
        self._former(row["id"], line.former_names, known)

    def change(self, kept: Kept, line: Line, told: Kept) -> tuple[str, list[str]]:
        """Let a known enterprise follow the list; tells ``updated``, ``unchanged`` or ``older``, and which fields."""
        if told["as_of"] < kept["as_of"]:
            return "older", []
        after = {name: kept[name] for name in KEPT_AS_HISTORY} | told
        after["division_code"] = _division(after)
        changed = [name for name in KEPT_AS_HISTORY if after[name] != kept[name]]
        now = clock.now()
        self.history += [
            {"id": new_id(), "enterprise_id": kept["id"], "field": name, "before": kept[name], "after": after[name],
             "as_of": told["as_of"], "source": told["source"], "recorded_at": now}
            for name in changed
        ]  # fmt: skip
        if changed:
            self.updates.append({"of": kept["id"], **after, "changed_at": now})
        elif (told["as_of"], told["source"]) != (kept["as_of"], kept["source"]):
            self.confirmed.setdefault((told["as_of"], told["source"]), []).append(kept["id"])
        former = line.former_names
        if "name" in changed:
            _no_longer_current(kept["id"])
            former = (*former, kept["name"])
        if former or "name" in changed:
            self._rename(kept["id"], after["name"], former)
        return ("updated" if changed else "unchanged"), changed

    def _rename(self, enterprise_id: UUID, name: str, former: Sequence[str]) -> None:
        """Let an enterprise bear ``name``; names that are known are not entered twice."""
        mine = _NAMES.c.enterprise_id == enterprise_id
        known = set(db.session.scalars(select(_NAMES.c.key).where(mine)))
        key = name_key(name)
        if key in known:
            db.session.execute(update(_NAMES).where(mine, _NAMES.c.key == key).values(is_current=True, name=name))
        else:
            self.names.append(_name(enterprise_id, name, is_current=True))
        self._former(enterprise_id, former, known | {key})

    def _former(self, enterprise_id: UUID, names: Sequence[str], known: set[str]) -> None:
        for name in names:
            if name_key(name) not in known:
                known.add(name_key(name))
                self.names.append(_name(enterprise_id, name.strip(), is_current=False))

    def write(self) -> None:
        """Write everything, a statement a table."""
        for table, rows in ((_ENTERPRISES, self.created), (_NAMES, self.names), (_CHANGES, self.history)):
            if rows:
                db.session.execute(insert(table), rows)
        if self.updates:
            db.session.execute(update(_ENTERPRISES).where(_ENTERPRISES.c.id == bindparam("of")), self.updates)
        for (as_of, source), ids in self.confirmed.items():
            still_so = update(_ENTERPRISES).where(_ENTERPRISES.c.id == any_(literal(ids, ARRAY(Uuid))))
            db.session.execute(still_so.values(as_of=as_of, source=source))


def _no_longer_current(enterprise_id: UUID) -> None:
    db.session.execute(update(_NAMES).where(_NAMES.c.enterprise_id == enterprise_id).values(is_current=False))


def _name(enterprise_id: UUID, name: str, *, is_current: bool) -> Kept:
    key = name_key(name)
    return {"enterprise_id": enterprise_id, "name": name, "key": key, "pairs": pairs(key), "is_current": is_current}


def _division(row: Mapping[str, Any]) -> str | None:
    """The district of a registered address, by the matcher that reads every address; None where it tells none."""
    address = row["registered_address"]
    return match(address, region_code(), row["uscc"]).district if address else None
