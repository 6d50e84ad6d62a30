"""Keyset paging: a cursor is the sort key of the last row shown, signed by nothing because it grants nothing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from app.foundation.errors import InvalidInput

_BAD_CURSOR: Final = "翻页标记无效，请从第一页重新查看"


def to_cursor(moment: datetime, row_id: UUID) -> str:
    """The cursor that continues after this row."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{row_id}".encode()).decode()


def from_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Undo :func:`to_cursor`; raise ``InvalidInput`` naming ``cursor``."""
    if not cursor:
        return None
    try:
        moment, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        key = datetime.fromisoformat(moment), UUID(row_id)
        in_utc = key[0].astimezone(UTC)  # overflows where the offset leads beyond what a moment can be
    except (ValueError, OverflowError) as fault:
        raise InvalidInput(errors={"cursor": [_BAD_CURSOR]}) from fault
    if key[0].tzinfo is None:
        raise InvalidInput(errors={"cursor": [_BAD_CURSOR]})
    return in_utc, key[1]
