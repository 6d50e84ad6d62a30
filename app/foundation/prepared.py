"""The statements of the hot paths, prepared once on each connection and asked for by name from then on.

They go past the driver's cursors, which take longer than PostgreSQL for a small look-up, and past its own preparing: it
waits for the sixth time and lets the server forget everything at each rollback, with which every page ends. The rest of
the program's statements are planned each time for the values that they carry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult
    from sqlalchemy.pool import PoolProxiedConnection

_MOST: Final = 100
"""Each takes a tenth of a megabyte of PostgreSQL's memory. A statement is prepared anew for values of other types; when
there are so many, all are forgotten and those in use are prepared again."""
_KEPT: Final = "shudi_prepared"


def ask(
    connection: PoolProxiedConnection, statement: str, parameters: Sequence[Any], make_row: Callable[..., Any] = tuple
) -> list[Any]:
    """The rows of ``statement``, whose places are ``$1``, ``$2`` …; raise the driver's exceptions.

    It belongs to the running transaction and begins none: without one it sees nothing behind the district wall.
    """
    kept: _Prepared | None = connection.info.get(_KEPT)
    if kept is None:
        kept = connection.info[_KEPT] = _Prepared(cast("psycopg.Connection[Any]", connection.driver_connection))
    return kept.ask(statement, parameters, make_row)


class _Prepared:
    """The statements that one connection knows by name."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._server: PGconn = driver.pgconn
        self._values = Transformer(driver)
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._made = 0

    def ask(self, statement: str, parameters: Sequence[Any], make_row: Callable[..., Any]) -> list[Any]:
        values = self._values.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        formats, key = self._values.formats, (statement, self._values.types or ())
        name = self._names.get(key) or self._prepare(key)
        result = self._server.exec_prepared(name, values, formats)  # type: ignore[arg-type]  # None is NULL
        if result.status != ExecStatus.TUPLES_OK:
            self._names.pop(key)  # perhaps a migration changed what it was prepared for
            raise self._fault(result)
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, make_row)

    def _prepare(self, key: tuple[str, tuple[int, ...]]) -> bytes:
        if self._made and self._made % _MOST == 0:
            self._server.exec_(b"DEALLOCATE ALL")
            self._names.clear()
        self._made += 1
        name = b"shudi_%d" % self._made
        result = self._server.prepare(name, key[0].encode(), key[1])
        if result.status != ExecStatus.COMMAND_OK:
            raise self._fault(result)
        self._names[key] = name
        return name

    def _fault(self, result: PGresult) -> psycopg.Error:
        if self._server.status != ConnStatus.OK:
            return psycopg.OperationalError(result.get_error_message())
        return psycopg.errors.error_from_result(result)
