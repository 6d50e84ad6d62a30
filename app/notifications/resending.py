"""A person puts what failed, or what nobody knows the fate of, back into the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Forbidden, OutOfScope
from app.foundation.permissions import Actor, Permission
from app.notifications import consents, delivering, ladder, policy
from app.notifications.models import Delivery
from app.notifications.states import RESENDABLE, Channel, DeliveryState
from app.outbox import service as outbox

MOST_AT_ONCE: Final = 100


@dataclass
class Resent:
    """How many were put back into the queue; of the others how many for which reason (Chinese)."""

    queued: int = 0
    left: Counter[str] = field(default_factory=Counter)


def resend(actor: Actor, delivery_ids: Sequence[UUID]) -> Resent:
    """Queue deliveries anew, each audited. One that cannot be is left as it is, with the reason.

    Raises:
        Forbidden: not this person's. OutOfScope: one that is not within sight; then none is queued.
    """
    if not actor.may(Permission.DELIVERY_RESEND):
        raise Forbidden("您无权重发消息")
    result = Resent()
    for delivery_id in sorted(set(delivery_ids)):
        if db.session.scalar(policy.visible_deliveries(actor).where(Delivery.id == delivery_id)) is None:
            raise OutOfScope("未找到该发送记录", extra={"audit_object": ("delivery", str(delivery_id))})
        delivery = delivering.locked(delivery_id)
        if reason := _why_not(delivery):
            result.left[reason] += 1
            continue
        _queue(actor, delivery)
        result.queued += 1
    return result


def _why_not(delivery: Delivery) -> str:
    """Why a delivery is not queued anew; empty where nothing stands against it. Spends the consent of a WeChat one."""
    if DeliveryState(delivery.state) not in RESENDABLE:
        return "只有发送失败或者结果不明的可以重发"
    if delivery.person_index is None and delivery.account_id is None:
        return "收件人的联系方式已清除"
    if ladder.told_otherwise(delivery):
        return "已改由其他渠道发送"
    if delivery.channel == Channel.WECHAT and not _has_consent(delivery):
        return "举报人没有剩余的微信订阅授权"
    return ""


def _has_consent(delivery: Delivery) -> bool:
    index, template = delivery.openid_index, delivery.template_id
    return index is not None and template is not None and consents.use_consent(index, template)


def _queue(actor: Actor, delivery: Delivery) -> None:
    before = delivery.state
    delivering.move(delivery, DeliveryState.QUEUED)
    delivery.attempts_before, delivery.due_at = delivery.attempts, clock.now()
    delivery.error = delivery.finished_at = delivery.sending_at = None
    db.session.flush()
    outbox.leave(ladder.SEND_DELIVERY, delivery_id=str(delivery.id))
    audit.record(actor, "notifications.resend", "delivery", delivery.id, channel=delivery.channel, before=before)
