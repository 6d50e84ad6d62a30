"""What operators see: JSON logs without personal data, a request id, ``/healthz``, ``/readyz`` and ``/metrics``.

Requests of the public are logged without address and without token: the time and address of a request beside an
anonymous tip would lead to its reporter (decree 737, Article 16).
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

import uuid_utils
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from app.foundation.clock import now
from app.foundation.config import Network
from app.foundation.errors import NotFound
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Permission

_HIDDEN: Final = "[隐去]"
_SECRET_NAMES: Final = frozenset(
    {"secret", "password", "token", "access_token", "js_code", "session_key", "query_code", "otp"}
)
_PERSONAL: Final = (
    (re.compile(r"(?<!\d)(?:86)?1[3-9]\d{9}(?!\d)"), "[手机号]"),
    # Written in groups; an identifier with hyphens is none.
    (re.compile(r"(?<![\dA-Za-z-])(?:86[ -])?1[3-9]\d[ -]\d{4}[ -]\d{4}(?![\dA-Za-z-])"), "[手机号]"),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?![\dA-Za-z])"), "[证件号]"),
    (re.compile(r"(?<!\d)\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?!\d)"), "[查询码]"),
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+"), r"\1[令牌]"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "[令牌]"),
    (
        re.compile(
            r"(?i)((?:secret|password|token|js_code|session_key|query_code)\\*[\"']?\s*[=:]\s*\\*)"
            r"(?:\"[^\"]*\"|'[^']*'|[\"']?[^\s&\"']+)"
        ),
        rf"\1{_HIDDEN}",
    ),
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REGISTRY: Final = CollectorRegistry()
REQUESTS: Final = Counter("shudi_requests", "Answered requests", ["endpoint", "method", "status"], registry=REGISTRY)
DURATION: Final = Histogram("shudi_request_seconds", "Time to answer", ["endpoint"], registry=REGISTRY)

logger = logging.getLogger("shudi.request")


def masked(text: str) -> str:
    """``text`` with phone numbers, identity numbers, query codes and secrets blanked."""
    for pattern, replacement in _PERSONAL:
        text = pattern.sub(replacement, text)
    return text


def _blanked(name: str, value: Any) -> Any:
    """What may be told of a field; masked before it is JSON, so that no quotation mark hides a secret."""
    if name.lower() in _SECRET_NAMES:
        return _HIDDEN
    if isinstance(value, Mapping):
        return {masked(str(key)): _blanked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_blanked("", inner) for inner in value]
    if value is None or isinstance(value, bool | float):
        return value
    said = masked(str(value))
    return value if isinstance(value, int) and said == str(value) else said


class JsonFormatter(logging.Formatter):
    """One JSON object a line; everything passes the mask."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a masked JSON line."""
        entry: dict[str, Any] = {
            "at": now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(_blanked("", entry), ensure_ascii=False)


def configure_logging(level: int = logging.INFO) -> None:
    """Send every log line through the JSON formatter to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "httpcore", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


ReadinessCheck = Callable[[], tuple[bool, Any]]


# long because each end point is declared where it is registered.
def register_observability(app: Flask, checks: dict[str, ReadinessCheck]) -> None:
    """Attach request ids, request log, metrics and the health end points; ``checks`` feed ``/readyz``."""

    @app.before_request
    def _begin() -> None:
        g.request_id = uuid_utils.uuid4().hex
        g.began = time.perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        _remember(response)
        return response

    @app.get("/healthz")
    @endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, changes=False)
    def healthz(_actor: Any) -> Any:
        """Tell that the process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    @endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, changes=False)
    def readyz(_actor: Any) -> Any:
        """Tell whether the database is at the migration head, Redis answers, and how long the outbox waits."""
        results = {name: check() for name, check in checks.items()}
        ready = all(good for good, _ in results.values())
        report = {"status": "ready" if ready else "not_ready"} | {name: value for name, (_, value) in results.items()}
        return report, 200 if ready else 503

    @app.get("/metrics")
    @endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, changes=False)
    def metrics(_actor: Any) -> Any:
        """Counters and timings for Prometheus, for the networks of ``METRICS_NETWORKS`` alone."""
        if not _is_in(app.extensions["shudi_settings"].metrics_networks):
            raise NotFound
        return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _is_in(networks: Sequence[Network]) -> bool:
    """Whether the request comes out of one of these networks; what has no address comes out of none."""
    try:
        caller = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return any(caller in network for network in networks)


@lru_cache(maxsize=2048)
def _meters(name: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """The counter and the timing of requests that end so: to find them by their labels takes as long as to count."""
    return REQUESTS.labels(name, method, str(status)), DURATION.labels(name)


def _remember(response: Response) -> None:
    request_id: str = g.get("request_id", "")
    response.headers.setdefault("X-Request-Id", request_id)
    name = request.endpoint or "unmatched"
    elapsed = time.perf_counter() - g.get("began", time.perf_counter())
    method = request.method if request.method in _METHODS else "other"  # callers invent methods
    requests, duration = _meters(name, method, response.status_code)
    requests.inc()
    duration.observe(elapsed)
    if response.status_code >= 400:  # noqa: PLR2004  # successes are counted, faults are told
        fields = {
            "request_id": request_id,
            "endpoint": name,
            "status": response.status_code,
            "ms": round(elapsed * 1000),
        }
        logger.info("request", extra={"fields": fields})
