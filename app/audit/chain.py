"""The tamper-evident chain: each sealed row carries a keyed digest over itself and the digest before it.

One sealer works at a time (an advisory lock), outside the transactions of the deeds, so that no lock lies on the hot
path. Rows are sealed in the order of their ids among those committed; ``seq`` has no gaps.

A tail cut off together with its head is found by the copy outside the database (:mod:`app.audit.kept_head`) alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Final, NamedTuple

from sqlalchemy import func, select, update

from app.audit import kept_head
from app.audit.models import AuditEvent, AuditHead
from app.foundation.crypto import Crypto
from app.foundation.database import db

logger = logging.getLogger(__name__)

GENESIS: Final = bytes(32)
_SEALER_LOCK: Final = 0x5348554449  # "SHUDI"
_READ_AT_ONCE: Final = 2000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What :func:`verify` found; ``broken_at`` is the first sequence number that does not hold.

    ``witnessed``: the end was held against the copy of the head outside the database; there was none otherwise.
    """

    sealed: int
    unsealed: int
    broken_at: int | None
    reason: str
    witnessed: bool = False

    @property
    def intact(self) -> bool:
        """Whether the whole chain holds."""
        return self.broken_at is None


class BrokenChain(Exception):
    """The end of the chain does not hold; a seal on top of it would cover what was done below."""


def content_of(event: AuditEvent) -> bytes:
    """The canonical bytes of a row: every column that tells what happened, in a fixed order."""
    fields = [
        event.id,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor_kind,
        str(event.actor_id or ""),
        event.actor_name,
        event.actor_role,
        event.unit_id,
        event.action,
        event.object_type,
        event.object_id,
        event.succeeded,
        event.details,
    ]
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def seal_pending(crypto: Crypto, limit: int = _READ_AT_ONCE) -> int:
    """Seal up to ``limit`` rows; return how many. Another sealer or verifier at work means nothing to do.

    Raises:
        BrokenChain: the head was changed or removed, or these are not the keys that sealed it.
    """
    session = db.session
    if not session.scalar(select(func.pg_try_advisory_xact_lock(_SEALER_LOCK))):
        return 0
    head = _sound_head(crypto)
    seq, digest = (head.seq, head.digest) if head else (0, GENESIS)
    pending = session.scalars(
        select(AuditEvent).where(AuditEvent.seq.is_(None)).order_by(AuditEvent.id).limit(limit)
    ).all()
    rows = []
    for event in pending:
        seq += 1
        previous, digest = digest, _link(crypto, seq, digest, event)
        rows.append({"id": event.id, "seq": seq, "previous_digest": previous, "digest": digest})
    if rows:
        session.execute(update(AuditEvent), rows)
        _move_head(crypto, head, seq, digest)
    return len(rows)


def keep_head(crypto: Crypto) -> None:
    """Copy a committed head out of the database, unless rows up to the copy of before are gone: then that one stays."""
    head = db.session.get_one(AuditHead, 1)
    before = kept_head.kept(crypto)
    if before and (fault := _fault_since(before)):
        logger.error("the audit chain does not continue the head kept outside", extra={"fields": {"fault": fault}})
        return
    kept_head.keep(crypto, head.seq, head.digest)
    logger.info("audit rows sealed", extra={"fields": {"seq": head.seq, "digest": head.digest.hex()}})


def verify(crypto: Crypto) -> Iterator[Verdict]:
    """Walk the chain from its beginning, telling the progress; the last verdict counts.

    Sealing waits meanwhile: rows sealed between the reading of the tail and of the head would look like a lost tail.
    """
    at, finished = START, False
    while not finished:
        verdict, at, finished = verify_piece(crypto, at)
        yield verdict


class Place(NamedTuple):
    """A row of the chain, and its digest, up to which everything holds."""

    seq: int
    digest: bytes


START: Final = Place(0, GENESIS)


def verify_piece(crypto: Crypto, begun: Place) -> tuple[Verdict, Place, bool]:
    """Walk on from ``begun`` for some rows, at the end to the head; return what holds, the place to go on, and the end.

    The place is the caller's word: who goes on in another transaction trusts what he kept meanwhile.
    """
    db.session.execute(select(func.pg_advisory_xact_lock_shared(_SEALER_LOCK)))
    unsealed = db.session.scalar(select(func.count()).where(AuditEvent.seq.is_(None))) or 0
    seq, digest = begun
    rows = db.session.scalars(
        select(AuditEvent)
        .where(AuditEvent.seq > seq)
        .order_by(AuditEvent.seq)
        .limit(_READ_AT_ONCE)
        .execution_options(populate_existing=True)
    ).all()
    for event in rows:
        seq += 1
        if fault := _fault_of(crypto, event, seq, digest):
            return Verdict(seq, unsealed, seq, fault), begun, True
        digest = event.digest or b""
        db.session.expunge(event)
    if len(rows) == _READ_AT_ONCE:
        return Verdict(seq, unsealed, None, ""), Place(seq, digest), False
    kept = kept_head.kept(crypto)
    if fault := _head_fault(crypto, seq, digest) or (_fault_since(kept) if kept else ""):
        return Verdict(seq, unsealed, seq + 1, fault, witnessed=kept is not None), begun, True
    return Verdict(seq, unsealed, None, "", witnessed=kept is not None), Place(seq, digest), True


def _link(crypto: Crypto, seq: int, previous: bytes, event: AuditEvent) -> bytes:
    return crypto.digest("audit-chain", seq.to_bytes(8, "big"), previous, content_of(event))


def _proof(crypto: Crypto, seq: int, digest: bytes) -> bytes:
    return crypto.digest("audit-head", seq.to_bytes(8, "big"), digest)


def _sound_head(crypto: Crypto) -> AuditHead | None:
    head = db.session.get(AuditHead, 1, populate_existing=True)
    if head is None:
        if db.session.scalar(select(AuditEvent.id).where(AuditEvent.seq.is_not(None)).limit(1)):
            raise BrokenChain("sealed rows without a head")
    elif not crypto.same(head.proof, _proof(crypto, head.seq, head.digest)):
        raise BrokenChain("the head does not hold")
    return head


def _move_head(crypto: Crypto, head: AuditHead | None, seq: int, digest: bytes) -> None:
    if head is None:
        head = AuditHead(id=1)
        db.session.add(head)
    head.seq, head.digest, head.proof = seq, digest, _proof(crypto, seq, digest)
    db.session.flush()


def _fault_of(crypto: Crypto, event: AuditEvent, seq: int, previous: bytes) -> str:
    if event.seq != seq:
        return f"缺少第 {seq} 条记录"
    if event.previous_digest != previous:
        return f"第 {seq} 条记录与上一条不衔接"
    if not crypto.same(event.digest or b"", _link(crypto, seq, previous, event)):
        return f"第 {seq} 条记录内容被改动"
    return ""


def _head_fault(crypto: Crypto, seq: int, digest: bytes) -> str:
    head = db.session.get(AuditHead, 1, populate_existing=True)
    if head is None:
        return "" if seq == 0 else "链首记录缺失"
    if not crypto.same(head.proof, _proof(crypto, head.seq, head.digest)):
        return "链首记录被改动"
    if (head.seq, head.digest) != (seq, digest):
        return f"末尾记录被删除：应有 {head.seq} 条，实有 {seq} 条"
    return ""


def _fault_since(kept: tuple[int, bytes]) -> str:
    """What is wrong with the row that once was the last one, as the copy outside the database tells."""
    seq, digest = kept
    present = db.session.scalar(select(AuditEvent.digest).where(AuditEvent.seq == seq))
    if present is None:
        return f"末尾记录被删除：库外留存的链首为第 {seq} 条，库中已没有该条"
    return "" if present == digest else f"第 {seq} 条记录与库外留存的链首不一致，该条及以前的记录被删除后重新写入"
