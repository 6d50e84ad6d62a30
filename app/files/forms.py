"""A web form with files, for browsers without scripts: fields and files in one multipart request.

Like a single upload it is decoded while it arrives: files go straight into the sealed storage. A file that cannot be
taken does not refuse the form: what a person typed must never be lost to a wrong photograph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.sansio.multipart import Data, Event, Field, File

from app.files import service
from app.files.http import LARGEST_REQUEST_BYTES, malformed, parts_of_request, read_out
from app.files.models import PurposeName
from app.files.service import MOST_FILES_AT_ONCE, TOO_LARGE, ReceivedFile
from app.foundation.database import end_reading
from app.foundation.errors import DomainError, PayloadTooLarge, TooManyRequests, UnsupportedFile

_MOST_FIELDS: Final = 200
_LONGEST_FIELD_BYTES: Final = 64 * 1024
_CROWDED: Final = "现在上传的人较多，请过一分钟再选一次"
Admit = Callable[[], None]


@dataclass(slots=True)
class ReceivedForm:
    """What a form brought: its text, the files that are kept, and why others are not."""

    fields: MultiDict[str, str] = field(default_factory=MultiDict)
    files: list[ReceivedFile] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def receive_form(purpose: PurposeName, admit: Admit) -> ReceivedForm:
    """Read the present request, keeping its files; to be called outside any transaction.

    ``admit`` is asked before each file: where it raises ``TooManyRequests``, the file is left out and the form says so.

    Raises:
        InvalidInput: no multipart form. PayloadTooLarge: more than one request may hold. ServiceUnavailable: storage.
    """
    end_reading()
    if (request.content_length or 0) > LARGEST_REQUEST_BYTES:
        raise PayloadTooLarge(TOO_LARGE)
    request.max_content_length = LARGEST_REQUEST_BYTES
    received = ReceivedForm()
    try:
        events = parts_of_request(_MOST_FIELDS + MOST_FILES_AT_ONCE)
        for part in events:
            _take(part, events, received, purpose, admit)
    except DomainError:
        read_out()
        raise
    return received


def _take(part: Event, events: Iterator[Event], received: ReceivedForm, purpose: PurposeName, admit: Admit) -> None:
    content = _content(events)
    if isinstance(part, Field):
        received.fields.add(part.name, _text(content))
    elif isinstance(part, File):
        _take_file(part, content, received, purpose, admit)
    else:
        raise malformed()
    for _ in content:  # whatever a refusal left unread of this part
        pass


def _take_file(
    part: File, content: Iterator[bytes], received: ReceivedForm, purpose: PurposeName, admit: Admit
) -> None:
    if not part.filename:  # the browser sends an empty part where no file was chosen
        return
    try:
        admit()
        declared = part.headers.get("content-type", "")
        received.files.append(service.receive(content, part.filename, declared, purpose))
    except (UnsupportedFile, PayloadTooLarge) as refusal:
        received.refused.append(f"“{part.filename}”：{refusal.detail or refusal.title}")
    except TooManyRequests:
        received.refused.append(f"“{part.filename}”：{_CROWDED}")


def _content(events: Iterator[Event]) -> Iterator[bytes]:
    """The bytes of the part that has begun."""
    for event in events:
        if not isinstance(event, Data):
            raise malformed()
        if event.data:
            yield event.data
        if not event.more_data:
            return


def _text(content: Iterator[bytes]) -> str:
    raw = b""
    for piece in content:
        raw += piece
        if len(raw) > _LONGEST_FIELD_BYTES:
            raise PayloadTooLarge("填写的内容过长，请精简后再提交")
    return raw.decode("utf-8", "replace")
