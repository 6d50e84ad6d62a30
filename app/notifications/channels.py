"""The calls that carry a message out of the office, each answering with an :class:`Outcome`. No database here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from flask import current_app
from redis.exceptions import RedisError

from app.identity import wechat
from app.notifications.states import DeliveryState

logger = logging.getLogger(__name__)

NEWS: Final = "您的举报有新进展"
"""All that a message says of the matter: whoever looks over the person's shoulder learns nothing."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one person, ready to go."""

    address: str = field(repr=False)
    template_id: str
    receipt_number: str
    status_text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call.

    Attributes:
        state: ``queued`` when nothing was sent and the same call may be made again later.
        error: code that explains it, for a person to look up.
        consent_withdrawn: the person allows no further message of this template.
    """

    state: DeliveryState
    error: str | None = None
    consent_withdrawn: bool = False


def send_by_wechat(letter: Letter) -> Outcome:
    """Send a subscribe message. Never raises: what came of it must be recorded in any case."""
    client: wechat.WeChatClient = current_app.extensions["shudi_wechat"]
    try:
        client.send_subscribe_message(letter.address, letter.template_id, template_data(letter))
    except Exception as fault:  # noqa: BLE001  # see above
        return _outcome_of(fault)
    return Outcome(DeliveryState.SENT)


def _outcome_of(fault: Exception) -> Outcome:
    match fault:
        case wechat.WeChatUnknown():
            return Outcome(DeliveryState.UNKNOWN, "no_answer")
        case wechat.WeChatError():
            code = str(fault.errcode) if fault.errcode is not None else "not_reached"
            state = DeliveryState.QUEUED if fault.retryable else DeliveryState.FAILED
            return Outcome(state, code, consent_withdrawn=isinstance(fault, wechat.WeChatNoConsent))
        case RedisError():  # the shared access token lives there; without a token nothing leaves
            return Outcome(DeliveryState.QUEUED, "no_token_store")
        case wechat.UnfitValue():
            return Outcome(DeliveryState.FAILED, "unfit_value")
    logger.warning("sending broke off", extra={"fields": {"fault": type(fault).__name__}})
    return Outcome(DeliveryState.UNKNOWN, type(fault).__name__)  # nobody knows how far it got


def template_data(letter: Letter) -> Mapping[str, Mapping[str, str]]:
    """The values of the progress template: receipt number, status in plain words, and that there is news."""
    return wechat.subscribe_data(
        {"character_string1": letter.receipt_number, "thing2": letter.status_text, "thing3": NEWS}
    )
