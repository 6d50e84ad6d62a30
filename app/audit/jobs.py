"""The sealer's job."""

from __future__ import annotations

import logging

from flask import current_app

from app.audit import chain
from app.foundation.database import OPEN_WALL, transaction

logger = logging.getLogger(__name__)


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
        logger.info("audit rows sealed", extra={"fields": {"rows": sealed}})
