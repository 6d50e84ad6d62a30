"""How far a message to a reporter got (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """A way to reach a reporter."""

    WECHAT = "wechat"


class DeliveryState(StrEnum):
    """Where a delivery stands. ``unknown``: the request left and nobody can say whether the message arrived."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def text(self) -> str:
        """The state as the office says it."""
        return _TEXTS[self]


_TEXTS: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.QUEUED: "待发送",
    DeliveryState.SENDING: "发送中",
    DeliveryState.SENT: "已发送",
    DeliveryState.FAILED: "发送失败",
    DeliveryState.UNKNOWN: "结果不明",
}

FINAL_STATES: Final = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN})
