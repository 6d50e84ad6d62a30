"""Writing out a long list behind the wall of whoever asked for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Any
from uuid import UUID

from app.files import service as files
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.http import load
from app.foundation.permissions import Actor
from app.identity import service as identity
from app.outbox import service as outbox
from app.outbox import single_run
from app.tips import exports, list_exports
from app.tips.export_models import ListExport
from app.tips.exports import Format
from app.tips.office_schemas import ListTipsQuery
from app.tips.queries import FILTERS, QueueFilter, queue_count

_PIECE = 256 * 1024


@outbox.handles_over_network(list_exports.EXPORT_LIST)
def export_list(message_id: int, payload: dict[str, Any]) -> None:
    """Write out a list. Twice is safe: one run has it at a time, and one that is over is not begun again."""
    single_run.run(
        message_id,
        ListExport,
        UUID(payload["export_id"]),
        _run,
        list_exports.fail,
        broken="程序导出该清单时出错，请联系系统管理员",
    )


def _run(row: ListExport) -> None:
    with transaction(OPEN_WALL):
        actor = identity.actor_of_account(row.account_id)
    with tempfile.TemporaryFile() as target:
        number = _written(actor, row, target)
        target.seek(0)
        kind = Format(row.format)
        received = files.receive(
            _pieces(target), f"线索清单.{kind.value}", exports.MEDIA_TYPES[kind].partition(";")[0], "office",
            row.account_id, tables=True,
        )  # fmt: skip
    with transaction(OPEN_WALL):
        list_exports.finish(row.id, number, received)


def _written(actor: Actor, row: ListExport, target: IO[bytes]) -> int:
    query = load(ListTipsQuery(), row.wanted)
    wanted = QueueFilter(**{name: query[name] for name in FILTERS})

    def progress(done: int) -> None:
        single_run.note_progress(row.id, done)

    with transaction(actor.wall):
        list_exports.note_whole(row.id, 0 if wanted.q else queue_count(actor, wanted, exports.MOST_ROWS))
    with transaction(actor.wall):
        return exports.export_list(actor, wanted, query["order"], Format(row.format), target, progress)


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece
