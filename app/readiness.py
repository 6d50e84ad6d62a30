"""What ``/readyz`` asks: is the schema at its head, does Redis answer, how long does the outbox wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from alembic.script import ScriptDirectory
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.foundation.database import db, end_reading
from app.foundation.observability import ReadinessCheck
from app.outbox.service import oldest_waiting

MIGRATIONS: Final = Path(__file__).resolve().parents[1] / "migrations"


def checks(app: Flask) -> dict[str, ReadinessCheck]:
    """The checks by the name that the report gives them."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()

    def database() -> tuple[bool, Any]:
        try:
            version = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        except OperationalError:
            end_reading()
            return False, "unreachable"
        except ProgrammingError:
            end_reading()  # the next check needs a sound transaction
            return False, "not_migrated"
        return (True, "at_head") if version == head else (False, "not_migrated")

    def redis() -> tuple[bool, Any]:
        try:
            app.extensions["shudi_redis"].ping()
        except RedisError:
            return False, "unreachable"
        return True, "reachable"

    def outbox() -> tuple[bool, Any]:
        try:
            return True, {"oldest_waiting_seconds": round(oldest_waiting(), 1)}
        except (OperationalError, ProgrammingError):
            return False, "unreachable"

    return {"database": database, "redis": redis, "outbox": outbox}
