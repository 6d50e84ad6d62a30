"""The entry that other packages use: one accused party → where the tip belongs, with what the office knows."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from datetime import date
from functools import partial

from flask import current_app
from sqlalchemy import select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict
from app.foundation.permissions import Actor
from app.geo import current, prepared
from app.geo.address import match
from app.geo.division_lists import Difference
from app.geo.jurisdiction import Accused, Jurisdiction, decide
from app.geo.knowledge import Citation, OfficeKnowledge, Reading, draws_on_history
from app.geo.maintenance import new_version
from app.geo.models import DivisionListImport, KnowledgeVersion

__all__ = ["Accused", "Jurisdiction", "draws_on_history", "find_jurisdiction", "find_public_jurisdiction"]


def find_jurisdiction(accused: Accused, region_code: str = "650100") -> Jurisdiction:
    """Propose lead, cooperating districts and arbiter by Article 20; ``region_code`` is the office's prefecture."""
    return decide(accused, region_code, current.knowledge())


def jurisdiction_finder(region_code: str = "650100") -> Callable[[Accused], Jurisdiction]:
    """:func:`find_jurisdiction` for many parties, with what the office knows now; it asks the database no more."""
    return partial(decide, region_code=region_code, knowledge=current.knowledge())


def find_public_jurisdiction(accused: Accused, region_code: str = "650100") -> Jurisdiction:
    """The same for the public, without what rests on other tips: an answer must not tell that there are any."""
    return decide(accused, region_code, current.knowledge().public)


def for_public(decision: Jurisdiction, accused: Accused, region_code: str = "650100") -> Jurisdiction:
    """A decision as the public may read it: the same, unless it rests on other tips."""
    learnt = any(e.how == "learnt" for source in decision.sources.values() for e in source.evidence)
    return find_public_jurisdiction(accused, region_code) if learnt or decision.citation else decision


def read_address(
    actor: Actor, address: str, hint_code: str | None, uscc: str | None = None
) -> tuple[Reading, Citation | None]:
    """What one address says, for a trial by an officer; districts do not see what rests on other districts' tips."""
    known = knowledge_for(actor)
    found = match(address, hint_code, uscc)
    return known.read(address, found), known.cite(address, found)


def precedent_of(actor: Actor, address: str) -> Citation | None:
    """The earlier decision about an address, as far as this person may draw on it."""
    known = knowledge_for(actor)
    return known.cite(address, match(address, region_code())) if known.precedents else None


def knowledge_for(actor: Actor) -> OfficeKnowledge:
    """What of the office's knowledge this person may draw on."""
    known = current.knowledge()
    return known if actor.city_wide else known.public


def region_code() -> str:
    """The office's own prefecture."""
    code: str = current_app.extensions["shudi_settings"].region_code
    return code


# The division list in force ------------------------------------------------------------------------------------------


def list_in_force() -> str:
    """SHA-256 of the list (as CSV) that the program works with."""
    digest = db.session.scalar(
        select(DivisionListImport.sha256).join(KnowledgeVersion, KnowledgeVersion.import_id == DivisionListImport.id)
    )
    return digest or hashlib.sha256(gzip.decompress((prepared.DATA / "divisions.csv.gz").read_bytes())).hexdigest()


def put_list_in_force(actor: Actor, content: bytes, dated: date, difference: Difference) -> DivisionListImport:
    """Let every process work with a checked list from now on. Conflict: it is in force already."""
    digest = hashlib.sha256(content).hexdigest()
    before = list_in_force()
    if digest == before:
        raise Conflict("该名单已在使用，未作改动")
    row = DivisionListImport(
        id=new_id(),
        dated=dated,
        sha256=digest,
        counts=difference.counts(),
        content=gzip.compress(content, mtime=0),
        imported_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    new_version(current.DIVISIONS, row.id)
    audit.record(
        actor, "geo.import_divisions", "division_list", row.id,
        before=before, after=digest, dated=dated.isoformat(), counts=row.counts,
    )  # fmt: skip
    return row
