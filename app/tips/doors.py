"""Who knocks at a public door, read from the present request, and what the doors demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import request

from app.tips import access, guard
from app.tips.models import Tip
from app.tips.proof_of_work import HEADER


def caller(session: bytes | None = None) -> guard.Caller:
    """The caller of the present request; ``session`` only where the tip itself may know it."""
    return guard.Caller(request.remote_addr or "", request.headers.get("User-Agent", "")[:200], session)


def admit(door: str, session: bytes | None = None, proof: str | None = None) -> None:
    """Ask a crowd for a proof of work; raise ``TooManyRequests``. A form sends its ``proof`` in a field of its own."""
    guard.admit(door, caller(session), proof or request.headers.get(HEADER))


def opened_tip(body: Mapping[str, Any], *, own: bool = False) -> Tip:
    """The tip that the codes of ``body`` open; with ``own`` the reporter's own ones alone.

    Raises as :func:`app.tips.access.open_tip_id`.
    """
    return access.open_tip(body["receipt_number"], body["query_code"], caller(), own=own)


def opened_tip_id(body: Mapping[str, Any]) -> UUID:
    """The same, where nothing of the statement itself is needed."""
    return access.open_tip_id(body["receipt_number"], body["query_code"], caller())
