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
from app.foundation.long_work import Piece
from app.foundation.permissions import PROGRAM
from app.tips.service import crypto

BATCH: Final = 500
_BATCHES_A_PIECE: Final = 20
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


def count_keys(_memory: dict[str, Any]) -> Piece:
    """Count what hangs on each key, as one piece. Twice is safe: it only reads."""
    with transaction(OPEN_WALL):
        used = keys_in_use()
    return Piece({"used": used}, sum(used.values()), sum(used.values()), finished=True)


def rotate_piece(memory: dict[str, Any]) -> Piece:
    """Wrap some thousand values anew. Twice is safe: what is under today's key is not taken again.

    The memory holds the place in the list of columns, how much was done, and how much there was at the beginning.
    """
    columns, provider = list(sealed_columns()), crypto()
    if not memory:
        with transaction(OPEN_WALL):
            waiting = sum(count for name, count in keys_in_use().items() if name != provider.current_key_id)
        memory = {"column": 0, "done": 0, "whole": waiting, "key": provider.current_key_id}
    place, done, after = memory["column"], memory["done"], None
    for _ in range(_BATCHES_A_PIECE):
        if place == len(columns):
            break
        with transaction(OPEN_WALL):
            count, after = rewrap_batch(columns[place][0], columns[place][1], provider, after)
        done, place = done + count, place + (after is None)
    finished = place == len(columns)
    kept = {**memory, "column": place, "done": done}
    if finished:
        with transaction(OPEN_WALL):
            audit.record(PROGRAM, "tips.rotate_keys", "keys", provider.current_key_id, values=done)
            kept["used"] = keys_in_use()
    return Piece(kept, done, max(memory["whole"], done), finished)


@keys_cli.command("rotate")
def rotate() -> None:
    """用 SEALING_KEYS 的第一个密钥重新封装全部密文；可在运行中执行，可重复执行。"""
    piece = rotate_piece({})
    while not piece.finished:
        click.echo(f"已处理 {piece.done} / {piece.whole} 项", err=True)
        piece = rotate_piece(piece.memory)
    click.echo(f"已重新封装 {piece.done} 项，现用密钥 {crypto().current_key_id}。")


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
