"""The calls that carry a message out of the office, each answering with an :class:`Outcome`. No database here.

What leaves says that there is news, and nothing of the matter: others read locked screens and shared mail boxes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from flask import Flask, current_app
from redis.exceptions import RedisError

from app.foundation.config import Settings, SettingsRefused
from app.identity import wechat
from app.notifications import faults
from app.notifications.mail import Mailer
from app.notifications.sms import ADAPTERS, SmsGateway
from app.notifications.states import Channel, DeliveryState, Kind
from app.notifications.wording import NEWS

logger = logging.getLogger(__name__)

WHERE_TO_LOOK: Final = "请打开小程序查看"
CLOSING: Final = "\n\n本邮件由系统自动发出，请勿回复，也请勿转发。我们不会通过邮件或者短信索要查询码、验证码和钱款。\n"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one person, ready to go. ``reference`` is ours: it says nothing outside.

    ``subject`` and ``text`` are a mail's; what the other channels say lies with their operators.
    """

    channel: Channel
    kind: Kind
    reference: UUID
    address: str = field(repr=False)
    template_id: str | None = None
    receipt_number: str = ""
    subject: str = ""
    text: str = ""


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


def connect(app: Flask, settings: Settings) -> None:
    """Make the adapters that the settings describe; raise ``SettingsRefused`` for an adapter that there is not."""
    if settings.sms and settings.sms.adapter not in ADAPTERS:
        raise SettingsRefused([f"SMS_ADAPTER 应为 {'、'.join(ADAPTERS)} 之一"])
    app.extensions["shudi_mailer"] = Mailer(settings.mail) if settings.mail else None
    app.extensions["shudi_sms"] = ADAPTERS[settings.sms.adapter](settings.sms) if settings.sms else None


def send(letter: Letter) -> Outcome:
    """Send one letter by its channel. Never raises: what came of it must be recorded in any case."""
    try:
        _SENDERS[letter.channel](letter)
    except Exception as fault:  # noqa: BLE001  # see above
        return _outcome_of(fault)
    return Outcome(DeliveryState.SENT)


def _send_by_wechat(letter: Letter) -> None:
    client: wechat.WeChatClient = current_app.extensions["shudi_wechat"]
    client.send_subscribe_message(letter.address, letter.template_id or "", template_data(letter))


def _send_by_sms(letter: Letter) -> None:
    gateway: SmsGateway | None = current_app.extensions["shudi_sms"]
    settings: Settings = current_app.extensions["shudi_settings"]
    if gateway is None or settings.sms is None:
        raise faults.Refused("not_configured")
    template = settings.sms.template_progress if letter.kind is Kind.PROGRESS else settings.sms.template_officer
    gateway.send(letter.address, template, str(letter.reference))


def _send_by_mail(letter: Letter) -> None:
    mailer: Mailer | None = current_app.extensions["shudi_mailer"]
    if mailer is None:
        raise faults.Refused("not_configured")
    mailer.send(letter.address, letter.subject, letter.text + CLOSING, str(letter.reference))


_SENDERS: Final[Mapping[Channel, Callable[[Letter], None]]] = {
    Channel.WECHAT: _send_by_wechat,
    Channel.SMS: _send_by_sms,
    Channel.EMAIL: _send_by_mail,
}


def _outcome_of(fault: Exception) -> Outcome:
    if isinstance(fault, wechat.WeChatError):
        return _outcome_of_wechat(fault)
    if isinstance(fault, faults.ChannelFault):
        return Outcome(_STATES[type(fault)], fault.code)
    if isinstance(fault, RedisError):  # WeChat's shared access token lives there; without a token nothing leaves
        return Outcome(DeliveryState.QUEUED, "no_token_store")
    if isinstance(fault, wechat.UnfitValue):
        return Outcome(DeliveryState.FAILED, "unfit_value")
    logger.warning("sending broke off", extra={"fields": {"fault": type(fault).__name__}})
    return Outcome(DeliveryState.UNKNOWN, type(fault).__name__)  # nobody knows how far it got


_STATES: Final[Mapping[type[faults.ChannelFault], DeliveryState]] = {
    faults.NotSent: DeliveryState.QUEUED,
    faults.Refused: DeliveryState.FAILED,
    faults.NoAnswer: DeliveryState.UNKNOWN,
}


def _outcome_of_wechat(fault: wechat.WeChatError) -> Outcome:
    if isinstance(fault, wechat.WeChatUnknown):
        return Outcome(DeliveryState.UNKNOWN, "no_answer")
    code = str(fault.errcode) if fault.errcode is not None else "not_reached"
    state = DeliveryState.QUEUED if fault.retryable else DeliveryState.FAILED
    return Outcome(state, code, consent_withdrawn=isinstance(fault, wechat.WeChatNoConsent))


def template_data(letter: Letter) -> Mapping[str, Mapping[str, str]]:
    """The values of the progress template: which of the person's tips, that there is news, where to read it."""
    return wechat.subscribe_data({"character_string1": letter.receipt_number, "thing2": WHERE_TO_LOOK, "thing3": NEWS})
