"""What the audit end point takes and answers."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class ListAuditEventsQuery(Schema):
    """Filters of the audit log."""

    action = fields.String(load_default=None, validate=validate.Length(max=100))
    succeeded = fields.Boolean(load_default=None)
    object_id = fields.String(load_default=None, validate=validate.Length(max=100))
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, 2**62, error="翻页标记无效"))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200, error="每页 1 至 200 条"))


class AuditEventView(Schema):
    """One audit row; ``seq`` is empty until the row is sealed."""

    id = fields.Integer()
    seq = fields.Integer(allow_none=True)
    at = fields.AwareDateTime(format="iso")
    actor_kind = fields.String()
    actor_name = fields.String()
    actor_role = fields.String()
    action = fields.String()
    object_type = fields.String()
    object_id = fields.String()
    succeeded = fields.Boolean()
    details = fields.Dict()


class AuditEventPage(Schema):
    """One page."""

    items = fields.List(fields.Nested(AuditEventView))
    next_cursor = fields.Integer(allow_none=True)
