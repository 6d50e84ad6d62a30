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

logger = logging.getLogger(__name__)

NEWS: Final = "您的举报有新进展"
"""All that a message says of the matter: whoever looks over the person's shoulder learns nothing."""
WHERE_TO_LOOK: Final = "请打开小程序查看"
_WORDS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.PROGRESS: (NEWS, f"{NEWS}，请凭受理编号和查询码在举报网页或者小程序中查看。"),
    Kind.DIGEST: ("今日待办提醒", "您今日有临近期限或者已超期的事项，请登录属地系统查看站内消息。"),
    Kind.SUPERVISION: ("督办提醒", "您有督办或者超期事项，请登录属地系统查看站内消息并尽快办理。"),
    Kind.URGENT: ("紧急事项提醒", "您有紧急事项，请立即登录属地系统查看站内消息。"),
}
"""Subject and text of a mail. The receipt number is left out: beside a query code it would open the tip."""
_CLOSING: Final = "\n\n本邮件由系统自动发出，请勿回复，也请勿转发。我们不会通过邮件或者短信索要查询码、验证码和钱款。\n"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one person, ready to go. ``reference`` is ours: it says nothing outside."""

    channel: Channel
    kind: Kind
    reference: UUID
    address: str = field(repr=False)
    template_id: str | None = None
    receipt_number: str = ""


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
    subject, text = _WORDS[letter.kind]
    mailer.send(letter.address, subject, text + _CLOSING, str(letter.reference))


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
