"""A signed proof that a tip was filed: who holds the paper can show when and what, and nobody can make one up.

The proof is one line of text, ``SHUDI1.<content>.<signature>``, carried by the QR code. Its content is the receipt
number, the server's registration time, and the SHA-256 of the statement with its files. It tells neither the accused
nor the reporter, and holds no query code: a paper may be lost. The signature is Ed25519, with a key derived from the
office's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from app.files.models import StoredFile
from app.foundation import clock
from app.foundation.database import db
from app.tips.models import Tip, TipEvidence, TipSubject
from app.tips.service import crypto

EDITION: Final = "SHUDI1"
LONGEST_PROOF: Final = 1000
_NOT_SAID: Final = frozenset({"query_code_digest", "client_request_digest", "request_body_digest"})


@dataclass(frozen=True, slots=True)
class Proved:
    """What a good proof says."""

    receipt_number: str
    registered_at: datetime
    statement_sha256: str


def proved_of(tip: Tip) -> Proved:
    """What the proof of one tip says."""
    return Proved(tip.receipt_number, clock.beijing(tip.registered_at).replace(microsecond=0), statement_digest(tip))


def signed_line(proved: Proved) -> str:
    """The proof: content and signature in one line."""
    said = asdict(proved) | {"registered_at": proved.registered_at.isoformat()}
    content = _encoded(json.dumps(said, separators=(",", ":")).encode())
    return f"{EDITION}.{content}.{_encoded(_key().sign(_signed(content)))}"


def read_proof(line: str) -> Proved | None:
    """What a proof says when its signature is ours; ``None`` for anything else. Looks nothing up."""
    edition, _, rest = "".join(line.split()).partition(".")
    content, _, signature = rest.partition(".")
    if edition != EDITION:
        return None
    try:
        _key().public_key().verify(_decoded(signature), _signed(content))
        said = json.loads(_decoded(content))
    except (InvalidSignature, binascii.Error, ValueError):
        return None
    moment = datetime.fromisoformat(said["registered_at"])
    return Proved(said["receipt_number"], moment, said["statement_sha256"])


def statement_digest(tip: Tip) -> str:
    """SHA-256 of what was said and given at filing; what came later is no part of it."""
    subject = db.session.get_one(TipSubject, tip.id)
    files = db.session.scalars(
        select(StoredFile.sha256)
        .join(TipEvidence, TipEvidence.file_id == StoredFile.id)
        .where(TipEvidence.tip_id == tip.id, TipEvidence.message_id.is_(None))
        .order_by(TipEvidence.position)
    ).all()
    said = {"statement": _columns(tip), "subject": _columns(subject), "files": list(files)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def _columns(row: Tip | TipSubject) -> dict[str, Any]:
    """The columns that hold something: a column added by a later edition changes no digest."""
    values = {
        column.name: getattr(row, column.name) for column in row.__table__.columns if column.name not in _NOT_SAID
    }
    return {name: value for name, value in values.items() if value is not None}


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(crypto().digest("filing-proof/ed25519"))


def _signed(content: str) -> bytes:
    return f"{EDITION}.{content}".encode()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
