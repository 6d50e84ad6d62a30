"""A small proof of work, asked of crowds instead of refusing them. Stateless: the challenge carries its own seal.

The client finds a number so that SHA-256 of ``<challenge>.<number>`` begins with ``difficulty_bits`` zero bits, and
repeats its call with the header ``X-Proof-Of-Work: <challenge>.<number>``. 16 bits are 65,000 hashes on average, well
under a second on a phone; a caller many times over the limit is asked for up to 22. To verify costs one hash.
A challenge is good for one door, once, for ten minutes; it is not bound to an address, because phones change theirs.

Where no script runs, patience takes the place of work: a sealed ticket that is good, once, from a moment on.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from typing import Any, Final

from app.foundation import clock
from app.foundation.crypto import Crypto

HEADER: Final = "X-Proof-Of-Work"
VALID_SECONDS: Final = 600
LEAST_BITS: Final = 16
MOST_BITS: Final = 22
_LONGEST_PROOF: Final = 200
_PARTS: Final = 5
SHORTEST_WAIT_SECONDS: Final = 10
LONGEST_WAIT_SECONDS: Final = 60
_TICKET: Final = "wait"


def challenge(crypto: Crypto, door: str, times_over: float) -> dict[str, Any]:
    """A new challenge, harder the farther a caller is over the limit."""
    bits = min(LEAST_BITS + int(math.log2(max(times_over, 1))), MOST_BITS)
    expires = int(clock.now().timestamp()) + VALID_SECONDS
    body = f"{expires}.{bits}.{secrets.token_hex(12)}"
    return {
        "challenge": f"{body}.{_seal(crypto, door, body)}",
        "difficulty_bits": bits,
        "header": HEADER,
        "algorithm": "sha256",
    }


def waiting_ticket(crypto: Crypto, door: str, times_over: float) -> tuple[str, int]:
    """(a ticket for who cannot compute, the seconds after which it is good): longer the farther over the limit."""
    wait = min(int(SHORTEST_WAIT_SECONDS * max(times_over, 1)), LONGEST_WAIT_SECONDS)
    body = f"{int(clock.now().timestamp()) + wait}.{_TICKET}.{secrets.token_hex(12)}"
    return f"{body}.{_seal(crypto, door, body)}", wait


def solve(challenge_text: str, bits: int) -> str:
    """The header that answers a challenge, as a client computes it."""
    number = 0
    while not _has_zero_bits(f"{challenge_text}.{number}", bits):
        number += 1
    return f"{challenge_text}.{number}"


def nonce_of_proof(crypto: Crypto, door: str, proof: str) -> str | None:
    """The nonce of a good proof or a good ticket for ``door``, to be used once; ``None`` for anything else."""
    parts = proof.split(".")
    if len(parts) == _PARTS - 1 and parts[1] == _TICKET and len(proof) <= _LONGEST_PROOF and proof.isascii():
        return _nonce_of_ticket(crypto, door, *parts)
    if len(proof) > _LONGEST_PROOF or len(parts) != _PARTS or not proof.isascii():
        return None
    expires, bits, nonce, seal, number = parts
    body = f"{expires}.{bits}.{nonce}"
    if not number.isdecimal() or not crypto.same(seal.encode(), _seal(crypto, door, body).encode()):
        return None
    if int(expires) < clock.now().timestamp() or not _has_zero_bits(proof, int(bits)):
        return None
    return nonce


def _nonce_of_ticket(crypto: Crypto, door: str, good_from: str, kind: str, nonce: str, seal: str) -> str | None:
    body = f"{good_from}.{kind}.{nonce}"
    if not crypto.same(seal.encode(), _seal(crypto, door, body).encode()):
        return None
    age = clock.now().timestamp() - int(good_from)
    return nonce if 0 <= age <= VALID_SECONDS else None


def _seal(crypto: Crypto, door: str, body: str) -> str:
    return crypto.digest("proof-of-work", door.encode(), body.encode()).hex()[:32]


def _has_zero_bits(text: str, bits: int) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - bits) == 0
