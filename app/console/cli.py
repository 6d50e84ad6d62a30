"""``flask office checklist``: the set-up of the office, checked from the command line."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.console import first_day
from app.console.findings import State

office_cli = AppGroup("office", help="单位启用")


@office_cli.command("checklist")
def checklist() -> None:
    """Look at every point of the set-up for real; exit 1 while one of them is missing."""
    states = []
    for name, check in first_day.CHECKS.items():
        found = first_day.look(name)
        states.append(found.state)
        click.echo(f"[{found.state.text}] {check.title}：{found.told}")
        if found.hint and found.state is not State.GOOD:
            click.echo(f"        {found.hint}")
    if State.BAD in states:
        raise SystemExit(1)
