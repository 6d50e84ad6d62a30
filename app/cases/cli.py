"""``flask cases …``: the office's register from a spreadsheet, at the command line."""

from __future__ import annotations

import time
from pathlib import Path

import click
from flask.cli import AppGroup

from app.cases import import_result
from app.cases.case_columns import CASE_COLUMNS
from app.cases.case_import import CaseTarget
from app.cases.sheet_columns import Headings, find_headings
from app.cases.sheet_engine import NothingKept, Outcome, take_in
from app.files.sheets import UnreadableSheet, Workbook
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM

cases_cli = AppGroup("cases", help="存量案件")
_FAULTS_TOLD = 20


@cases_cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by-row", is_flag=True, help="逐行导入：有误的行退回，其余保留（默认整个文件全部导入或全不导入）")
@click.option("--dry-run", is_flag=True, help="只检查，不保存")
@click.option("--yes", is_flag=True, help="不再询问栏目对应是否正确")
def import_cases(file: Path, *, by_row: bool, dry_run: bool, yes: bool) -> None:
    """Take in a register of cases (XLSX, XLS, CSV); faults are marked in a workbook beside the file."""
    try:
        book = Workbook(file.read_bytes())
        headings = find_headings(book, CASE_COLUMNS)
    except UnreadableSheet as fault:
        raise click.ClickException(str(fault)) from fault
    _show(headings)
    if not yes:
        click.confirm("以上栏目对应是否正确？", abort=True)
    began = time.perf_counter()
    outcome, kept = _taken_in(book, headings, by_row=by_row, dry_run=dry_run)
    seconds = time.perf_counter() - began
    click.echo(
        f"{outcome.rows} 行，{seconds:.1f} 秒：新增 {outcome.created}，更新 {outcome.updated}，"
        f"无变化 {outcome.unchanged}，有误 {outcome.refused}。{'' if kept else '未保存任何内容。'}"
    )
    _tell_faults(file, book, headings, outcome)


def _show(headings: Headings) -> None:
    names = {column.field: column.text for column in CASE_COLUMNS}
    if missing := headings.missing(CASE_COLUMNS):
        raise click.ClickException(f"缺少栏目：{'、'.join(missing)}")
    click.echo(f"工作表“{headings.sheet}”，表头至第 {headings.last_row} 行：")
    for one in headings.columns:
        taken = names[one.field] if one.field else "（按规定不导入）" if one.ignored else "（未识别，不导入）"
        click.echo(f"  {one.letters:>3}  {one.words} → {taken}")


def _taken_in(book: Workbook, headings: Headings, *, by_row: bool, dry_run: bool) -> tuple[Outcome, bool]:
    total = book.height(headings.sheet) - headings.last_row
    with click.progressbar(length=max(total, 1), label="导入") as bar:

        def progress(done: int) -> None:
            bar.update(done - bar.pos)

        try:
            with transaction(OPEN_WALL):
                target = CaseTarget(PROGRAM)
                return take_in(book, headings, target, by_row=by_row, dry_run=dry_run, progress=progress), True
        except NothingKept as nothing:
            return nothing.outcome, False


def _tell_faults(file: Path, book: Workbook, headings: Headings, outcome: Outcome) -> None:
    for fault in outcome.faults[:_FAULTS_TOLD]:
        click.echo(f"  {fault.cell} {fault.heading}：{fault.reason}", err=True)
    if not outcome.faults:
        return
    result = file.with_name(f"{file.stem}.导入结果.xlsx")
    result.write_bytes(import_result.marked(book, headings, outcome))
    click.echo(f"共 {len(outcome.faults)} 处，已标注在 {result.name}。", err=True)
    if outcome.refused:
        raise click.exceptions.Exit(1)
