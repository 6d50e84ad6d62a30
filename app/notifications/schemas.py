"""What the notification end points take and answer."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.notifications.reasons import reason_text
from app.notifications.resending import MOST_AT_ONCE
from app.notifications.states import Channel, DeliveryState

_CURSOR = validate.Length(max=200)
_LIMIT = validate.Range(1, 100, error="每页 1 至 100 条")


class RememberConsentsBody(Schema):
    """The template ids that the person has just accepted, as ``wx.requestSubscribeMessage`` names them."""

    accepted = fields.List(
        fields.String(validate=validate.Length(1, 128)),
        required=True,
        validate=validate.Length(max=10, error="一次最多 10 个消息模板"),
    )


class SubscriptionView(Schema):
    """One template; ``remaining`` is the number of messages still allowed, empty without a session."""

    purpose = fields.String()
    template_id = fields.String()
    remaining = fields.Integer(allow_none=True)


class SubscriptionListView(Schema):
    """The templates to ask consent for."""

    items = fields.List(fields.Nested(SubscriptionView))


class ListNoticesQuery(Schema):
    """Filters of the own notices."""

    unread = fields.Boolean(load_default=False)
    cursor = fields.String(load_default=None, validate=_CURSOR)
    limit = fields.Integer(load_default=20, validate=_LIMIT)


class NoticeView(Schema):
    """One notice."""

    id = fields.UUID()
    title = fields.String()
    tip_id = fields.UUID(allow_none=True)
    case_id = fields.UUID(allow_none=True)
    reassignment_id = fields.UUID(allow_none=True)
    run_of = fields.String(allow_none=True)
    run_id = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    read_at = fields.AwareDateTime(format="iso", allow_none=True)


class NoticePage(Schema):
    """One page of notices, and how many are unread in all."""

    items = fields.List(fields.Nested(NoticeView))
    next_cursor = fields.String(allow_none=True)
    unread = fields.Integer()


class MarkedView(Schema):
    """How many notices were marked."""

    marked = fields.Integer()


class ListDeliveriesQuery(Schema):
    """Filters of the deliveries; days are Beijing's, both included."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(DeliveryState), error="未知的状态"))
    channel = fields.String(load_default=None, validate=validate.OneOf(list(Channel), error="未知的渠道"))
    since = fields.Date(load_default=None, data_key="from")
    until = fields.Date(load_default=None, data_key="to")
    cursor = fields.String(load_default=None, validate=_CURSOR)
    limit = fields.Integer(load_default=20, validate=_LIMIT)


class DeliveryView(Schema):
    """How far one message got; to whom it went is shown to nobody."""

    id = fields.UUID()
    tip_id = fields.UUID(allow_none=True)
    kind = fields.String()
    channel = fields.String()
    state = fields.String()
    attempts = fields.Integer()
    error = fields.String(allow_none=True)
    error_text = fields.Function(lambda one: reason_text(one.error))
    created_at = fields.AwareDateTime(format="iso")
    due_at = fields.AwareDateTime(format="iso", allow_none=True)
    sending_at = fields.AwareDateTime(format="iso", allow_none=True)
    finished_at = fields.AwareDateTime(format="iso", allow_none=True)


class DeliveryPage(Schema):
    """One page of deliveries."""

    items = fields.List(fields.Nested(DeliveryView))
    next_cursor = fields.String(allow_none=True)


class ResendDeliveriesBody(Schema):
    """The deliveries to put back into the queue."""

    ids = fields.List(
        fields.UUID(),
        required=True,
        validate=validate.Length(1, MOST_AT_ONCE, error=f"一次选择 1 至 {MOST_AT_ONCE} 条"),
    )


class ResentView(Schema):
    """How many were queued anew; of the others how many for which reason."""

    queued = fields.Integer()
    left = fields.Dict(keys=fields.String(), values=fields.Integer())


class ListNewsQuery(Schema):
    """A page of a reporter's news."""

    cursor = fields.String(load_default=None, validate=_CURSOR)
    limit = fields.Integer(load_default=20, validate=_LIMIT)


class NewsView(Schema):
    """One tip of the reporter has moved; what happened is read with its codes."""

    receipt_number = fields.String()
    text = fields.String()
    at = fields.AwareDateTime(format="iso")
    read_at = fields.AwareDateTime(format="iso", allow_none=True)


class NewsPage(Schema):
    """One page of news."""

    items = fields.List(fields.Nested(NewsView))
    next_cursor = fields.String(allow_none=True)
