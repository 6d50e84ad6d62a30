"""Redis: the queue's store and short-lived counters. Nothing that must not be lost lives here alone."""

from __future__ import annotations

from typing import Any

from redis import Connection, ConnectionPool, Redis

from app.foundation.config import Settings


def connect_redis(settings: Settings) -> Redis:
    """A client that connects at its first command, and then starts the embedded server when that is meant."""
    if not settings.embedded_redis:
        return Redis.from_url(settings.redis_url)
    services = settings.local_services

    class EmbeddedConnection(Connection):
        """A connection to the embedded server of ``DATA_DIR``."""

        def connect(self) -> None:
            services.ensure_running()
            super().connect()  # type: ignore[no-untyped-call]

    options: dict[str, Any] = {"connection_class": EmbeddedConnection}
    return Redis(connection_pool=ConnectionPool.from_url(settings.redis_url, **options))
