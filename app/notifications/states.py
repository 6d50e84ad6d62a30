"""How far a message got, by which way, and which way comes next (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """A way to reach a person. ``in_app``: read by whoever looks into the mini-program; it cannot fail."""

    WECHAT = "wechat"
    SMS = "sms"
    EMAIL = "email"
    IN_APP = "in_app"

    @property
    def text(self) -> str:
        """The channel as the office says it."""
        return _CHANNEL_TEXTS[self]


class Kind(StrEnum):
    """What a message is about, as far as the words of an envelope may say it."""

    PROGRESS = "progress"
    """To a reporter: something moved."""
    DIGEST = "digest"
    SUPERVISION = "supervision"
    URGENT = "urgent"
    """To an officer, at any hour."""

    @property
    def text(self) -> str:
        """The kind as the office says it."""
        return _KIND_TEXTS[self]


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


_CHANNEL_TEXTS: Final[Mapping[Channel, str]] = {
    Channel.WECHAT: "微信",
    Channel.SMS: "短信",
    Channel.EMAIL: "邮件",
    Channel.IN_APP: "小程序内",
}
_KIND_TEXTS: Final[Mapping[Kind, str]] = {
    Kind.PROGRESS: "举报人：办理进展",
    Kind.DIGEST: "工作人员：每日提醒",
    Kind.SUPERVISION: "工作人员：督办提醒",
    Kind.URGENT: "工作人员：紧急线索",
}
_TEXTS: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.QUEUED: "待发送",
    DeliveryState.SENDING: "发送中",
    DeliveryState.SENT: "已发送",
    DeliveryState.FAILED: "发送失败",
    DeliveryState.UNKNOWN: "结果不明",
}

FINAL_STATES: Final = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN})
RESENDABLE: Final = frozenset({DeliveryState.FAILED, DeliveryState.UNKNOWN})
"""What a person may put back into the queue; what was sent is never sent again."""
MOVES: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = {
    DeliveryState.QUEUED: frozenset({DeliveryState.SENDING, DeliveryState.FAILED}),
    DeliveryState.SENDING: frozenset(DeliveryState) - {DeliveryState.SENDING},
    DeliveryState.SENT: frozenset(),
    DeliveryState.FAILED: frozenset({DeliveryState.QUEUED}),
    DeliveryState.UNKNOWN: frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.QUEUED}),
}
"""Every move there is. Out of ``unknown`` lead the late answer of a sender thought dead, and a person's decision."""

LADDER: Final = (Channel.WECHAT, Channel.SMS, Channel.EMAIL, Channel.IN_APP)
OFFICERS_LADDER: Final[Mapping[Kind, tuple[Channel, ...]]] = {
    Kind.DIGEST: (Channel.EMAIL,),
    Kind.SUPERVISION: (Channel.EMAIL, Channel.SMS),
    Kind.URGENT: (Channel.SMS, Channel.EMAIL),
}
"""Ways to an officer outside the office; the notice in the console is written in any case."""
AT_ANY_HOUR: Final = frozenset({Kind.URGENT})


def reporters_ladder(wish: str | None) -> tuple[Channel, ...]:
    """The rungs for a reporter who wished to be answered in this way (``reply_channel``), first to last.

    A wish comes first and the rest follows in order. Who wants a call hears nothing by SMS or mail, which others may
    read; who wants nothing finds the news in the mini-program alone.
    """
    if wish == "none":
        return (Channel.IN_APP,)
    if wish == "phone":
        return (Channel.WECHAT, Channel.IN_APP)
    return tuple(sorted(LADDER, key=lambda rung: rung != wish))
