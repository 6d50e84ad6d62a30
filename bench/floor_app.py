"""The product with a bare Flask application beside it, so that both are served by one server in one run.

``POST /floor/insert?BYTES`` reads the body, inserts one row of that size with the raw driver and commits.
``GET /floor/read?ID`` reads one row by its primary key and ends the transaction. Each thread has a connection of its own.
``POST /floor/upload`` streams its body into a new file and makes it durable.
``GET /bare/read?ID`` reads the same row as an end point of the product: declared, behind the wall, through its session.
``POST /bare/act/TIP`` does one action on a tip as the office API does, and answers with nothing but the new version: the
page that an officer sees afterwards is measured elsewhere.
"""

from __future__ import annotations

import os
import threading
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask, request
from sqlalchemy import text
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app.foundation.database import db
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.tips.office_schemas import ActOnTipBody
from app.workflow import service as workflow
from wsgi import app as product

_own = threading.local()
floor = Flask(__name__)


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_own, "connection"):
        _own.connection = psycopg.connect(os.environ["DATABASE_URL"])
    connection: psycopg.Connection[Any] = _own.connection
    return connection


@cache
def _payload(size: int) -> bytes:
    return os.urandom(size)


@floor.post("/insert")
def insert() -> tuple[dict[str, str], int]:
    request.get_data()
    connection = _connection()
    connection.execute("INSERT INTO bench_floor (payload) VALUES (%b)", [_payload(int(request.query_string))])
    connection.commit()
    return {"status": "registered"}, 201


@floor.get("/read")
def read() -> dict[str, int | None]:
    connection = _connection()
    row = connection.execute("SELECT id FROM bench_floor WHERE id = %s", [int(request.query_string)]).fetchone()
    connection.rollback()
    return {"id": row[0] if row else None}


@floor.post("/upload")
def upload() -> tuple[dict[str, int], int]:
    """Write the bytes of the request to a file of their own, durable like the product's."""
    directory = Path(os.environ["DATA_DIR"]) / "floor"
    directory.mkdir(exist_ok=True)
    path, size = directory / uuid.uuid4().hex, 0
    with path.open("xb", buffering=0) as file:
        while piece := request.stream.read(64 * 1024):
            size += file.write(piece)
        os.fsync(file.fileno())
    entry = os.open(directory, os.O_RDONLY)
    os.fsync(entry)  # the file's name, too, lives through a power cut
    os.close(entry)
    return {"size": size}, 201


@product.get("/bare/read")
@endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, changes=False)
def bare_read(_actor: Actor) -> dict[str, int | None]:
    """Read one row by its primary key."""
    number = int(request.query_string)
    return {"id": db.session.scalar(text("SELECT id FROM bench_floor WHERE id = :number"), {"number": number})}


@product.post("/bare/act/<uuid:tip_id>")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, body=ActOnTipBody())
def bare_act(actor: Actor, tip_id: uuid.UUID, body: dict[str, Any]) -> dict[str, int]:
    """Do one action of the transition table."""
    action, version = body.pop("action"), body.pop("expected_version")
    return {"version": workflow.act(actor, tip_id, action, version, body).version}


app = DispatcherMiddleware(product, {"/floor": floor})
