"""What this process knows now: the division list in force and the office's own knowledge, as the database says.

Running processes notice a change by themselves: the first transaction after ``LOOK_EVERY`` seconds takes one look at
two rows, and only where a token differs is anything loaded. Most requests, and most filings of a tip, cost no query.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from flask import current_app, has_app_context
from sqlalchemy import Connection, event, select, text
from sqlalchemy.orm import Session, SessionTransaction

from app.foundation.database import db
from app.geo import prepared
from app.geo.division_lists import listed_rows, zones_of_today
from app.geo.divisions import divisions
from app.geo.gazetteer import Zone, gazetteer
from app.geo.knowledge import EMPTY, KnownPrecedent, KnownZone, LearntPlace, OfficeKnowledge
from app.geo.models import (
    DivisionListImport,
    GeoAlias,
    GeoSetting,
    GeoZone,
    KnowledgeVersion,
    LearntRoad,
    Precedent,
)

LOOK_EVERY: Final = 3.0
"""Seconds after which a running process has noticed a change."""
KNOWLEDGE, DIVISIONS = "knowledge", "divisions"
LEARNING = "learn_from_concluded_tips"
Tokens = dict[str, UUID]


@dataclass(slots=True)
class _Held:
    """What one application holds: the tokens last seen, and the knowledge loaded under ``loaded``."""

    knowledge: OfficeKnowledge = EMPTY
    loaded: Tokens = field(default_factory=dict)
    tokens: Tokens = field(default_factory=dict)
    edition: Path = prepared.PREPARED
    next_look: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


def knowledge() -> OfficeKnowledge:
    """The office's knowledge, at most ``LOOK_EVERY`` seconds old."""
    held = _held()
    if _is_due(held):
        db.session.connection()  # its transaction begins, and that takes the look
    if held.loaded != held.tokens:
        seen = held.tokens
        held.knowledge, held.loaded = _load(db.session.connection()), seen
    return held.knowledge


def version(topic: str) -> UUID | None:
    """The version of something that many processes remember, at most ``LOOK_EVERY`` seconds old; None before any."""
    held = _held()
    if _is_due(held):
        db.session.connection()
    return held.tokens.get(topic)


def look_again() -> None:
    """Let the next transaction of this process look: something was changed here."""
    _held().next_look = 0.0


def look_now() -> None:
    """Look in the running transaction: for work that answers a change and must not do it with what was before."""
    _look(_held(), db.session.connection())


def _held() -> _Held:
    extensions = current_app.extensions
    held = extensions.get("shudi_geo") or extensions.setdefault("shudi_geo", _Held())
    assert isinstance(held, _Held)  # noqa: S101  # narrows the type for the reader and the checker
    return held


def _is_due(held: _Held) -> bool:
    return time.monotonic() >= held.next_look


def _look_where_due(_session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    if not has_app_context():
        return
    held = _held()
    if prepared.edition() != held.edition:
        prepared.use(held.edition)
    if not _is_due(held) or not held.lock.acquire(blocking=False):
        return  # one thread looks, the others go on with what is known
    try:
        held.next_look = time.monotonic() + LOOK_EVERY
        _look(held, connection)
    finally:
        held.lock.release()


event.listen(Session, "after_begin", _look_where_due)


def _look(held: _Held, connection: Connection) -> None:
    """Note the versions, and put the list in force; the knowledge is loaded only when somebody asks for it."""
    if not held.tokens and connection.scalar(text("SELECT to_regclass('knowledge_versions')")) is None:
        return  # a database before its migrations
    versions = {row.topic: row for row in connection.execute(select(KnowledgeVersion.__table__))}
    tokens = {topic: row.token for topic, row in versions.items()}
    if tokens.get(DIVISIONS) != held.tokens.get(DIVISIONS):
        in_force = versions.get(DIVISIONS)
        held.edition = _edition(connection, in_force.import_id) if in_force else prepared.PREPARED
        prepared.use(held.edition)
    held.tokens = tokens


# The list in force ---------------------------------------------------------------------------------------------------


def _edition(connection: Connection, import_id: UUID) -> Path:
    """The prepared file of an imported list, made on this machine where it is not there yet."""
    table = DivisionListImport.__table__.c
    path = edition_path(connection.scalars(select(table.sha256).where(table.id == import_id)).one())
    if not path.exists():
        content = connection.scalars(select(table.content).where(table.id == import_id)).one()
        prepare_list(gzip.decompress(content))
    return path


def edition_path(sha256: str) -> Path:
    """Where the prepared form of a list lies. The shipped file is part of the name, because another version of the
    program may prepare the same list otherwise.
    """
    shipped = hashlib.sha256(prepared.PREPARED.read_bytes()).hexdigest()
    data_dir: Path = current_app.extensions["shudi_settings"].data_dir
    return data_dir / "divisions" / f"{sha256[:16]}-{shipped[:16]}.bin"


def prepare_list(content: bytes) -> None:
    """Write the prepared form of a checked list (about two seconds)."""
    path = edition_path(hashlib.sha256(content).hexdigest())
    rows = listed_rows(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    draft.write_bytes(prepared.build(rows, zones_of_today(prepared.zone_rows(), rows)))
    draft.replace(path)


# The office's knowledge ----------------------------------------------------------------------------------------------


def _load(connection: Connection) -> OfficeKnowledge:
    listed = {zone.zone_id: zone for zone in gazetteer().zone_table}
    return OfficeKnowledge(
        zones=[_zone(row, listed.get(row["zone_id"])) for row in _in_force(connection, GeoZone)],
        aliases={row["text"]: row["today"] for row in _in_force(connection, GeoAlias) if row["today"]},
        precedents=[
            KnownPrecedent(row["pattern"], row["today"], row["decided_on"], citation(row["reference"], row["number"]))
            for row in _in_force(connection, Precedent)
            if row["today"]
        ],
        learnt=_learnt(connection),
    )


def _in_force(connection: Connection, model: type[GeoZone | GeoAlias | Precedent]) -> list[dict[str, Any]]:
    """Rows that were not withdrawn, with ``today``: the present code of their division."""
    table = model.__table__
    rows = connection.execute(select(table).where(table.c.withdrawn_at.is_(None))).mappings()
    return [dict(row) | {"today": _today(row["division_code"])} for row in rows]


def _today(code: str | None) -> str | None:
    """Today's code of a division that somebody named earlier; None where it was split or has gone."""
    successors = divisions().successors(code) if code else ()
    return successors[0] if len(successors) == 1 else None


def _zone(row: dict[str, Any], listed: Zone | None) -> KnownZone:
    names = (row["name"], *row["aliases"], *((listed.name, *listed.aliases) if listed else ()))
    counties = frozenset(str(county) for county in listed.counties) if listed else frozenset()
    return KnownZone(names, row["today"], row["xpcc"], counties)


def citation(reference: str, number: int) -> str:
    """How a precedent is cited: by its document, else by its number; never by a tip."""
    return reference or f"属地先例第{number}号"


def _learnt(connection: Connection) -> dict[str, LearntPlace]:
    settings = GeoSetting.__table__.c
    enabled = connection.scalar(select(settings.enabled).where(settings.name == LEARNING))
    if not enabled:
        return {}
    rows = connection.execute(select(LearntRoad.__table__)).mappings()
    return {
        row["name"]: LearntPlace(code, row["count"], row["total"])
        for row in rows
        if (code := _today(row["division_code"]))
    }
