"""Statements prepared once on a connection: whatever ends a transaction, changes a table or breaks the connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, text

from app.foundation import prepared
from app.foundation.database import engine_options

_KNOWN = "SELECT count(*) FROM pg_prepared_statements"


@pytest.fixture
def connection(session_app: Flask) -> Iterator[Connection]:
    engine = create_engine(session_app.extensions["shudi_settings"].database_url, **engine_options())
    with engine.connect() as opened:
        opened.execute(text("CREATE TEMP TABLE things (id integer PRIMARY KEY, name text)"))
        opened.execute(text("INSERT INTO things VALUES (1, 'one')"))
        opened.commit()
        yield opened
        opened.invalidate()
    engine.dispose()


def _ask(connection: Connection, statement: str, *values: Any) -> list[Any]:
    return prepared.ask(connection.connection, statement, values)


def test_a_statement_is_prepared_once_and_outlives_a_rollback(connection: Connection) -> None:
    for _ in range(10):
        assert _ask(connection, "SELECT name FROM things WHERE id = $1", 1) == [("one",)]
        connection.execute(text("SELECT 1"))
        connection.rollback()
    assert connection.scalar(text(_KNOWN)) == 1


def test_values_come_back_as_the_driver_gives_them(connection: Connection) -> None:
    given = (UUID(int=7), None, "字", 70_000, True)
    statement = "SELECT $1::uuid, $2::text, $3::text, $4::integer, $5::boolean"
    assert _ask(connection, statement, *given) == [given]
    assert _ask(connection, statement, UUID(int=8), "x", None, 1, None) == [(UUID(int=8), "x", None, 1, None)]


def test_a_refused_statement_raises_what_the_driver_raises(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        _ask(connection, "INSERT INTO things VALUES ($1) RETURNING 1", 1)
    connection.rollback()
    with pytest.raises(psycopg.errors.UndefinedTable):
        _ask(connection, "SELECT 1 FROM nothing")
    connection.rollback()
    assert _ask(connection, "INSERT INTO things VALUES ($1) RETURNING id", 2) == [(2,)]


def test_a_migration_under_way_costs_one_refusal(connection: Connection) -> None:
    """A running program meets a column of another type: PostgreSQL refuses the old plan, and the next one is new."""
    statement = "SELECT id FROM things"
    assert _ask(connection, statement) == [(1,)]
    connection.execute(text("ALTER TABLE things ALTER id TYPE bigint"))
    connection.commit()
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        _ask(connection, statement)
    connection.rollback()
    assert _ask(connection, statement) == [(1,)]


def test_a_connection_never_knows_too_many(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "_MOST", 5)
    for number in range(23):
        assert _ask(connection, f"SELECT {number}") == [(number,)]
        assert connection.scalar(text(_KNOWN)) <= 5
    assert _ask(connection, "SELECT 0") == [(0,)]


def test_a_lost_connection_is_told_as_one(connection: Connection, session_app: Flask) -> None:
    own = _ask(connection, "SELECT pg_backend_pid()")[0][0]
    url = session_app.extensions["shudi_settings"].database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [own])
    for _ in range(2):  # told when it is noticed, and whenever it is asked again
        with pytest.raises(psycopg.OperationalError):
            _ask(connection, "SELECT 1")


def test_without_a_transaction_there_is_no_wall_to_see_over(connection: Connection) -> None:
    """The setting belongs to a transaction: a statement that was asked too early sees nobody's rows."""
    connection.execute(text("SELECT set_config('shudi.wall', 'open', true)"))
    connection.commit()
    assert _ask(connection, "SELECT coalesce(current_setting('shudi.wall', true), '')") == [("",)]
