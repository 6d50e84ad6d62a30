"""``flask geo …``: bulk matching and the division tables. Nothing here needs a database."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from flask.cli import AppGroup

from app.geo import prepared
from app.geo.bulk import match_file
from app.geo.divisions import Division, divisions

geo_cli = AppGroup("geo", help="地址属地匹配与行政区划表")
divisions_cli = AppGroup("divisions", help="行政区划表")
geo_cli.add_command(divisions_cli)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@geo_cli.command("match-file", with_appcontext=False)
@click.argument("source", metavar="IN.csv", type=_FILE)
@click.argument("target", metavar="OUT.jsonl", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="并行进程数")
def match_file_command(source: Path, target: Path, workers: int) -> None:
    """批量匹配：读取 address 列（可选 hint_code、uscc），按行序写出 JSON；中断后重跑会接着做。"""
    show = _Progress(source)
    try:
        rows = match_file(source, target, workers, show)
    except ValueError as fault:
        raise click.ClickException(f"{source.name}：缺少 address 列") from fault
    show.finish(rows)


class _Progress:
    """A bar on a terminal, the closing line everywhere; both on stderr."""

    def __init__(self, source: Path) -> None:
        with source.open("rb") as handle:
            self.total = max(sum(chunk.count(b"\n") for chunk in iter(lambda: handle.read(1 << 20), b"")) - 1, 1)
        self.started = time.perf_counter()
        self.resumed: int | None = None

    def __call__(self, done: int) -> None:
        if self.resumed is None:
            self.resumed = done
            self.started = time.perf_counter()
        if sys.stderr.isatty():
            share = min(done / self.total, 1.0)
            bar = "█" * int(share * 30)
            click.echo(f"\r{bar:░<30} {share:4.0%} {done} 行 {self.speed(done):,.0f} 行/秒", err=True, nl=False)

    def speed(self, done: int) -> float:
        """Rows a second of this call."""
        return (done - (self.resumed or 0)) / max(time.perf_counter() - self.started, 1e-9)

    def finish(self, done: int) -> None:
        """The closing line."""
        seconds = time.perf_counter() - self.started
        before = f"，其中 {self.resumed} 行来自上次" if self.resumed else ""
        newline = "\n" if sys.stderr.isatty() else ""
        click.echo(f"{newline}{done} 行{before}，{seconds:.2f} 秒，{self.speed(done):,.0f} rows/s", err=True)


@divisions_cli.command("show", with_appcontext=False)
@click.argument("code")
@click.option("--year", type=click.IntRange(1980, 2100), help="只看这一年年末该代码所指的单位")
def show_division(code: str, year: int | None) -> None:
    """显示一个代码现在和过去所指的单位，以及它今天的归属。"""
    rows = divisions().every(code)
    if not rows:
        raise click.ClickException(f"没有代码 {code}")
    if year is not None:
        then = divisions().at(code, year)
        if then is None:
            raise click.ClickException(f"{year} 年没有代码 {code}")
        rows = (then,)
    for row in rows:
        click.echo(_describe(row))


@divisions_cli.command("history", with_appcontext=False)
@click.argument("name")
def show_history(name: str) -> None:
    """显示叫过这个名字的单位及其今天的归属。"""
    rows = divisions().history(name)
    if not rows:
        raise click.ClickException(f"没有名为 {name} 的单位")
    for row in rows:
        click.echo(_describe(row))


def _describe(row: Division) -> str:
    tree = divisions()
    above = tree.full_name(row.parent_code) if row.parent_code else ""
    state = {"current": "现行", "abolished": "已撤销", "statistical": "统计用", "pseudo": "汇总码"}[row.status]
    span = f"{row.valid_from or '…'}—{row.valid_to or '今'}"
    after = "、".join(f"{tree.full_name(code)}（{code}）" for code in row.successor_codes)
    arrow = f" → {after}" if after else ""
    return f"{row.code} {above}{row.name} {row.type} {state} {span}{arrow}"


@divisions_cli.command("build", with_appcontext=False)
def build_divisions() -> None:
    """由 CSV 表重建启动时读取的二进制文件。"""
    click.echo(f"{prepared.PREPARED.name} SHA-256 {prepared.write()}")
