"""``flask calendar``: working days and due dates. ``flask limits``: the dated figures and reasons of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TextIO

import click
from flask.cli import AppGroup

from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import DomainError
from app.foundation.permissions import PROGRAM
from app.geo.divisions import divisions
from app.identity.cli import accounts_cli, told
from app.workflow import calendar, handover, limits, queries

calendar_cli = AppGroup("calendar", help="工作日历")
limits_cli = AppGroup("limits", help="办理期限、优先级和理由（按生效日期）")


@calendar_cli.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
def import_file(file: TextIO) -> None:
    """Load days off and make-up days from a CSV with the columns date, kind, holiday, region, note."""
    try:
        with refusals_told(), transaction(OPEN_WALL):
            count = calendar.import_calendar(PROGRAM, file)
    except UnicodeDecodeError as fault:
        raise click.ClickException("文件不是 UTF-8 编码，请另存为 UTF-8 编码的 CSV 后再导入") from fault
    click.echo(f"已导入 {count} 天。")


@calendar_cli.command("due")
@click.option("--from", "start", required=True, type=click.DateTime(["%Y-%m-%d"]), help="收到之日（不计入）")
@click.option("--working-days", required=True, type=click.IntRange(1, 1000), help="工作日数")
@click.option("--region", required=True, help="区划代码，如 650000")
def due(start: datetime, working_days: int, region: str) -> None:
    """Print the date on which a limit of working days ends; the day of receipt is not counted."""
    if not divisions().is_current(region):
        raise click.BadParameter(f"没有区划代码 {region}", param_hint="--region")
    with refusals_told(), transaction(OPEN_WALL):
        found: date = calendar.calendar_of(region[:2] + "0000").add(start.date(), working_days)
    click.echo(found.isoformat())


@limits_cli.command("list")
def list_limits() -> None:
    """Print every figure and every reason that holds today."""
    with transaction(OPEN_WALL):
        for name, figure in limits.SEED.items():
            click.echo(f"{name}\t{limits.value(name)} {figure.measure}\t{figure.text}")
        for kind in limits.REASONS:
            for code, wording in limits.reasons(kind).items():
                click.echo(f"{kind}\t{code}\t{wording}")


@limits_cli.command("dispatched")
@click.option("--from", "start", required=True, type=click.DateTime(["%Y-%m-%d"]), help="起始日")
@click.option("--to", "end", required=True, type=click.DateTime(["%Y-%m-%d"]), help="截止日（不含）")
def dispatched(start: datetime, end: datetime) -> None:
    """Print how many tips were assigned by the program itself in a span of days."""
    with transaction(OPEN_WALL):
        count = queries.dispatched_automatically(start.replace(tzinfo=clock.BEIJING), end.replace(tzinfo=clock.BEIJING))
    click.echo(f"自动交办 {count} 件。")


@accounts_cli.command("hand-over")
@click.option("--from", "leaver", required=True, help="离任者的用户名")
@click.option("--to", "successor", required=True, help="接任者的用户名（同单位、同职责）")
def hand_over(leaver: str, successor: str) -> None:
    """Give everything open of somebody who leaves to a colleague, and close the account."""
    with refusals_told(), transaction(OPEN_WALL):
        given = handover.hand_over(PROGRAM, leaver, successor)
    click.echo(f"已移交：属地调整申请 {given.requests} 件，结束委托 {given.delegations} 项；账号 {leaver} 已停用。")


_FROM = click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="生效日期，默认今天")


@limits_cli.command("set")
@click.argument("name")
@click.argument("value", type=int)
@_FROM
def set_limit(name: str, value: int, start: datetime | None) -> None:
    """Let a figure have another value from a day on; clocks that run already keep theirs."""
    valid_from = start.date() if start else clock.today()
    with refusals_told(), transaction(OPEN_WALL):
        limits.set_value(PROGRAM, name, value, valid_from)
    click.echo(f"{limits.SEED[name].text}：自 {valid_from} 起为 {value} {limits.SEED[name].measure}。")


@limits_cli.command("set-reason")
@click.argument("kind")
@click.argument("code")
@click.argument("wording")
@_FROM
@click.option("--out-of-use", is_flag=True, help="停用这一理由")
def set_reason(kind: str, code: str, wording: str, start: datetime | None, *, out_of_use: bool) -> None:
    """Word a reason, add one, or take one out of use."""
    valid_from = start.date() if start else clock.today()
    with refusals_told(), transaction(OPEN_WALL):
        limits.set_reason(PROGRAM, kind, code, wording, valid_from, in_use=not out_of_use)
    click.echo(f"{code}：自 {valid_from} 起{'停用' if out_of_use else '启用'}。")


@contextmanager
def refusals_told() -> Iterator[None]:
    """A refusal as a command line tells it."""
    try:
        yield
    except DomainError as error:
        raise told(error) from error
