"""The running application's crypto provider, for every module of this room."""

from __future__ import annotations

from flask import current_app

from app.foundation.crypto import Crypto


def crypto() -> Crypto:
    """Seals, opens, digests."""
    provider: Crypto = current_app.extensions["shudi_crypto"]
    return provider
