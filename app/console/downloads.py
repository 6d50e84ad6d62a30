"""Files that the program makes for one person: handed over under a Chinese name, kept by nobody."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response


def attachment(content: bytes, media_type: str, name: str) -> Response:
    """An answer that the browser saves under ``name`` (RFC 6266)."""
    response = Response(content, mimetype=media_type)
    ending = name.rpartition(".")[2]
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"file.{ending}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response
