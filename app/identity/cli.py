"""``flask accounts`` and ``flask units``: set-up of a real office."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import TextIO
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import DomainError
from app.foundation.permissions import PROGRAM, Role
from app.identity import account_security, address_ranges, contacts, service
from app.identity.models import Account

accounts_cli = AppGroup("accounts", help="账号")
units_cli = AppGroup("units", help="单位")


def told(error: DomainError) -> click.ClickException:
    """A refusal as a command line tells it."""
    lines = [f"{name}：{'；'.join(texts)}" for name, texts in error.errors.items()]
    return click.ClickException("\n".join([error.detail or error.title, *lines]))


@accounts_cli.command("create")
@click.option("--username", required=True, help="用户名")
@click.option("--name", "display_name", required=True, help="姓名")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="角色")
@click.option("--division", required=True, help="所在单位的区划代码")
@click.password_option(prompt="密码", confirmation_prompt="再次输入密码", help="密码（省略则提示输入）")
def create(username: str, display_name: str, role: str, division: str, password: str) -> None:
    """Create an account; the password is asked for, so that it stays out of the shell's history."""
    try:
        with transaction(OPEN_WALL):
            service.create_account(PROGRAM, username, display_name, Role(role), division, password)
    except DomainError as error:
        raise told(error) from error
    click.echo(f"已创建账号 {username}（{Role(role).text}）。")


@accounts_cli.command("contact")
@click.option("--username", required=True, help="用户名")
@click.option("--email", default="", help="工作邮箱；留空为删除")
@click.option("--mobile", default="", help="工作手机；留空为删除")
def contact(username: str, email: str, mobile: str) -> None:
    """Replace the work addresses that digest, supervision and urgent tips are sent to."""
    try:
        with transaction(OPEN_WALL):
            account_id = db.session.scalar(select(Account.id).where(Account.username == username))
            if account_id is None:
                raise click.ClickException(f"没有用户名为 {username} 的账号")
            contacts.set_work_contact(PROGRAM, account_id, email, mobile)
    except DomainError as error:
        raise told(error) from error
    click.echo(f"已更新 {username} 的通知方式。")


# The way back in where nobody is left who could do it at the console ------------------------------------------------


@accounts_cli.command("reset-password")
@click.option("--username", required=True, help="用户名")
@click.option("--reason", required=True, help="理由，写入审计日志")
def reset_password(username: str, reason: str) -> None:
    """Give a first password to hand over; it is changed at the next sign-in."""
    with _refusals_told(), transaction(OPEN_WALL):
        password = account_security.reset_password(PROGRAM, _id_of(username), reason)
    click.echo(f"已重置 {username} 的密码，首次登录须修改。初始密码（只显示这一次）：{password}")


@accounts_cli.command("unlock")
@click.option("--username", required=True, help="用户名")
def unlock(username: str) -> None:
    """Let somebody sign in again before the lock ends."""
    with _refusals_told(), transaction(OPEN_WALL):
        account_security.unlock(PROGRAM, _id_of(username))
    click.echo(f"已解除 {username} 的登录锁定。")


@accounts_cli.command("remove-second-factor")
@click.option("--username", required=True, help="用户名")
@click.option("--reason", required=True, help="理由，写入审计日志")
def remove_second_factor(username: str, reason: str) -> None:
    """Take away the second factor of somebody who lost the device and the recovery codes."""
    with _refusals_told(), transaction(OPEN_WALL):
        account_security.remove_second_factor(PROGRAM, _id_of(username), reason)
    click.echo(f"已解除 {username} 的动态码，并结束其全部登录。")


@accounts_cli.command("open-addresses")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="角色")
@click.option("--reason", required=True, help="理由，写入审计日志")
def open_addresses(role: str, reason: str) -> None:
    """Let a role be used from everywhere again: for who shut himself out."""
    with _refusals_told(), transaction(OPEN_WALL):
        address_ranges.set_networks(PROGRAM, Role(role), (), None, reason, address=None)
    click.echo(f"已取消“{Role(role).text}”的登录地址限制。")


def _id_of(username: str) -> UUID:
    found = db.session.scalar(select(Account.id).where(Account.username == username))
    if found is None:
        raise click.ClickException(f"没有用户名为 {username} 的账号")
    return found


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        raise told(error) from error


@units_cli.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
def import_file(file: TextIO) -> None:
    """Create or update units from a CSV with the columns division_code, name, kind and, where known, phone, email."""
    try:
        with transaction(OPEN_WALL):
            created, updated = service.import_units(PROGRAM, _lines(file))
    except DomainError as error:
        raise told(error) from error
    click.echo(f"新增 {created} 个单位，更新 {updated} 个。")


def _lines(file: TextIO) -> list[service.UnitLine]:
    columns = fields(service.UnitLine)
    reader = csv.DictReader(file)
    try:
        known = reader.fieldnames or ()
        if missing := [column.name for column in columns if column.default is MISSING and column.name not in known]:
            raise click.ClickException(f"第 1 行应为列名，缺少 {'、'.join(missing)}")
        return [service.UnitLine(**{c.name: (row.get(c.name) or "").strip() for c in columns}) for row in reader]
    except UnicodeDecodeError as fault:
        raise click.ClickException("文件不是 UTF-8 编码，请另存为 UTF-8 的 CSV 文件") from fault
