"""`flask --app wsgi demo …`: the commands behind `make run`."""

from __future__ import annotations

import os
import sys

import click
from flask import current_app
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


@demo_cli.command("fill")
@click.option("--tips", type=click.IntRange(1, 5_000_000), required=True, help="新增多少件虚构线索")
@click.option("--seed", type=int, default=None, help="随机种子：相同种子造出相同内容（省略则每次不同）")
def fill(tips: int, seed: int | None) -> None:
    """向演示数据库填充虚构线索（全部成功或全部不写入）；正式环境拒绝执行。"""
    from app.demo.filling import fill as fill_database
    from app.foundation.database import OPEN_WALL, transaction
    from app.foundation.errors import DomainError

    if not current_app.extensions["shudi_settings"].demo:
        raise click.ClickException("只能在演示环境（DEMO=1）中填充虚构线索，未作改动")
    try:
        with transaction(OPEN_WALL), click.progressbar(length=tips, label="填充线索", file=sys.stderr) as bar:
            for number in fill_database(tips, seed):
                bar.update(number)
    except DomainError as fault:
        raise click.ClickException(fault.detail or fault.title) from fault
    click.echo(f"已填充 {tips} 件虚构线索。")
