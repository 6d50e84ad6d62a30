"""Looking at every table at once, and at what is asked of them: what a refused request left behind, where a secret lies
in clear, which statements an answer takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event, text

from app.foundation import prepared
from app.foundation.database import OPEN_WALL, db, transaction


def row_counts() -> dict[str, int]:
    """Rows of every table that the program knows."""
    names = [table.name for table in db.metadata.sorted_tables]
    union = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in names)
    with transaction(OPEN_WALL) as session:
        return dict(tuple(row) for row in session.execute(text(union)))


def growth(before: dict[str, int]) -> dict[str, int]:
    """Tables that hold another number of rows than ``before``, with the difference."""
    return {name: count - before[name] for name, count in row_counts().items() if count != before[name]}


def dump() -> dict[str, list[str]]:
    """Every row of every table as the text PostgreSQL makes of it (bytes as ``\\x…`` hexadecimal)."""
    with transaction(OPEN_WALL) as session:
        return {
            table.name: [line for (line,) in session.execute(text(f"SELECT t::text FROM {table.name} t"))]
            for table in db.metadata.sorted_tables
        }


def added(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Rows of ``after`` that ``before`` did not hold, as ``table: row``."""
    return [f"{name}: {line}" for name, lines in after.items() for line in lines if line not in before[name]]


def scalar(statement: str, **values: Any) -> Any:
    """The first column of the first row of a statement, seen with an open wall."""
    with transaction(OPEN_WALL) as session:
        return session.execute(text(statement), values).scalar()


@contextmanager
def asked() -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    def prepared_ask(connection: Any, statement: str, *more: Any) -> list[Any]:
        statements.append(statement)
        return ask(connection, statement, *more)

    ask = prepared.ask
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with patch.object(prepared, "ask", prepared_ask):
            yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
