"""The rules of signing in, set by a test for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from flask import Flask


@contextmanager
def sign_in_rules(app: Flask, **rules: Any) -> Iterator[None]:
    """Other rules than those of the tests, which ask for little, within this context."""
    before = app.extensions["shudi_settings"]
    app.extensions["shudi_settings"] = replace(before, sign_in=replace(before.sign_in, **rules))
    try:
        yield
    finally:
        app.extensions["shudi_settings"] = before
