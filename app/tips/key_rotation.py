"""Sealing anew with today's master key, while the office works.

Every sealed value begins with the id of the master key that wraps its data key. Put a new key first in
``SEALING_KEYS``, restart, then ``flask keys rotate``: data keys are wrapped anew, batch by batch; nothing is opened,
and a value that somebody changes meanwhile keeps the change. ``flask keys status`` tells which keys are still in use.
The last key of the list stays for good: the digests of codes and phones hang on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import click
from flask.cli import AppGroup
from sqlalchemy import Column, LargeBinary, Table, and_, func, select, tuple_, update

from app.audit import service as audit
from app.foundation.crypto import Crypto
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.permissions import PROGRAM
from app.tips.service import crypto

BATCH: Final = 500
_LONGEST_KEY_ID: Final = 32

keys_cli = AppGroup("keys", help="密钥")


def sealed_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Every column that holds sealed values: its name says so."""
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if column.name.startswith("sealed_") and isinstance(column.type, LargeBinary):
                yield table, column


def keys_in_use() -> Counter[str]:
    """Key id → how many sealed values it wraps."""
    found: Counter[str] = Counter()
    for _, column in sealed_columns():
        key_id = func.substring(column, 2, func.get_byte(column, 0))
        rows = db.session.execute(select(key_id, func.count()).where(column.is_not(None)).group_by(key_id))
        for name, count in rows:
            found[bytes(name).decode()] += count
    return found


def rewrap_batch(table: Table, column: Column[Any], provider: Crypto, after: Any) -> tuple[int, Any]:
    """Wrap the next values of ``column`` anew: (how many, where to go on), or (0, ``None``) at the end."""
    keys = tuple(table.primary_key.columns)
    mark = provider.current_mark
    old = select(column, *keys).where(column.is_not(None), func.substring(column, 1, len(mark)) != mark)
    if after is not None:
        old = old.where(tuple_(*keys) > tuple_(*after))
    rows = db.session.execute(old.order_by(*keys).limit(BATCH)).all()
    for sealed, *row_keys in rows:
        same = and_(column == sealed, *(key == value for key, value in zip(keys, row_keys, strict=True)))
        db.session.execute(update(table).where(same).values({column.name: provider.rewrap(sealed)}))
    return len(rows), rows[-1][1:] if rows else None


@keys_cli.command("rotate")
def rotate() -> None:
    """用 SEALING_KEYS 的第一个密钥重新封装全部密文；可在运行中执行，可重复执行。"""
    total = 0
    for table, column in sealed_columns():
        after: Any = None
        while True:
            with transaction(OPEN_WALL):
                count, after = rewrap_batch(table, column, crypto(), after)
            total += count
            if after is None:
                break
            click.echo(f"{table.name}.{column.name}：已处理到第 {total} 项", err=True)
    with transaction(OPEN_WALL):
        audit.record(PROGRAM, "tips.rotate_keys", "keys", crypto().current_key_id, values=total)
    click.echo(f"已重新封装 {total} 项，现用密钥 {crypto().current_key_id}。")


@keys_cli.command("status")
def status() -> None:
    """列出各密钥封装的密文数量；数量为零且不是最末一个的旧密钥可以移除。"""
    with transaction(OPEN_WALL):
        used = keys_in_use()
    settings_keys = crypto().key_ids
    for key_id in dict.fromkeys([*settings_keys, *used]):
        note = "（现用）" if key_id == crypto().current_key_id else ""
        note += "（查询码和盲索引的根密钥，不能移除）" if key_id == settings_keys[-1] else ""
        note += "" if key_id in settings_keys else "（缺失！）"
        click.echo(f"{key_id}\t{used[key_id]}{note}")
