"""Keeping what one test made known from the next one: a process remembers what it read for seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from app.geo import prepared


@contextmanager
def nothing_known(app: Flask) -> Iterator[None]:
    """Begin and end with a process that has not looked into the database yet."""
    app.extensions.pop("shudi_geo", None)
    prepared.use()
    try:
        yield
    finally:
        app.extensions.pop("shudi_geo", None)
        prepared.use()
