"""Files in a list. The reporter's own file names stay closed here: they often hold a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from app.files.formats import FileKind
from app.files.models import StoredFile
from app.files.service import original_name
from app.foundation import clock

_ICON_KINDS: Final = {FileKind.IMAGE: "image", FileKind.PDF: "pdf", FileKind.AUDIO: "audio", FileKind.VIDEO: "video"}
_KILO, _MEGA = 1024, 1024 * 1024


def reporters_files(files: Iterable[StoredFile], href: Callable[[UUID], str] | None) -> list[dict[str, Any]]:
    """The reporter's files, numbered; ``href`` makes a file's address, none where this person may not open files."""
    return [_file(stored, f"证据 {number}（{stored.kind.text}）", href) for number, stored in enumerate(files, start=1)]


def officers_files(files: Iterable[StoredFile], href: Callable[[UUID], str] | None) -> list[dict[str, Any]]:
    """Files of officers, under the names that they gave them."""
    return [_file(stored, original_name(stored), href) for stored in files]


def _file(stored: StoredFile, name: str, href: Callable[[UUID], str] | None) -> dict[str, Any]:
    return {
        "name": name,
        "kind": _ICON_KINDS.get(stored.kind, "other"),
        "size_text": size_text(stored.size),
        "href": href(stored.id) if href else None,
        "uploaded_at": clock.beijing(stored.created_at),
    }


def size_text(size: int) -> str:
    """A size as people say it."""
    return f"{-(-size // _KILO)} KB" if size < _MEGA else f"{size / _MEGA:.1f} MB"
