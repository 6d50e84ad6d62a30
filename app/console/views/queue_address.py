"""The queue's address: filters and order as they stand in a link, so that a colleague sees the same list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

from app.foundation.http import load
from app.tips.office_schemas import ListTipsQuery
from app.tips.queries import FILTERS, Order, QueueFilter


def read_address(query: str) -> dict[str, str]:
    """The filters of an address without its path, checked; raise ``InvalidInput`` for what the queue does not know."""
    return in_address(asked(dict(parse_qsl(query, keep_blank_values=False))))


def asked(given: Mapping[str, str]) -> dict[str, Any]:
    """What an address asks for: every filter, ``order`` and ``cursor``; raise ``InvalidInput``."""
    loaded: dict[str, Any] = load(ListTipsQuery(), {name: value for name, value in given.items() if value})
    return loaded


def wanted_of(query: Mapping[str, Any]) -> QueueFilter:
    """The filters alone."""
    return QueueFilter(**{name: query[name] for name in FILTERS})


def in_address(query: Mapping[str, Any]) -> dict[str, str]:
    """Filters and order as they stand in an address; what is not asked for is left out."""
    named = {name: _told(query[name]) for name in FILTERS if query.get(name) is not None}
    order = query.get("order", Order.NEWEST)
    return named if order is Order.NEWEST else named | {"order": order.value}


def address_of(named: Mapping[str, str]) -> str:
    """The same as one text, in a fixed order: equal filters are equal texts."""
    return urlencode(sorted(named.items()))


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
