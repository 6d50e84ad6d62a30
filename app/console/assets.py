"""Static files under a fingerprint of their content: kept for ever by the browser, and never stale."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, request

from app.console.blueprint import pages

_ENDPOINT: Final = "console.static"
_FOREVER: Final = "public, max-age=31536000, immutable"


def register(app: Flask) -> None:
    """Write the fingerprint into every address of a static file, and say how long the file may be kept."""
    fingerprints = _fingerprints(Path(pages.static_folder or ""))

    @app.url_defaults
    def _name_the_edition(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == _ENDPOINT and values.get("filename") in fingerprints:
            values.setdefault("v", fingerprints[values["filename"]])

    @app.after_request
    def _say_how_long(response: Response) -> Response:
        if request.endpoint == _ENDPOINT and response.status_code < 400:  # noqa: PLR2004  # a fault is never kept
            wanted = fingerprints.get((request.view_args or {})["filename"])
            fresh = wanted is not None and request.args.get("v") == wanted
            response.headers["Cache-Control"] = _FOREVER if fresh else "no-cache"
        return response


def _fingerprints(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in folder.rglob("*")
        if path.is_file()
    }
