"""A copy of the chain's head outside PostgreSQL: who owns the database can put an older head back, but not here.

It lies in Redis, under a proof of its own, and every head is one line of the log besides. A copy that is missing proves
nothing and accuses nobody: Redis may be emptied, and a new office has none.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import current_app
from redis.exceptions import RedisError

from app.foundation.crypto import Crypto
from app.foundation.database import db

logger = logging.getLogger(__name__)


def keep(crypto: Crypto, seq: int, digest: bytes) -> None:
    """Keep this head instead of the one before."""
    copy = {"seq": seq, "digest": digest.hex(), "proof": _proof(crypto, seq, digest).hex()}
    try:
        _redis().set(_key(crypto), json.dumps(copy))
    except RedisError as fault:
        _away(fault)


def kept(crypto: Crypto) -> tuple[int, bytes] | None:
    """Number and digest of the row that was the last one when the copy was made; none without a sound copy."""
    try:
        copy = json.loads(_redis().get(_key(crypto)) or "{}")
    except RedisError as fault:
        _away(fault)
        return None
    seq, digest = copy.get("seq", 0), bytes.fromhex(copy.get("digest", ""))
    right = crypto.same(bytes.fromhex(copy.get("proof", "")), _proof(crypto, seq, digest))
    return (seq, digest) if right else None


def forget(crypto: Crypto) -> None:
    """Begin anew with the next head."""
    _redis().delete(_key(crypto))


def _key(crypto: Crypto) -> str:
    """One copy for each database and set of keys, so that offices that share a Redis do not accuse each other."""
    return f"audit:head:{crypto.digest('audit-kept', (db.engine.url.database or '').encode()).hex()[:32]}"


def _proof(crypto: Crypto, seq: int, digest: bytes) -> bytes:
    return crypto.digest("audit-kept-head", seq.to_bytes(8, "big"), digest)


def _redis() -> Any:
    return current_app.extensions["shudi_redis"]


def _away(fault: RedisError) -> None:
    logger.warning("no copy of the audit head: %s", type(fault).__name__)
