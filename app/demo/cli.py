"""`flask --app wsgi demo …`: the commands behind `make run`."""

from __future__ import annotations

import os
import sys

from flask.cli import AppGroup
from flask_migrate import upgrade

demo_cli = AppGroup("demo", help="演示环境")


@demo_cli.command("run")
def run() -> None:
    """Start everything the demo needs; Ctrl-C stops it."""
    # In place of this process: the supervisor needs no application in its memory.
    os.execv(sys.executable, [sys.executable, "-m", "app.demo.processes"])  # noqa: S606 - ourselves


@demo_cli.command("office")
def office() -> None:
    """Create the demo's units and accounts, or complete them; write demo.json."""
    from app.demo.office import create_demo_office

    create_demo_office()


@demo_cli.command("prepare")
def prepare() -> None:
    """Bring the schema to its head, then create the office: one process, because each takes a second to start."""
    from app.demo.office import create_demo_office
    from app.readiness import MIGRATIONS

    upgrade(str(MIGRATIONS))
    create_demo_office()
