"""The database: naming convention, UTC columns, the settings of the district wall, and the only commit in the code."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import uuid_utils
from flask_sqlalchemy import SQLAlchemy
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import DateTime, Engine, MetaData, event, func, inspect, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict, set_committed_value
from sqlalchemy.types import TypeDecorator

from app.foundation import prepared
from app.foundation.json_text import json_text
from app.foundation.wall import CLOSED_WALL
from app.foundation.wall import OPEN_WALL as OPEN_WALL  # noqa: PLC0414  # handed on: whoever opens a transaction names a wall

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.engine import Connection, Dialect

    from app.foundation.config import Settings

APPLICATION_ROLE: Final = "shudi_app"
"""The role every connection works as: owns nothing, bypasses nothing, so that row-level security always holds."""

NAMING_CONVENTION: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Naive values are refused; what comes back is always UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a moment without an offset: nobody can say when it was."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs an offset")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """PostgreSQL answers in the session's zone; the program knows UTC alone."""
        return value.astimezone(UTC) if value is not None else None


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: UtcDateTime()}  # noqa: RUF012  # SQLAlchemy reads it so


db = SQLAlchemy(
    metadata=Base.metadata,
    session_options={"expire_on_commit": False, "autoflush": False},
)


def new_id() -> UUID:
    """A time-ordered random identifier (UUID version 7): rows of one day lie together on disk."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


# The district wall -------------------------------------------------------------------------------------------------
# Row-level security reads the setting ``shudi.wall`` (see ``wall.py``). It is set with every transaction; without it no
# protected row is visible.

_wall: ContextVar[str] = ContextVar("wall", default=CLOSED_WALL)
_SET_WALL: Final = "SELECT set_config('shudi.wall', %s, true)"
_PLAIN_WALL: Final = re.compile(rf"{OPEN_WALL}|[\d,]*", re.ASCII)


def enter_wall(wall: str) -> None:
    """Put the present request or job behind ``wall``, from its running transaction on."""
    _wall.set(wall)
    if db.session.registry.has() and (session := db.session()).in_transaction():
        _set_wall(session.connection())


def _raise_wall(_session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    _set_wall(connection)


def _set_wall(connection: Connection) -> None:
    """Raise the wall, beginning in the same message to the server: every request does it, most do little else there."""
    wall, driver = _wall.get(), cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    if _PLAIN_WALL.fullmatch(wall):
        begin = "BEGIN; " if driver.pgconn.transaction_status == TransactionStatus.IDLE else ""
        answer = driver.pgconn.exec_(f"{begin}SET LOCAL shudi.wall = '{wall}'".encode())
        if answer.status == ExecStatus.COMMAND_OK:
            return
    connection.exec_driver_sql(_SET_WALL, (wall,))  # tells SQLAlchemy of a lost connection


event.listen(Session, "after_begin", _raise_wall)


# Transactions ------------------------------------------------------------------------------------------------------


@contextmanager
def transaction(wall: str | None = None) -> Iterator[Session]:
    """One transaction: commits at the end, rolls back when anything is raised. Entry points alone open one.

    Args:
        wall: the wall to work behind, when it is not the one already entered.
    """
    session: Session = db.session()
    before = _wall.get()
    if wall is not None:
        enter_wall(wall)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        _wall.set(before)


def take_turn(digest: bytes) -> None:
    """Wait until no other transaction has the turn of what this digest names; ours ends with the transaction."""
    db.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], "big", signed=True))))


class Row(NamedTuple):
    """One row to insert: columns that are not named take the server's default."""

    model: type[Any]
    values: Mapping[str, Any]


class Change(NamedTuple):
    """Columns to set, and the key that finds the row, or the rows."""

    model: type[Any]
    values: Mapping[str, Any]
    key: Mapping[str, Any]


def insert_rows(rows: Sequence[Row], *, unless_known: bool = False, changes: Sequence[Change] = ()) -> bool:
    """Insert rows of several tables in one statement and one round trip; each may refer to those before it.

    For the hot path: a statement a row costs five times as much (``bench/README.md``).

    Args:
        rows: what to insert.
        unless_known: insert nothing at all when the first row meets a unique value that exists already.
        changes: rows to change in the same statement, before; where the first finds none, nothing is inserted.

    Returns:
        Whether the rows were inserted.
    """
    shape = tuple((row.model, tuple(row.values)) for row in rows)
    changed = tuple((one.model, tuple(one.values), tuple(one.key)) for one in changes)
    statement, processors = _insert_statement(shape, unless_known, changed)
    given = [value for one in changes for value in (*one.values.values(), *one.key.values())]
    values = chain(given, (value for row in rows for value in row.values.values()))
    parameters = [
        value if process is None else process(value) for process, value in zip(processors, values, strict=True)
    ]
    return _run("insert_rows", statement, parameters) != [(0,)]


Processor = Callable[[Any], Any]


_Shape = tuple[type[Any], tuple[str, ...]]
_ChangeShape = tuple[type[Any], tuple[str, ...], tuple[str, ...]]


@lru_cache(maxsize=128)
def _insert_statement(
    shape: tuple[_Shape, ...], unless_known: bool, changed: tuple[_ChangeShape, ...]
) -> tuple[str, list[Processor | None]]:
    """The statement for rows of these tables and columns, and what turns each value into the driver's."""
    places: list[Processor | None] = []
    parts = [f"row_{number} AS ({_update(places, *one)})" for number, one in enumerate(changed)]
    for model, names in shape:
        target = f"INSERT INTO {model.__tablename__} ({', '.join(names)})"
        given = ", ".join(_place(places, model, name) for name in names)
        if parts:
            parts.append(f"row_{len(parts)} AS ({target} SELECT {given} FROM row_0)")  # noqa: S608  # our own names
        else:
            conflict = " ON CONFLICT DO NOTHING" if unless_known else ""
            parts.append(f"row_0 AS ({target} VALUES ({given}){conflict} RETURNING 1)")
    return f"WITH {', '.join(parts)} SELECT count(*) FROM row_0", places  # noqa: S608  # names of our own tables


def _update(places: list[Processor | None], model: type[Any], names: Sequence[str], key: Sequence[str]) -> str:
    assigned = ", ".join(f"{name} = {_place(places, model, name)}" for name in names)
    found = " AND ".join(f"{name} = {_place(places, model, name)}" for name in key)
    return f"UPDATE {model.__tablename__} SET {assigned} WHERE {found} RETURNING 1"  # noqa: S608  # our own names


def _place(places: list[Processor | None], model: type[Any], name: str) -> str:
    """The next place for a value of this column; what turns the value into the driver's is kept."""
    dialect = db.engine.dialect
    places.append(model.__table__.c[name].type.dialect_impl(dialect).bind_processor(dialect))
    return f"${len(places)}"


def read_rows(statement: Select[*tuple[Any, ...]], **values: Any) -> list[Any]:
    """Rows of one small look-up as named tuples, in half the time that SQLAlchemy takes for it.

    For the hot paths; ``statement`` is a constant of its module, with a ``bindparam`` for each value and a ``literal``
    for each one of a list.
    """
    words, names, constants, make_row = _read_statement(statement)
    given = constants | values
    return _run("read_rows", words, [given[name] for name in names], make_row)


Model = TypeVar("Model")


def read_object(
    model: type[Model], statement: Select[*tuple[Any, ...]], **values: Any
) -> tuple[Model, tuple[Any, ...]] | None:
    """The row of one small look-up as its object in the session, told anew, and whatever else was asked for with it.

    For the hot paths, like :func:`read_rows`, in a third less time than SQLAlchemy takes; ``statement`` selects
    ``model`` first and is kept by its module.
    """
    words, names, constants, _ = _read_statement(statement)
    given = constants | values
    found = _run("read_object", words, [given[name] for name in names])
    if not found:
        return None
    row, columns = found[0], inspect(model).columns.keys()
    return _told_anew(model, dict(zip(columns, row, strict=False))), row[len(columns) :]


def _told_anew(model: type[Model], values: Mapping[str, Any]) -> Model:
    mapper = inspect(model)
    key = mapper.identity_key_from_primary_key([values[str(column.key)] for column in mapper.primary_key])
    known: Model | None = db.session.identity_map.get(key)
    if known is not None:
        for name, value in values.items():
            set_committed_value(known, name, value)
        return known
    held = model()
    instance_dict(held).update(values)
    make_transient_to_detached(held)
    db.session.add(held)
    return held


def take_changes(held: Base) -> dict[str, Any]:
    """What was changed in an object, in one order, for a statement that writes it; for the session nothing is left."""
    state, values = inspect(held), instance_dict(held)
    changed = sorted(set(state.mapper.column_attrs.keys()) - state.unmodified)
    state._commit_all(values, db.session.identity_map)  # noqa: SLF001  # its public way is one call for each column
    return {name: values[name] for name in changed}


def _run(
    name: str, statement: str, parameters: Sequence[Any], make_row: Callable[..., Any] = tuple
) -> list[tuple[Any, ...]]:
    try:
        return prepared.ask(db.session.connection().connection, statement, parameters, make_row)
    except psycopg.OperationalError as fault:
        raise OperationalError(name, None, fault) from fault


@lru_cache(maxsize=512)
def _read_statement(
    statement: Select[*tuple[Any, ...]],
) -> tuple[str, tuple[str, ...], dict[str, Any], Callable[..., Any]]:
    """The statement with $1 … for its values, the order of these, those that are its own, and what makes a row."""
    dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect)
    row = namedtuple("Row", statement.selected_columns.keys(), rename=True)  # type: ignore[misc]  # noqa: PYI024  # named as the statement is
    return str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params), row._make


def insert_in_bulk(
    model: type[Any], rows: Sequence[Mapping[str, Any]], *, unless_known: bool = False, returning: str = "id"
) -> set[Any]:
    """Insert many rows of one table in one statement, sent as one JSON value; each row names the same columns.

    COPY would be as fast, but PostgreSQL refuses it where row-level security holds.

    Args:
        model: the table.
        rows: columns and values; what JSON does not know goes as text and is read by PostgreSQL.
        unless_known: leave out rows that meet a unique value that exists already.
        returning: a column of the rows that were inserted.

    Returns:
        The values of that column, which tell the rows that were left out.
    """
    if not rows:
        return set()
    names = ", ".join(rows[0])
    table = model.__tablename__
    conflict = " ON CONFLICT DO NOTHING" if unless_known else ""
    statement = (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)"  # noqa: S608  # names of our own tables
        f"{conflict} RETURNING {returning}"
    )
    answer = db.session.connection().exec_driver_sql(statement, (_as_json(rows),))
    return set(answer.scalars())


def update_in_bulk(model: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Update many rows of one table, found by ``id``, in one statement; each row names the same columns."""
    if not rows:
        return
    table = model.__tablename__
    assigned = ", ".join(f"{name} = given.{name}" for name in rows[0] if name != "id")
    db.session.connection().exec_driver_sql(
        f"UPDATE {table} SET {assigned} FROM json_populate_recordset(NULL::{table}, %s::json) given "  # noqa: S608  # names of our own tables
        f"WHERE {table}.id = given.id",
        (_as_json(rows),),
    )


def _as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json_text(rows, default=str)


def end_reading() -> None:
    """Give the connection back after reads, before anything slow (a network call, a long computation)."""
    db.session.rollback()


def engine_options() -> dict[str, Any]:
    """Pool and connection options of the web workers and jobs."""
    return {
        "pool_size": 16,
        "max_overflow": 16,
        "pool_pre_ping": False,
        "json_serializer": json_text,
        "hide_parameters": True,  # a fault that quotes them would carry a reporter's words into the log
        "connect_args": {
            "connect_timeout": 10,
            # A network that falls silent is noticed within half a minute instead of the system's quarter of an hour.
            "tcp_user_timeout": 20_000,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "application_name": "shudi",
            "prepare_threshold": None,  # what is worth preparing is prepared in ``prepared``
            # jit: no statement here is long enough to be worth a second of compiling, whatever the planner thinks.
            # parallel_setup_cost: nor is a list worth the start of two processes, which took 50 ms to find 21 rows.
            "options": "-c timezone=UTC -c jit=off -c parallel_setup_cost=100000 -c statement_timeout=60s "
            "-c idle_in_transaction_session_timeout=60s",
        },
    }


def prepare_engine(engine: Engine, settings: Settings) -> None:
    """Start embedded services at the first connection, and give up every privilege on each new one."""
    if settings.embedded_database:
        services = settings.local_services

        @event.listens_for(engine, "do_connect")
        def _ensure_services(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
            endpoints = services.ensure_running()
            parameters["port"] = urlsplit(endpoints.database_url).port  # a port taken meanwhile is replaced

    @event.listens_for(engine, "connect")
    def _drop_privileges(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            # Before the first migration the role does not exist, and nothing is set.
            cursor.execute(
                "SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = %s", (APPLICATION_ROLE,)
            )
            record.info["privileged"] = cursor.fetchone() is None
        connection.commit()

    @event.listens_for(engine, "checkin")
    def _discard_privileged(_connection: Any, record: Any) -> None:
        # Made before the migrations made the role: it must not serve a later request as the owner of the tables.
        if record.info.get("privileged"):
            record.invalidate()
