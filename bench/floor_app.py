"""The product with two bare routes beside it, so that both are served by one server in one run.

``POST /floor/insert?BYTES`` reads the body, inserts one row of that size with the raw driver and commits.
``GET /floor/read?ID`` reads one row by its primary key and ends the transaction. Each thread has a connection of its own.
With ``BENCH_AUTOCOMMIT=1`` the driver opens no transaction: one round trip in place of three, the least there can be.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import psycopg

from wsgi import app as product

_own = threading.local()


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_own, "connection"):
        autocommit = os.environ.get("BENCH_AUTOCOMMIT") == "1"
        _own.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=autocommit)
    connection: psycopg.Connection[Any] = _own.connection
    return connection


@cache
def _payload(size: int) -> bytes:
    return os.urandom(size)


def _insert(environ: dict[str, Any]) -> bytes:
    environ["wsgi.input"].read()
    connection = _connection()
    connection.execute("INSERT INTO bench_floor (payload) VALUES (%b)", [_payload(int(environ["QUERY_STRING"]))])
    connection.commit()
    return b'{"status": "registered"}'


def _read(environ: dict[str, Any]) -> bytes:
    connection = _connection()
    row = connection.execute("SELECT id FROM bench_floor WHERE id = %s", [int(environ["QUERY_STRING"])]).fetchone()
    connection.rollback()
    return b'{"id": %d}' % row[0] if row else b"{}"


_ROUTES: dict[str, tuple[Callable[[dict[str, Any]], bytes], str]] = {
    "/floor/insert": (_insert, "201 Created"),
    "/floor/read": (_read, "200 OK"),
}


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI entry: the floor's two routes, everything else is the product."""
    if environ["PATH_INFO"] not in _ROUTES:
        answered: Iterable[bytes] = product(environ, start_response)
        return answered
    route, status = _ROUTES[environ["PATH_INFO"]]
    content = route(environ)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
