"""The sealer's job."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from flask import current_app

from app.audit import chain, service
from app.audit.models import AuditHead
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.long_work import Piece
from app.foundation.permissions import PROGRAM

_PIECES_AT_ONCE: Final = 5


def seal() -> None:
    """Seal what was committed since the last time. Twice is safe: sealed rows are not taken again.

    Raises:
        BrokenChain: nothing is sealed on top of a broken chain; the failed job stays visible.
    """
    crypto = current_app.extensions["shudi_crypto"]
    while True:
        with transaction(OPEN_WALL):
            sealed = chain.seal_pending(crypto)
        if not sealed:
            return
        with transaction(OPEN_WALL):  # what is kept outside must never be ahead of what is committed
            chain.keep_head(crypto)


def verify(memory: dict[str, Any]) -> Piece:
    """Prove or disprove some thousand rows of the chain, after sealing what waits. Twice is safe: it only reads."""
    if not memory:
        with contextlib.suppress(chain.BrokenChain):  # the walk tells where
            seal()
    crypto = current_app.extensions["shudi_crypto"]
    at, finished = chain.Place(memory.get("seq", 0), bytes.fromhex(memory.get("digest", chain.GENESIS.hex()))), False
    with transaction(OPEN_WALL):
        for _ in range(_PIECES_AT_ONCE):
            verdict, at, finished = chain.verify_piece(crypto, at)
            if finished:
                break
        head = db.session.get(AuditHead, 1)
        if finished:
            rows, broken_at = verdict.sealed, verdict.broken_at
            service.record(PROGRAM, "audit.verify", "audit_chain", "chain", rows=rows, broken_at=broken_at)
    kept = {"seq": at.seq, "digest": at.digest.hex(), "broken_at": verdict.broken_at, "fault": verdict.reason}
    return Piece(kept, verdict.sealed, head.seq if head else 0, finished)
