"""One provider interface for every secret: seal, open, blind index, digest.

Two suites speak it: AES-256-GCM with SHA-256, and SM4-GCM with SM3 (GB/T 39786-2021). The keys of one purpose are
derived from the master keys of ``SEALING_KEYS``, so that a digest made for one purpose says nothing about another.
A certified device replaces a suite by implementing :class:`Suite`.
"""

from __future__ import annotations

import hmac as constant_time
import os
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.foundation.config import SealingKey, Settings

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
DATA_KEY_BYTES: Final = 32


class CannotOpen(Exception):
    """The sealed bytes were altered, belong to another row, or their key is not loaded."""


class Suite(Protocol):
    """The algorithms of one national or international family."""

    name: str

    def encrypt(self, key: bytes, nonce: bytes, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt and authenticate ``plain``; ``bound_to`` is authenticated too."""
        ...

    def decrypt(self, key: bytes, nonce: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        """Undo :meth:`encrypt`; raise ``InvalidTag`` when anything differs."""
        ...

    def hash_algorithm(self) -> hashes.HashAlgorithm:
        """A new instance of the family's hash."""
        ...


class InternationalSuite:
    """AES-256-GCM and SHA-256."""

    name = "international"

    def encrypt(self, key: bytes, nonce: bytes, plain: bytes, bound_to: bytes) -> bytes:
        """See :class:`Suite`."""
        return AESGCM(key).encrypt(nonce, plain, bound_to)

    def decrypt(self, key: bytes, nonce: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        """See :class:`Suite`."""
        return AESGCM(key).decrypt(nonce, sealed, bound_to)

    def hash_algorithm(self) -> hashes.HashAlgorithm:
        """See :class:`Suite`."""
        return hashes.SHA256()


class NationalSuite:
    """SM4-GCM (GB/T 32907) and SM3 (GB/T 32905); SM4 takes the first 128 bits of a key."""

    name = "national"

    def encrypt(self, key: bytes, nonce: bytes, plain: bytes, bound_to: bytes) -> bytes:
        """See :class:`Suite`."""
        encryptor = Cipher(algorithms.SM4(key[:16]), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(bound_to)
        return encryptor.update(plain) + encryptor.finalize() + encryptor.tag

    def decrypt(self, key: bytes, nonce: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        """See :class:`Suite`."""
        body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        decryptor = Cipher(algorithms.SM4(key[:16]), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(bound_to)
        return decryptor.update(body) + decryptor.finalize()

    def hash_algorithm(self) -> hashes.HashAlgorithm:
        """See :class:`Suite`."""
        return hashes.SM3()


class Crypto:
    """What the rooms use. Made once from the settings; holds keys, shows none."""

    def __init__(self, keys: tuple[SealingKey, ...], suite: Suite) -> None:
        self._keys = {key.key_id: key for key in keys}
        self._current = keys[0]
        # Digests must not change when sealing keys rotate, so they hang on the oldest key that is still listed.
        self._digest_root = keys[-1]
        self._suite = suite
        self._keyed = lru_cache(maxsize=64)(self._key_mac)

    def __repr__(self) -> str:
        return f"Crypto(suite={self._suite.name}, current={self._current.key_id})"

    @property
    def suite(self) -> Suite:
        """The algorithms in use, for rooms that seal streams."""
        return self._suite

    @property
    def current_key_id(self) -> str:
        """The id of the master key that seals today."""
        return self._current.key_id

    @property
    def key_ids(self) -> list[str]:
        """The ids of the loaded master keys, the current one first."""
        return list(self._keys)

    def seal(self, plain: bytes, *, bound_to: bytes) -> bytes:
        """Envelope-encrypt ``plain`` with a data key of its own.

        ``bound_to`` (for instance table and row id) is authenticated, so that sealed bytes moved to another row no
        longer open. Layout: length and id of the master key, wrapped data key, nonce, ciphertext with tag.
        """
        data_key = os.urandom(DATA_KEY_BYTES)
        wrapped = self._wrap(self._current, data_key)
        nonce = os.urandom(NONCE_BYTES)
        return self.current_mark + wrapped + nonce + self._suite.encrypt(data_key, nonce, plain, bound_to)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes:
        """Undo :meth:`seal`; raise :class:`CannotOpen`."""
        try:
            data_key, rest = self._unwrapped(sealed)
            return self._suite.decrypt(data_key, rest[:NONCE_BYTES], rest[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as fault:
            raise CannotOpen("the sealed bytes cannot be opened") from fault

    @property
    def current_mark(self) -> bytes:
        """How everything begins that is sealed today: length and id of the current master key."""
        key_id = self._current.key_id.encode()
        return bytes([len(key_id)]) + key_id

    def rewrap(self, sealed: bytes) -> bytes:
        """The same sealed content with its data key wrapped by the current master key; the content stays closed.

        Raises :class:`CannotOpen` when the master key that wraps it now is not loaded.
        """
        data_key, rest = self._unwrapped(sealed)
        return self.current_mark + self._wrap(self._current, data_key) + rest

    def _unwrapped(self, sealed: bytes) -> tuple[bytes, bytes]:
        """(data key, what it seals: nonce and ciphertext); raise :class:`CannotOpen`."""
        try:
            id_length = sealed[0]
            key = self._keys[sealed[1 : 1 + id_length].decode()]
            rest = sealed[1 + id_length :]
            wrapped_length = NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES
            return self._unwrap(key, rest[:wrapped_length]), rest[wrapped_length:]
        except (InvalidTag, KeyError, IndexError, UnicodeDecodeError, ValueError) as fault:
            raise CannotOpen("the wrapped key cannot be opened") from fault

    def digest(self, purpose: str, *parts: bytes) -> bytes:
        """Keyed digest (HMAC) for ``purpose``; the parts are length-prefixed, so that they cannot be shifted."""
        mac = self._keyed(purpose).copy()
        mac.update(b"".join(len(part).to_bytes(4, "big") + part for part in parts))
        return mac.finalize()

    def blind_index(self, purpose: str, value: str) -> bytes:
        """A digest that finds equal values without storing them ("has this phone reported before")."""
        return self.digest(f"blind-index/{purpose}", value.encode())

    @staticmethod
    def same(left: bytes, right: bytes) -> bool:
        """Compare in constant time."""
        return constant_time.compare_digest(left, right)

    def _key_mac(self, purpose: str) -> hmac.HMAC:
        """The empty HMAC under the key of ``purpose``, to be copied."""
        kdf = HKDF(algorithm=hashes.SHA256(), length=DATA_KEY_BYTES, salt=b"shudi", info=purpose.encode())
        return hmac.HMAC(kdf.derive(self._digest_root.secret), self._suite.hash_algorithm())

    def _wrap(self, key: SealingKey, data_key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._suite.encrypt(key.secret, nonce, data_key, b"data-key")

    def _unwrap(self, key: SealingKey, wrapped: bytes) -> bytes:
        return self._suite.decrypt(key.secret, wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], b"data-key")


def make_crypto(settings: Settings) -> Crypto:
    """The provider that the settings ask for."""
    suite: Suite = NationalSuite() if settings.crypto_suite == "national" else InternationalSuite()
    return Crypto(settings.sealing_keys, suite)
