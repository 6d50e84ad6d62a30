"""Files at the edge: one file of a multipart request in, one attachment out.

The request is decoded while it arrives and goes straight into the sealed storage: no plain copy lies in a temporary
directory, and memory holds one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote
from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, File, MultipartDecoder, NeedData, Preamble

from app.files import service
from app.files.formats import FORMATS, extension_of
from app.files.models import FileCopy, Purpose, PurposeName, StoredFile
from app.files.service import LARGEST_FILE_BYTES, TOO_LARGE, ReceivedFile
from app.foundation.database import end_reading
from app.foundation.errors import DomainError, InvalidInput, PayloadTooLarge

FIELD: Final = "file"
LARGEST_REQUEST_BYTES: Final = LARGEST_FILE_BYTES + 1024 * 1024
_READ_AT_ONCE: Final = 128 * 1024
_LARGEST_PART_HEAD: Final = 4 * _READ_AT_ONCE
_MOST_PARTS: Final = 5

_HOW_TO: Final = f"请以 multipart/form-data 方式上传，每次一个文件，字段名为 {FIELD}"


def receive_upload(purpose: PurposeName, uploaded_by: UUID | None = None, *, tables: bool = False) -> ReceivedFile:
    """Keep the one file of the present request; it must be the only part, named ``file``.

    To be called before the transaction that registers it; the connection of earlier reads is given back, since a phone
    may send for minutes. Raises as :func:`app.files.service.receive`, and
    ``InvalidInput`` for a request of another shape.
    """
    end_reading()
    if (request.content_length or 0) > LARGEST_REQUEST_BYTES:
        raise PayloadTooLarge(TOO_LARGE)
    request.max_content_length = LARGEST_REQUEST_BYTES
    try:
        events = parts_of_request()
        file = _first_part(events)
        declared_type = file.headers.get("content-type", "")
        return service.receive(_content(events), file.filename, declared_type, purpose, uploaded_by, tables=tables)
    except DomainError:
        read_out()
        raise


def download_response(stored: StoredFile) -> Response:
    """A file as an attachment that no browser runs or shows in our name; raises as ``service.content_of``."""
    response = Response(service.content_of(stored), mimetype=stored.media_type)
    response.content_length = stored.size
    response.headers["Content-Disposition"] = _disposition(stored)
    return seclude(response)


def picture_response(copy: FileCopy) -> Response:
    """A clean copy for the screen, run and kept by nobody; raises as ``service.content_of``."""
    response = Response(service.content_of(copy), mimetype=copy.media_type)
    response.content_length = copy.size
    response.headers["Content-Disposition"] = "inline"
    return seclude(response)


def play_response(stored: StoredFile) -> Response:
    """A recording or a film for the page's own player; raises as ``service.content_of``."""
    response = Response(service.content_of(stored), mimetype=stored.media_type)
    response.content_length = stored.size
    response.headers["Content-Disposition"] = "inline"
    return seclude(response)


def seclude(response: Response) -> Response:
    """Bytes that somebody sent: shown, never run, and kept nowhere."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _boundary() -> bytes:
    media_type, options = parse_options_header(request.content_type)
    boundary = options.get("boundary", "")
    if media_type != "multipart/form-data" or not boundary or not boundary.isascii():
        raise malformed()
    return boundary.encode()


def parts_of_request(most_parts: int = _MOST_PARTS) -> Iterator[Event]:
    """The parts of the present multipart request as they arrive, without what surrounds them."""
    decoder = MultipartDecoder(_boundary(), _LARGEST_PART_HEAD, max_parts=most_parts)
    while True:
        try:
            decoder.receive_data(request.stream.read(_READ_AT_ONCE) or None)
            event = decoder.next_event()
            while not isinstance(event, NeedData):
                if isinstance(event, Epilogue):
                    return
                if not isinstance(event, Preamble):
                    yield event
                event = decoder.next_event()
        except RequestEntityTooLarge as fault:
            raise PayloadTooLarge(TOO_LARGE) from fault
        except ValueError as fault:
            raise malformed() from fault


def _first_part(events: Iterator[Event]) -> File:
    first = next(events, None)
    if not isinstance(first, File) or first.name != FIELD:
        raise malformed()
    return first


def _content(events: Iterator[Event]) -> Iterator[bytes]:
    """The bytes of the part that has begun; raise ``InvalidInput`` when another part follows."""
    for event in events:
        if not isinstance(event, Data):
            raise malformed()
        if event.data:
            yield event.data


def malformed() -> InvalidInput:
    """The refusal of a request of another shape."""
    return InvalidInput(_HOW_TO, errors={FIELD: [_HOW_TO]})


def read_out() -> None:
    """Take in the rest of a refused request: a phone reads its answer only after it has sent everything."""
    try:
        while request.stream.read(_READ_AT_ONCE):
            pass
    except RequestEntityTooLarge:
        pass


def _disposition(stored: StoredFile) -> str:
    """Attachment under its name (RFC 6266), with a plain one for clients that know ASCII only.

    A reporter's own name of a file stays closed: it often holds a person's.
    """
    name = service.original_name(stored)
    usual = next((f.extensions[0] for f in FORMATS if f.media_type == stored.media_type), "bin")
    ending = extension_of(name)
    if not ending:
        name, ending = f"{name}.{usual}", usual
    if stored.purpose is Purpose.PUBLIC:
        name = f"举报材料-{stored.sha256[:8]}.{ending}"
    plain = f"file-{stored.sha256[:8]}.{ending}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
