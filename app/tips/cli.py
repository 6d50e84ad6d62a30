"""Commands that join the tips with what ``geo`` knows; they belong to ``flask geo``, which itself knows no tips."""

from __future__ import annotations

import gzip
import hashlib
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import select

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import DomainError
from app.foundation.permissions import PROGRAM
from app.geo import current, learning, service
from app.geo.cli import divisions_cli, geo_cli
from app.geo.division_lists import BadList, Difference, Row, check, compare
from app.geo.divisions import DivisionTree, divisions
from app.identity.models import Unit
from app.tips import accused, rematching

_SHOWN = 20


@divisions_cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dated", type=click.DateTime(["%Y-%m-%d"]), help="名单日期（省略则为今天）")
@click.option("--yes", is_flag=True, help="不再询问，直接启用")
def import_list(file: Path, dated: datetime | None, *, yes: bool) -> None:
    """启用新的行政区划名单（列与 divisions.csv 相同，可为 .gz）：先列出变化，确认后一次性生效。"""
    content = _content(file)
    rows = _checked(content)
    with transaction(OPEN_WALL):
        if service.list_in_force() == hashlib.sha256(content).hexdigest():
            click.echo("该名单已在使用，未作改动。")
            return
        tree = divisions()
    difference = compare(tree, rows)
    _show_difference(tree, difference)
    if not yes and not click.confirm("启用这份名单？", default=False):
        raise click.ClickException("未启用，名单未作改动")
    click.echo("正在生成索引…", err=True)
    current.prepare_list(content)  # before the transaction: what cannot be prepared is never put in force
    try:
        with transaction(OPEN_WALL):
            service.put_list_in_force(PROGRAM, content, dated.date() if dated else clock.today(), difference)
            numbers = rematching.queue(difference.codes(), difference.names(tree))
            orphans = db.session.scalars(select(Unit.name).where(Unit.division_code.in_(difference.abolished))).all()
    except DomainError as fault:
        raise click.ClickException(fault.detail or fault.title) from fault
    click.echo(f"已启用，运行中的程序在 {current.LOOK_EVERY:.0f} 秒内使用新名单。")
    _report(numbers, orphans)


def _content(file: Path) -> bytes:
    content = file.read_bytes()
    try:
        return gzip.decompress(content) if file.suffix == ".gz" else content
    except (OSError, EOFError) as fault:
        raise click.ClickException(f"{file.name} 不是完整的 gzip 文件") from fault


def _checked(content: bytes) -> list[Row]:
    try:
        with click.progressbar(length=max(content.count(b"\n"), 1), label="检查名单", file=sys.stderr) as bar:
            return check(content, lambda done: bar.update(done - bar.pos))
    except BadList as bad:
        more = f"\n…另有 {len(bad.faults) - _SHOWN} 处" if len(bad.faults) > _SHOWN else ""
        told = "\n".join(bad.faults[:_SHOWN])
        raise click.ClickException(f"名单有 {len(bad.faults)} 处错误，未作改动：\n{told}{more}") from bad


def _show_difference(tree: DivisionTree, difference: Difference) -> None:
    if difference.is_empty:
        click.echo("现行区划没有变化，历史、别名或代码沿革有更新。")
        return
    above = {row["code"]: tree.full_name(row["parent_code"]) + row["name"] for row in difference.new}
    _show("新设", difference, "new", [f"{code} {name}" for code, name in above.items()])
    _show("撤销", difference, "abolished", [f"{code} {tree.full_name(code)}" for code in difference.abolished])
    _show("更名", difference, "renamed", [f"{code} {old} → {new}" for code, old, new in difference.renamed])
    moved = [
        f"{code} {tree.name(code)}：{tree.name(old)} → {tree.name(new) or above.get(new, new)}"
        for code, old, new in difference.moved
    ]
    _show("变更隶属", difference, "moved", moved)
    if difference.left_open:
        names = "、".join(tree.full_name(code) for code in difference.left_open[:_SHOWN])
        click.echo(f"注意：{len(difference.left_open)} 个撤销的单位没有写明由谁承接，旧地址将不能自动对应：{names}")


def _show(what: str, difference: Difference, kind: str, lines: Sequence[str]) -> None:
    counts = difference.counts()[kind]
    by_level = "，".join(f"{level} {number}" for level, number in counts.items())
    click.echo(f"{what} {len(lines)} 个" + (f"（{by_level}）" if by_level else ""))
    for line in lines[:_SHOWN]:
        click.echo(f"  {line}")
    if len(lines) > _SHOWN:
        click.echo(f"  …另有 {len(lines) - _SHOWN} 个")


def _report(numbers: Sequence[str], orphans: Sequence[str]) -> None:
    shown = "、".join(numbers[:_SHOWN]) + ("…" if len(numbers) > _SHOWN else "")
    click.echo(f"涉及 {len(numbers)} 件在办线索，已排队重新研判属地" + (f"：{shown}" if numbers else "。"))
    if orphans:
        click.echo(f"注意：{'、'.join(orphans)} 所在区划已撤销，请用 flask units import 更新承办单位。")


@geo_cli.command("learn")
@click.option("--enable/--disable", "enabled", default=None, help="启用（或停用并清除）从本办已办结线索学习")
@click.option("--least-count", type=click.IntRange(1), default=learning.LEAST_COUNT, show_default=True, help="至少几件")
@click.option(
    "--least-purity", type=click.FloatRange(0.5, 1), default=learning.LEAST_PURITY, show_default=True, help="至少占几成"
)
def learn(enabled: bool | None, least_count: int, least_purity: float) -> None:
    """由本办已办结线索重建“道路、小区 → 区（县）”对照表；默认停用，须先 --enable。"""
    with transaction(OPEN_WALL):
        if enabled is not None:
            learning.enable(PROGRAM, enabled=enabled)
        if enabled is False:
            click.echo("已停用，学得的对照表已清除。")
            return
        if not learning.is_enabled():
            raise click.ClickException("尚未启用。确认要使用本办已办结线索后，运行 flask geo learn --enable")
        addresses = list(accused.concluded_addresses())
        with click.progressbar(addresses, label="学习", file=sys.stderr) as bar:
            learnt = learning.learn(bar, least_count, least_purity)
        learning.put_in_force(PROGRAM, learnt)
    click.echo(f"读取 {len(addresses)} 件已办结线索，学得 {len(learnt)} 条道路、小区。")
