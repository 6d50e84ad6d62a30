"""``flask enterprises import``: take a list of enterprises over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Final

import click
from flask.cli import AppGroup

from app.enterprises import service
from app.enterprises.register_file import BadFile, Checked, Line, check, read_rows
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM

enterprises_cli = AppGroup("enterprises", help="市场主体名录")
_SHOWN: Final = 50
_COUNTS: Final = {"created": "新增", "updated": "更新", "unchanged": "无变化", "older": "早于已有数据未采用"}
_FIELDS: Final = {
    "name": "名称",
    "uscc": "信用代码",
    "status": "登记状态",
    "registered_address": "注册地址",
    "operating_address": "经营地址",
    "business_type": "类型",
    "division_code": "属地",
}


class _OnlyTried(Exception):
    """Carries what an import would have done out of the transaction that it rolls back."""


@enterprises_cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="", help="数据来源，如“市市场监督管理局”（省略则为文件名）")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="数据截至日期（省略则为今天）")
@click.option("--dry-run", is_flag=True, help="只检查、统计，不写入")
@click.option("--skip-faulty", is_flag=True, help="有错误的行跳过，其余照常导入")
def import_file(file: Path, source: str, as_of: datetime | None, *, dry_run: bool, skip_faulty: bool) -> None:
    """导入或者更新市场主体名录：CSV 或 Excel，表头为中文；再次导入时更新，并留下变更记录。"""
    checked = _checked(file)
    _say("提示", checked.warnings)
    if checked.faults:
        _say("错误", checked.faults)
        if not skip_faulty:
            raise click.ClickException(
                f"名录有 {len(checked.faults)} 处错误，未作改动；改正后重试，或者加 --skip-faulty"
            )
    day = as_of.date() if as_of else clock.today()
    if day > clock.today():
        raise click.ClickException("--as-of 晚于今天")
    outcome = service.Outcome()
    with suppress(_OnlyTried), _bar(len(checked.lines), "导入") as bar, transaction(OPEN_WALL):
        outcome = _imported(checked.lines, source or file.name, day, lambda done: bar.update(done - bar.pos))
        if dry_run:
            raise _OnlyTried
    _report(outcome, dry_run=dry_run)


def _imported(lines: Sequence[Line], source: str, day: date, progress: Callable[[int], None]) -> service.Outcome:
    return service.import_lines(PROGRAM, lines, source, day, progress)


def _checked(file: Path) -> Checked:
    try:
        rows = read_rows(file)
        with _bar(len(rows), "检查") as bar:
            return check(rows, clock.today(), lambda done: bar.update(done - bar.pos))
    except BadFile as fault:
        raise click.ClickException(f"{file.name}：{fault}") from fault


def _bar(length: int, label: str) -> click._termui_impl.ProgressBar[int]:
    return click.progressbar(length=max(length, 1), label=label, file=sys.stderr)


def _say(what: str, lines: Sequence[str]) -> None:
    for line in lines[:_SHOWN]:
        click.echo(f"{what} {line}", err=True)
    if len(lines) > _SHOWN:
        click.echo(f"…另有 {len(lines) - _SHOWN} 处{what}", err=True)


def _report(outcome: service.Outcome, *, dry_run: bool) -> None:
    _say("未导入", outcome.unclear)
    counts = "，".join(f"{text} {outcome.counts[name]} 家" for name, text in _COUNTS.items())
    click.echo(("试运行，未写入：" if dry_run else "") + counts + "。")
    changed = "，".join(f"{_FIELDS[name]} {number} 处" for name, number in outcome.changes.items())
    if changed:
        click.echo(f"变更：{changed}。")
