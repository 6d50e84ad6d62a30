"""What may stand once only, whoever else writes it at the same moment."""

from __future__ import annotations

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from app.foundation.database import db
from app.foundation.errors import Conflict


def flush_unless_taken(refusal: Conflict) -> None:
    """Write what waits; raise ``refusal`` where a row, within sight or not, has what may stand once only."""
    try:
        db.session.flush()
    except IntegrityError as fault:
        if not isinstance(fault.orig, UniqueViolation):
            raise
        raise refusal from fault
