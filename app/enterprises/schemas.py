"""What the search for enterprises takes and answers. Only what the public register itself shows."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.enterprises.names import LONGEST_NAME
from app.enterprises.states import RegistrationStatus
from app.geo.divisions import divisions


class SuggestEnterprisesQuery(Schema):
    """A part of a name (two characters at least), or the beginning of a credit code."""

    q = fields.String(required=True, validate=validate.Length(1, LONGEST_NAME, error="请输入 1 至 200 个字"))


class ListEnterprisesQuery(Schema):
    """A page of the register."""

    q = fields.String(load_default=None, validate=validate.Length(1, LONGEST_NAME, error="请输入 1 至 200 个字"))
    status = fields.String(
        load_default=None, validate=validate.OneOf([s.value for s in RegistrationStatus], error="未知的登记状态")
    )
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


class SuggestionView(Schema):
    """One enterprise for a form to offer; ``district`` is null where the address tells none."""

    name = fields.String()
    uscc = fields.String(allow_none=True)
    district = fields.String(attribute="division_code", allow_none=True)
    district_name = fields.Function(lambda row: divisions().full_name(row.division_code))


class SuggestionListView(Schema):
    """At most ten suggestions."""

    items = fields.List(fields.Nested(SuggestionView))
