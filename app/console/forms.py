"""What a form sends, read once: text as typed, the version that the person saw, files received before anything else."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import IO, Any, Final

from flask import request
from marshmallow import Schema

from app.files import service as files
from app.files.service import ReceivedFile
from app.foundation.database import end_reading
from app.foundation.errors import InvalidInput
from app.foundation.http import load
from app.foundation.permissions import Actor

PROSE: Final = (
    *("text", "reason", "note", "route", "description", "officers"),
    *("goal", "measures", "measure_text"),
    *("situation", "people", "proceedings", "petitions", "problems", "movement"),
    *("tip.conduct.description", "tip.subject.online_presence"),
)
"""Fields that a person writes in own words, none of them about a reporter; the others are chosen from a list."""
_READ_AT_ONCE: Final = 64 * 1024


def typed_fields(*names: str) -> dict[str, Any]:
    """The named fields that were filled in, with plain line ends; raise ``InvalidInput`` for control characters."""
    given = {name: request.form.get(name, "").replace("\r\n", "\n") for name in names}
    wrong = {name: ["含有无法识别的控制字符"] for name, text in given.items() if not _is_readable(text)}
    if wrong:
        raise InvalidInput("请检查标出的字段", errors=wrong)
    return {name: text for name, text in given.items() if text.strip()}


def _is_readable(text: str) -> bool:
    return not any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in text)


def seen_version() -> int:
    """The version of the thing that the person looked at when writing; raise ``InvalidInput``."""
    raw = request.form.get("expected_version", "")
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 9):  # noqa: PLR2004  # more is no version of ours
        raise InvalidInput(errors={"expected_version": ["页面内容不完整，请刷新后再办理"]})
    return int(raw)


def action_body(schema: Schema, **readers: Callable[[str], Any]) -> dict[str, Any]:
    """The action with its fields, as the office API would take it; raise ``InvalidInput``.

    ``readers`` turn what a person types into what the API takes (a receipt number into an id), by field.
    """
    names = [name for name in schema.fields if name not in {"expected_version", "evidence"}]
    given = typed_fields(*names) | {"expected_version": seen_version()}
    if "agree" in given:  # forms know words only, the schema takes a truth value
        given["agree"] = {"true": True, "false": False}.get(given["agree"])
    given |= {name: read(given[name]) for name, read in readers.items() if name in given}
    body: dict[str, Any] = load(schema, given)
    return body


def receive_files(actor: Actor, field: str, *, tables: bool = False) -> list[ReceivedFile]:
    """Keep the bytes of the files sent under ``field``; to be called before the transaction that registers them.

    ``tables``: spreadsheets and CSV are wanted.

    Raises as :func:`app.files.service.receive`.
    """
    end_reading()
    sent = [file for file in request.files.getlist(field) if file.filename]
    if len(sent) > files.MOST_FILES_AT_ONCE:
        raise InvalidInput(errors={field: [f"一次最多提交 {files.MOST_FILES_AT_ONCE} 个文件"]})
    return [
        files.receive(
            _pieces(file.stream), file.filename or "", file.mimetype, "office", actor.account_id, tables=tables
        )
        for file in sent
    ]


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_READ_AT_ONCE):
        yield piece
